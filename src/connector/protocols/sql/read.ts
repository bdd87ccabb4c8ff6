/** Reads a stream page by page, each a statement of its own that begins after the last row of the one before. */
import { CausewayError, isObject, type Json, type JsonObject, parseExact } from '../../../core/index.ts'
import type { Page, ReadRequest, SourceRecord } from '../../contract.ts'
import { isRejected, usableId } from '../../manifest/record.ts'
import { shifted, sortableTimestamp } from '../../parts/timestamps.ts'
import type { StreamSpec } from '../contract.ts'
import type { SqlResult, Statement } from './dialect.ts'
import type { ChangedSpec, SqlStream } from './fields.ts'
import type { After, Source } from './source.ts'

type Reading = {
  source: Source
  stream: StreamSpec<SqlStream>
  run(statement: Statement, signal: AbortSignal): Promise<SqlResult>
  now(): Date
}

/** What a cursor holds: how far all changes are read, and the pass that is under way. */
type Pass = { mode: 'full' | 'incremental'; since: string | null; watermark: string | null; after: After | null }

/**
 * A full read goes by id, an incremental one by change and id. The watermark of a pass is the newest change there was when it
 * began: what changes while it runs is read by the next one.
 */
export async function* readPages(reading: Reading, { mode, cursor, signal }: ReadRequest): AsyncGenerator<Page> {
  const { source, stream } = reading
  const watermark = textOf(cursor?.watermark)
  let pass = resumed(cursor, mode) ?? (await begun(reading, mode, watermark, signal))
  for (;;) {
    const requestedAt = reading.now()
    const { rows } = await reading.run(source.page(pass.since, pass.after, source.spec.page_size), signal)
    const page = pageOf(stream, source, rows)
    const last = rows.length < source.spec.page_size
    const after = last ? null : position(source, rows.at(-1)!)
    if (after && pass.after && after.id === pass.after.id && after.changed === pass.after.changed)
      throw new CausewayError('CSW-2006', { what: `Rows of ${source.name} do not come in the order of ${source.id}.` })
    pass = { ...pass, after }
    const next = pass.watermark ?? watermark
    yield {
      ...page,
      requestedAt,
      last,
      cursor: last ? { watermark: next } : { watermark, pass: pass as unknown as Json },
    }
    if (last) return
  }
}

async function begun(reading: Reading, mode: Pass['mode'], before: string | null, signal: AbortSignal): Promise<Pass> {
  const { source } = reading
  const { changed } = source.spec
  if (!changed || source.changed === null) return { mode, since: null, watermark: null, after: null }
  const { rows } = await reading.run(source.newest(), signal)
  const newest = usableId(rows[0]?.newest)
  const since = mode === 'incremental' && before !== null ? earlier(before, changed) : null
  return { mode, since, watermark: newest, after: null }
}

/** A little before a watermark: transactions that were open then may have committed older rows since. */
function earlier(watermark: string, { type, overlap }: ChangedSpec): string {
  if (type === 'number') {
    const whole = /^-?\d+$/.test(watermark) ? BigInt(watermark) : null
    return whole === null ? watermark : String(whole - BigInt(overlap))
  }
  const sortable = sortableTimestamp(watermark)
  if (sortable === null) return watermark
  const moved = shifted(sortable, -overlap * 1000)
  // The column has a zone or none; so has what it is compared with.
  return /(Z|[+-]\d\d(:?\d\d)?)$/.test(watermark) ? moved : moved.replace(/Z$/, '')
}

/** The pass that a cursor was in the middle of, unless another kind of read is asked for. */
function resumed(cursor: JsonObject | null, mode: Pass['mode']): Pass | null {
  const pass: unknown = cursor?.pass
  if (!isObject(pass) || pass.mode !== mode || !isObject(pass.after as unknown)) return null
  const after = pass.after as JsonObject
  const id = textOf(after.id)
  if (id === null) return null
  return {
    mode,
    since: textOf(pass.since),
    watermark: textOf(pass.watermark),
    after: { id, changed: textOf(after.changed) },
  }
}

function position(source: Source, row: JsonObject): After {
  const id = usableId(row[source.id])
  if (id === null)
    throw new CausewayError('CSW-2004', {
      what: `A row of ${source.name} has no value in its id column ${JSON.stringify(source.id)}.`,
      fix: 'Name a unique column without null in `id` of the stream, and among its `columns`.',
    })
  return { id, changed: source.changed === null ? null : usableId(row[source.changed]) }
}

export function pageOf(
  stream: StreamSpec<SqlStream>,
  { version }: Source,
  rows: JsonObject[],
): Pick<Page, 'records' | 'rejected'> {
  const page: Pick<Page, 'records' | 'rejected'> = { records: [], rejected: [] }
  for (const row of rows) {
    const made = stream.toRecord(withJson(row, stream.spec.json))
    if (isRejected(made)) page.rejected.push(made)
    else page.records.push(version === null ? made : withCondition(made, row[version]))
  }
  return page
}

/** JSON that the database keeps as text. Text that is none stays text. */
function withJson(row: JsonObject, columns: string[] | undefined): JsonObject {
  for (const column of columns ?? []) {
    const text = row[column]
    if (typeof text !== 'string') continue
    try {
      row[column] = parseExact(text) as Json
    } catch {
      // A value that is not JSON is shown as it is rather than lost.
    }
  }
  return row
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** A counter as it stands; `columns` may leave it out, and then nothing can be compared. */
function withCondition(made: SourceRecord, counter: Json | undefined): SourceRecord {
  const condition = usableId(counter)
  if (condition !== null) made.condition = condition
  return made
}
