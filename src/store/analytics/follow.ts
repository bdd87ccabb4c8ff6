/** Takes the change log of a stream over into its table, page by page; page and position are one commit. */
import type pg from 'pg'
import { isObject, type JsonObject, parseExact, SLICES } from '../../core/index.ts'
import { asNoBody, openBodies } from '../body-seals.ts'
import { withTransaction } from '../transaction.ts'
import { type Column, OWN_COLUMNS, rowOf } from './columns.ts'
import { historyOf, quoted, type TableSpec, tableOf } from './tables.ts'

const PAGE = 1_000

/**
 * Numbers of a stream are given under its lock, so what is committed after a look has greater ones. The index goes by slice.
 * $1 stream · $2 position · $3 at most
 */
const CHANGES = `
select r.id, r.seq, r.version, r.deleted, r.observed_at as "observedAt", r.body
  from generate_series(0, ${SLICES - 1}) as s(slice)
 cross join lateral (select * from record k where k.stream_id = $1 and k.slice = s.slice and k.seq > $2 order by k.seq limit $3) r
 order by r.seq limit $3`

type Change = {
  id: string
  seq: number
  version: string | null
  deleted: boolean
  observedAt: Date
  body: string | null
}

/** Gives the number of records that were taken over; 0 when there is nothing new, or somebody else is at the table. */
export async function followStream(pool: pg.Pool, spec: TableSpec): Promise<number> {
  return withTransaction(pool, async (client) => {
    const locked = await lockPosition(client, spec)
    if (!locked) return 0
    const { rows } = await client.query<Change>({
      name: 'analytics-changes',
      text: CHANGES,
      values: [spec.streamId, locked.position, PAGE],
    })
    if (!rows.length) return 0
    // Of a body that was altered nothing is known: what was taken over before stays, and its next state comes.
    const altered = new Set<Change>()
    await openBodies(pool, spec.streamId, rows, (row, why) => {
      asNoBody(row, why)
      altered.add(row)
    })
    const sound = rows.filter((row) => !altered.has(row))
    await forget(
      client,
      spec,
      sound.filter(({ body, deleted }) => body === null && !deleted).map(({ id }) => id),
    )
    await takeOver(
      client,
      spec,
      sound.filter(({ body, deleted }) => body !== null || deleted),
      locked.historyColumns,
    )
    await client.query(
      'update analytics_table set position = $3, error = null, changed_at = now() where schema_name = $1 and name = $2',
      [spec.schema, spec.name, rows.at(-1)!.seq],
    )
    return rows.length
  })
}

type Locked = { position: number; historyColumns: string | null }

async function lockPosition(client: pg.PoolClient, { schema, name }: TableSpec): Promise<Locked | undefined> {
  const { rows } = await client.query<Locked>(
    'select position, history_columns as "historyColumns" from analytics_table where schema_name = $1 and name = $2 for update skip locked',
    [schema, name],
  )
  return rows[0]
}

/** Records whose contents the hub does not have any more (erased) leave their rows and their past. */
async function forget(client: pg.PoolClient, spec: TableSpec, ids: string[]): Promise<void> {
  if (!ids.length) return
  await client.query(`delete from ${tableOf(spec)} where _id = any($1)`, [ids])
  if (spec.history) await client.query(`delete from ${historyOf(spec)} where _id = any($1)`, [ids])
}

async function takeOver(
  client: pg.PoolClient,
  spec: TableSpec,
  changes: Change[],
  historyColumns: string | null,
): Promise<void> {
  if (!changes.length) return
  const rows = changes.map((change) => toRow(spec.columns, change))
  const write = async (some: JsonObject[]): Promise<void> => {
    const json = JSON.stringify(some)
    await client.query(upsertOf(spec), [json])
    if (!spec.history || historyColumns === null) return
    await client.query(closeOf(spec), [json])
    await client.query(openOf(spec, historyColumns), [json])
  }
  await client.query('savepoint page')
  try {
    await write(rows)
  } catch (error) {
    if (!isDataError(error)) throw error
    await client.query('rollback to savepoint page')
    for (const row of rows) await writeAlone(client, row, write)
  }
}

/** A record that Postgres takes in no column leaves its id and its reason, and the others go on. */
async function writeAlone(
  client: pg.PoolClient,
  row: JsonObject,
  write: (rows: JsonObject[]) => Promise<void>,
): Promise<void> {
  await client.query('savepoint one')
  try {
    await write([row])
  } catch (error) {
    if (!isDataError(error)) throw error
    await client.query('rollback to savepoint one')
    const own = Object.fromEntries(OWN_COLUMNS.map(({ name }) => [name, row[name] ?? null]))
    await write([{ ...own, _version: null, _more: null, _unfit: { '': `refused by Postgres (${error.code})` } }])
  }
  await client.query('release savepoint one')
}

/** 22: a value that does not do. 54: a limit of Postgres, such as that of a row. */
const isDataError = (error: unknown): error is { code: string } =>
  /^(22|54)/.test(String((error as { code?: unknown }).code))

/** A tombstone of a record that was never seen has nothing but its id. */
function toRow(columns: readonly Column[], change: Change): JsonObject {
  const body = change.body === null ? {} : parseExact(change.body)
  return {
    ...rowOf(columns, isObject(body) ? body : {}),
    _id: change.id,
    _seq: change.seq,
    _version: change.version,
    _deleted: change.deleted,
    _observed_at: change.observedAt.toISOString(),
  }
}

const allColumns = (spec: TableSpec): { name: string; type: string }[] => [...OWN_COLUMNS, ...spec.columns]

/** The rows of a page as a table; Postgres casts each value to its column. $1 rows as JSON */
const incoming = (spec: TableSpec): string =>
  `jsonb_to_recordset($1::jsonb) as i(${allColumns(spec)
    .map(({ name, type }) => `${quoted(name)} ${type}`)
    .join(', ')})`

function upsertOf(spec: TableSpec): string {
  const names = allColumns(spec).map(({ name }) => quoted(name))
  const set = names.slice(1).map((name) => `${name} = excluded.${name}`)
  return `insert into ${tableOf(spec)} as t (${names.join(', ')}) select ${names.map((name) => `i.${name}`).join(', ')} from ${incoming(spec)}
    on conflict (_id) do update set ${set.join(', ')} where t._seq <= excluded._seq`
}

/** What is taken over again has its row in the history already. */
const closeOf = (spec: TableSpec): string =>
  `update ${historyOf(spec)} h set _valid_to = greatest(i._observed_at, h._valid_from) from ${incoming(spec)}
    where h._id = i._id and h._valid_to is null and h._seq < i._seq`

/** A column whose type changed once holds JSON in the history. */
function openOf(spec: TableSpec, historyColumns: string): string {
  const types = new Map((JSON.parse(historyColumns) as Column[]).map(({ name, type }) => [name, type]))
  const names = allColumns(spec).map(({ name }) => quoted(name))
  const values = allColumns(spec).map(({ name, type }) =>
    types.get(name) === 'jsonb' && type !== 'jsonb' ? `to_jsonb(i.${quoted(name)})` : `i.${quoted(name)}`,
  )
  return `insert into ${historyOf(spec)} (_valid_from, ${names.join(', ')})
    select i._observed_at, ${values.join(', ')} from ${incoming(spec)}
     where not i._deleted and not exists (select from ${historyOf(spec)} h where h._id = i._id and h._seq >= i._seq)`
}
