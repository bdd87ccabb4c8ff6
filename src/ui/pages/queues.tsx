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
import { WORKERS_MS } from './home/home.tsx'
import { stuckQueues } from './home/verdict.ts'

const KINDS: Record<Queue['kind'], string> = {
  pull: 'reads changes from the system',
  push: 'writes changes into the system',
  inbox: 'works on webhooks received',
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
    <Page title="Queues">
      <Panel title="By connection">
        <Filters clear={clearAny}>
          <FilterText label="Connection" value={values.connection} onChange={(connection) => set({ connection })} />
        </Filters>
        <List
          source={queues}
          count={rows?.length}
          clear={clearAny}
          never={<p>No queue yet. Each connection that is read or written gets its own.</p>}
        >
          <Table
            label="Queues"
            rows={rows ?? []}
            keyOf={(queue) => `${queue.connection} ${queue.kind}`}
            columns={[
              {
                head: 'Connection',
                className: 'main-cell',
                cell: (queue) => (
                  <Link href={to.connection(queue.connection)}>
                    <Plain>{queue.connection}</Plain>
                  </Link>
                ),
              },
              { head: 'Kind', cell: (queue) => <span title={KINDS[queue.kind]}>{queue.kind}</span> },
              { head: 'State', cell: (queue) => <QueueState queue={queue} stuck={stuck.has(queue)} /> },
              {
                head: 'Waiting',
                numeric: true,
                cell: (queue) => `${queue.waiting.toLocaleString()}${queue.waitingCapped ? '+' : ''}`,
              },
              {
                head: 'Oldest',
                numeric: true,
                cell: ({ oldestAgeSeconds: age }) => (age === null ? '–' : spanInWords(age * 1_000)),
              },
              { head: 'Active', numeric: true, cell: (queue) => queue.active },
              {
                head: 'Later',
                numeric: true,
                cell: (queue) => (
                  <span title="Waits for its time: later pulls and retries">{queue.delayed.toLocaleString()}</span>
                ),
              },
              {
                head: 'Throttle',
                numeric: true,
                cell: ({ throttlePerSecond: rate }) => (rate === null ? '–' : `${rate}/s`),
              },
            ]}
          />
        </List>
      </Panel>
      <Workers source={workers} rows={workers.data?.items} />
    </Page>
  )
}

function QueueState({ queue, stuck }: { queue: Queue; stuck: boolean }): ReactNode {
  if (queue.paused)
    return (
      <Mark tone="idle">
        paused
        {queue.pauseReason && queue.pauseReason !== 'paused' && (
          <>
            : <Plain>{queue.pauseReason}</Plain>
          </>
        )}
      </Mark>
    )
  if (queue.waitUntil !== null)
    return (
      <>
        <Mark tone="wait">
          waits <Countdown until={queue.waitUntil} />
        </Mark>
        {queue.waitReason && (
          <p className="dim">
            <Plain>{queue.waitReason}</Plain>
          </p>
        )}
      </>
    )
  if (stuck) return <Mark tone="bad">nobody works</Mark>
  if (queue.active > 0) return <Mark tone="busy">working</Mark>
  if (queue.waiting > 0) return <Mark tone="wait">waiting</Mark>
  return queue.delayed > 0 ? <Mark tone="wait">for later</Mark> : <Mark tone="ok">empty</Mark>
}

type WorkersProps = { source: Parameters<typeof List>[0]['source']; rows: Worker[] | undefined }

/** Processes that take work. */
const Workers = ({ source, rows }: WorkersProps): ReactNode => (
  <Panel title="Workers">
    <List
      source={source}
      count={rows?.length}
      never={<p>No worker has told of itself. Each does every few seconds.</p>}
    >
      <Table
        label="Workers"
        rows={rows ?? []}
        keyOf={({ host, process, startedAt }) => `${host} ${process} ${startedAt}`}
        columns={[
          { head: 'Host', className: 'main-cell', cell: ({ host }) => <Plain>{host}</Plain> },
          { head: 'Process', cell: ({ process }) => <code>{process}</code> },
          {
            head: 'State',
            cell: ({ alive, leftAt }) =>
              alive ? (
                <Mark tone="ok">works</Mark>
              ) : leftAt ? (
                <Mark tone="idle">stopped</Mark>
              ) : (
                <Mark tone="bad">silent</Mark>
              ),
          },
          { head: 'Last seen', cell: ({ seenAt }) => <Ago at={seenAt} /> },
          { head: 'Started', cell: ({ startedAt }) => <Ago at={startedAt} /> },
        ]}
      />
    </List>
  </Panel>
)
