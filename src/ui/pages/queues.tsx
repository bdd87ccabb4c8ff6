import type { ReactNode } from 'react'
import { useAnswer } from '../api/queries.ts'
import { withQuery } from '../api/request.ts'
import type { Items, Page as PageOf, Queue, Sync, Worker } from '../api/types.ts'
import { spanInWords } from '../parts/clock.ts'
import { Filters, FilterText } from '../parts/filters.tsx'
import { List } from '../parts/list.tsx'
import { Mark } from '../parts/mark.tsx'
import { Ago, Countdown } from '../parts/moment.tsx'
import { Page, Panel } from '../parts/page.tsx'
import { Plain } from '../parts/plain.tsx'
import { Table } from '../parts/table.tsx'
import { Link } from '../routing/link.tsx'
import { useFilters } from '../routing/place.ts'
import { to } from '../routing/to.ts'
import { number, rich, t, word } from '../texts/index.ts'
import { stuckQueues, WORKERS_MS } from './home/verdict.ts'
import { LastDay } from './last-day.tsx'

const KINDS: Record<Queue['kind'], string> = {
  pull: t('queues.readsChangesFromTheSystem'),
  push: t('queues.writesChangesIntoTheSystem'),
  inbox: t('queues.worksOnWebhooksReceived'),
}

/** Backlogs per connection and kind of work, as if each had a queue of its own. */
export function Queues(): ReactNode {
  const { values, any, set, clear } = useFilters(['connection'])
  const queues = useAnswer<Items<Queue>>(withQuery('/queues', values))
  const syncs = useAnswer<PageOf<Sync>>('/syncs?limit=500')
  const rows = queues.data?.items
  const workers = useAnswer<Items<Worker>>('/workers', WORKERS_MS)
  const working = workers.data?.items ?? []
  const stuck = new Set(stuckQueues({ queues: rows ?? [], syncs: syncs.data?.items ?? [], workers: working }))
  const clearAny = any ? clear : undefined
  return (
    <Page title={t('queues.queues')}>
      <p className="dim">
        {/* The tab that opens takes the token along, which is this tab's alone. */}
        {rich('queues.theJobsThemselves', {
          link: (text) => (
            <a href="/admin/queues" target="_blank" rel="noopener opener">
              {text}
            </a>
          ),
        })}
      </p>
      <Panel title={t('queues.byConnection')}>
        <Filters clear={clearAny}>
          <FilterText
            label={t('queues.connection')}
            value={values.connection}
            onChange={(connection) => set({ connection })}
          />
        </Filters>
        <List
          source={queues}
          count={rows?.length}
          clear={clearAny}
          never={<p>{t('queues.noQueueYetEachConnection')}</p>}
        >
          <Table
            label={t('queues.queues')}
            rows={rows ?? []}
            keyOf={(queue) => `${queue.connection} ${queue.kind}`}
            columns={[
              {
                head: t('queues.connection'),
                className: 'main-cell',
                cell: (queue) => (
                  <Link href={to.connection(queue.connection)}>
                    <Plain>{queue.connection}</Plain>
                  </Link>
                ),
              },
              {
                head: t('queues.kind'),
                cell: (queue) => <span title={KINDS[queue.kind]}>{word('words', queue.kind)}</span>,
              },
              { head: t('queues.state'), cell: (queue) => <QueueState queue={queue} stuck={stuck.has(queue)} /> },
              {
                head: t('queues.waiting'),
                numeric: true,
                cell: (queue) => `${number(queue.waiting)}${queue.waitingCapped ? '+' : ''}`,
              },
              {
                head: t('queues.oldest'),
                numeric: true,
                cell: ({ oldestAgeSeconds: age }) => (age === null ? '–' : spanInWords(age * 1_000)),
              },
              { head: t('queues.active'), numeric: true, cell: (queue) => queue.active },
              {
                head: t('queues.later'),
                numeric: true,
                cell: (queue) => <span title={t('queues.waitsForItsTimeLater')}>{number(queue.delayed)}</span>,
              },
              {
                head: t('queues.throttle'),
                numeric: true,
                cell: ({ throttlePerSecond: rate }) => (rate === null ? '–' : `${rate}/s`),
              },
            ]}
          />
        </List>
      </Panel>
      <Workers source={workers} rows={workers.data?.items} />
      <LastDay path="" of="queues" />
    </Page>
  )
}

function QueueState({ queue, stuck }: { queue: Queue; stuck: boolean }): ReactNode {
  if (queue.paused)
    return (
      <Mark tone="idle">
        {rich('queues.paused', {
          value: queue.pauseReason && queue.pauseReason !== 'paused' && (
            <>
              : <Plain>{queue.pauseReason}</Plain>
            </>
          ),
        })}
      </Mark>
    )
  if (queue.waitUntil !== null)
    return (
      <>
        <Mark tone="wait">{rich('queues.waits', { time: <Countdown until={queue.waitUntil} /> })}</Mark>
        {queue.waitReason && (
          <p className="dim">
            <Plain>{queue.waitReason}</Plain>
          </p>
        )}
      </>
    )
  if (stuck) return <Mark tone="bad">{t('queues.nobodyWorks')}</Mark>
  if (queue.active > 0) return <Mark tone="busy">{t('queues.working')}</Mark>
  if (queue.waiting > 0) return <Mark tone="wait">{t('queues.waiting2')}</Mark>
  return queue.delayed > 0 ? (
    <Mark tone="wait">{t('queues.forLater')}</Mark>
  ) : (
    <Mark tone="ok">{t('queues.empty')}</Mark>
  )
}

type WorkersProps = { source: Parameters<typeof List>[0]['source']; rows: Worker[] | undefined }

/** Processes that take work. */
const Workers = ({ source, rows }: WorkersProps): ReactNode => (
  <Panel title={t('queues.workers')}>
    <List source={source} count={rows?.length} never={<p>{t('queues.noWorkerHasToldOf')}</p>}>
      <Table
        label={t('queues.workers')}
        rows={rows ?? []}
        keyOf={({ host, process, startedAt }) => `${host} ${process} ${startedAt}`}
        columns={[
          { head: t('queues.host'), className: 'main-cell', cell: ({ host }) => <Plain>{host}</Plain> },
          { head: t('queues.process'), cell: ({ process }) => <code>{process}</code> },
          {
            head: t('queues.state'),
            cell: ({ alive, leftAt }) =>
              alive ? (
                <Mark tone="ok">{t('queues.works')}</Mark>
              ) : leftAt ? (
                <Mark tone="idle">{t('queues.stopped')}</Mark>
              ) : (
                <Mark tone="bad">{t('queues.silent')}</Mark>
              ),
          },
          { head: t('queues.lastSeen'), cell: ({ seenAt }) => <Ago at={seenAt} /> },
          { head: t('queues.started'), cell: ({ startedAt }) => <Ago at={startedAt} /> },
        ]}
      />
    </List>
  </Panel>
)
