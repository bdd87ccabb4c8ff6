import type { ReactNode } from 'react'
import { useAnswer } from '../../api/queries.ts'
import type { Connection, Page, Run, Sync } from '../../api/types.ts'
import { Mark } from '../../parts/mark.tsx'
import { Panel } from '../../parts/page.tsx'
import { Link } from '../../routing/link.tsx'
import { to } from '../../routing/to.ts'
import { rich, t } from '../../texts/index.ts'

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
      t('system.aSystemIsConnected'),
      rich('system.anItemOfInWhat', {
        code: <code>connections</code>,
        code2: <code>causeway.yaml</code>,
        link: (text) => <Link href={to.connectors}>{text}</Link>,
      }),
    ],
    [
      connections.data.items.length > 0 && waiting.length === 0,
      t('system.everyConnectionIsAllowed'),
      waiting.length > 0
        ? rich('system.authorise', { link: <Link href={to.connection(waiting[0]!.name)}>{waiting[0]!.name}</Link> })
        : rich('system.aProbeOnThePage', { link: (text) => <Link href={to.connections}>{text}</Link> }),
    ],
    [
      syncs.data.items.length > 0,
      t('system.aSyncIsDefined'),
      rich('system.aFileInMakesOne', {
        code: <code>mappings/</code>,
        code2: <code>causeway create mapping</code>,
      }),
    ],
    [
      pulls.data.items.length > 0,
      t('system.aSourceWasRead'),
      rich('system.runASyncOrWait', { link: (text) => <Link href={to.syncs}>{text}</Link> }),
    ],
    [
      syncs.data.items.some(({ lastSuccessAt }) => lastSuccessAt !== null),
      t('system.aRecordHasArrived'),
      rich('system.whatKeepsItStandsUnder', { link: (text) => <Link href={to.home}>{text}</Link> }),
    ],
  ]
  const done = steps.filter(([ok]) => ok).length
  if (done === steps.length) return null
  return (
    <Panel title={t('system.firstStepsOf', { done, count: steps.length })}>
      <ol className="steps" aria-label={t('system.firstSteps')}>
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
