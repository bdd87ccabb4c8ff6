/**
 * Streams of which not all is kept: once every sync has delivered a record, its body shrinks to the fields that mappings read,
 * or to nothing. What was dropped leaves keyed hashes by which a person can still be found and erased.
 */
import type pg from 'pg'
import {
  isObject,
  type Json,
  type JsonObject,
  type JsonPaths,
  JsonText,
  keepPaths,
  leavesOfJson,
  parseExact,
  SLICES,
} from '../core/index.ts'
import { asNoBody, openBodies } from './body-seals.ts'
import { arrayText } from './ledger/array-text.ts'
import { keyText } from './ledger/registration.ts'
import type { StreamRow } from './ledger/types.ts'
import { withTransaction } from './transaction.ts'

/** Gives the keyed hash of a value in a field. */
export type HashOf = (field: string, value: string) => string

/** Beside delivered values: hashes of those that are not kept, by field. */
export const HASHES = '~hashes'

const PER_SLICE = 50

export type ShrinkRequest = {
  stream: Pick<StreamRow, 'id' | 'seq' | 'keeping' | 'keptFields' | 'keyFields'>
  /** Syncs that read the stream, as their source or joined. */
  followers: number[]
  /** Up to where each slice was looked through before; moved on. */
  reached: Map<number, number>
  hash: HashOf
}

/** Shrinks what all followers have delivered. Gives the number of records. */
export async function shrinkRecords(pool: pg.Pool, request: ShrinkRequest): Promise<number> {
  const limits = await deliveredTo(pool, request)
  let shrunk = 0
  for (;;) {
    const found = await candidates(pool, request, limits)
    if (!found.length) return shrunk
    for (const { slice, seq } of found) request.reached.set(slice, Math.max(seq, request.reached.get(slice) ?? 0))
    const blocked = await withOpenWork(pool, request, found)
    const rows = found.filter((row) => row.body !== null && !blocked.has(row.id) && isWider(request, row))
    if (rows.length) await shrinkRows(pool, request, rows)
    shrunk += rows.length
  }
}

type Row = { id: string; slice: number; seq: number; body: string | null; shrunk: boolean; dropped: string | null }

const isWider = ({ stream }: ShrinkRequest, row: Row): boolean => stream.keeping === 'hash' || !row.shrunk

/** The sequence number that all followers have passed, by slice. */
async function deliveredTo(pool: pg.Pool, { stream, followers }: ShrinkRequest): Promise<Map<number, number>> {
  const { rows } = await pool.query<{ slice: number; seq: number }>(
    `select i as slice, case when cardinality($2::int[]) = 0 then $3::bigint
              when count(p.seq) < cardinality($2::int[]) then 0 else min(p.seq) end as seq
       from generate_series(0, ${SLICES - 1}) i
       left join sync_position p on p.stream_id = $1 and p.slice = i and p.sync_id = any($2)
      group by i`,
    [stream.id, followers, stream.seq],
  )
  return new Map(rows.map(({ slice, seq }) => [slice, seq]))
}

async function candidates(
  pool: pg.Pool,
  { stream, reached }: ShrinkRequest,
  limits: Map<number, number>,
): Promise<Row[]> {
  const open = [...limits].filter(([slice, seq]) => seq > (reached.get(slice) ?? 0))
  if (!open.length) return []
  const { rows } = await pool.query<Row>(
    `select r.* from unnest($2::smallint[], $3::bigint[], $4::bigint[]) as p(slice, low, high)
      cross join lateral (select id, slice, seq, body, shrunk, field_hashes as dropped from record
                           where stream_id = $1 and slice = p.slice and seq > p.low and seq <= p.high
                           order by seq limit ${PER_SLICE}) r`,
    [
      stream.id,
      arrayText(open.map(([slice]) => slice)),
      arrayText(open.map(([slice]) => reached.get(slice) ?? 0)),
      arrayText(open.map(([, seq]) => seq)),
    ],
  )
  return openBodies(pool, stream.id, rows, asNoBody)
}

/** Records that some sync has not finished, or that a person has to look at. */
async function withOpenWork(pool: pg.Pool, { followers }: ShrinkRequest, found: Row[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ record_id: string }>(
    `select record_id from delivery where sync_id = any($1) and record_id = any($2) and state in ('pending', 'parked', 'in_doubt')
      union all
     select record_id from dead_letter where sync_id = any($1) and record_id = any($2) and state in ('open', 'requeued')`,
    [followers, arrayText(found.map(({ id }) => id))],
  )
  return new Set(rows.map(({ record_id }) => record_id))
}

