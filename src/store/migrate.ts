import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { CausewayError } from '../core/index.ts'
import { isLockTimeout } from './failure.ts'
import { type Migration, runAlone, runsAlone, withLock } from './migrate-alone.ts'
import { SCHEMA } from './pool.ts'
import { withTransaction } from './transaction.ts'

export type MigrationStatus = {
  /** Numbers the database has. */
  applied: number[]
  /** Migrations of this version that the database lacks, in order. */
  pending: { number: number; name: string }[]
  /** Numbers the database has and this version does not know: a newer version wrote it. */
  unknown: number[]
  /** Migrations whose text is not the one that was run. */
  changed: number[]
}

const FOLDER = join(import.meta.dirname, 'migrations')
// Any fixed number; the hub's own, so that two that start together migrate one after the other.
const LOCK = 0x43_53_57

type AppliedRow = { number: number; name: string; hash: string }

/** The numbered files of this version in order. A number may be missing: it belongs to work that has not landed yet. */
export async function readMigrations(folder = FOLDER): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort()
  let last = 0
  return Promise.all(
    files.map(async (file) => {
      const [, digits, name] = /^(\d{4})_([a-z0-9_]+)\.sql$/.exec(file) ?? []
      const number = Number(digits)
      if (!name || !(number > last)) throw new Error(`Not a migration in sequence: ${file}`)
      last = number
      // Checked out on Windows the line ends differ, the migration does not.
      const sql = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n')
      return { number, name, sql, hash: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

/** Compares the database with this version without changing anything. */
export async function migrationStatus(pool: pg.Pool, folder = FOLDER): Promise<MigrationStatus> {
  const known = await readMigrations(folder)
  const { rows } = await pool.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
    `${SCHEMA}.migration`,
  ])
  return compare(known, rows[0]?.there ? await readApplied(pool) : [])
}

/**
 * Brings the database to this version: all missing migrations in one transaction, so either all of them or none, under an
 * advisory lock (held by a second connection of the pool); where one of them runs outside of a transaction, those before it are committed first.
 * Returns the numbers that were run.
 * Throws CSW-6002 when the database is newer than this version, CSW-6006 when a released migration differs from what was run.
 */
export async function migrate(pool: pg.Pool, folder = FOLDER): Promise<number[]> {
  const known = await readMigrations(folder)
  // Taken before anything is looked at: of two hubs that start together the second finds the work done.
  return withLock(pool, LOCK, async (session) => {
    const done: number[] = []
    for (;;) {
      const { ran, alone } = await migrateTogether(pool, known)
      done.push(...ran)
      if (!alone) return done
      await runAlone(session, alone)
      done.push(alone.number)
    }
  })
}

/**
 * A table that somebody reads for long (`pg_dump`) is not waited for in one go: everybody who comes to it meanwhile would wait behind. So long,
 * then all of it is given up, and tried again when the others had their turn.
 */
const LOCK_WAIT_MS = 2_000
const TURN_OF_OTHERS_MS = 3_000

type Together = { ran: number[]; alone: Migration | undefined }

async function migrateTogether(pool: pg.Pool, known: Migration[]): Promise<Together> {
  for (;;) {
    try {
      return await tryTogether(pool, known)
    } catch (error) {
      if (!isLockTimeout(error)) throw error
      await sleep(TURN_OF_OTHERS_MS)
    }
  }
}

/** Up to the first one that runs alone, which is given back. */
function tryTogether(pool: pg.Pool, known: Migration[]): Promise<Together> {
  return withTransaction(pool, async (client) => {
    await client.query(`set local lock_timeout = ${LOCK_WAIT_MS}`)
    await client.query(`create schema if not exists ${SCHEMA}`)
    await client.query(
      `create table if not exists ${SCHEMA}.migration (
         number integer primary key, name text not null, hash text not null, applied_at timestamptz not null default now())`,
    )
    const status = compare(known, await readApplied(client))
    refuse(status, known)
    const pending = known.filter(({ number }) => status.pending.some((one) => one.number === number))
    const alone = pending.find(runsAlone)
    const together = alone ? pending.slice(0, pending.indexOf(alone)) : pending
    for (const migration of together) {
      const { number } = migration
      await client.query(migration.sql)
      await client.query(`insert into ${SCHEMA}.migration (number, name, hash) values ($1, $2, $3)`, [
        number,
        migration.name,
        migration.hash,
      ])
    }
    return { ran: together.map(({ number }) => number), alone }
  })
}

async function readApplied(client: pg.Pool | pg.PoolClient): Promise<AppliedRow[]> {
  const { rows } = await client.query<AppliedRow>(`select number, name, hash from ${SCHEMA}.migration order by number`)
  return rows
}

function compare(known: Migration[], applied: AppliedRow[]): MigrationStatus {
  const has = new Set(applied.map((row) => row.number))
  const byNumber = new Map(known.map((migration) => [migration.number, migration]))
  return {
    applied: [...has],
    pending: known.filter(({ number }) => !has.has(number)).map(({ number, name }) => ({ number, name })),
    unknown: [...has].filter((number) => number > newest(known)),
    changed: applied
      .filter((row) => byNumber.has(row.number) && byNumber.get(row.number)!.hash !== row.hash)
      .map((r) => r.number),
  }
}

const newest = (known: Migration[]): number => known.at(-1)?.number ?? 0

function refuse(status: MigrationStatus, known: Migration[]): void {
  if (status.unknown.length) {
    throw new CausewayError('CSW-6002', {
      what: `The database is at migration ${Math.max(...status.unknown)}, and this version knows ${newest(known)}.`,
      data: { database: Math.max(...status.unknown), program: newest(known) },
    })
  }
  if (status.changed.length) {
    throw new CausewayError('CSW-6006', {
      what: `Migration ${status.changed.join(', ')} differs from what was run on this database.`,
    })
  }
}
