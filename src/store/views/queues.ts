import { SLICES } from '../../core/index.ts'
import { type Database, rows } from './database.ts'

/** One queue per connection and kind of work, as people think of it. BullMQ has a few queues for all; these numbers are the ledger's. */
export type QueueView = {
  connection: string
  kind: 'pull' | 'push' | 'inbox'
  /** Could be worked on now: streams due, records behind plus deliveries due, or events. */
  waiting: number
  /** True when counting stopped at a cap; then there is at least this much. */
  waitingCapped: boolean
  /** Of `waiting`, what belongs to which sync; empty for other kinds than push. */
  bySync: Record<string, number>
  /** Waits for its time: later pulls, retries. */
  delayed: number
  /** Runs under way whose heartbeat is fresh. */
  active: number
  oldestWaitingAt: Date | null
  oldestAgeSeconds: number | null
  paused: boolean
  pauseReason: string | null
  /** Calls per second allowed to this connection; null = no limit of its own. */
  throttlePerSecond: number | null
  waitUntil: Date | null
  waitReason: string | null
}

type Counts = { connectionId: number; kind: QueueView['kind'] } & Pick<QueueView, 'waiting' | 'delayed'> & {
    oldest: Date | null
    sync?: string
    capped?: boolean
  }
type ConnectionRow = Pick<QueueView, 'throttlePerSecond' | 'waitUntil' | 'waitReason'> & {
  id: number
  name: string
  state: string
  reason: string | null
  isTarget: boolean
}

const CONNECTIONS = `
select c.id, c.name, c.state, c.state_reason as reason, c.max_per_second as "throttlePerSecond",
       case when c.wait_until > now() then c.wait_until end as "waitUntil",
       case when c.wait_until > now() then c.wait_reason end as "waitReason",
       exists (select from sync y join stream s on s.id = y.to_stream
                where s.connection_id = c.id and y.state <> 'removed') as "isTarget"
  from connection c where c.state <> 'removed' and ($1::text is null or c.name = $1) order by c.name`

// A pull that was asked for waits until somebody holds its lease.
const PULL = `
select s.connection_id as "connectionId", 'pull' as kind,
       count(*) filter (where wanted and coalesce(s.next_pull_at, now()) <= now())::int as waiting,
       count(*) filter (where wanted and s.next_pull_at > now())::int as delayed,
       min(coalesce(s.next_pull_at, s.pull_due_at)) filter (where wanted and coalesce(s.next_pull_at, s.pull_due_at) <= now()) as oldest
  from stream s
  left join lease l on l.name = 'pull:' || s.id and l.expires_at > now()
 cross join lateral (select (s.pull_mode is not null or s.pull_due_at <= now()) and l.name is null as wanted) w
 where s.pull_mode is not null or s.pull_due_at is not null or s.last_pull_at is not null
    or exists (select from sync y where y.from_stream = s.id and y.state <> 'removed')
 group by s.connection_id`

const INBOX = `
select connection_id as "connectionId", 'inbox' as kind,
       count(*) filter (where coalesce(next_attempt_at, received_at) <= now())::int as waiting,
       count(*) filter (where next_attempt_at > now())::int as delayed,
       min(received_at) filter (where coalesce(next_attempt_at, received_at) <= now()) as oldest
  from inbox where state = 'pending' group by connection_id`

const RETRIES = `
select s.connection_id as "connectionId", 'push' as kind, y.name as sync,
       count(*) filter (where d.next_attempt_at <= now())::int as waiting,
       count(*) filter (where d.next_attempt_at > now())::int as delayed,
       min(d.next_attempt_at) filter (where d.next_attempt_at <= now()) as oldest
  from delivery d join sync y on y.id = d.sync_id join stream s on s.id = y.to_stream
 where d.next_attempt_at is not null and y.state <> 'removed' group by s.connection_id, y.name`

/**
 * Records a sync has not come to yet. Each slice is read from its position through record_by_slice, so a sync that is up to
 * date costs 64 index probes; a far one is counted up to the cap only.
 */
