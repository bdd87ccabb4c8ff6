import type pg from 'pg'
import { isRawNumber, type Json, type JsonObject, parseExact } from '../../core/index.ts'
import { asNoBody, openBodies, sealsOf } from '../body-seals.ts'
import { withTransaction } from '../transaction.ts'
import { ALIAS_FIELD } from './aliases.ts'
import { MOVED_FIELD } from './moves.ts'
import { makeOwedPullsDue } from './pulls.ts'
import type { ConnectionRow, Keeping, StreamRow, SyncRow } from './types.ts'

export type HubShape = {
  connections: { name: string; connector: string; maxPerSecond: number | null }[]
  streams: {
    connection: string
    name: string
    keyFields: string[]
    /** Absent = `full`. */
    keeping?: Keeping
    keptFields?: string[]
  }[]
  syncs: {
    name: string
    from: { connection: string; stream: string }
    to: { connection: string; stream: string }
    version: string
    source: string
  }[]
}

export type HubRegistry = { connections: ConnectionRow[]; streams: StreamRow[]; syncs: SyncRow[] }

/** One lock for all registrations, so that two processes starting together do not see half of each other. */
const REGISTRATION_LOCK = 0x63617573

/**
 * Makes the ledger know what the files define. What is no longer defined is marked removed and keeps its history; what comes
 * back goes on where it was.
 */
export async function registerHub(pool: pg.Pool, shape: HubShape): Promise<HubRegistry> {
  // Before anybody can learn that bodies are to be sealed.
  if (shape.streams.some(({ keeping = 'full' }) => keeping !== 'full')) await sealsOf(pool)?.prepare()
  await withTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [REGISTRATION_LOCK])
    await client.query(
      `insert into connection (name, connector, max_per_second) select * from unnest($1::text[], $2::text[], $3::real[])
       on conflict (name) do update set connector = excluded.connector, max_per_second = excluded.max_per_second,
         state = case when connection.state = 'removed' then 'active' else connection.state end
       where (connection.connector, connection.max_per_second, connection.state) is distinct from
             (excluded.connector, excluded.max_per_second, case when connection.state = 'removed' then 'active' else connection.state end)`,
      [
        shape.connections.map((c) => c.name),
        shape.connections.map((c) => c.connector),
        shape.connections.map((c) => c.maxPerSecond),
      ],
    )
    await client.query(
      "update connection set state = 'removed', state_since = now() where name <> all($1) and state <> 'removed'",
      [shape.connections.map((c) => c.name)],
    )
    await client.query(
      `insert into stream (connection_id, name) select c.id, s.name
         from unnest($1::text[], $2::text[]) as s(connection, name) join connection c on c.name = s.connection
       on conflict do nothing`,
      [shape.streams.map((s) => s.connection), shape.streams.map((s) => s.name)],
    )
    await client.query(
      `update stream s set keeping = w.keeping, kept_fields = array(select jsonb_array_elements_text(w.kept::jsonb))
         from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as w(connection, name, keeping, kept)
         join connection c on c.name = w.connection
        where s.connection_id = c.id and s.name = w.name
          and (s.keeping, s.kept_fields) is distinct from (w.keeping, array(select jsonb_array_elements_text(w.kept::jsonb)))`,
      [
        shape.streams.map((s) => s.connection),
        shape.streams.map((s) => s.name),
        shape.streams.map((s) => s.keeping ?? 'full'),
        shape.streams.map((s) => JSON.stringify(s.keptFields ?? [])),
      ],
    )
    await registerSyncs(client, shape)
    await makeOwedPullsDue(client, 'all')
  })
  const registry = await readRegistry(pool)
  for (const wanted of shape.streams) {
    const row = registry.streams.find(
      (stream) => stream.connection === wanted.connection && stream.name === wanted.name,
    )!
    if (row.keysMissing === 'walk' || !isSameSet(row.keyFields, wanted.keyFields)) {
      await rebuildKeys(pool, row, wanted.keyFields)
      row.keyFields = wanted.keyFields
    }
  }
  return registry
}

export const isSameSet = (left: readonly string[], right: readonly string[]): boolean =>
  [...left].sort().join('\n') === [...right].sort().join('\n')

