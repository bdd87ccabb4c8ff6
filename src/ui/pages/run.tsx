import type { ReactNode } from 'react'
import { useAnswer } from '../api/queries.ts'
import type { Run } from '../api/types.ts'
import { inOrder } from '../parts/counts.tsx'
import { Loading } from '../parts/list.tsx'
import { State } from '../parts/mark.tsx'
import { Ago, At, Took } from '../parts/moment.tsx'
import { Facts, Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { StoredErrorView } from '../parts/stored-error.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { Link } from '../routing/link.tsx'
import { usePlace } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { number, t, word } from '../texts/index.ts'
import { DriftPanel } from './drift.tsx'
import { HoldPanel } from './hold.tsx'
import { RunTimes } from './run-times.tsx'

export function RunPage(): ReactNode {
  const id = usePlace().query.get('id') ?? ''
  const answer = useAnswer<Run>(`/runs/${encodeURIComponent(id)}`)
  return (
    <Page title={t('run.run', { id })}>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {answer.data ? <Details run={answer.data} /> : answer.isPending && <Loading />}
    </Page>
  )
}

function Details({ run }: { run: Run }): ReactNode {
  return (
    <>
      {run.error && (
        <Panel title={t('run.error')}>
          <StoredErrorView error={run.error} />
        </Panel>
      )}
      {run.outcome === 'held' && <HoldPanel runId={run.id} />}
      {run.kind === 'pull' && <DriftPanel runId={run.id} />}
      <Panel title={t('run.whatItDid')}>
        <CountFacts run={run} />
      </Panel>
      <Panel title={t('run.whereTheTimeWent')}>
        <RunTimes times={run.times} />
      </Panel>
      <Panel title={t('run.aboutTheRun')}>
        <Facts
          items={[
            [t('run.outcome'), <State key="o" state={run.outcome} />],
            [t('run.kind'), [run.kind, ...(run.mode ? [run.mode] : [])].map((each) => word('words', each)).join(', ')],
            [t('run.started'), <At key="st" at={run.startedAt} />],
            [
              run.finishedAt === null ? t('run.runningFor') : t('run.took'),
              <Took key="t" from={run.startedAt} until={run.finishedAt} />,
            ],
            ...(run.finishedAt === null
              ? [[t('run.lastSignOfLife'), <Ago key="h" at={run.heartbeatAt} />] as [string, ReactNode]]
              : []),
            ...(run.sync
              ? [
                  [
                    t('run.sync'),
                    <Link key="s" href={to.sync(run.sync)}>
                      <Plain>{run.sync}</Plain>
                    </Link>,
                  ] as [string, ReactNode],
                ]
              : []),
            ...(run.stream ? [[t('run.stream'), <Plain key="str">{run.stream}</Plain>] as [string, ReactNode]] : []),
            [t('run.trigger'), word('words', run.trigger)],
            ...(run.requestId
              ? [
                  [
                    t('run.request'),
                    <Link key="r" href={to.runs({ requestId: run.requestId })}>
                      {t('run.allRunsOfThisRequest')}
                    </Link>,
                  ] as [string, ReactNode],
                ]
              : []),
            ...(run.lane === null ? [] : [[t('run.lane'), String(run.lane)] as [string, ReactNode]]),
            ...(run.mappingVersion
              ? [[t('run.mapping'), <code key="m">{run.mappingVersion}</code>] as [string, ReactNode]]
              : []),
          ]}
        />
      </Panel>
    </>
  )
}

/** All counts, zeros too: that nothing was deleted is an answer. */
function CountFacts({ run }: { run: Run }): ReactNode {
  const counts = inOrder(run.counts)
  if (!counts.length) return <p className="nothing">{t('run.itCountedNothing')}</p>
  return (
    <ul className="numbers">
      {counts.map(([name, value]) => (
        <li key={name}>
          <b>{number(value)}</b> {word('words', name)}
        </li>
      ))}
    </ul>
  )
}
