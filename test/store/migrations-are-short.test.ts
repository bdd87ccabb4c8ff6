/** Migrations run while the hub works: what goes over all rows of a table that grows has no place in their transaction. */
import type pg from 'pg'
import { expect, test } from 'vitest'
import { readMigrations } from '../../src/store/migrate.ts'
import { runsAlone } from '../../src/store/migrate-alone.ts'
import { freshDatabase } from '../postgres.ts'

/** Those before were released as they are; 0014 makes an index that holds up writes. */
const HELD_FROM = 38

/** As many rows as people wrote into files, or a few per process: to go over them takes no time. */
const SMALL = new Set([
  ...['alert_snooze', 'analytics_files', 'analytics_reader', 'analytics_table', 'api_token', 'configuration'],
  ...['configuration_file', 'connection', 'hub_user', 'lane', 'lease', 'migration', 'quota', 'schedule_slot', 'secret'],
  ...['stream', 'sync', 'sync_position', 'webhook_subscription', 'worker'],
])

type Touched = { name: string; file: string; scans: number; rows: number }

/** Tables, where they lie, and what was done to them in this transaction. */
const TOUCHED = `
select c.relname as name, pg_relation_filenode(c.oid)::text as file,
       coalesce(s.seq_scan, 0)::int as scans, coalesce(s.n_tup_upd + s.n_tup_del, 0)::int as rows
  from pg_class c left join pg_stat_xact_user_tables s on s.relid = c.oid
 where c.relnamespace = 'causeway'::regnamespace and c.relkind = 'r'`

/** What of these statements goes over a whole table that may be large, and how one sees it. */
async function longSteps(pool: pg.Pool, sql: string): Promise<string[]> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    // What changes all rows of a table without any would be seen as a read only.
    await client.query(
      `insert into connection (name, connector) values ('crm', 'demo-crm');
       insert into stream (connection_id, name, key_fields) select id, 'contacts', '{}' from connection where name = 'crm';
       insert into record (stream_id, id, slice, seq, version, hash, body, deleted, observed_at)
            select id, 'r', 0, 1, 'v', '\\x00', '{}', false, now() from stream where name = 'contacts'`,
    )
    const { rows: before } = await client.query<Touched>(TOUCHED)
    await client.query(sql)
    const { rows: after } = await client.query<Touched>(TOUCHED)
    const known = new Map(before.map((table) => [table.name, table]))
    return after.flatMap(({ name, file, scans, rows }) => {
      const former = known.get(name)
      if (!former || SMALL.has(name)) return []
      if (file !== former.file) return [`writes ${name} anew`]
      if (rows > former.rows) return [`changes rows of ${name}`]
      return scans > former.scans ? [`reads all of ${name}`] : []
    })
  } finally {
    await client.query('rollback')
    client.release()
  }
}

test('what takes long on a large table is told from what does not', async () => {
  const { pool } = await freshDatabase()
  for (const [sql, found] of [
    ['create index late on record (version)', ['reads all of record']],
    ['alter table record add constraint late check (slice >= 0)', ['reads all of record']],
    ['alter table record alter version set not null', ['reads all of record']],
    ['alter table link add foreign key (stream_id) references stream (id)', ['reads all of link']],
    ['alter table record alter slice type bigint', ['writes record anew']],
    ['alter table record add late uuid default gen_random_uuid()', ['writes record anew']],
    ['update record set deleted = true', ['changes rows of record']],
    ['delete from record', ['changes rows of record']],
    ['alter table record add late int', []],
    ["alter table record add late text not null default 'x'", []],
    ['alter table record add constraint late check (slice >= 0) not valid', []],
    ['alter table record set (fillfactor = 70)', []],
    ['create table late (id int); create index late_id on late (id); update late set id = 1', []],
    ["update connection set state = 'paused'", []],
  ] as const)
    expect(await longSteps(pool, sql), sql).toEqual(found)
})

test('no migration goes over a table that grows while others wait', async () => {
  const { pool } = await freshDatabase({ migrated: false })
  await pool.query('create schema causeway')
  for (const migration of await readMigrations()) {
    const isHeld = migration.number >= HELD_FROM && !runsAlone(migration)
    if (isHeld) expect(await longSteps(pool, migration.sql), `migration ${migration.number}`).toEqual([])
    if (!runsAlone(migration)) await pool.query(migration.sql)
    else for (const statement of migration.sql.split(/;[ \t]*$/m)) await pool.query(statement)
  }
})
