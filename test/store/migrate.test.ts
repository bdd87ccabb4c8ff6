import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { afterAll, expect, test } from 'vitest'
import { createPool, migrate, migrationStatus } from '../../src/store/index.ts'
import { readMigrations } from '../../src/store/migrate.ts'
import { schemaText } from '../../src/store/schema-text.ts'
import { freshDatabase } from '../postgres.ts'

const STORE = join(import.meta.dirname, '../../src/store')
const folders: string[] = []

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true })
})

/** The released migrations plus further ones, as a later version would bring them. */
async function laterVersion(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-migrations-'))
  folders.push(folder)
  await cp(join(STORE, 'migrations'), folder, { recursive: true })
  for (const [name, sql] of Object.entries(files)) await writeFile(join(folder, name), sql)
  return folder
}

const own = await readMigrations()
const next = own.at(-1)!.number + 1
const fileName = (number: number, name: string): string => `${String(number).padStart(4, '0')}_${name}.sql`

test('an empty database is brought to the current version once', async () => {
  const { pool } = await freshDatabase({ migrated: false })
  expect((await migrationStatus(pool)).pending).toHaveLength(own.length)
  expect(await migrate(pool)).toHaveLength(own.length)
  expect(await migrate(pool)).toEqual([])
  expect(await migrationStatus(pool)).toMatchObject({ pending: [], unknown: [], changed: [] })
})

test('the committed schema is what the migrations make', async () => {
  const { pool } = await freshDatabase()
  const committed = await readFile(join(STORE, 'schema.sql'), 'utf8')
  // On failure: node scripts/print-schema.ts
  expect(await schemaText(pool)).toBe(committed)
})

test('two hubs that start together migrate once', async () => {
  const { pool, url } = await freshDatabase({ migrated: false })
  const other = createPool(url)
  const done = await Promise.all([migrate(pool), migrate(other), migrate(pool), migrate(other)])
  await other.end()
  expect(done.map((numbers) => numbers.length).sort()).toEqual([0, 0, 0, own.length])
})

test('a newer database is refused with both numbers, and left alone', async () => {
  const { pool } = await freshDatabase()
  const later = await laterVersion({ [fileName(next, 'later')]: 'create table later (id int)' })
  await migrate(pool, later)
  await expect(migrate(pool)).rejects.toMatchObject({
    code: 'CSW-6002',
    message: expect.stringContaining(`at migration ${next}, and this version knows ${next - 1}`),
  })
  expect((await migrationStatus(pool)).unknown).toEqual([next])
  expect((await migrationStatus(pool, later)).unknown).toEqual([])
})

test('when one of several migrations fails, none has happened', async () => {
  const { pool } = await freshDatabase()
  const broken = await laterVersion({
    [fileName(next, 'fine')]: 'create table fine (id int)',
    [fileName(next + 1, 'broken')]: 'create table broken (id int); select 1 / 0',
  })
  await expect(migrate(pool, broken)).rejects.toMatchObject({ code: '22012' })
  const { rows } = await pool.query(`select to_regclass('fine') as fine, to_regclass('broken') as broken`)
  expect(rows).toEqual([{ fine: null, broken: null }])
  expect((await migrationStatus(pool, broken)).pending.map((migration) => migration.number)).toEqual([next, next + 1])
})

test('a migration that was edited after it ran is refused; line ends do not count', async () => {
  const { pool } = await freshDatabase()
  const [first] = await readMigrations()
  const name = fileName(1, first!.name)
  const windows = await laterVersion({ [name]: first!.sql.replaceAll('\n', '\r\n') })
  expect(await migrate(pool, windows)).toEqual([])
  const edited = await laterVersion({ [name]: `${first!.sql}\n-- a late thought` })
  await expect(migrate(pool, edited)).rejects.toMatchObject({ code: 'CSW-6006' })
})

const table = { [fileName(next, 'table')]: 'create table large (n int, m int)' }
const index = {
  ...table,
  [fileName(next + 1, 'index')]: `-- Outside of a transaction.
drop index concurrently if exists large_by_n;
create unique index concurrently large_by_n on large (n);
`,
  [fileName(next + 2, 'after')]: 'alter table large add column after_it int',
}
const isValid = async (pool: pg.Pool): Promise<boolean | undefined> =>
  (
    await pool.query<{ valid: boolean }>(
      `select indisvalid as valid from pg_index where indexrelid = to_regclass('large_by_n')`,
    )
  ).rows[0]?.valid

test('a migration that runs outside of a transaction holds up no writes, and comes between those before and after it', async () => {
  const { pool, url } = await freshDatabase()
  await migrate(pool, await laterVersion(table))
  const writer = createPool(url, { statementMs: 20_000 })
  const slow = await writer.connect()
  await slow.query('begin')
  await slow.query('insert into large (n) values (1)')
  const hub = createPool(url)
  const later = await laterVersion(index)
  const migrating = [migrate(hub, later), migrate(pool, later)]
  // It waits for the transaction that wrote before it; who writes now does not wait for either.
  await expect.poll(() => isValid(writer), { timeout: 30_000 }).toBe(false)
  await writer.query('insert into large (n) values (2)')
  // A hub that starts now waits, and is not waited for.
  const third = createPool(url)
  migrating.push(migrate(third, later))
  await expect.poll(() => third.totalCount - third.idleCount, { timeout: 30_000 }).toBe(1)
  await slow.query('commit')
  slow.release()
  expect((await Promise.all(migrating)).flat().sort()).toEqual([next + 1, next + 2])
  expect(await isValid(pool)).toBe(true)
  expect((await migrationStatus(pool, later)).pending).toEqual([])
  await Promise.all([hub.end(), writer.end(), third.end()])
})

test('one that failed is run again, and what it left half done does not hinder', async () => {
  const { pool } = await freshDatabase()
  await migrate(pool, await laterVersion(table))
  await pool.query('insert into large (n) values (1), (1)')
  const later = await laterVersion(index)
  await expect(migrate(pool, later)).rejects.toMatchObject({ code: '23505' })
  expect(await isValid(pool)).toBe(false)
  expect((await migrationStatus(pool, later)).pending.map(({ number }) => number)).toEqual([next + 1, next + 2])
  await pool.query('delete from large where ctid = (select min(ctid) from large)')
  expect(await migrate(pool, later)).toEqual([next + 1, next + 2])
  expect(await isValid(pool)).toBe(true)
})

test('a migration that waits for a table that is read for long does not make everybody else wait behind it', async () => {
  const { pool, url } = await freshDatabase()
  const later = await laterVersion({ [fileName(next, 'changes')]: 'alter table record add column later int' })
  const others = createPool(url, { statementMs: 20_000, transactionIdleMs: 120_000 })
  const backup = await others.connect()
  await backup.query('begin; select 1 from record limit 1')
  const hub = createPool(url)
  const migrating = migrate(hub, later)
  const waits = async () =>
    (
      await pool.query(
        `select from pg_locks l join pg_database d on d.oid = l.database
          where d.datname = current_database() and l.relation = 'record'::regclass and not l.granted`,
      )
    ).rowCount
  await expect.poll(waits, { timeout: 30_000, interval: 20 }).toBe(1)
  await others.query('select count(*) from record')
  await backup.query('commit')
  backup.release()
  expect(await migrating).toEqual([next])
  await Promise.all([hub.end(), others.end()])
})
