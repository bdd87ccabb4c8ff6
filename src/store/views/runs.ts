import { type Database, rows } from './database.ts'
import { Conditions, decodeCursor, type Page, toPage } from './paging.ts'
import { type Verbatim, verbatim, verbatimError } from './verbatim.ts'

export const RUN_OUTCOMES = [
  'running',
  'success',
  'partial',
  'failed',
  'held',
  'cancelled',
  'waiting',
  'interrupted',
  'unknown',
] as const

export type RunView = {
  id: number
  kind: 'pull' | 'push' | 'inbox'
  requestId: string | null
  trigger: string
  stream: string | null
  sync: string | null
  lane: number | null
  mode: string | null
  mappingVersion: string | null
  startedAt: Date
  heartbeatAt: Date
  finishedAt: Date | null
  outcome: (typeof RUN_OUTCOMES)[number]
  counts: Verbatim
  error: Verbatim | null
}

type Row = Omit<RunView, 'counts' | 'error'> & { counts: string; error: string | null }

const SELECT = `
select r.id, r.kind, r.request_id as "requestId", r.trigger, c.name || ':' || s.name as stream, y.name as sync, r.lane,
       r.mode, r.mapping_version as "mappingVersion", r.started_at as "startedAt", r.heartbeat_at as "heartbeatAt",
       r.finished_at as "finishedAt", r.outcome, r.counts::text as counts, r.error
  from run r
  left join sync y on y.id = r.sync_id
  left join stream s on s.id = r.stream_id
  left join connection c on c.id = s.connection_id`

const toView = (row: Row): RunView => ({ ...row, counts: verbatim(row.counts), error: verbatimError(row.error) })

export type RunFilter = {
  kind?: string
  sync?: string
  stream?: string
  connection?: string
  outcome?: string
  requestId?: string
  trigger?: string
  since?: string
  until?: string
  cursor?: string
  limit: number
}

// Names are resolved to ids first, so that run_by_sync and run_by_stream can be used.
const SYNC_IDS = `(select s5.id from sync s5 where s5.name = ? or s5.name = ? || '~back')`
const STREAM_ID = `(select s2.id from stream s2 join connection c2 on c2.id = s2.connection_id where c2.name || ':' || s2.name = ?)`
const OF_CONNECTION = `(
  r.stream_id in (select s3.id from stream s3 join connection c3 on c3.id = s3.connection_id where c3.name = ?)
  or r.sync_id in (select y4.id from sync y4 join stream s4 on s4.id in (y4.from_stream, y4.to_stream)
                     join connection c4 on c4.id = s4.connection_id where c4.name = ?))`

/** Runs, newest first. */
export async function listRuns(db: Database, filter: RunFilter): Promise<Page<RunView>> {
  const where = new Conditions()
    .add('r.kind = ?', filter.kind)
    .add(`r.sync_id in ${SYNC_IDS}`, filter.sync)
    .add(`r.stream_id = ${STREAM_ID}`, filter.stream)
    .add(OF_CONNECTION, filter.connection)
    .add('r.outcome = ?', filter.outcome)
    .add('r.request_id = ?', filter.requestId)
    .add('r.trigger = ?', filter.trigger)
    .add('r.started_at >= ?', filter.since)
    .add('r.started_at < ?', filter.until)
    .add('r.id < ?', filter.cursor === undefined ? undefined : decodeCursor(filter.cursor, 'number'))
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row>(db, `${SELECT} ${where.where} order by r.id desc limit ${limit}`, where.values)
  return toPage(found.map(toView), filter.limit, (item) => item.id)
}

export async function showRun(db: Database, id: string): Promise<RunView | undefined> {
  const [row] = await rows<Row>(db, `${SELECT} where r.id = $1`, [id])
  return row && toView(row)
}
