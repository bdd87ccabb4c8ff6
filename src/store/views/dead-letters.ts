import { openLetter } from '../ledger/letter-seals.ts'
import { type Database, firstRow, rows } from './database.ts'
import { Conditions, exactTime, type Page, timeKey, toPage } from './paging.ts'
import type { Selection } from './selection.ts'
import { type Verbatim, verbatim, verbatimError } from './verbatim.ts'

export const DEAD_LETTER_STATES = ['open', 'requeued', 'resolved', 'discarded'] as const

export type DeadLetterView = {
  id: number
  kind: 'pull' | 'push' | 'inbox'
  connection: string | null
  stream: string | null
  sync: string | null
  recordId: string | null
  part: string | null
  code: string
  fingerprint: string
  error: Verbatim | null
  attempts: number
  mappingVersion: string | null
  runId: number | null
  state: (typeof DEAD_LETTER_STATES)[number]
  reason: string | null
  actor: string | null
  assignee: string | null
  note: string | null
  createdAt: Date
  closedAt: Date | null
}

export type DeadLetterDetail = DeadLetterView & {
  sourceSeq: number | null
  input: Verbatim | null
  output: Verbatim | null
  exchange: Verbatim | null
}

type Row = Omit<DeadLetterView, 'error'> & { error: string | null }
type DetailRow = Row & {
  sourceSeq: number | null
  input: string | null
  output: string | null
  exchange: string | null
}

const COLUMNS = `
  d.id, d.kind, c.name as connection, sc.name || ':' || src.name as stream, y.name as sync, d.record_id as "recordId", d.part,
  d.code, d.fingerprint, d.error, d.attempts, d.mapping_version as "mappingVersion", d.run_id as "runId", d.state, d.reason,
  d.actor, d.assignee, d.note, d.created_at as "createdAt", d.closed_at as "closedAt"`
// `connection` is the side that failed (the target of a push), `stream` the one the record comes from.
const FROM = `
  from dead_letter d
  left join sync y on y.id = d.sync_id
  left join stream s on s.id = coalesce(y.to_stream, d.stream_id)
  left join connection c on c.id = coalesce(s.connection_id, d.connection_id)
  left join stream src on src.id = coalesce(y.from_stream, d.stream_id)
  left join connection sc on sc.id = src.connection_id`

/** The filter of lists and of bulk actions; both must mean the same. */
export type DeadLetterFilter = {
  code?: string
  fingerprint?: string
  sync?: string
  connection?: string
  kind?: string
  recordId?: string
  assignee?: string
  /** Only those that failed before this time. */
  before?: string
}

function conditions(filter: DeadLetterFilter): Conditions {
  return new Conditions()
    .add('d.code = ?', filter.code)
    .add('d.fingerprint = ?', filter.fingerprint)
    .add('y.name = ?', filter.sync)
    .add('c.name = ?', filter.connection)
    .add('d.kind = ?', filter.kind)
    .add('d.record_id = ?', filter.recordId)
    .add('d.assignee = ?', filter.assignee)
    .add('d.created_at < ?', filter.before)
}

/** Dead letters, newest first; open ones unless another state is asked for. */
export async function listDeadLetters(
  db: Database,
  filter: DeadLetterFilter & { state?: string; cursor?: string; limit: number },
): Promise<Page<DeadLetterView>> {
  const where = conditions(filter)
    .add('d.state = ?', filter.state ?? 'open')
    .behind('d.created_at', 'd.id', filter.cursor)
  const limit = where.parameter(filter.limit + 1)
  const found = await rows<Row & { exact: string }>(
    db,
    `select ${COLUMNS}, ${exactTime('d.created_at')} as exact ${FROM} ${where.where} order by d.created_at desc, d.id desc limit ${limit}`,
    where.values,
  )
  const { items, next } = toPage(found, filter.limit, timeKey)
  return { items: items.map(({ exact: _, ...row }) => ({ ...row, error: verbatimError(row.error) })), next }
}

export async function showDeadLetter(db: Database, id: string): Promise<DeadLetterDetail | undefined> {
  const row = await firstRow<DetailRow>(
    db,
    `select ${COLUMNS}, d.source_seq as "sourceSeq", d.input, d.output, d.exchange ${FROM} where d.id = $1`,
    [id],
  )
  if (!row) return undefined
  const opened = async (text: string | null) => verbatim(await openLetter(db, row.recordId ?? '', text))
  return {
    ...row,
    error: verbatimError(row.error),
    input: await opened(row.input),
    output: await opened(row.output),
    exchange: await opened(row.exchange),
  }
}

/** Codes that say the earlier attempt may have reached the target: doing it again may double a record there. */
const MAY_HAVE_HAPPENED = ['CSW-3012', 'CSW-5004']

export const mayHaveHappened = (code: string): boolean => MAY_HAVE_HAPPENED.includes(code)

/** The open letters of a filter, for a bulk action. */
export function openDeadLetters(filter: DeadLetterFilter): Selection {
  const where = conditions(filter).always(`d.state = 'open'`)
  return { text: `select d.id, d.code, '' as mark ${FROM} ${where.where}`, values: where.values }
}

/** The oldest of them, to look at. */
export async function sampleDeadLetters(
  db: Database,
  filter: DeadLetterFilter,
  count: number,
): Promise<DeadLetterView[]> {
  const where = conditions(filter).always(`d.state = 'open'`)
  const limit = where.parameter(count)
  const found = await rows<Row>(
    db,
    `select ${COLUMNS} ${FROM} ${where.where} order by d.created_at, d.id limit ${limit}`,
    where.values,
  )
  return found.map((row) => ({ ...row, error: verbatimError(row.error) }))
}
