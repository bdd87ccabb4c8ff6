import type pg from 'pg'
import { SQL_OF, targetId } from './one-pair.ts'

type Table = { name: string; columns: string; log?: true; rows(ids: Ids): string }
type Ids = { source: number; target: number; sync: number; from: number; to: number }

const numbers = ({ from, to }: Ids): string => `generate_series(${from}, ${to - 1}) as n`
const SLICE = `(crc32(convert_to(${SQL_OF.id}, 'UTF8')) % 64)::smallint`
const TARGET_ID = `'${targetId('')}' || ${SQL_OF.id}`

/** What a first sync leaves behind of each record. */
const TABLES: Table[] = [
  {
    name: 'record',
    log: true,
    columns: 'stream_id, id, slice, seq, hash, body, observed_at',
    rows: (ids) =>
      `select ${ids.source}, ${SQL_OF.id}, ${SLICE}, n + 1, 'of a first sync', ${SQL_OF.body}, now() - interval '1 day' from ${numbers(ids)}`,
  },
  {
    name: 'delivery',
    columns: 'sync_id, record_id, slice, state, source_seq, delivered, mapping_version',
    rows: (ids) =>
      `select ${ids.sync}, ${SQL_OF.id}, ${SLICE}, 'delivered', n + 1, ${SQL_OF.delivered}, 'v' from ${numbers(ids)}`,
  },
  {
    name: 'link',
    columns: 'stream_id, record_id, entity_id',
    rows: (ids) =>
      `select side.stream, side.id, ${2_000_000_000} + n from ${numbers(ids)}
        cross join lateral (values (${ids.source}, ${SQL_OF.id}), (${ids.target}, ${TARGET_ID})) as side(stream, id)`,
  },
  {
    name: 'record_key',
    columns: 'stream_id, field, value, record_id',
    rows: (ids) => `select ${ids.target}, 'external_id', ${SQL_OF.id}, ${TARGET_ID} from ${numbers(ids)}`,
  },
]

/**
 * Puts the records from `from` to `to` (their numbers) into the tables as a first sync would have left them, by SQL and without indexes, which are built
 * again afterwards: ten million go in in minutes. From `delivered` on they stand in the log alone. Gives the seconds of each table.
 */
export async function fillLog(
  pool: pg.Pool,
  range: { from: number; to: number; delivered: number },
): Promise<Record<string, number>> {
  const { rows } = await pool.query<Omit<Ids, 'from' | 'to'>>(
    'select from_stream as source, to_stream as target, id as sync from sync',
  )
  const ids = { ...rows[0]!, ...range }
  const seconds: Record<string, number> = {}
  for (const table of TABLES) {
    const began = performance.now()
    await fill(pool, table, table.log ? ids : { ...ids, to: range.delivered })
    seconds[table.name] = Math.round((performance.now() - began) / 1_000)
  }
  await pool.query(`update stream set seq = greatest(seq, ${range.to} + 1)`)
  await pool.query(
    'insert into sync_position select id, from_stream, n, 0 from sync, generate_series(0, 63) n on conflict do nothing',
  )
  await pool.query('update sync_position p set seq = s.seq from stream s where s.id = p.stream_id')
  return seconds
}

async function fill(pool: pg.Pool, { name, columns, rows }: Table, ids: Ids): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query("set statement_timeout = 0; set synchronous_commit = off; set maintenance_work_mem = '512MB'")
    const indexes = await client.query<{ definition: string; name: string; key: string | null; clause: string }>(
      `select pg_get_indexdef(i.indexrelid) as definition, c.relname as name, k.conname as key, pg_get_constraintdef(k.oid) as clause
         from pg_index i join pg_class c on c.oid = i.indexrelid left join pg_constraint k on k.conindid = i.indexrelid and k.contype in ('p', 'u')
        where i.indrelid = $1::regclass`,
      [name],
    )
    await client.query('begin')
    for (const { key, name: index } of indexes.rows)
      await client.query(key ? `alter table ${name} drop constraint ${key}` : `drop index ${index}`)
    await client.query(`insert into ${name} (${columns}) ${rows(ids)}`)
    for (const { key, definition, clause } of indexes.rows)
      await client.query(key ? `alter table ${name} add constraint ${key} ${clause}` : definition)
    await client.query('commit')
    // As autovacuum does in the minutes that follow.
    await client.query(`vacuum analyze ${name}`)
    await client.query('reset all')
  } finally {
    client.release()
  }
}
