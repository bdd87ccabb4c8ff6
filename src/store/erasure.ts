/**
 * Erasing a person: everything the hub keeps about records that have a value in a field, and about the same thing in other
 * streams. Ids, versions and links stay, so that nothing is created twice; bodies and whatever was made of them go.
 */
import type pg from 'pg'
import { parseExact } from '../core/index.ts'
import { eraseFromAnalytics } from './analytics/erase.ts'
import { asNoBody, openBodies, openBytes, SEAL_MARK } from './body-seals.ts'
import { eraseFromJournal } from './erase-journal.ts'
import { eraseWordsOfStreams, eraseWordsWith } from './erase-words.ts'
import type { ErasureKeys } from './erasure-keys.ts'
import { aboutEvent } from './inbox.ts'
import { openLetter } from './ledger/letter-seals.ts'
import { keysOf } from './ledger/registration.ts'
import { mentions, plainPartOf } from './mentions.ts'
import { withTransaction } from './transaction.ts'

export type ErasureCounts = { records: number; deadLetters: number; journal: number; events: number }
export type Erasure = { field: string; hash: string }

const BATCH = 1_000
/** Webhooks are up to a megabyte each. */
const EVENTS = 50

/** Erases by a value, and remembers its hash, so that what brings the person back is erased again. */
export async function erase(
  pool: pg.Pool,
  keys: ErasureKeys,
  subject: { field: string; value: string; actor: string },
): Promise<ErasureCounts> {
  const { field, value, actor } = subject
  const erasure = { field, hash: keys.hash(field, value) }
  await pool.query(
    `insert into erasure (field, value_hash, actor) values ($1, $2, $3)
     on conflict (field, value_hash) do update set erased_at = now(), actor = excluded.actor`,
    [field, erasure.hash, actor],
  )
  // Systems spell JSON in several ways; a body without the part that all leave as it is need not be parsed.
  const part = plainPartOf(value)
  const known = keys.hashes(field, value).map((hash) => ({ field, hash }))
  const counts = await eraseMatching(pool, keys, known, (body) => body.includes(part))
  counts.events = await eraseEvents(pool, value)
  await eraseWordsWith(pool, value)
  await pool.query('update erasure set counts = $3 where field = $1 and value_hash = $2', [
    field,
    erasure.hash,
    JSON.stringify(counts),
  ])
  return counts
}

/** Erases again what a list of hashes stands for: after a restore, only the hashes are known. */
export async function eraseAgain(
  pool: pg.Pool,
  keys: ErasureKeys,
  erasures: readonly Erasure[],
): Promise<ErasureCounts> {
  for (const { field, hash } of erasures)
    await pool.query(
      `insert into erasure (field, value_hash, actor) values ($1, $2, 'restore') on conflict do nothing`,
      [field, hash],
    )
  return erasures.length ? eraseMatching(pool, keys, erasures, () => true) : nothing()
}

export async function readErasures(pool: pg.Pool): Promise<Erasure[]> {
  const { rows } = await pool.query<Erasure>('select field, value_hash as hash from erasure')
  return rows
}

const nothing = (): ErasureCounts => ({ records: 0, deadLetters: 0, journal: 0, events: 0 })

/** Walks all bodies: the field need not be one by which anything is matched. */
async function eraseMatching(
  pool: pg.Pool,
  keys: ErasureKeys,
  erasures: readonly Erasure[],
  mayMatch: (body: string) => boolean,
): Promise<ErasureCounts> {
  const fields = [...new Set(erasures.map(({ field }) => field))]
  const hashes = new Set(erasures.map(({ field, hash }) => `${field} ${hash}`))
  const counts = nothing()
  let after: [number, string] = [0, '']
  for (;;) {
    const { rows } = await pool.query<ErasableRow>(
      `select stream_id, id, body, field_hashes as dropped from record where (stream_id, id) > ($1, $2 collate "C") order by stream_id, id limit $3`,
      [...after, BATCH],
    )
    if (!rows.length) return counts
    const last = rows.at(-1)!
    after = [last.stream_id, last.id]
    for (const [streamId, group] of Map.groupBy(rows, (row) => row.stream_id))
      await openBodies(pool, streamId, group, asNoBody)
    const hit = rows.filter(
      ({ body, dropped }) =>
        (body !== null &&
          mayMatch(body) &&
          keysOf(parseExact(body), fields).some(({ field, value }) =>
            keys.hashes(field, value).some((hash) => hashes.has(`${field} ${hash}`)),
          )) ||
        (dropped !== null && hadValue(dropped, fields, hashes)),
    )
    for (const [streamId, group] of Map.groupBy(hit, (row) => row.stream_id))
      await eraseRecords(
        pool,
        streamId,
        group.map(({ id }) => id),
        counts,
      )
  }
}

type ErasableRow = { stream_id: number; id: string; body: string | null; dropped: string | null }

/** Of a body that was shrunk, what it no longer has is known by its hashes. */
function hadValue(dropped: string, fields: string[], hashes: Set<string>): boolean {
  const byField = JSON.parse(dropped) as Record<string, string[]>
  return fields.some((field) => byField[field]?.some((hash) => hashes.has(`${field} ${hash}`)))
}

async function eraseRecords(pool: pg.Pool, streamId: number, ids: string[], counts: ErasureCounts): Promise<void> {
  const { rows: same } = await pool.query<{ stream_id: number; record_id: string }>(
    `select distinct twin.stream_id, twin.record_id from link own join link twin on twin.entity_id = own.entity_id
      where own.stream_id = $1 and own.record_id = any($2)`,
    [streamId, ids],
  )
  const all = new Map<number, Set<string>>([[streamId, new Set(ids)]])
  for (const { stream_id, record_id } of same) all.set(stream_id, (all.get(stream_id) ?? new Set()).add(record_id))
  for (const [stream, records] of all) {
    await withTransaction(pool, (client) => eraseRows(client, stream, [...records], counts))
    counts.journal += await eraseFromJournal(pool, stream, [...records])
  }
  await withTransaction(pool, (client) => eraseWordsOfStreams(client, [...all.keys()]))
}