function shrinkRows(pool: pg.Pool, { stream, hash }: ShrinkRequest, rows: Row[]): Promise<void> {
  const paths: JsonPaths = [
    ...stream.keptFields.map((path) => JSON.parse(path) as string[]),
    ...stream.keyFields.map((field) => field.split('.')),
  ]
  const small = rows.map((row) => shrink(row, stream.keeping === 'hash' ? [] : paths, hash))
  const ids = arrayText(rows.map(({ id }) => id))
  return withTransaction(pool, async (client) => {
    // Match fields that somebody changed just now would be dropped with the rest.
    const same = await client.query('select 1 from stream where id = $1 and key_fields = $2 for share', [
      stream.id,
      stream.keyFields,
    ])
    if (!same.rowCount) return
    // Who was erased since the bodies were read has none, under the same number.
    await client.query(
      `update record r set body = t.body, field_hashes = t.dropped, shrunk = true
         from unnest($2::text[], $3::bigint[], $4::text[], $5::text[]) as t(id, seq, body, dropped)
        where r.stream_id = $1 and r.id = t.id and r.seq = t.seq and r.body is not null`,
      [
        stream.id,
        ids,
        arrayText(rows.map(({ seq }) => seq)),
        arrayText(small.map(({ body }) => (stream.keeping === 'hash' ? null : body))),
        arrayText(small.map(({ dropped }) => dropped)),
      ],
    )
    const ofSyncs = 'sync_id in (select id from sync where from_stream = $1) and record_id = any($2)'
    await client.query(`delete from correction where ${ofSyncs}`, [stream.id, ids])
    await client.query(
      `update dead_letter set input = null, output = case when $3 then null else output end,
              exchange = case when $3 then null else exchange end
        where state in ('resolved', 'discarded') and ${ofSyncs}`,
      [stream.id, ids, stream.keeping === 'hash'],
    )
    if (stream.keeping === 'hash') await hashDeliveries(client, { from: ofSyncs, values: [stream.id, ids] }, hash)
  })
}

/** A body without what no path leads to, and hashes of what went with it, beside those of what went before. */
function shrink(row: Row, paths: JsonPaths, hash: HashOf): { body: string; dropped: string } {
  const whole = parseExact(row.body!)
  const kept = keepPaths(whole, paths)
  const rest = leavesOfJson(kept)
  const dropped: JsonObject = { ...(row.dropped === null ? {} : (JSON.parse(row.dropped) as JsonObject)) }
  for (const [path, scalars] of leavesOfJson(whole)) if (!rest.has(path)) dropped[path] = hashesOf(path, scalars, hash)
  return { body: JSON.stringify(kept), dropped: JSON.stringify(dropped) }
}

const hashesOf = (path: string, scalars: Json[], hash: HashOf): string[] =>
  scalars.flatMap((scalar) => {
    const text = keyText(scalar)
    return text === null ? [] : [hash(path, text)]
  })

/** Values that the target holds from us, as hashes: enough to tell whether they are others now. */
export function hashDelivered(delivered: JsonText, hash: HashOf): JsonText {
  const { [HASHES]: before, ...values } = delivered.value
  const plain = Object.entries(values).filter(([field]) => !field.startsWith('~'))
  const marks = Object.entries(values).filter(([field]) => field.startsWith('~'))
  const hashes: JsonObject = { ...(isObject(before) ? before : {}) }
  for (const [field, value] of plain) hashes[field] = hash(field, JSON.stringify(value))
  return JsonText.of({ ...Object.fromEntries(marks), [HASHES]: hashes })
}

async function hashDeliveries(
  client: pg.PoolClient,
  { from, values }: { from: string; values: unknown[] },
  hash: HashOf,
): Promise<void> {
  const { rows } = await client.query<{ sync_id: number; record_id: string; part: string; delivered: string }>(
    `select sync_id, record_id, part, delivered from delivery
      where delivered is not null and position('"${HASHES}"' in delivered) = 0 and ${from} for update`,
    values,
  )
  await client.query(
    `update delivery d set delivered = t.delivered
       from unnest($1::int[], $2::text[], $3::text[], $4::text[]) as t(sync_id, record_id, part, delivered)
      where d.sync_id = t.sync_id and d.record_id = t.record_id and d.part = t.part`,
    [
      arrayText(rows.map(({ sync_id }) => sync_id)),
      arrayText(rows.map(({ record_id }) => record_id)),
      arrayText(rows.map(({ part }) => part)),
      arrayText(rows.map(({ delivered }) => hashDelivered(JsonText.from(delivered), hash).toString())),
    ],
  )
}