async function registerSyncs(client: pg.PoolClient, shape: HubShape): Promise<void> {
  const column = (pick: (sync: HubShape['syncs'][number]) => string): string[] => shape.syncs.map(pick)
  await client.query(
    `insert into sync (name, from_stream, to_stream, version)
     select s.name, f.id, t.id, s.version
       from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
            as s(name, from_connection, from_stream, to_connection, to_stream, version)
       join connection fc on fc.name = s.from_connection join stream f on f.connection_id = fc.id and f.name = s.from_stream
       join connection tc on tc.name = s.to_connection join stream t on t.connection_id = tc.id and t.name = s.to_stream
     on conflict (name) do update set from_stream = excluded.from_stream, to_stream = excluded.to_stream, version = excluded.version,
       state = case when sync.state = 'removed' then 'active' else sync.state end
     where (sync.from_stream, sync.to_stream, sync.version) is distinct from (excluded.from_stream, excluded.to_stream, excluded.version)
        or sync.state = 'removed'`,
    [
      column((s) => s.name),
      column((s) => s.from.connection),
      column((s) => s.from.stream),
      column((s) => s.to.connection),
      column((s) => s.to.stream),
      column((s) => s.version),
    ],
  )
  await client.query(
    "update sync set state = 'removed', state_since = now() where name <> all($1) and state <> 'removed'",
    [column((s) => s.name)],
  )
  await client.query(
    'insert into mapping_version (sync, version, source) select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing',
    [column((s) => s.name), column((s) => s.version), column((s) => s.source)],
  )
}

export async function readRegistry(pool: pg.Pool): Promise<HubRegistry> {
  const connections = await pool.query<ConnectionRow>(
    `select ${CONNECTION_COLUMNS} from connection where state <> 'removed'`,
  )
  const streams = await pool.query<RawStream>(
    `select ${STREAM_COLUMNS} from stream s join connection c on c.id = s.connection_id`,
  )
  const syncs = await pool.query<SyncRow>(`select ${SYNC_COLUMNS} from sync where state <> 'removed'`)
  return { connections: connections.rows, streams: streams.rows.map(toStream), syncs: syncs.rows }
}

type RawStream = Omit<StreamRow, 'cursor'> & { cursor: string | null }

const CONNECTION_COLUMNS =
  'id, name, connector, state, state_reason as "stateReason", wait_until as "waitUntil", wait_reason as "waitReason"'
const SYNC_COLUMNS = `id, name, from_stream as "fromStream", to_stream as "toStream", version, state,
  push_failures as "pushFailures", next_push_at as "nextPushAt"`
const STREAM_COLUMNS = `s.id, s.connection_id as "connectionId", c.name as connection, s.name, s.seq, s.cursor, s.key_fields as "keyFields",
  s.pull_mode as "pullMode", s.pull_begun as "pullBegun", s.pull_request as "pullRequest", s.scan_id as "scanId",
  s.pull_failures as "pullFailures", s.page_requested_at as "pageRequestedAt", s.keeping, s.kept_fields as "keptFields",
  s.keys_missing as "keysMissing"`

const toStream = (row: RawStream): StreamRow => ({
  ...row,
  cursor: row.cursor === null ? null : (parseExact(row.cursor) as JsonObject),
})

export async function readStream(pool: pg.Pool, id: number): Promise<StreamRow | undefined> {
  const { rows } = await pool.query<RawStream>(
    `select ${STREAM_COLUMNS} from stream s join connection c on c.id = s.connection_id where s.id = $1`,
    [id],
  )
  return rows[0] && toStream(rows[0])
}

export async function readSync(pool: pg.Pool, id: number): Promise<SyncRow | undefined> {
  return (await pool.query<SyncRow>(`select ${SYNC_COLUMNS} from sync where id = $1`, [id])).rows[0]
}

export async function readConnection(pool: pg.Pool, id: number): Promise<ConnectionRow | undefined> {
  return (await pool.query<ConnectionRow>(`select ${CONNECTION_COLUMNS} from connection where id = $1`, [id])).rows[0]
}

