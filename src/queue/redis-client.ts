import { Redis, type RedisOptions } from 'ioredis'
import { within } from './trouble.ts'

/** Options of every connection of the queue. */
const common: RedisOptions = {
  retryStrategy: (times) => Math.min(times * 100, 1_000),
  // After a failover the old primary answers READONLY until somebody connects anew.
  reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 2 : false),
  connectTimeout: 5_000,
  keepAlive: 10_000,
}

/** An ioredis client that can be closed whatever state it is in, together with the copies that BullMQ makes of it. */
export class QueueRedis extends Redis {
  readonly copies = new Set<QueueRedis>()

  override duplicate(override?: Partial<RedisOptions>): QueueRedis {
    const copy = new QueueRedis({ ...this.options, ...override })
    // Whoever asked for the copy listens too; this keeps an error that comes before that from ending the process.
    copy.on('error', () => undefined)
    this.copies.add(copy)
    // BullMQ ends and reconnects a copy that blocked for too long.
    copy.on('end', () => this.copies.delete(copy)).on('connecting', () => this.copies.add(copy))
    return copy
  }

  /** ioredis never says `end` when it is told to stop between two attempts to connect, and BullMQ waits for that word. */
  override disconnect(reconnect = false): void {
    const between = this.status === 'reconnecting'
    super.disconnect(reconnect)
    if (!between || reconnect) return
    this.status = 'end'
    process.nextTick(() => this.emit('end'))
  }

  disconnectAll(): void {
    for (const copy of this.copies) copy.disconnect()
    this.disconnect()
  }
}

export function openRedis(url: string, options: RedisOptions, tell: (error: Error) => void): QueueRedis {
  return new QueueRedis(url, { ...common, ...options }).on('error', tell)
}

/**
 * Looks after a connection and its copies now and then, and makes anew what died silently; whoever waits on it would
 * otherwise be held up until the kernel gives up, a quarter of an hour later.
 */
export function watch(redis: QueueRedis, everyMs: number): NodeJS.Timeout {
  let greeting = new Set<QueueRedis>()
  const look = async () => {
    const clients = [redis, ...redis.copies]
    // Connected, but Redis has not answered the greeting since the last look.
    for (const client of clients) if (client.status === 'connect' && greeting.has(client)) client.disconnect(true)
    greeting = new Set(clients.filter(({ status }) => status === 'connect'))
    // The copies block on purpose, and BullMQ gives up on one that blocks for too long.
    if (redis.status !== 'ready') return
    await within(everyMs, redis.ping(), () => new Error('no sign of life')).catch(() => {
      if (redis.status === 'ready') redis.disconnect(true)
    })
  }
  return setInterval(look, everyMs).unref()
}

/** Resolves when the connection is ready, or after `ms`. */
export async function readyOr(ms: number, redis: QueueRedis): Promise<void> {
  if (redis.status === 'ready') return
  const ready = new Promise<void>((resolve) => redis.once('ready', () => resolve()))
  await within(ms, ready, () => new Error('not ready')).catch(() => undefined)
}
