import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'
import { createPool } from '../../src/store/index.ts'
import { usageOf } from '../bench/process-tree.ts'
import { HubProcesses } from '../faults/rig/hub.ts'
import { PostgresServer } from '../faults/rig/postgres.ts'
import { RedisServer } from '../faults/rig/redis.ts'
import { Sender } from '../faults/rig/sender.ts'
import { sleep, until } from '../faults/rig/waiting.ts'
import type { Backend } from '../faults/rig/world.ts'
import type { Machines } from './machines.ts'
import { contact, hubFiles, Systems } from './systems.ts'
import { writeFiles } from './write-files.ts'

export type Shape = {
  backend: Backend
  syncs: number
  /** Calls that one worker has under way at most, of pulls as of pushes. */
  atOnce: number
  delayMs: number
  pageSize: number
}
export type Round = {
  pieces: number
  seconds: number
  perSecond: number
  /** Processor time of one piece. */
  postgresMs: number
  workerMs: number
  /** Most calls under way at once. */
  peak: number
  /** Share of this machine's processors that programs took which do not belong to this one. */
  others: number
}

/** One hub with `serve` and any number of workers, between many systems that take their time. */
export class ManyHub {
  readonly systems: Systems
  readonly #shape: Shape
  readonly #machines: Machines
  readonly #hub: HubProcesses
  readonly #pool: pg.Pool
  readonly #postgres: PostgresServer
  readonly #sender: Sender
  readonly #closers: (() => Promise<unknown>)[]
  #generation = 0

  private constructor(parts: {
    shape: Shape
    machines: Machines
    systems: Systems
    hub: HubProcesses
    pool: pg.Pool
    postgres: PostgresServer
    closers: (() => Promise<unknown>)[]
  }) {
    this.systems = parts.systems
    this.#shape = parts.shape
    this.#machines = parts.machines
    this.#hub = parts.hub
    this.#pool = parts.pool
    this.#postgres = parts.postgres
    this.#closers = parts.closers
    this.#sender = new Sender(this.#hub.url)
  }