const BEHIND = `
select s.connection_id as "connectionId", 'push' as kind, y.name as sync, b.waiting::int as waiting, 0 as delayed,
       b.oldest, b.waiting >= $1 as capped
  from sync y
  join stream s on s.id = y.to_stream
  cross join lateral (
    select count(*) as waiting, min(observed_at) as oldest from (
      select r.observed_at
        from generate_series(0, ${SLICES - 1}) g(slice)
        left join sync_position p on p.sync_id = y.id and p.stream_id = y.from_stream and p.slice = g.slice
        cross join lateral (
          select r.observed_at from record r
           where r.stream_id = y.from_stream and r.slice = g.slice and r.seq > coalesce(p.seq, 0)
           order by r.seq limit $1) r
       limit $1) w) b
 where y.state <> 'removed'`

// A run whose heartbeat stopped is dead or stopped; the sweep will close it, and here it must not look alive.
const ACTIVE = `
select s.connection_id as "connectionId", r.kind, count(*)::int as active
  from run r left join sync y on y.id = r.sync_id
  join stream s on s.id = coalesce(y.to_stream, r.stream_id)
 where r.outcome = 'running' and r.heartbeat_at > now() - interval '60 seconds' group by s.connection_id, r.kind`

/** All syncs together look at this many waiting records at most, whatever the number of syncs. */
const BEHIND_BUDGET = 200_000

/** Every connection's queues. A kind the connection has nothing to do with is left out. */
export async function listQueues(db: Database, filter: { connection?: string } = {}): Promise<QueueView[]> {
  const syncs = await rows<{ count: number }>(db, `select count(*)::int from sync where state <> 'removed'`)
  const cap = Math.max(100, Math.floor(BEHIND_BUDGET / Math.max(1, syncs[0]?.count ?? 1)))
  const [connections, pull, inbox, retries, behind, active] = await Promise.all([
    rows<ConnectionRow>(db, CONNECTIONS, [filter.connection ?? null]),
    rows<Counts>(db, PULL),
    rows<Counts>(db, INBOX),
    rows<Counts>(db, RETRIES),
    rows<Counts>(db, BEHIND, [cap]),
    rows<{ connectionId: number; kind: string; active: number }>(db, ACTIVE),
  ])
  const counts = Map.groupBy([...pull, ...inbox, ...retries, ...behind], (row) => `${row.connectionId} ${row.kind}`)
  const running = new Map(active.map((row) => [`${row.connectionId} ${row.kind}`, row.active]))
  const now = Date.now()
  return connections.flatMap((connection) =>
    (['pull', 'push', 'inbox'] as const)
      .filter((kind) => counts.has(`${connection.id} ${kind}`) || (kind === 'push' && connection.isTarget))
      .map((kind) => {
        const key = `${connection.id} ${kind}`
        return queueOf(connection, kind, counts.get(key) ?? [], running.get(key) ?? 0, now)
      }),
  )
}

function queueOf(
  connection: ConnectionRow,
  kind: QueueView['kind'],
  counts: Counts[],
  active: number,
  now: number,
): QueueView {
  const times = counts.flatMap(({ oldest }) => (oldest ? [oldest.getTime()] : []))
  const oldest = times.length ? Math.min(...times) : null
  return {
    connection: connection.name,
    kind,
    waiting: counts.reduce((sum, row) => sum + row.waiting, 0),
    waitingCapped: counts.some((row) => row.capped === true),
    bySync: waitingBySync(counts),
    delayed: counts.reduce((sum, row) => sum + row.delayed, 0),
    active,
    oldestWaitingAt: oldest === null ? null : new Date(oldest),
    oldestAgeSeconds: oldest === null ? null : Math.max(0, Math.round((now - oldest) / 1000)),
    paused: connection.state !== 'active',
    pauseReason: connection.state === 'active' ? null : (connection.reason ?? connection.state),
    throttlePerSecond: connection.throttlePerSecond,
    waitUntil: connection.waitUntil,
    waitReason: connection.waitReason,
  }
}

function waitingBySync(counts: Counts[]): Record<string, number> {
  const sums = new Map<string, number>()
  for (const { sync, waiting } of counts) if (sync !== undefined) sums.set(sync, (sums.get(sync) ?? 0) + waiting)
  return Object.fromEntries(sums)
}
