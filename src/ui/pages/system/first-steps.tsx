import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { Connection, Page, Run, Sync } from '../../api/types.ts'
import { Mark } from '../../parts/mark.tsx'
import { Panel } from '../../parts/page.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'

/** Ticks itself: each step looks at what the hub holds, so that nobody has to say that they did it. */
export function FirstSteps(): ReactNode {
  const connections = useAnswer<Page<Connection>>('/connections?limit=500', 15_000)
  const syncs = useAnswer<Page<Sync>>('/syncs?limit=500', 15_000)
  const pulls = useAnswer<Page<Run>>('/runs?kind=pull&outcome=success&limit=1', 15_000)
  const all = connections.data && syncs.data && pulls.data
  if (!all) return null
  const waiting = connections.data.items.filter(({ state }) => state === 'needs_authorisation')
  const steps: [done: boolean, name: string, how: ReactNode][] = [
    [
      connections.data.items.length > 0,
      'A system is connected',
      <>
        An item of <code>connections</code> in <code>causeway.yaml</code>;{' '}
        <Link href={to.connectors}>what can be connected</Link>.
      </>,
    ],
    [
      connections.data.items.length > 0 && waiting.length === 0,
      'Every connection is allowed',
      waiting.length > 0 ? (
        <>
          Authorise <Link href={to.connection(waiting[0]!.name)}>{waiting[0]!.name}</Link>.
        </>
      ) : (
        <>
          A probe on the page of a <Link href={to.connections}>connection</Link> tells.
        </>
      ),
    ],
    [
      syncs.data.items.length > 0,
      'A sync is defined',
      <>
        A file in <code>mappings/</code>; <code>causeway create mapping</code> makes one.
      </>,
    ],
    [
      pulls.data.items.length > 0,
      'A source was read',
      <>
        Run a <Link href={to.syncs}>sync</Link>, or wait for its timetable.
      </>,
    ],
    [
      syncs.data.items.some(({ lastSuccessAt }) => lastSuccessAt !== null),
      'A record has arrived',
      <>
        What keeps it stands under <Link href={to.home}>Home</Link>.
      </>,
    ],
  ]
  const done = steps.filter(([ok]) => ok).length
  if (done === steps.length) return null
  return (
    <Panel title={`First steps: ${done} of ${steps.length}`}>
      <ol className="steps" aria-label="First steps">
        {steps.map(([ok, name, how]) => (
          <li key={name}>
            <Mark tone={ok ? 'ok' : 'wait'}>{name}</Mark>
            {!ok && <p className="dim">{how}</p>}
          </li>
        ))}
      </ol>
    </Panel>
  )
}