async function eraseRows(client: pg.PoolClient, streamId: number, ids: string[], counts: ErasureCounts): Promise<void> {
  const values = [streamId, ids]
  const { rowCount: records } = await client.query(
    `update record set body = null, content = null, field_hashes = null, shrunk = true where stream_id = $1 and id = any($2)`,
    values,
  )
  await client.query('delete from record_key where stream_id = $1 and record_id = any($2)', values)
  await client.query(
    `delete from identity_key k using identity i
      where i.stream_id = $1 and i.record_id = any($2) and k.type = i.type and k.key = any(i.keys)
        and k.stream_id = i.stream_id and k.record_id = i.record_id`,
    values,
  )
  await eraseFromAnalytics(client, streamId, ids)
  await client.query('delete from identity where stream_id = $1 and record_id = any($2)', values)
  await client.query('delete from entity_event where stream_id = $1 and record_id = any($2)', values)
  const ofSyncs = 'sync_id in (select id from sync where from_stream = $1) and record_id = any($2)'
  await client.query(
    `update delivery set delivered = null, error = null, next_attempt_at = null,
            state = case when state in ('pending', 'parked', 'in_doubt', 'dead') then 'skipped' else state end where ${ofSyncs}`,
    values,
  )
  await client.query(`delete from correction where ${ofSyncs}`, values)
  await client.query(
    `delete from conflict c using sync y
      where y.id = c.sync_id and ((y.from_stream = $1 and c.from_id = any($2)) or (y.to_stream = $1 and c.to_id = any($2)))`,
    values,
  )
  await client.query(`delete from intent where ${ofSyncs}`, values)
  await client.query('update lease set suspect = null, starts = 0 where suspect = any($1)', [ids])
  const { rowCount: letters } = await client.query(
    `update dead_letter set input = null, output = null, exchange = null, note = null, error = json_build_object('code', code)::text,
            state = case when state in ('open', 'requeued') then 'discarded' else state end,
            reason = case when state in ('open', 'requeued') then 'erased' else reason end, closed_at = coalesce(closed_at, now())
      where (stream_id = $1 and record_id = any($2)) or (${ofSyncs})`,
    values,
  )
  counts.records += records ?? 0
  counts.deadLetters += letters ?? 0
}

/** Bytes of webhooks, and what was copied from them into letters. */
async function eraseEvents(pool: pg.Pool, value: string): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    `update inbox set body = '', headers = '{}', reason = 'erased',
            state = case when state = 'pending' then 'skipped' else state end, next_attempt_at = null
      where id = any($1) returning id`,
    [await eventsWith(pool, value)],
  )
  await pool.query(
    `update dead_letter set input = null, error = json_build_object('code', code)::text, reason = 'erased',
            state = case when state in ('open', 'requeued') then 'discarded' else state end, closed_at = coalesce(closed_at, now()) where kind = 'inbox' and record_id = any($1)`,
    [rows.map(({ id }) => String(id))],
  )
  // Records that were rejected have no id of their own, only the text that came.
  await pool.query(
    `update dead_letter set input = null, error = json_build_object('code', code)::text, state = 'discarded', reason = 'erased',
            closed_at = coalesce(closed_at, now()) where id = any($1)`,
    [await rejectedWith(pool, value)],
  )
  return rows.length
}

/** Webhooks that stand sealed because nobody has read them yet have to be opened to be searched. */
async function eventsWith(pool: pg.Pool, value: string): Promise<number[]> {
  type Row = { id: number; connection_id: number; event_id: string; body: Buffer; headers: string }
  return search<Row>(
    async (after) =>
      (
        await pool.query<Row>(
          `select id, connection_id, event_id, body, headers from inbox
            where id > $1 and (position(convert_to($2, 'UTF8') in body) > 0 or position($2 in headers) > 0
                  or substring(body from 1 for ${SEAL_MARK.length}) = convert_to($3, 'UTF8')) order by id limit $4`,
          [after, plainPartOf(value), SEAL_MARK, EVENTS],
        )
      ).rows,
    EVENTS,
    async ({ connection_id, event_id, body, headers }) =>
      mentions(headers, value) ||
      mentions((await openBytes(pool, aboutEvent(connection_id, event_id), body)).toString('utf8'), value),
  )
}

async function rejectedWith(pool: pg.Pool, value: string): Promise<number[]> {
  type Row = { id: number; record_id: string; input: string }
  return search<Row>(
    async (after) =>
      (
        await pool.query<Row>(
          `select id, record_id, input from dead_letter
            where id > $1 and kind = 'pull' and input is not null and (position($2 in input) > 0 or starts_with(input, $3)) order by id limit $4`,
          [after, plainPartOf(value), SEAL_MARK, BATCH],
        )
      ).rows,
    BATCH,
    async ({ record_id, input }) => mentions((await openLetter(pool, record_id, input)) ?? '', value),
  )
}

/** What cannot be opened, because its key is gone, tells nobody anything any more. */
async function search<Row extends { id: number }>(
  page: (after: number) => Promise<Row[]>,
  size: number,
  matches: (row: Row) => Promise<boolean>,
): Promise<number[]> {
  const found: number[] = []
  for (let after = 0; ; ) {
    const rows = await page(after)
    for (const row of rows) if (await matches(row).catch(() => false)) found.push(row.id)
    if (rows.length < size) return found
    after = rows.at(-1)!.id
  }
}
