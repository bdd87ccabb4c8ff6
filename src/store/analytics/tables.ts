/** The tables themselves: made, and brought to the form that the stream has now, without ever being empty meanwhile. */
import type pg from 'pg'
import { CausewayError } from '../../core/index.ts'
import { withTransaction } from '../transaction.ts'
import { type Column, OWN_COLUMNS, SPAN_COLUMNS } from './columns.ts'

/** A table that follows a stream. */
export type TableSpec = {
  target: string
  schema: string
  name: string
  streamId: number
  columns: readonly Column[]
  history: boolean
}

/** `columns` is null where somebody dropped the table. */
type Known = { streamId: number; columns: string | null; historyColumns: string | null }
type Named = { name: string; type: string }

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const tableOf = ({ schema, name }: Pick<TableSpec, 'schema' | 'name'>): string =>
  `${quoted(schema)}.${quoted(name)}`
export const historyOf = (spec: Pick<TableSpec, 'schema' | 'name'>): string =>
  tableOf({ schema: spec.schema, name: `${spec.name}_history` })

/**
 * Makes the table, or gives it the columns that the stream has now; then what is there is taken over once more. Columns of
 * the history stay when a field goes, and become `jsonb` when its type changes.
 */
export async function ensureTable(pool: pg.Pool, spec: TableSpec): Promise<void> {
  await withTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('analytics'), hashtext($1))`, [tableOf(spec)])
    const known = await readKnown(client, spec)
    if (known && known.streamId !== spec.streamId)
      throw new CausewayError('CSW-6009', {
        what: `The table ${spec.schema}.${spec.name} belongs to another stream.`,
        fix: 'Give the analytics target another schema.',
      })
    await client.query(`create schema if not exists ${quoted(spec.schema)}`)
    const changed = await shapeTable(client, spec, known)
    const history = spec.history ? await shapeHistory(client, spec, known) : await endHistory(client, spec, known)
    await client.query(
      `insert into analytics_table (target, schema_name, name, stream_id, columns, history_columns) values ($1, $2, $3, $4, $5, $6)
       on conflict (schema_name, name) do update
          set target = excluded.target, columns = excluded.columns, history_columns = excluded.history_columns, error = null,
              position = case when $7 then 0 else analytics_table.position end`,
      [
        spec.target,
        spec.schema,
        spec.name,
        spec.streamId,
        JSON.stringify(spec.columns),
        history,
        changed || (spec.history && known?.historyColumns == null),
      ],
    )
  })
}

/** What the hub knows of the table. */
async function readKnown(client: pg.PoolClient, spec: TableSpec): Promise<Known | undefined> {
  const { rows } = await client.query<Known & { there: boolean; historyThere: boolean }>(
    `select stream_id as "streamId", columns, history_columns as "historyColumns",
            to_regclass($3) is not null as there, to_regclass($4) is not null as "historyThere"
       from analytics_table where schema_name = $1 and name = $2`,
    [spec.schema, spec.name, tableOf(spec), historyOf(spec)],
  )
  const [row] = rows
  if (!row) return undefined
  const { streamId, there, historyThere } = row
  return { streamId, columns: there ? row.columns : null, historyColumns: historyThere ? row.historyColumns : null }
}

/** True when what is in the table has to be taken over anew. */
async function shapeTable(client: pg.PoolClient, spec: TableSpec, known: Known | undefined): Promise<boolean> {
  const wanted: Named[] = [...OWN_COLUMNS, ...spec.columns]
  if (known?.columns == null) {
    const columns = wanted.map(defined).join(', ')
    await client.query(`create table ${tableOf(spec)} (${columns}, primary key (_id))`)
    return true
  }
  if (known.columns === JSON.stringify(spec.columns)) return false
  const before = new Map((JSON.parse(known.columns) as Column[]).map((column) => [column.name, column]))
  const steps: string[] = []
  for (const [name, column] of before)
    if (!spec.columns.some((now) => now.name === name && now.type === column.type && now.field === column.field))
      steps.push(`drop column if exists ${quoted(name)}`)
  for (const column of spec.columns) {
    const old = before.get(column.name)
    if (old?.type !== column.type || old.field !== column.field) steps.push(`add column ${defined(column)}`)
  }
  if (steps.length) await client.query(`alter table ${tableOf(spec)} ${steps.join(', ')}`)
  return true
}

/** A history that is kept no longer claims nothing about the time after. */
async function endHistory(client: pg.PoolClient, spec: TableSpec, known: Known | undefined): Promise<string | null> {
  if (known?.historyColumns == null) return null
  await client.query(`update ${historyOf(spec)} set _valid_to = now() where _valid_to is null`)
  return known.historyColumns
}

/** Gives the columns that the history has from now on, as text. */
async function shapeHistory(client: pg.PoolClient, spec: TableSpec, known: Known | undefined): Promise<string> {
  const wanted: Named[] = spec.columns.map(({ name, type }) => ({ name, type }))
  const own = [...OWN_COLUMNS, ...SPAN_COLUMNS]
  const before = known?.historyColumns ? (JSON.parse(known.historyColumns) as Named[]) : undefined
  if (!before) {
    await client.query(
      `create table ${historyOf(spec)} (${[...own, ...wanted].map(defined).join(', ')}, primary key (_id, _valid_from, _seq))`,
    )
    await client.query(`create index on ${historyOf(spec)} (_id) where _valid_to is null`)
    return JSON.stringify(wanted)
  }
  const columns = new Map(before.map(({ name, type }) => [name, type]))
  const steps: string[] = []
  for (const { name, type } of wanted) {
    const old = columns.get(name)
    if (old === undefined) steps.push(`add column ${defined({ name, type })}`)
    else if (old !== type && old !== 'jsonb')
      steps.push(`alter column ${quoted(name)} type jsonb using to_jsonb(${quoted(name)})`)
    columns.set(name, old === undefined || old === type ? type : 'jsonb')
  }
  if (steps.length) await client.query(`alter table ${historyOf(spec)} ${steps.join(', ')}`)
  return JSON.stringify([...columns].map(([name, type]) => ({ name, type })))
}

const defined = ({ name, type }: Named): string => `${quoted(name)} ${type}${type === 'text' ? ' collate "C"' : ''}`

/**
 * Which records of which streams are the same thing, as a view: it is never behind, and costs nothing until somebody looks.
 * Then who may read.
 */
export async function ensureLinks(pool: pg.Pool, schema: string, readers: readonly string[]): Promise<void> {
  await withTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtext('analytics'), hashtext($1))`, [schema])
    await client.query(`create schema if not exists ${quoted(schema)}`)
    await client.query(
      `create or replace view ${quoted(schema)}.links as
         select l.entity_id, i.type as entity_type, c.name as system, s.name as stream, l.record_id, l.part, l.alias as is_former_id,
                l.created_at as linked_at
           from causeway.link l
           join causeway.stream s on s.id = l.stream_id
           join causeway.connection c on c.id = s.connection_id
           left join causeway.identity i on i.stream_id = l.stream_id and i.record_id = l.record_id`,
    )
    await takeBackRights(client, schema, readers)
    for (const role of readers) {
      await client.query(`grant usage on schema ${quoted(schema)} to ${quoted(role)}`)
      await client.query(`grant select on all tables in schema ${quoted(schema)} to ${quoted(role)}`)
      await client.query('insert into analytics_reader (schema_name, role) values ($1, $2) on conflict do nothing', [
        schema,
        role,
      ])
    }
  })
}

