import { Button, Skeleton } from '@mantine/core'
import { type ReactNode, useEffect, useState } from 'react'
import { rich, t } from '../texts/index.ts'
import { clockTime } from './clock.ts'
import { Icon } from './mark.tsx'
import { Trouble } from './trouble.tsx'

/** The part of a query that a list needs to say how it stands. */
type Source = { error: Error | null; isPending: boolean; dataUpdatedAt: number; refetch: () => unknown }

type Props = {
  source: Source
  count: number | undefined
  /** What stands there when there has never been any: what will appear, and what makes it appear. */
  never: ReactNode
  /** Set when a filter is on; clears it. */
  clear?: (() => void) | undefined
  children: ReactNode
}

/** The four states of a list: never any, none that match, loading, failed. Otherwise its rows. */
export function List({ source, count, never, clear, children }: Props): ReactNode {
  const retry = (): void => void source.refetch()
  if (count === undefined) return source.error ? <Trouble error={source.error} retry={retry} /> : <Loading />
  return (
    <>
      {source.error && <Stale source={source} retry={retry} />}
      {count > 0 ? children : <Nothing never={never} clear={clear} />}
    </>
  )
}

function Nothing({ never, clear }: { never: ReactNode; clear?: (() => void) | undefined }): ReactNode {
  if (!clear) return <div className="nothing">{never}</div>
  return (
    <div className="nothing">
      <p>{t('parts.nothingMatchesTheFilter')}</p>
      <Button size="xs" variant="default" onClick={clear}>
        {t('parts.clearTheFilter')}
      </Button>
    </div>
  )
}

const PATIENCE_MS = 300

/** Grey bars, but only for those who had to wait: a flash of them would be noise. */
export function Loading(): ReactNode {
  const [shown, setShown] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), PATIENCE_MS)
    return () => clearTimeout(timer)
  }, [])
  if (!shown) return null
  return (
    <div role="status" className="loading">
      <span className="visually-hidden">{t('parts.loading')}</span>
      {[90, 75, 82, 60].map((width) => (
        <Skeleton key={width} height={14} width={`${width}%`} radius="sm" />
      ))}
    </div>
  )
}

/** Rows of before stay on the screen, but nobody may take them for the present. */
function Stale({ source, retry }: { source: Source; retry: () => void }): ReactNode {
  return (
    <details className="stale">
      <summary>
        {rich('parts.notUpdatedSince', {
          icon: <Icon tone="warn" />,
          value: clockTime(new Date(source.dataUpdatedAt)),
        })}
      </summary>
      {source.error && <Trouble error={source.error} retry={retry} />}
    </details>
  )
}
