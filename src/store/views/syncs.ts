import { type Database, rows } from './database.ts'
import { countMany } from './many-counts.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'
import { type Verbatim, verbatimError } from './verbatim.ts'

export type SyncView = {
  name: string
  from: string
  to: string
  version: string
  state: 'active' | 'paused' | 'removed'
  stateReason: string | null
  stateSince: Date
  lastError: Verbatim | null
  lastPushAt: Date | null
  lastSuccessAt: Date | null
  openDeadLetters: number
  lastRun: { id: number; outcome: string; startedAt: Date; finishedAt: Date | null } | null
}

export type SyncDetail = SyncView & { deliveries: Record<string, number> }

type Row = Omit<SyncView, 'lastError' | 'lastRun'> & {
  id: number
  lastError: string | null
  runId: number | null
  runOutcome: string
  runStartedAt: Date
  runFinishedAt: Date | null
}

const SELECT = `
select y.id, y.name, fc.name || ':' || f.name as "from", tc.name || ':' || t.name as "to", y.version,
       y.state, y.state_reason as "stateReason", y.state_since as "stateSince", y.last_error as "lastError",
       y.last_push_at as "lastPushAt", y.last_success_at as "lastSuccessAt",
       (select count(*)::int from dead_letter d where d.sync_id in (y.id, b.id) and d.state = 'open') as "openDeadLetters",
       r.id as "runId", r.outcome as "runOutcome", r.started_at as "runStartedAt", r.finished_at as "runFinishedAt"
  from sync y
  join stream f on f.id = y.from_stream join connection fc on fc.id = f.connection_id
  join stream t on t.id = y.to_stream join connection tc on tc.id = t.connection_id
  left join sync b on b.name = y.name || '~back'
  left join lateral (select id, outcome, started_at, finished_at from run
                      where sync_id in (y.id, b.id) order by id desc limit 1) r on true`

function toView(row: Row): SyncView {
  const { id: _id, runId, runOutcome, runStartedAt, runFinishedAt, lastError, ...view } = row
  return {
    ...view,
    lastError: verbatimError(lastError),
    lastRun:
      runId === null ? null : { id: runId, outcome: runOutcome, startedAt: runStartedAt, finishedAt: runFinishedAt },
  }
}

export type SyncFilter = { state?: string; connection?: string; cursor?: string; limit: number }

/** Syncs by name; the two directions of a two-way sync are one. Removed ones are left out unless asked for by state. */
export async function listSyncs(db: Database, filter: SyncFilter): Promise<Page<SyncView>> {
  const where = new Conditions()
    .add('y.state = ?', filter.state)
    .add('? in (fc.name, tc.name)', filter.connection)
    .add('y.name > ?', filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'string'))
  where.always(`y.name not like '%~back'`)
  if (filter.state === undefined) where.always(`y.state <> 'removed'`)
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row>(db, `${SELECT} ${where.where} order by y.name limit ${limit}`, where.values)
  return toPage(found.map(toView), filter.limit, (item) => item.name)
}

/** True when there is such a sync, which costs nothing, however many deliveries it has. */
export async function isSync(db: Database, name: string): Promise<boolean> {
  return (await rows(db, 'select 1 from sync where name = $1', [name])).length > 0
}

/** One sync with its deliveries counted by state. */
export async function showSync(db: Database, name: string): Promise<SyncDetail | undefined> {
  const [row] = await rows<Row>(db, `${SELECT} where y.name = $1`, [name])
  if (!row) return undefined
  const counts = await countMany<{ state: string; count: number }>(
    db,
    'select state, count(*)::int as count from delivery where sync_id = $1 group by state',
    [row.id],
  )
  return { ...toView(row), deliveries: Object.fromEntries(counts.map(({ state, count }) => [state, count])) }
}
