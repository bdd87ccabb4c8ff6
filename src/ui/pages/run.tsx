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
import { DriftPanel } from './drift.tsx'
import { HoldPanel } from './hold.tsx'

export function RunPage(): ReactNode {
  const id = usePlace().query.get('id') ?? ''
  const answer = useAnswer<Run>(`/runs/${encodeURIComponent(id)}`)
  return (
    <Page title={`Run ${id}`}>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {answer.data ? <Details run={answer.data} /> : answer.isPending && <Loading />}
    </Page>
  )
}

function Details({ run }: { run: Run }): ReactNode {
  return (
    <>
      {run.error && (
        <Panel title="Error">
          <StoredErrorView error={run.error} />
        </Panel>
      )}
      {run.outcome === 'held' && <HoldPanel runId={run.id} />}
      {run.kind === 'pull' && <DriftPanel runId={run.id} />}
      <Panel title="What it did">
        <CountFacts run={run} />
      </Panel>
      <Panel title="About the run">
        <Facts
          items={[
            ['Outcome', <State key="o" state={run.outcome} />],
            ['Kind', run.mode ? `${run.kind}, ${run.mode}` : run.kind],
            ['Started', <At key="st" at={run.startedAt} />],
            [
              run.finishedAt === null ? 'Running for' : 'Took',
              <Took key="t" from={run.startedAt} until={run.finishedAt} />,
            ],
            ...(run.finishedAt === null
              ? [['Last sign of life', <Ago key="h" at={run.heartbeatAt} />] as [string, ReactNode]]
              : []),
            ...(run.sync
              ? [
                  [
                    'Sync',
                    <Link key="s" href={to.sync(run.sync)}>
                      <Plain>{run.sync}</Plain>
                    </Link>,
                  ] as [string, ReactNode],
                ]
              : []),
            ...(run.stream ? [['Stream', <Plain key="str">{run.stream}</Plain>] as [string, ReactNode]] : []),
            ['Trigger', run.trigger],
            ...(run.requestId
              ? [
                  [
                    'Request',
                    <Link key="r" href={to.runs({ requestId: run.requestId })}>
                      all runs of this request
                    </Link>,
                  ] as [string, ReactNode],
                ]
              : []),
            ...(run.lane === null ? [] : [['Lane', String(run.lane)] as [string, ReactNode]]),
            ...(run.mappingVersion
              ? [['Mapping', <code key="m">{run.mappingVersion}</code>] as [string, ReactNode]]
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
  if (!counts.length) return <p className="nothing">It counted nothing.</p>
  return (
    <ul className="numbers">
      {counts.map(([name, value]) => (
        <li key={name}>
          <b>{value.toLocaleString()}</b> {name.replaceAll('_', ' ')}
        </li>
      ))}
    </ul>
  )
}
