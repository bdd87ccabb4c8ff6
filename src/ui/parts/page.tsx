import { type ReactNode, useEffect, useRef } from 'react'

/** A page: its name in the tab and as the heading, which gets the focus, so that screen readers hear where they are. */
export function Page({ title, aside, children }: { title: string; aside?: ReactNode; children: ReactNode }): ReactNode {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Causeway`
  }, [title])
  // Only on arrival: a title that gets a number later must not pull the focus away from where the user is.
  useEffect(() => {
    const busy = document.activeElement instanceof HTMLInputElement
    if (!busy) heading.current?.focus({ preventScroll: true })
  }, [])
  return (
    <>
      <div className="page-head">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {aside && <div className="page-aside">{aside}</div>}
      </div>
      {children}
    </>
  )
}

export function Panel({
  title,
  aside,
  children,
}: {
  title: string
  aside?: ReactNode
  children: ReactNode
}): ReactNode {
  return (
    <div className="panel">
      <div className="panel-head">
        <h2>{title}</h2>
        {aside}
      </div>
      {children}
    </div>
  )
}

/** Names and values of one thing. */
export function Facts({ items }: { items: [string, ReactNode][] }): ReactNode {
  return (
    <dl className="facts">
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
