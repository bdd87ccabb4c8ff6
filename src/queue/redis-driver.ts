import { Queue, Worker } from 'bullmq'
import { CausewayError } from '../core/index.ts'
import type { Driver, JobProcessor } from './driver.ts'
import type { JobData } from './job.ts'
import { openRedis, readyOr, watch } from './redis-client.ts'
import type { TroubleReport } from './trouble.ts'
import type { QueueTuning } from './tuning.ts'
import { queueDefaults, workerDefaults } from './worker-settings.ts'

export type RedisTarget = { backend: 'redis'; url: string; prefix?: string }

/** Braces keep all keys of a queue on one node of a Redis Cluster. */
const DEFAULT_PREFIX = '{causeway}'

/**
 * Two connections shared by all kinds, plus the one per worker on which BullMQ blocks. Redis need not be up yet: calls fail
 * with CSW-7001 until it is, so that a hub restarted during an outage of Redis still takes webhooks.
 */
export async function openRedisDriver(
  target: RedisTarget,
  tuning: QueueTuning,
  trouble: TroubleReport,
): Promise<Driver> {
  const url = checkedUrl(target.url)
  const tell = (error: Error) => trouble.tell(error)
  // Commands under way when a connection breaks are sent again on the next one, for both: BullMQ asks for the server's
  // version once, and if that fails the queue is broken until the process restarts.
  const persistent = { maxRetriesPerRequest: null }
  // Whoever asks for work wants to know now that Redis is away; the work is found again from the ledger.
  const asking = openRedis(url, { ...persistent, enableOfflineQueue: false }, tell)
  // A worker has nothing better to do than to wait until Redis is back.
  const working = openRedis(url, persistent, tell)
  const watches = [asking, working].map((redis) => watch(redis, tuning.callTimeoutMs))
  await readyOr(tuning.callTimeoutMs, asking)
  const prefix = target.prefix ?? DEFAULT_PREFIX
  return {
    name: 'redis',
    queue: (kind) => new Queue<JobData, void>(kind, { connection: asking, prefix, ...queueDefaults }),
    worker: (kind, processor: JobProcessor, concurrency) =>
      new Worker<JobData, void>(kind, processor, {
        connection: working,
        prefix,
        ...workerDefaults(tuning),
        concurrency,
      }),
    // BullMQ names the blocking connection of each worker.
    announce: async () => undefined,
    workerCount: (_kind, queue) => queue.getWorkersCount(),
    async ping() {
      await asking.ping()
    },
    async close() {
      for (const timer of watches) clearInterval(timer)
      asking.disconnectAll()
      working.disconnectAll()
    },
  }
}

function checkedUrl(url: string): string {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined
  if (protocol === 'redis:' || protocol === 'rediss:') return url
  // The value may hold a password, so it is not repeated.
  throw new CausewayError('CSW-1002', { what: 'REDIS_URL is not of the form redis://host:port or rediss://host:port.' })
}
