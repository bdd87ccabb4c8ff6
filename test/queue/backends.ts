import { Redis } from 'ioredis'
import pg from 'pg'
import { migrateQueue, type QueueTarget } from '../../src/queue/index.ts'
import { freshDatabase } from '../postgres.ts'
import { type Relay, startRelay } from './outage.ts'
import { startRedis } from './redis-server.ts'

/** What the contract needs to know of a backend besides how to open a queue on it. */
export type Backend = {
  name: 'postgres' | 'redis'
  relay: Relay
  /** An empty queue that nobody else uses, reached through the relay. */
  freshTarget(): Promise<QueueTarget>
  /** Loses all jobs, as an operator or a failover may. */
  flush(): Promise<void>
  /** Breaks every connection at the server, which stays up. */
  dropSessions(): Promise<void>
  /** Sessions or sockets that a process has open at the server. */
  sessions(): Promise<number>
  /** Everything that is stored, as text. */
  stored(): Promise<string>
  close(): Promise<void>
}

export async function postgresBackend(): Promise<Backend> {
  const { url } = await freshDatabase({ migrated: false })
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  // In a deadlock with a queue that lives it is the flush that finds out first, gives way and tries again.
  await admin.query(`set deadlock_timeout = '20ms'`)
  const server = new URL(url)
  const relay = await startRelay({ host: server.hostname, port: Number(server.port) })
  const relayed = new URL(url)
  relayed.host = `127.0.0.1:${relay.port}`
  const target = { backend: 'postgres' as const, connectionString: relayed.href, schema: 'some_queue' }
  await migrateQueue(target)
  const flush = async (): Promise<void> => {
    const deadlock = await admin.query(`truncate ${(await tables()).join(', ')}`).then(
      () => false,
      (error) => {
        if (error.code !== '40P01') throw error
        return true
      },
    )
    if (deadlock) await flush()
  }
  return {
    name: 'postgres',
    relay,
    async freshTarget() {
      // Migrating anew takes a third of a second, and nobody else uses this one.
      await flush()
      return target
    },
    flush,
    async dropSessions() {
      await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity ${ofOthers}`)
    },
    async sessions() {
      const { rows } = await admin.query(`select count(*)::int as n from pg_stat_activity ${ofOthers}`)
      return rows[0].n
    },
    async stored() {
      const texts: string[] = []
      for (const table of await tables()) {
        const { rows } = await admin.query(`select t::text as row from ${table} t`)
        texts.push(...rows.map(({ row }) => row))
      }
      return texts.join('\n')
    },
    async close() {
      await relay.close()
      await admin.end()
    },
  }

  async function tables(): Promise<string[]> {
    const { rows } = await admin.query(
      `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = $1 and tablename <> 'migration'`,
      [target.schema],
    )
    return rows.map(({ name }) => name)
  }
}

/** Sessions of this database except the one that asks. */
const ofOthers = 'where datname = current_database() and pid <> pg_backend_pid()'

export async function redisBackend(): Promise<Backend> {
  const server = await startRedis()
  const relay = await startRelay({ host: '127.0.0.1', port: server.port })
  const admin = new Redis(server.port, '127.0.0.1')
  admin.on('error', () => undefined)
  let count = 0
  return {
    name: 'redis',
    relay,
    async freshTarget() {
      count += 1
      return { backend: 'redis', url: `redis://127.0.0.1:${relay.port}`, prefix: `{queue${count}}` }
    },
    flush: () => admin.flushall().then(() => undefined),
    dropSessions: () => server.restart(),
    async sessions() {
      const list = String(await admin.client('LIST'))
      return list.trim().split('\n').length - 1
    },
    async stored() {
      const texts: string[] = []
      for (const key of await admin.keys('*')) texts.push(key, await dump(admin, key))
      return texts.join('\n')
    },
    async close() {
      admin.disconnect()
      await relay.close()
      await server.stop()
    },
  }
}

async function dump(redis: Redis, key: string): Promise<string> {
  const type = await redis.type(key)
  if (type === 'hash') return JSON.stringify(await redis.hgetall(key))
  if (type === 'list') return JSON.stringify(await redis.lrange(key, 0, -1))
  if (type === 'set') return JSON.stringify(await redis.smembers(key))
  if (type === 'zset') return JSON.stringify(await redis.zrange(key, 0, -1))
  if (type === 'stream') return JSON.stringify(await redis.xrange(key, '-', '+'))
  return String(await redis.get(key))
}
