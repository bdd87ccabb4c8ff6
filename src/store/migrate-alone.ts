/** Migrations that may not run in a transaction, because they take long on a large ledger and must hold nobody up meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { asStoreError } from './failure.ts'

export type Migration = { number: number; name: string; sql: string; hash: string }

/**
 * First line of such a file. Its statements (`create index concurrently`) end with a semicolon at the end of a line, and are sent one by one. It must
 * bear to be run again after an end in the middle: an index that was not finished stays, is used by nobody, and has to be dropped first.
 */
const MARK = '-- Outside of a transaction.\n'
const LOOK_AGAIN_MS = 200

/** Whether a migration runs by itself, after those before it have been committed. */
export const runsAlone = ({ sql }: Migration): boolean => sql.startsWith(MARK)

/**
 * Does some work while this session, and no other, holds an advisory lock. Asks for it again and again outside of any transaction: whoever waits for it
 * in a statement has a snapshot, for whose end an index waits that the holder makes beside others' work, and neither would go on.
 */
export async function withLock<T>(
  pool: pg.Pool,
  lock: number,
  work: (session: pg.PoolClient) => Promise<T>,
): Promise<T> {
  const session = await pool.connect()
  try {
    while (!(await isTaken(session, lock))) await sleep(LOOK_AGAIN_MS)
    return await work(session)
  } catch (error) {
    throw asStoreError(error)
  } finally {
    // It ends, and with it the lock and what was set.
    session.release(true)
  }
}

async function isTaken(session: pg.PoolClient, lock: number): Promise<boolean> {
  const { rows } = await session.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [lock])
  return rows[0]!.taken
}

/** Runs one of them, statement by statement, and notes it. */
export async function runAlone(session: pg.PoolClient, { number, name, hash, sql }: Migration): Promise<void> {
  // However many records there are; nothing waits for it but what starts anew.
  await session.query('set statement_timeout = 0')
  for (const statement of statementsOf(sql)) await session.query(statement)
  await session.query('insert into migration (number, name, hash) values ($1, $2, $3)', [number, name, hash])
}

const statementsOf = (sql: string): string[] =>
  sql.split(/;[ \t]*$/m).filter((text) => text.replaceAll(/^\s*--.*$/gm, '').trim() !== '')
