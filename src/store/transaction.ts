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
 */
export async function withTransaction<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await once(pool, work)
    } catch (error) {
      if (attempt >= ATTEMPTS || !isTransactionConflict(error)) throw asStoreError(error)
      await sleep(backoffMs(attempt, CONFLICT_BACKOFF))
    }
  }
}

async function once<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
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
  await client.query('savepoint all_new')
  try {
    return await insert()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    await client.query('rollback to savepoint all_new')
    return undefined
  }
}
