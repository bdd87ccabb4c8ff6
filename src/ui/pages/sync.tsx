import type { ReactNode } from 'react'
import { useAnswer, usePages } from '../api/queries.ts'
import type { Items, RequestProgress, Run, Schedule, SyncDetail } from '../api/types.ts'
import { Counts } from '../parts/counts.tsx'
import { List, Loading } from '../parts/list.tsx'
import { State } from '../parts/mark.tsx'
import { Ago, At } from '../parts/moment.tsx'
import { Facts, Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { StoredErrorView } from '../parts/stored-error.tsx'
import { Trouble } from '../parts/trouble.tsx'
import { Link } from '../routing/link.tsx'
import { usePlace } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { RunTable } from './run-table.tsx'
import { SyncActions } from './sync-actions.tsx'

export function SyncPage(): ReactNode {
  const { query } = usePlace()
  const name = query.get('name') ?? ''
  const request = query.get('request')
  const path = `/syncs/${encodeURIComponent(name)}`
  const answer = useAnswer<SyncDetail>(path)
  // The progress of any request tells how much waits; without one, of none in particular.
  const progress = useAnswer<RequestProgress>(`${path}/requests/${encodeURIComponent(request ?? 'none')}`)
  const sync = answer.data?.sync
  return (
    <Page title={`Sync ${name}`} aside={sync && <SyncActions sync={sync} />}>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!answer.data && answer.isPending && <Loading />}
      {request !== null && progress.data && <Progress progress={progress.data} />}
      {answer.data && <Overview detail={answer.data} remaining={progress.data?.remaining ?? null} />}
      {answer.data && <Runs name={name} />}
      {answer.data?.definition && (
        <Panel title="Mapping file" aside={<Link href={to.playground({ sync: name })}>Open in playground</Link>}>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1). */}
          <section className="json-scroll" aria-label="Mapping file, text" tabIndex={0}>
            <pre>
              <Plain>{answer.data.definition.source}</Plain>
            </pre>
          </section>
        </Panel>
      )}
    </Page>
  )
}

function Overview({
  detail: { sync, definition },
  remaining,
}: {
  detail: SyncDetail
  remaining: number | null
}): ReactNode {
  const schedules = useAnswer<Items<Schedule>>('/schedules', 15_000)
  const timetable = schedules.data?.items.filter((schedule) => schedule.sync === sync.name) ?? []
  return (
    <Panel title="State">
      {sync.lastError && <StoredErrorView error={sync.lastError} />}
      <Facts
        items={[
          ['State', <State key="s" state={sync.state} />],
          ...(sync.stateReason ? [['Reason', <Plain key="r">{sync.stateReason}</Plain>] as [string, ReactNode]] : []),
          ['From', <Plain key="f">{sync.from}</Plain>],
          ['To', <Plain key="t">{sync.to}</Plain>],
          ['Last success', <Ago key="l" at={sync.lastSuccessAt} />],
          [
            'Backlog',
            remaining === null ? '–' : `${remaining.toLocaleString()}${remaining >= 20_000 ? '+' : ''} waiting`,
          ],
          ['Deliveries', <Deliveries key="d" counts={sync.deliveries} />],
          [
            'Dead letters',
            <Link key="dl" href={to.deadLetters({ sync: sync.name })}>
              {sync.openDeadLetters.toLocaleString()} open
            </Link>,
          ],
          ...(definition
            ? ([
                ['File', <code key="file">{definition.file}</code>],
                ['Mode', `${definition.mode}, deletes: ${definition.deletes}, lanes: ${definition.lanes}`],
              ] as [string, ReactNode][])
            : []),
          ...timetable.map(
            (schedule) =>
              [
                schedule.full ? 'Full timetable' : 'Timetable',
                <span key={schedule.schedule}>
                  <code>{schedule.expression}</code> {schedule.zone}{' '}
                  {schedule.next.slice(0, 3).map((slot) => (
                    <span key={slot} className="slot">
                      <At at={slot} />
                    </span>
                  ))}
                </span>,
              ] as [string, ReactNode],
          ),
        ]}
      />
    </Panel>
  )
}

function Deliveries({ counts }: { counts: Record<string, number> }): ReactNode {
  const entries = Object.entries(counts)
  if (!entries.length) return <span className="dim">none yet</span>
  return (
    <span className="marks">
      {entries.map(([state, count]) => (
        <span key={state}>
          <State state={state} /> {count.toLocaleString()}
        </span>
      ))}
    </span>
  )
}

function Progress({ progress }: { progress: RequestProgress }): ReactNode {
  return (
    <Panel title="The run you asked for">
      <div role="status" aria-live="polite">
        <Facts
          items={[
            ['State', <State key="s" state={progress.outcome ?? progress.state} />],
            ...(progress.blocked
              ? [['Held up', <Plain key="b">{progress.blocked}</Plain>] as [string, ReactNode]]
              : []),
            ['Left', `${progress.remaining.toLocaleString()} records`],
            ...(['pull', 'push', 'inbox'] as const).flatMap((kind): [string, ReactNode][] => {
              const counts = (JSON.parse(progress.counts.text) as Record<string, object>)[kind]
              return counts ? [[kind, <Counts key={kind} counts={{ text: JSON.stringify(counts) }} />]] : []
            }),
            [
              'Runs',
              <Link key="r" href={to.runs({ requestId: progress.requestId })}>
                those it started
              </Link>,
            ],
          ]}
        />
      </div>
      {progress.error && <StoredErrorView error={progress.error} />}
    </Panel>
  )
}

function Runs({ name }: { name: string }): ReactNode {
  const runs = usePages<Run>('/runs', { sync: name })
  return (
    <Panel title="Last runs" aside={<Link href={to.runs({ sync: name })}>All runs</Link>}>
      <List source={runs} count={runs.rows?.length} never={<p>It has not run yet.</p>}>
        <RunTable rows={(runs.rows ?? []).slice(0, 8)} label="Last runs" />
      </List>
    </Panel>
  )
}