const REBUILD_BATCH = 1_000

/**
 * Makes record_key follow the syncs' match and join fields. Before anything else the stream says that values are missing, so
 * that nobody takes one that is not found for one that is not there; pages committed from then on bring the new fields along.
 */
async function rebuildKeys(pool: pg.Pool, stream: StreamRow, fields: string[]): Promise<void> {
  const walks = stream.keysMissing === 'walk' || fields.some((field) => !stream.keyFields.includes(field))
  await pool.query(
    `update stream set key_fields = $2, keys_missing = case when $3 then 'walk' else keys_missing end where id = $1`,
    [stream.id, fields, walks],
  )
  await pool.query('delete from record_key where stream_id = $1 and field <> all($2)', [
    stream.id,
    [...fields, ALIAS_FIELD, MOVED_FIELD],
  ])
  if (!walks) return
  await walkLog(pool, stream.id, fields)
  await readShrunkAgain(pool, stream.id)
}

async function walkLog(pool: pg.Pool, streamId: number, fields: string[]): Promise<void> {
  let after = ''
  while (fields.length) {
    const { rows } = await pool.query<{ id: string; body: string | null }>(
      'select id, body from record where stream_id = $1 and id > $2 and not deleted order by id limit $3',
      [streamId, after, REBUILD_BATCH],
    )
    if (!rows.length) break
    after = rows.at(-1)!.id
    await openBodies(pool, streamId, rows, asNoBody)
    const keys = rows.flatMap((row) =>
      row.body === null ? [] : keysOf(parseExact(row.body), fields).map((key) => ({ ...key, id: row.id })),
    )
    await pool.query(
      `insert into record_key (stream_id, field, value, record_id)
       select $1, * from unnest($2::text[], $3::text[], $4::text[]) on conflict do nothing`,
      [streamId, keys.map((key) => key.field), keys.map((key) => key.value), keys.map((key) => key.id)],
    )
  }
}

/** Shrunk bodies may not have the new key fields: the next pull reads the stream from its beginning and takes all of it. */
async function readShrunkAgain(pool: pg.Pool, streamId: number): Promise<void> {
  const { rowCount } = await pool.query(
    `update record set hash = '' where stream_id = $1 and shrunk and field_hashes is not null and not deleted`,
    [streamId],
  )
  await pool.query(
    rowCount
      ? `update stream set keys_missing = 'asked', pull_mode = 'full', pull_begun = false, next_pull_at = null,
                pull_asked_at = case when pull_mode is null then now() else coalesce(pull_asked_at, now()) end where id = $1`
      : `update stream set keys_missing = null where id = $1 and keys_missing = 'walk'`,
    [streamId],
  )
}

/** A btree entry may not exceed about 2,700 bytes, and some hold two keys and a field name. */
const MAX_KEY_BYTES = 1_000

/** Whether a text can be an id or a key in the ledger: Postgres text holds neither U+0000 nor half a surrogate pair. */
export const isStorableKey = (text: string): boolean =>
  text !== '' &&
  text.length <= MAX_KEY_BYTES &&
  !text.includes('\u0000') &&
  text.isWellFormed() &&
  Buffer.byteLength(text) <= MAX_KEY_BYTES

/**
 * The values of key fields in a record, as text. A field is a dotted path; an array gives one key per item. Null, missing,
 * empty and object values give none: they must never match each other.
 */
export function keysOf(body: Json, fields: readonly string[]): { field: string; value: string }[] {
  return fields.flatMap((field) => {
    let value: Json | undefined = body
    for (const step of field.split('.')) {
      value =
        value !== null && typeof value === 'object' && !Array.isArray(value) && !isRawNumber(value)
          ? value[step]
          : undefined
    }
    const items = Array.isArray(value) ? value : [value]
    return items.flatMap((item) => {
      const text = keyText(item)
      return text === null ? [] : [{ field, value: text }]
    })
  })
}

/** A scalar as key text; null when it cannot serve as a key. */
export function keyText(value: Json | undefined): string | null {
  const text = isRawNumber(value)
    ? value.rawJSON
    : typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : ''
  return isStorableKey(text) ? text : null
}
