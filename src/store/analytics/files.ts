/** Reads a table as it is at one moment, and remembers when its files were written. */
import type pg from 'pg'
import { type ColumnType, OWN_COLUMNS, SPAN_COLUMNS } from './columns.ts'
import { historyOf, quoted, type TableSpec, tableOf } from './tables.ts'

type ReadColumn = { name: string; type: ColumnType }
/** Values as text, moments as Date, truths as boolean. */
export type ReadValue = string | boolean | Date | null
/** A table of an analytics schema, with what is needed to read it. */
export type Readable = { name: string; columns: readonly ReadColumn[]; from: string }

const PAGE = 5_000

const LINKS: readonly ReadColumn[] = [
  { name: 'entity_id', type: 'bigint' },
  { name: 'entity_type', type: 'text' },
  { name: 'system', type: 'text' },
  { name: 'stream', type: 'text' },
  { name: 'record_id', type: 'text' },
  { name: 'part', type: 'text' },
  { name: 'is_former_id', type: 'boolean' },
  { name: 'linked_at', type: 'timestamptz' },
]

/** What of a target can be read: its tables, their histories, the links. */
export function readablesOf(schema: string, specs: readonly TableSpec[]): Readable[] {
  return [
    ...specs.flatMap((spec): Readable[] => {
      const columns = [...OWN_COLUMNS, ...spec.columns.map(({ name, type }) => ({ name, type }))]
      const now = { name: spec.name, columns, from: tableOf(spec) }
      return spec.history
        ? [now, { name: `${spec.name}_history`, columns: [...SPAN_COLUMNS, ...columns], from: historyOf(spec) }]
        : [now]
    }),
    { name: 'links', columns: LINKS, from: `${quoted(schema)}.links` },
  ]
}

/** Rows of one table in pages, all of one moment. What is not a truth or a moment comes as text, exactly. */
export async function* readPages(pool: pg.Pool, table: Readable): AsyncGenerator<ReadValue[][]> {
  const client = await pool.connect()
  try {
    const list = table.columns.map(({ name, type }) =>
      type === 'boolean' || type === 'timestamptz' ? quoted(name) : `${quoted(name)}::text`,
    )
    await client.query('begin isolation level repeatable read read only')
    // While a page is written to a slow disk the session rests, longer than sessions of a hub may.
    await client.query('set local idle_in_transaction_session_timeout = 0')
    await client.query(`declare pages no scroll cursor for select ${list.join(', ')} from ${table.from}`)
    for (;;) {
      const { rows } = await client.query<ReadValue[]>({ text: `fetch ${PAGE} from pages`, rowMode: 'array' })
      if (!rows.length) return
      yield rows
    }
  } finally {
    await client.query('rollback').then(
      () => client.release(),
      (error: Error) => client.release(error),
    )
  }
}

/** Runs `work` unless somebody writes files of the target already; false then. */
export async function whileWriting(pool: pg.Pool, target: string, work: () => Promise<void>): Promise<boolean> {
  const client = await pool.connect()
  const key = [`analytics files ${target}`]
  try {
    const { rows } = await client.query<{ mine: boolean }>(
      `select pg_try_advisory_lock(hashtext('causeway'), hashtext($1)) as mine`,
      key,
    )
    if (!rows[0]!.mine) return false
    try {
      await work()
      return true
    } finally {
      await client.query(`select pg_advisory_unlock(hashtext('causeway'), hashtext($1))`, key)
    }
  } finally {
    client.release()
  }
}

/** True for the one process that is to write the files of a target now. */
export async function claimFiles(pool: pg.Pool, target: string, everyMinutes: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `insert into analytics_files (target, written_at) values ($1, now())
     on conflict (target) do update set written_at = now()
      where analytics_files.written_at < now() - make_interval(mins => $2)`,
    [target, everyMinutes],
  )
  return rowCount === 1
}

/** The next worker that looks writes the files of the target. */
export async function makeFilesDue(pool: pg.Pool | pg.PoolClient, target: string): Promise<void> {
  await pool.query(
    `insert into analytics_files (target, written_at) values ($1, '-infinity')
     on conflict (target) do update set written_at = '-infinity'`,
    [target],
  )
}

export async function noteFiles(pool: pg.Pool, target: string, error: object | null): Promise<void> {
  await pool.query('update analytics_files set error = $2 where target = $1', [
    target,
    error === null ? null : JSON.stringify(error),
  ])
}

/** Also of a table that could not be made yet. */
export async function noteTableError(pool: pg.Pool, spec: TableSpec, error: object): Promise<void> {
  await pool.query(
    `insert into analytics_table (target, schema_name, name, stream_id, columns, error) values ($1, $2, $3, $4, '[]', $5)
     on conflict (schema_name, name) do update set error = excluded.error where analytics_table.stream_id = excluded.stream_id`,
    [spec.target, spec.schema, spec.name, spec.streamId, JSON.stringify(error)],
  )
}