/** Whom the file names no more reads no more; what somebody else granted is left alone. */
async function takeBackRights(client: pg.PoolClient, schema: string, readers: readonly string[]): Promise<void> {
  const { rows } = await client.query<{ role: string; there: boolean }>(
    `delete from analytics_reader r where schema_name = $1 and role <> all($2)
     returning role, exists (select from pg_roles where rolname = r.role) as there`,
    [schema, readers],
  )
  for (const { role } of rows.filter(({ there }) => there)) {
    await client.query(`revoke all on all tables in schema ${quoted(schema)} from ${quoted(role)}`)
    await client.query(`revoke all on schema ${quoted(schema)} from ${quoted(role)}`)
  }
}

/** Tables of streams that are no longer kept in full hold what must not lie around any more. Gives their names. */
export async function dropUnkept(pool: pg.Pool): Promise<string[]> {
  const { rows } = await pool.query<{ schema: string; name: string }>(
    `select t.schema_name as schema, t.name from analytics_table t join stream s on s.id = t.stream_id where s.keeping <> 'full'`,
  )
  for (const table of rows)
    await withTransaction(pool, async (client) => {
      await client.query(`drop table if exists ${tableOf(table)}, ${historyOf(table)} cascade`)
      await client.query('delete from analytics_table where schema_name = $1 and name = $2', [table.schema, table.name])
    })
  return rows.map(({ schema, name }) => `${schema}.${name}`)
}
