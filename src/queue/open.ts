import { BullWorkQueue } from './bull-queue.ts'
import type { WorkQueue } from './contract.ts'
import { migratePostgresQueue, openPostgresDriver, type PostgresTarget } from './postgres-driver.ts'
import { openRedisDriver, type RedisTarget } from './redis-driver.ts'
import { type QueueLog, TroubleReport } from './trouble.ts'
import { DEFAULT_TUNING, type QueueTuning } from './tuning.ts'

export type QueueTarget = PostgresTarget | RedisTarget

/**
 * Opens the queue. Postgres must be up and migrated (CSW-7001, CSW-7002); Redis may still be away, calls fail with CSW-7001
 * until it is there.
 */
export async function openQueue(
  target: QueueTarget,
  options: { log: QueueLog; tuning?: Partial<QueueTuning> },
): Promise<WorkQueue> {
  const tuning = { ...DEFAULT_TUNING, ...options.tuning }
  const trouble = new TroubleReport(options.log)
  const driver =
    target.backend === 'redis'
      ? await openRedisDriver(target, tuning, trouble)
      : await openPostgresDriver(target, tuning)
  return new BullWorkQueue(driver, tuning, options.log, trouble)
}

/** Creates or upgrades the queue's tables; Redis needs none. Returns the version of the tables, or undefined for Redis. */
export async function migrateQueue(target: QueueTarget): Promise<number | undefined> {
  return target.backend === 'postgres' ? migratePostgresQueue(target, DEFAULT_TUNING) : undefined
}
