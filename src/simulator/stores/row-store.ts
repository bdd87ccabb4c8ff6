/** Records that are the rows of a table, in a database server that whoever runs the suite brings along. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import type { FaultKind } from '../faults.ts'
import { at, type Item } from '../paths.ts'
import type { Entry, Table } from '../table.ts'
import { Relay } from './relay.ts'
import type { Found, Store, StoreContext } from './store.ts'

const quoted = pg.escapeIdentifier

/** A schema, a user for the connector and its rows; all of them are dropped at the end. */
export async function rowStore(context: StoreContext): Promise<Store> {
  const { postgres } = context.services
  if (!postgres) throw new Error('Rows need a database server, and whoever runs the suite brings none.')
  const server = await postgres()
  const { hostname, port, pathname } = new URL(server.url)
  const pool = new pg.Pool({ connectionString: server.url, max: 2, options: '-c timezone=UTC' })
  const rows = new Rows(context, pool)
  const relay = new Relay({ host: hostname, port: Number(port || 5432) }, (statement) => {
    const [, verb = ''] = /\b(begin|commit|rollback|select|insert|update|delete|set)\b/i.exec(statement) ?? []
    context.note({ method: verb.toUpperCase(), path: rows.table })
    // What a lost answer leaves open is whether a commit was done.
    return context.take({ method: verb.toUpperCase(), path: rows.table, write: /^commit$/i.test(verb) })
  })
  await rows.make()
  return {
    place: {
      ...{ host: '127.0.0.1', port: await relay.open(), database: decodeURIComponent(pathname.slice(1)) },
      ...{ schema: rows.schema, user: rows.user, table: rows.table },
    },
    troubles: new Set<FaultKind>(['lost', 'down', 'cut']),
    changed: (table, entry) => rows.put(table, [entry]),
    found: (table) => rows.found(table),
    close: async () => {
      await relay.close()
      await rows.drop()
      await pool.end()
      await server.close()
    },
  }
}

class Rows {
  readonly table: string
  readonly schema: string
  readonly user: string
  private readonly pool: pg.Pool
  private readonly context: StoreContext

  constructor(context: StoreContext, pool: pg.Pool) {
    const name = `samples_${randomBytes(6).toString('hex')}`
    this.context = context
    this.pool = pool
    this.schema = name
    this.user = name
    this.table = context.description.store!.table ?? 'rows'
  }

  async make(): Promise<void> {
    const { columns = {}, changes } = this.context.description.store!
    const { password = '' } = this.context.secrets
    const [schema, user] = [quoted(this.schema), quoted(this.user)]
    const defined = Object.entries(columns).map(([name, type]) => `${quoted(name)} ${type}`)
    await this.pool.query(`create role ${user} login password ${pg.escapeLiteral(password)};
      create schema ${schema};
      create table ${this.shown} (${defined.join(', ')});
      grant usage on schema ${schema} to ${user};
      grant select, insert, update, delete on ${this.shown} to ${user};
      grant usage on all sequences in schema ${schema} to ${user}`)
    if (changes !== undefined) await this.watch(changes)
    for (const table of this.context.tables.values()) await this.put(table, table.entries)
  }

  /** Every change that the connector makes sets the column anew, as the trigger of a careful owner would. */
  private async watch(column: string): Promise<void> {
    const schema = quoted(this.schema)
    await this.pool.query(`create function ${schema}.changed() returns trigger language plpgsql as $$
      begin new.${quoted(column)} := clock_timestamp(); return new; end $$;
      create trigger changed before insert or update on ${this.shown} for each row
      when (current_user = ${pg.escapeLiteral(this.user)}) execute function ${schema}.changed()`)
  }

  /** Puts entries where they are, or away where they are deleted. */
  async put({ collection }: Table, entries: readonly Entry[]): Promise<void> {
    const id = quoted(collection.id.field)
    await this.pool.query(`delete from ${this.shown} where ${id}::text = any($1)`, [entries.map((one) => one.id)])
    const there = entries.filter(({ deleted }) => !deleted).map(({ record }) => record)
    if (there.length)
      await this.pool.query(
        `insert into ${this.shown} overriding system value select * from json_populate_recordset(null::${this.shown}, $1)`,
        [JSON.stringify(there)],
      )
  }

  async found({ collection }: Table): Promise<Found[]> {
    const { rows } = await this.pool.query<{ record: Item }>(
      `select to_json(t) as record from ${this.shown} t order by ${quoted(collection.id.field)}`,
    )
    return rows.map(({ record }) => ({ id: String(at(record, collection.id.field)), record }))
  }

  async drop(): Promise<void> {
    const [schema, user] = [quoted(this.schema), quoted(this.user)]
    await this.pool.query(`drop schema ${schema} cascade; drop owned by ${user}; drop role ${user}`)
  }

  private get shown(): string {
    return `${quoted(this.schema)}.${quoted(this.table)}`
  }
}