  static async open(shape: Shape, machines: Machines): Promise<ManyHub> {
    const folder = await mkdtemp(join(tmpdir(), 'causeway-scale-'))
    const closers: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })]
    const keep = <T extends { stop(): Promise<unknown> }>(part: T): T => {
      closers.push(() => part.stop())
      return part
    }
    try {
      const { host } = machines
      const isFar = host !== '127.0.0.1'
      const postgres = keep(
        await PostgresServer.start(join(folder, 'postgres'), isFar ? ['-c', `listen_addresses=127.0.0.1,${host}`] : []),
      )
      if (isFar) await letIn(postgres, host)
      const redis =
        shape.backend === 'redis'
          ? keep(await RedisServer.start(join(folder, 'redis'), isFar ? host : undefined))
          : undefined
      const systems = keep(await Systems.start({ host, delayMs: shape.delayMs, pageSize: shape.pageSize }))
      const database = await postgres.database()
      const pool = createPool(postgres.url(database))
      closers.push(() => pool.end())
      await writeFiles(join(folder, 'hub'), hubFiles(shape.syncs, { url: systems.url, host }))
      const hub = keep(
        await HubProcesses.prepare({
          folder: join(folder, 'hub'),
          logs: folder,
          databaseUrl: postgres.url(database, postgres.port, host),
          ...(redis ? { redisUrl: `redis://${host}:${redis.port}` } : {}),
          extra: {
            CAUSEWAY_PULL_CONCURRENCY: String(shape.atOnce),
            CAUSEWAY_PUSH_CONCURRENCY: String(shape.atOnce),
            CAUSEWAY_LOG_LEVEL: 'warn',
          },
        }),
      )
      await hub.serve()
      return new ManyHub({ shape, machines, systems, hub, pool, postgres, closers })
    } catch (error) {
      await closeAll(closers)
      throw error
    }
  }

  async close(): Promise<void> {
    await this.#sender.stop()
    await closeAll(this.#closers)
  }

  /** Starts workers until there are so many; each does a little of everything before anything is measured. */
  async workers(count: number): Promise<void> {
    while (this.#hub.workers.length < count)
      await this.#hub.work({ inside: this.#machines.inside(this.#hub.workers.length) })
    await this.pull(2)
    await this.push()
    await this.webhooks(2)
  }

  /** Reads so many new records of every source; nothing is delivered meanwhile. */
  async pull(each: number): Promise<Round> {
    await this.#allSyncs('pause')
    this.systems.grow(`g${++this.#generation}`, each)
    const before = this.systems.pages
    return this.#measure(async () => {
      await this.#allSyncs('run', { full: false })
      await until('all is read', () => this.#count('stream where pull_mode is not null'), isNone, 600_000, 50)
      return this.systems.pages - before
    })
  }

  /** Delivers what was read. */
  async push(): Promise<Round> {
    const before = this.systems.writes
    const expected = (await this.#count('record')) - before
    return this.#measure(async () => {
      await this.#allSyncs('resume')
      await this.#written(before + expected)
      return expected
    })
  }

  /** Sends so many webhooks to every connection, each with a record of its own, and waits until the targets have them all. */
  async webhooks(each: number): Promise<Round> {
    const { syncs } = this.#shape
    const generation = ++this.#generation
    const events = Array.from({ length: syncs * each }, (_, n) => {
      const record = contact(`w${generation}-${Math.floor(n / syncs)}`, new Date().toISOString())
      return { connection: `source${n % syncs}`, event: this.#sender.event(record) }
    })
    const before = this.systems.writes
    return this.#measure(async () => {
      const taken = events.map(({ connection, event }) => this.#sender.sendUntilTaken(event, connection))
      await Promise.all(taken)
      await this.#written(before + events.length)
      return events.length
    })
  }

  async #measure(work: () => Promise<number>): Promise<Round> {
    // What a round before has left to tidy up is not this one's.
    await sleep(1_500)
    this.systems.peak = 0
    const before = this.#cpu()
    const began = performance.now()
    const pieces = await work()
    const seconds = (performance.now() - began) / 1_000
    const after = this.#cpu()
    const used = (name: keyof typeof before): number => after[name] - before[name]
    return {
      pieces,
      seconds,
      perSecond: pieces / seconds,
      postgresMs: (used('postgres') * 1_000) / pieces,
      workerMs: (used('workers') * 1_000) / pieces,
      peak: this.systems.peak,
      others: Math.max(0, used('machine') - used('own')) / seconds / cpus().length,
    }
  }

  /** Seconds of processor time so far. */
  #cpu(): { postgres: number; workers: number; own: number; machine: number } {
    const of = (pid: number): number =>
      Object.values(usageOf(pid).cpuSeconds).reduce((sum, seconds) => sum + seconds, 0)
    return {
      postgres: of(this.#postgres.pid),
      workers: this.#hub.workers.reduce((sum, { pid }) => sum + of(pid), 0),
      // Everything that was started here is a child of this process.
      own: of(process.pid),
      machine: cpus().reduce((sum, { times }) => sum + (times.user + times.nice + times.sys + times.irq) / 1_000, 0),
    }
  }

  async #written(expected: number): Promise<void> {
    await until(
      'all is written',
      () => this.systems.writes,
      (writes) => writes >= expected,
      600_000,
      20,
    )
  }

  async #count(what: string): Promise<number> {
    return (await this.#pool.query<{ n: number }>(`select count(*)::int as n from ${what}`)).rows[0]!.n
  }

  async #allSyncs(action: 'pause' | 'resume' | 'run', body?: object): Promise<void> {
    const names = Array.from({ length: this.#shape.syncs }, (_, i) => `sync${i}`)
    await Promise.all(names.map((name) => this.#hub.api('POST', `/syncs/${name}/${action}`, body ?? {})))
  }
}

const isNone = (count: number): boolean => count === 0

/** The server was told to listen there; who comes from there needs a line too. */
async function letIn(postgres: PostgresServer, host: string): Promise<void> {
  await appendFile(join(postgres.data, 'pg_hba.conf'), `host all all ${host}/24 scram-sha-256\n`)
  await postgres.administer('select pg_reload_conf()')
}

async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  for (const close of closers.reverse()) await close()
}
