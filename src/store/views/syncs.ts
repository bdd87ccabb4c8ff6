import { countWithin } from './bounded-counts.ts'
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

export type SyncDetail = SyncView & { deliveries: Record<string, number>; deliveriesEstimated: boolean }

type Row = Omit<SyncView, 'lastError' | 'lastRun' | 'openDeadLetters'> & {
  id: number
  backId: number | null
  lastError: string | null
  runId: number | null
  runOutcome: string
  runStartedAt: Date
  runFinishedAt: Date | null
}

const SELECT = `
select y.id, b.id as "backId", y.name, fc.name || ':' || f.name as "from", tc.name || ':' || t.name as "to", y.version,
       y.state, y.state_reason as "stateReason", y.state_since as "stateSince", y.last_error as "lastError",
       y.last_push_at as "lastPushAt", y.last_success_at as "lastSuccessAt",
       r.id as "runId", r.outcome as "runOutcome", r.started_at as "runStartedAt", r.finished_at as "runFinishedAt"
  from sync y
  join stream f on f.id = y.from_stream join connection fc on fc.id = f.connection_id
  join stream t on t.id = y.to_stream join connection tc on tc.id = t.connection_id
  left join sync b on b.name = y.name || '~back'
  left join lateral (select id, outcome, started_at, finished_at from run
                      where sync_id in (y.id, b.id) order by id desc limit 1) r on true`

const OPEN_LETTERS = `
select sync_id as id, count(*)::int as count from dead_letter where state = 'open' and sync_id is not null group by 1`

/** `open`: the letters of each sync. */
function toView(row: Row, open: Map<number | null, number>): SyncView {
  const { id, backId, runId, runOutcome, runStartedAt, runFinishedAt, lastError, ...view } = row
  return {
    ...view,
    openDeadLetters: (open.get(id) ?? 0) + (open.get(backId) ?? 0),
    lastError: verbatimError(lastError),
    lastRun:
      runId === null ? null : { id: runId, outcome: runOutcome, startedAt: runStartedAt, finishedAt: runFinishedAt },
  }
}

async function openLetters(db: Database): Promise<Map<number | null, number>> {
  const counts = await countMany<{ id: number; count: number }>(db, OPEN_LETTERS, [])
  return new Map(counts.map(({ id, count }) => [id, count]))
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
  const open = await openLetters(db)
  return toPage(
    found.map((row) => toView(row, open)),
    filter.limit,
    (item) => item.name,
  )
}

/** True when there is such a sync, which costs nothing, however many deliveries it has. */
export async function isSync(db: Database, name: string): Promise<boolean> {
  return (await rows(db, 'select 1 from sync where name = $1', [name])).length > 0
}

/** One sync with its deliveries counted by state, as far as `countWithin` counts. */
export async function showSync(
  db: Database,
  name: string,
  most?: Parameters<typeof countWithin>[3],
): Promise<SyncDetail | undefined> {
  const [row] = await rows<Row>(db, `${SELECT} where y.name = $1`, [name])
  if (!row) return undefined
  const { counts, estimated } = await countWithin(db, { table: 'delivery', by: 'state', of: 'sync_id' }, row.id, most)
  return {
    ...toView(row, await openLetters(db)),
    deliveries: Object.fromEntries(counts),
    deliveriesEstimated: estimated,
  }
}
