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
import { number, t, word } from '../texts/index.ts'
import { LastDay } from './last-day.tsx'
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
    <Page title={t('sync.sync', { name })} aside={sync && <SyncActions sync={sync} />}>
      {answer.error && <Trouble error={answer.error} retry={() => void answer.refetch()} />}
      {!answer.data && answer.isPending && <Loading />}
      {request !== null && progress.data && <Progress progress={progress.data} />}
      {answer.data && <Overview detail={answer.data} remaining={progress.data?.remaining ?? null} />}
      {answer.data && <LastDay path={path} />}
      {answer.data && <Runs name={name} />}
      {answer.data?.definition && (
        <Panel
          title={t('sync.mappingFile')}
          aside={<Link href={to.playground({ sync: name })}>{t('sync.openInPlayground')}</Link>}
        >
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard (WCAG 2.1.1). */}
          <section className="json-scroll" aria-label={t('sync.mappingFileText')} tabIndex={0}>
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
    <Panel title={t('sync.state')}>
      {sync.lastError && <StoredErrorView error={sync.lastError} />}
      <Facts
        items={[
          [t('sync.state'), <State key="s" state={sync.state} />],
          ...(sync.stateReason
            ? [[t('sync.reason'), <Plain key="r">{sync.stateReason}</Plain>] as [string, ReactNode]]
            : []),
          [t('sync.from'), <Plain key="f">{sync.from}</Plain>],
          [t('sync.to'), <Plain key="t">{sync.to}</Plain>],
          [t('sync.lastSuccess'), <Ago key="l" at={sync.lastSuccessAt} />],
          [
            t('sync.backlog'),
            remaining === null ? '–' : t('sync.waiting', { remaining, value: remaining >= 20_000 ? '+' : '' }),
          ],
          [t('sync.deliveries'), <Deliveries key="d" counts={sync.deliveries} estimated={sync.deliveriesEstimated} />],
          [
            t('sync.deadLetters'),
            <Link key="dl" href={to.deadLetters({ sync: sync.name })}>
              {t('sync.open', { openDeadLetters: sync.openDeadLetters })}
            </Link>,
          ],
          ...(definition
            ? ([
                [t('sync.file'), <code key="file">{definition.file}</code>],
                [
                  t('sync.mode'),
                  t('sync.deletesLanes', {
                    mode: word('words', definition.mode),
                    deletes: word('words', definition.deletes),
                    lanes: definition.lanes,
                  }),
                ],
              ] as [string, ReactNode][])
            : []),
          ...timetable.map(
            (schedule) =>
              [
                schedule.full ? t('sync.fullTimetable') : t('sync.timetable'),
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

function Deliveries({ counts, estimated }: { counts: Record<string, number>; estimated: boolean }): ReactNode {
  const entries = Object.entries(counts)
  if (!entries.length) return <span className="dim">{t('sync.noneYet')}</span>
  return (
    <span className="marks">
      {entries.map(([state, count]) => (
        <span key={state}>
          <State state={state} /> {estimated ? t('sync.about', { count }) : number(count)}
        </span>
      ))}
    </span>
  )
}

function Progress({ progress }: { progress: RequestProgress }): ReactNode {
  return (
    <Panel title={t('sync.theRunYouAskedFor')}>
      <div role="status" aria-live="polite">
        <Facts
          items={[
            [t('sync.state'), <State key="s" state={progress.outcome ?? progress.state} />],
            ...(progress.blocked
              ? [[t('sync.heldUp'), <Plain key="b">{progress.blocked}</Plain>] as [string, ReactNode]]
              : []),
            [t('sync.left'), t('sync.records', { remaining: progress.remaining })],
            ...(['pull', 'push', 'inbox'] as const).flatMap((kind): [string, ReactNode][] => {
              const counts = (JSON.parse(progress.counts.text) as Record<string, object>)[kind]
              return counts
                ? [[word('words', kind), <Counts key={kind} counts={{ text: JSON.stringify(counts) }} />]]
                : []
            }),
            [
              t('sync.runs'),
              <Link key="r" href={to.runs({ requestId: progress.requestId })}>
                {t('sync.thoseItStarted')}
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
    <Panel title={t('sync.lastRuns')} aside={<Link href={to.runs({ sync: name })}>{t('sync.allRuns')}</Link>}>
      <List source={runs} count={runs.rows?.length} never={<p>{t('sync.itHasNotRunYet')}</p>}>
        <RunTable rows={(runs.rows ?? []).slice(0, 8)} label={t('sync.lastRuns')} />
      </List>
    </Panel>
  )
}
