import { Queue, Worker } from 'bullmq'
import { Redis, type RedisOptions } from 'ioredis'
import { CausewayError } from '../core/index.ts'
import type { Driver, JobProcessor } from './driver.ts'
import type { JobData } from './job.ts'
import type { TroubleReport } from './trouble.ts'
import type { QueueTuning } from './tuning.ts'
import { queueDefaults, workerDefaults } from './worker-settings.ts'

export type RedisTarget = { backend: 'redis'; url: string; prefix?: string }

/** Braces keep all keys of a queue on one node of a Redis Cluster. */
export const DEFAULT_PREFIX = '{causeway}'

/**
 * Two connections shared by all kinds, plus the one per worker on which BullMQ blocks. Redis need not be up yet: calls fail
 * with CSW-7001 until it is, so that a hub restarted during an outage of Redis still takes webhooks.
 */
export function openRedisDriver(target: RedisTarget, tuning: QueueTuning, trouble: TroubleReport): Driver {
  const url = checkedUrl(target.url)
  const tell = (error: Error) => trouble.tell(error)
  // Whoever asks for work wants to know now that Redis is away; the work is found again from the ledger.
  const asking = new Redis(url, { ...common, enableOfflineQueue: false, maxRetriesPerRequest: 1 }).on('error', tell)
  // A worker has nothing better to do than to wait until Redis is back.
  const working = new Redis(url, { ...common, maxRetriesPerRequest: null }).on('error', tell)
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
      asking.disconnect()
      working.disconnect()
    },
  }
}

const common: RedisOptions = {
  retryStrategy: (times) => Math.min(times * 100, 1_000),
  // After a failover the old primary answers READONLY until somebody connects anew.
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  connectTimeout: 5_000,
  keepAlive: 10_000,
  // Longer than the longest blocking call (10 s). A connection that died silently is noticed by the missing answer.
  socketTimeout: 20_000,
}

function checkedUrl(url: string): string {
  const protocol = URL.canParse(url) ? new URL(url).protocol : undefined
  if (protocol === 'redis:' || protocol === 'rediss:') return url
  // The value may hold a password, so it is not repeated.
  throw new CausewayError('CSW-1002', { what: 'REDIS_URL is not of the form redis://host:port or rediss://host:port.' })
}
