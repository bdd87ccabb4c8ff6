import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { backoffMs } from '../core/index.ts'
import { asStoreError, isConnectionLoss, isTransactionConflict, isUniqueViolation } from './failure.ts'

const ATTEMPTS = 5
const CONFLICT_BACKOFF = { baseMs: 10, capMs: 500 }

/**
 * Runs `work` in one transaction and commits. Deadlocks and serialisation failures repeat the whole of `work`, at most five
 * times, so it must have no effect outside the database. Connection loss becomes CSW-6001 and is not repeated here: after a
 * lost answer to COMMIT only the caller knows whether doing it again is harmless.
 * A session that is in a transaction already takes the work as a part of that one.
 */
export async function withTransaction<T>(
  pool: pg.Pool | pg.PoolClient,
  work: (client: pg.PoolClient, commit: Commit) => Promise<T>,
  begin: Begin = 'alone',
): Promise<T> {
  if ('release' in pool) return work(pool, async () => undefined)
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(pool, work, begin)
    } catch (error) {
      if (attempt >= ATTEMPTS || !isTransactionConflict(error)) throw asStoreError(error)
      await sleep(backoffMs(attempt, CONFLICT_BACKOFF))
    }
  }
}

/**
 * `with-work`: the transaction begins in the same round trip as the statements of `work` that are sent first. Should beginning
 * fail, they run by themselves before the session is broken off, so they have to be harmless.
 */
type Begin = 'alone' | 'with-work'

/**
 * Sends the commit behind the statements that were sent last, in the same round trip: Postgres makes a rollback of it when one of them
 * failed. Who calls it sends nothing more, and takes no decision on the answers.
 */
type Commit = () => Promise<unknown>

async function once<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient, commit: Commit) => Promise<T>,
  begin: Begin,
): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  let committed: Promise<unknown> | undefined
  const commit: Commit = () => (committed ??= client.query('commit'))
  try {
    const begun = client.query('begin')
    if (begin === 'alone') await begun
    else begun.catch(() => client.connection.stream.destroy())
    const result = await work(client, commit)
    await begun
    await commit()
    return result
  } catch (error) {
    if (isConnectionLoss(error)) broken = error as Error
    else await client.query('rollback').catch((failure: Error) => (broken = failure))
    throw error
  } finally {
    // A session in an unknown state must not go back into the pool.
    client.release(broken)
  }
}

/**
 * Tries a plain insert where rows are nearly always new. `on conflict` looks for each row before it writes, and writes a second
 * log entry per row, which about doubles the cost. Undefined when one was there already: then nothing of `insert` is left, and
 * the caller takes the careful way.
 */
export async function ifAllNew<T>(client: pg.PoolClient, insert: () => Promise<T>): Promise<T | undefined> {
  client.query('savepoint all_new').catch(() => {})
  try {
    return await insert()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    await client.query('rollback to savepoint all_new')
    return undefined
  }
}

/**
 * Statements of a transaction that need not wait for each other's answers, in one round trip. A failure is thrown when all have
 * ended, for one that came after the rollback would be a transaction of its own.
 */
export async function inOneGo<T extends readonly unknown[]>(
  statements: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  const results = await Promise.allSettled(statements)
  const failures = results.filter((result) => result.status === 'rejected')
  // 25P02: refused because another one failed, which is the one that tells why.
  const failed = failures.find(({ reason }) => (reason as { code?: string } | null)?.code !== '25P02') ?? failures[0]
  if (failed) throw failed.reason
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never
}
