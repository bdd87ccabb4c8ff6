import { type RunSplit, type RunTimesKept, splitOf } from '../../core/index.ts'
import { type Database, rows } from './database.ts'
import { Conditions, decodeCursor, exactTime, type Page, timeKey, toPage } from './paging.ts'
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
  /** Milliseconds by what they went to; null for runs of before they were kept. */
  times: RunSplit | null
  error: Verbatim | null
}

type Row = Omit<RunView, 'counts' | 'times' | 'error'> & {
  counts: string
  times: RunTimesKept | null
  error: string | null
}

const COLUMNS = `
       r.id, r.kind, r.request_id as "requestId", r.trigger, c.name || ':' || s.name as stream, y.name as sync, r.lane,
       r.mode, r.mapping_version as "mappingVersion", r.started_at as "startedAt", r.heartbeat_at as "heartbeatAt",
       r.finished_at as "finishedAt", r.outcome, r.counts::text as counts, r.times, r.error`
const FROM = `
  from run r
  left join sync y on y.id = r.sync_id
  left join stream s on s.id = r.stream_id
  left join connection c on c.id = s.connection_id`

const toView = (row: Row): RunView => ({
  ...row,
  counts: verbatim(row.counts),
  times: row.times && splitOf(row.times, (row.finishedAt ?? row.heartbeatAt).getTime() - row.startedAt.getTime()),
  error: verbatimError(row.error),
})

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

type Ids = { streams: number[]; syncs: number[] }

/** What a filter by name means in ids. Looked up first: with the ids at hand Postgres knows whether their runs are rare. */
async function idsOf(db: Database, { sync, stream, connection }: RunFilter): Promise<Ids | null> {
  if ((sync ?? stream ?? connection) === undefined) return null
  const [found] = await rows<Ids>(
    db,
    `with chosen as (
       select s.id from stream s join connection c on c.id = s.connection_id
        where ($2::text is null or c.name || ':' || s.name = $2) and ($3::text is null or c.name = $3))
     select case when $1::text is null then array(select id from chosen) else '{}' end as streams,
            case when $2::text is null
              then array(select y.id from sync y where ($1::text is null or y.name in ($1, $1 || '~back'))
                          and ($3::text is null or y.from_stream in (select id from chosen) or y.to_stream in (select id from chosen)))
              else '{}' end as syncs`,
    [sync ?? null, stream ?? null, connection ?? null],
  )
  return found ?? null
}

/** Of a single one the index gives the runs in their order. */
const equalsOneOf = (where: Conditions, column: string, ids: number[]): string[] => {
  if (!ids.length) return []
  return ids.length === 1 ? [`${column} = ${where.parameter(ids[0])}`] : [`${column} = any(${where.parameter(ids)})`]
}

/**
 * Runs, newest first. By number, which the indexes of sync and stream follow; between two times by time, so that a jump far back does
 * not read everything since.
 */
export async function listRuns(db: Database, filter: RunFilter): Promise<Page<RunView>> {
  const ids = await idsOf(db, filter)
  const { since, until, cursor } = filter
  const byTime = (since ?? until) !== undefined && ids === null
  const where = new Conditions()
    .add('r.kind = ?', filter.kind)
    .add('r.outcome = ?', filter.outcome)
    .add('r.request_id = ?', filter.requestId)
    .add('r.trigger = ?', filter.trigger)
    .add('r.started_at >= ?', since)
    .add('r.started_at < ?', until)
  if (byTime) where.behind('r.started_at', 'r.id', cursor)
  else where.add('r.id < ?', cursor === undefined ? undefined : decodeCursor(cursor, 'number'))
  if (ids)
    where.always(
      `(${[...equalsOneOf(where, 'r.stream_id', ids.streams), ...equalsOneOf(where, 'r.sync_id', ids.syncs)].join(' or ') || 'false'})`,
    )
  const limit = where.parameter(filter.limit + 1)
  const order = byTime ? 'r.started_at desc, r.id desc' : 'r.id desc'
  const found = await rows<Row & { exact: string }>(
    db,
    `select ${COLUMNS}, ${exactTime('r.started_at')} as exact ${FROM} ${where.where} order by ${order} limit ${limit}`,
    where.values,
  )
  const { items, next } = toPage(found, filter.limit, (row) => (byTime ? timeKey(row) : row.id))
  return { items: items.map(({ exact: _, ...row }) => toView(row)), next }
}

export async function showRun(db: Database, id: string): Promise<RunView | undefined> {
  const [row] = await rows<Row>(db, `select ${COLUMNS} ${FROM} where r.id = $1`, [id])
  return row && toView(row)
}
