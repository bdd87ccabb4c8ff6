import { SLICES } from '../../core/index.ts'
import { type Database, firstRow, rows } from './database.ts'
import { type Verbatim, verbatimError } from './verbatim.ts'

export type RequestProgress = {
  requestId: string
  sync: string
  /** `waiting`: nothing has begun. `finished`: nothing of it is left to do now (retries may follow later). */
  state: 'waiting' | 'running' | 'finished'
  /** The worst outcome of its runs; null until finished. */
  outcome: string | null
  /** Why it does not move: paused, or told to wait by the other side. */
  blocked: string | null
  /** Records and deliveries that wait for the push; counted up to 20,000. */
  remaining: number
  /** Summed over the runs of each kind, e.g. {"pull": {"read": 2000}, "push": {"created": 1999}}. */
  counts: Record<string, Record<string, number>>
  error: Verbatim | null
}

type Situation = {
  syncId: number
  removed: boolean
  pullPending: boolean
  pushPending: boolean
  blocked: string | null
  remaining: number
}

type RunRow = {
  kind: string
  outcome: string
  counts: Record<string, number>
  error: string | null
}

const COUNT_CAP = 20_000

const SITUATION = `
select y.id as "syncId", y.state = 'removed' as removed,
       exists (select 1 from stream s where s.pull_request = $2 and s.pull_mode is not null) as "pullPending",
       (f.seq > coalesce((select min(p.seq) from sync_position p where p.sync_id = y.id and p.stream_id = f.id), 0)
        or exists (select 1 from delivery d where d.sync_id = y.id and d.next_attempt_at <= now())
        -- What changed in a joined stream has yet to reach the records computed from it.
        or exists (select 1 from sync_position p join record r on r.stream_id = p.stream_id and r.slice = p.slice and r.seq > p.seq
                    where p.sync_id = y.id and p.stream_id <> f.id)) as "pushPending",
       case when y.state <> 'active' then 'the sync is ' || y.state
            when fc.state <> 'active' then 'connection ' || fc.name || ' is ' || fc.state
            when tc.state <> 'active' then 'connection ' || tc.name || ' is ' || tc.state
            when fc.wait_until > now() then 'connection ' || fc.name || ' asked us to wait'
            when tc.wait_until > now() then 'connection ' || tc.name || ' asked us to wait' end as blocked,
       (select count(*)::int from (
          select from generate_series(0, ${SLICES - 1}) g(slice)
            left join sync_position p on p.sync_id = y.id and p.stream_id = f.id and p.slice = g.slice
            cross join lateral (select from record r where r.stream_id = f.id and r.slice = g.slice
                                   and r.seq > coalesce(p.seq, 0) limit ${COUNT_CAP}) r
          union all
          select from delivery d where d.sync_id = y.id and d.next_attempt_at <= now()
          limit ${COUNT_CAP}) waiting) as remaining
  from sync y
  join stream f on f.id = y.from_stream join connection fc on fc.id = f.connection_id
  join stream t on t.id = y.to_stream join connection tc on tc.id = t.connection_id
 where y.name = $1`

// Pushes that a pull woke carry no request of their own: those of this sync since the request's first run belong to it, and those
// that were under way then (woken by a requeue, or by the pull before), for they may take what the request was made for.
const RUNS = `
with first as (select id, started_at from run where request_id = $2 order by id limit 1)
select r.kind, r.outcome, r.counts, r.error from run r, first
 where (r.request_id = $2 and (r.sync_id is null or r.sync_id = $1)) or (r.sync_id = $1 and r.id > first.id)
    or (r.sync_id = $1 and r.kind = 'push' and r.id > first.id - 1000
        and (r.outcome = 'running' or r.finished_at > first.started_at))
 order by r.id`

const WORST_FIRST = ['failed', 'unknown', 'held', 'cancelled', 'partial', 'waiting', 'interrupted', 'success']
const PULL_GAVE_UP = ['failed', 'held', 'cancelled']

/**
 * How far a requested run of a sync is, read from the ledger alone; undefined when there is no such sync. Of a two-way sync both
 * directions count: it is finished when both are, and what the way back did stands under `push back`.
 */
export async function requestProgress(
  db: Database,
  request: { sync: string; requestId: string },
): Promise<RequestProgress | undefined> {
  const there = await progressOf(db, request)
  const back = there && (await progressOf(db, { ...request, sync: `${request.sync}~back` }, 'in use'))
  return back ? { ...both(there, back), ...request } : there
}

function both(there: RequestProgress, back: RequestProgress): RequestProgress {
  const ways = [there, back]
  const finished = ways.every(({ state }) => state === 'finished')
  const outcomes = ways.map(({ outcome }) => outcome)
  return {
    ...there,
    state: finished ? 'finished' : ways.every(({ state }) => state === 'waiting') ? 'waiting' : 'running',
    outcome: finished ? (WORST_FIRST.find((outcome) => outcomes.includes(outcome)) ?? 'success') : null,
    blocked: there.blocked ?? back.blocked,
    remaining: there.remaining + back.remaining,
    counts: { ...there.counts, ...(back.counts.push ? { 'push back': back.counts.push } : {}) },
    error: there.error ?? back.error,
  }
}

async function progressOf(
  db: Database,
  request: { sync: string; requestId: string },
  which?: 'in use',
): Promise<RequestProgress | undefined> {
  const situation = await firstRow<Situation>(db, SITUATION, [request.sync, request.requestId])
  if (!situation || (which && situation.removed)) return undefined
  const runs = await rows<RunRow>(db, RUNS, [situation.syncId, request.requestId])
  const lastPull = runs.findLast((run) => run.kind === 'pull')
  // The hub tries a failed pull again by itself, but whoever waits wants to know now.
  const gaveUp = lastPull !== undefined && PULL_GAVE_UP.includes(lastPull.outcome)
  const pending =
    runs.some((run) => run.outcome === 'running') || (!gaveUp && (situation.pullPending || situation.pushPending))
  return {
    ...request,
    state: pending ? (runs.length ? 'running' : 'waiting') : 'finished',
    outcome: pending ? null : worstOutcome(runs),
    blocked: pending ? situation.blocked : null,
    remaining: situation.remaining,
    counts: sumCounts(runs),
    error: verbatimError(runs.findLast((run) => run.error !== null)?.error ?? null),
  }
}

/** What was interrupted or had to wait goes on in a later run, so it counts only where nothing followed. */
function worstOutcome(runs: RunRow[]): string {
  const counted = runs.filter(
    (run, index) => (run.outcome !== 'interrupted' && run.outcome !== 'waiting') || index === runs.length - 1,
  )
  return WORST_FIRST.find((outcome) => counted.some((run) => run.outcome === outcome)) ?? 'success'
}

function sumCounts(runs: RunRow[]): RequestProgress['counts'] {
  const sums: RequestProgress['counts'] = {}
  for (const { kind, counts } of runs) {
    const sum = sums[kind] ?? {}
    sums[kind] = sum
    for (const [name, value] of Object.entries(counts))
      if (typeof value === 'number') sum[name] = (sum[name] ?? 0) + value
  }
  return sums
}
