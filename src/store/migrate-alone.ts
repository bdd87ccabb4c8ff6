/** Migrations that may not run in a transaction, because they take long on a large ledger and must hold nobody up meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { asStoreError } from './failure.ts'
import type { Migration } from './migrate.ts'

/**
 * First line of such a file. Its statements (`create index concurrently`) end with a semicolon at the end of a line, and are sent one by one. It must
 * bear to be run again after an end in the middle: an index that was not finished stays, is used by nobody, and has to be dropped first.
 */
const MARK = '-- Outside of a transaction.\n'
const LOOK_AGAIN_MS = 200

/** Whether a migration runs by itself, after those before it have been committed. */
export const runsAlone = ({ sql }: Migration): boolean => sql.startsWith(MARK)

/** Runs one of them in a session of its own, unless another hub did so meanwhile: then false. */
export async function runAlone(pool: pg.Pool, migration: Migration, lock: number): Promise<boolean> {
  const client = await pool.connect()
  try {
    // However many records there are; nothing waits for it but what starts anew.
    await client.query('set statement_timeout = 0')
    await takeLock(client, lock)
    const { rowCount } = await client.query('select from migration where number = $1', [migration.number])
    if (rowCount) return false
    for (const statement of statementsOf(migration.sql)) await client.query(statement)
    await client.query('insert into migration (number, name, hash) values ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.hash,
    ])
    return true
  } catch (error) {
    throw asStoreError(error)
  } finally {
    // The session ends, and with it the lock and what was set.
    client.release(true)
  }
}

/** Asks again and again: who waits in `pg_advisory_lock` is a transaction under way, which an index that is made beside others' work waits for. */
async function takeLock(client: pg.PoolClient, lock: number): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [lock])
    if (rows[0]!.taken) return
    await sleep(LOOK_AGAIN_MS)
  }
}

const statementsOf = (sql: string): string[] =>
  sql.split(/;[ \t]*$/m).filter((text) => text.replaceAll(/^\s*--.*$/gm, '').trim() !== '')
