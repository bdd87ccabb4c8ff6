import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type pg from 'pg'
import { createPool } from '../../../src/store/index.ts'
import type { Random } from '../../random.ts'
import { canariesIn } from './canaries.ts'
import { HubProcesses } from './hub.ts'
import { type FolderOptions, writeHubFolder } from './hub-folder.ts'
import { type Backlog, backlogOf, compareLedgers, type Ledgers } from './ledgers.ts'
import { PostgresServer } from './postgres.ts'
import { FaultProxy } from './proxy.ts'
import { RedisServer } from './redis.ts'
import type { Check } from './row.ts'
import { type Answer, Sender } from './sender.ts'
import { Side } from './side.ts'
import { SourceStub } from './source.ts'
import { TargetStub } from './target.ts'
import { TokenServer } from './token-server.ts'
import { writeTwoWayFolder } from './two-way-folder.ts'
import { sleep, until } from './waiting.ts'

export type Backend = 'postgres' | 'redis'

export type WorldOptions = Partial<Omit<FolderOptions, 'sourceUrl' | 'targetUrl' | 'tokenUrl'>> & {
  /** OAuth in front of the source. */
  tokens?: boolean
  /** A Postgres that no other row uses, because this one breaks it. */
  ownPostgres?: boolean
  /** Puts that Postgres on a tmpfs of so many megabytes (root only). */
  postgresMB?: number
  /** A proxy between hub and Postgres, or between hub and target. */
  databaseProxy?: boolean
  targetProxy?: boolean
  /** Two systems that are kept the same, instead of a source and a target; `conflict` as in the mapping file. */
  twoWay?: { conflict?: string }
  /** Further environment of all hub processes. */
  env?: Record<string, string>
}

export type WorldParts = { backend: Backend; random: Random; postgres: PostgresServer }

/** Everything one row needs, its own and thrown away afterwards: databases, stubs, sender, and the processes of one hub. */
export class World {
  readonly backend: Backend
  readonly random: Random
  readonly folder: string
  readonly databaseUrl: string
  readonly postgres: PostgresServer
  readonly redis: RedisServer | undefined
  readonly pool: pg.Pool
  readonly source: SourceStub
  readonly target: TargetStub
  readonly tokens: TokenServer | undefined
  readonly sides: { left: Side; right: Side } | undefined
  readonly databaseProxy: FaultProxy | undefined
  readonly targetProxy: FaultProxy | undefined
  readonly hub: HubProcesses
  readonly sender: Sender
  readonly #closers: (() => Promise<unknown>)[]

  private constructor(parts: WorldFields) {
    this.backend = parts.backend
    this.random = parts.random
    this.folder = parts.folder
    this.databaseUrl = parts.databaseUrl
    this.postgres = parts.postgres
    this.redis = parts.redis
    this.pool = parts.pool
    this.source = parts.source
    this.target = parts.target
    this.tokens = parts.tokens
    this.sides = parts.sides
    this.databaseProxy = parts.databaseProxy
    this.targetProxy = parts.targetProxy
    this.hub = parts.hub
    this.sender = parts.sender
    this.#closers = parts.closers
  }

  static async open(shared: WorldParts, options: WorldOptions = {}): Promise<World> {
    const closers: (() => Promise<unknown>)[] = []
    const folder = await mkdtemp(join(tmpdir(), 'causeway-faults-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const keep = <T extends { stop(): Promise<unknown> }>(part: T): T => {
      closers.push(() => part.stop())
      return part
    }
    try {
      const postgres = options.ownPostgres
        ? keep(await PostgresServer.start(await postgresFolder(folder, options, closers)))
        : shared.postgres
      const database = await postgres.database()
      // Rows hold locks on purpose, longer than a hub's sessions may.
      const pool = createPool(postgres.url(database), { transactionIdleMs: 0, applicationName: 'fault rig' })
      // A row that failed may have kept a session; the campaign goes on without it.
      closers.push(() => Promise.race([pool.end(), sleep(10_000)]))
      const redis = shared.backend === 'redis' ? keep(await RedisServer.start(join(folder, 'redis'))) : undefined
      const source = keep(await SourceStub.start())
      const target = keep(await TargetStub.start(join(folder, 'journal.jsonl')))
      const tokens = options.tokens ? keep(await TokenServer.start()) : undefined
      const proxyTo = async (port: number): Promise<FaultProxy> =>
        keep(await FaultProxy.start({ host: '127.0.0.1', port }))
      const databaseProxy = options.databaseProxy ? await proxyTo(postgres.port) : undefined
      const targetProxy = options.targetProxy ? await proxyTo(target.port) : undefined
      await mkdir(join(folder, 'hub'))
      const sides = options.twoWay
        ? { left: keep(await Side.start('l')), right: keep(await Side.start('r')) }
        : undefined
      if (sides)
        await writeTwoWayFolder(join(folder, 'hub'), {
          ...options.twoWay,
          leftUrl: sides.left.url,
          rightUrl: sides.right.url,
        })
      else
        await writeHubFolder(join(folder, 'hub'), {
          ...options,
          sourceUrl: source.url,
          targetUrl: targetProxy ? `http://127.0.0.1:${targetProxy.port}` : target.url,
          ...(tokens ? { tokenUrl: tokens.url } : {}),
        })
      const hub = keep(
        await HubProcesses.prepare({
          folder: join(folder, 'hub'),
          databaseUrl: postgres.url(database, databaseProxy?.port),
          ...(redis ? { redisUrl: redis.url } : {}),
          extra: { ...options.env, ...(tokens ? { RIG_REFRESH: tokens.firstRefreshToken } : {}) },
        }),
      )
      const sender = keep(new Sender(hub.url))
      const { backend, random } = shared
      const stubs = { source, target, tokens, sides, databaseProxy, targetProxy }
      return new World({
        backend,
        random,
        folder,
        databaseUrl: postgres.url(database),
        postgres,
        redis,
        pool,
        hub,
        sender,
        closers,
        ...stubs,
      })
    } catch (error) {
      await closeAll(closers)
      throw error
    }
  }

  /** Starts `serve` and some workers at once. */
  async start(workers = 1): Promise<void> {
    await Promise.all([this.hub.serve(), ...Array.from({ length: workers }, () => this.hub.work())])
  }

  /** Sends one version of some records, until each is acknowledged. */
  sendVersions(ids: string[], rev: number): Promise<Answer[]> {
    return Promise.all(
      ids.map((id) => this.sender.sendUntilTaken(this.sender.event({ id, rev, name: `Person ${id}` }))),
    )
  }

  /** Sends one new record and gives the milliseconds until the target has it. */
  async roundTrip(id: string, withinMs = 60_000): Promise<number> {
    const began = performance.now()
    await this.sender.sendUntilTaken(this.sender.event({ id, rev: 1, name: `Person ${id}` }))
    await until(`${id} reaches the target`, () => this.target.find(id) !== undefined, Boolean, withinMs, 10)
    return performance.now() - began
  }

  /** The ledgers of this world against each other. */
  ledgers(from: { events?: boolean; pulls?: boolean } = {}): Promise<Ledgers> {
    return compareLedgers({
      pool: this.pool,
      target: this.target,
      ...(from.events ? { answers: this.sender.answers } : {}),
      ...(from.pulls ? { source: this.source } : {}),
    })
  }

  backlog(): Promise<Backlog> {
    return backlogOf(this.pool)
  }

  /** Waits for the hub to catch up within the bar, then compares the ledgers, whether it did or not. */
  async settle(check: Check, withinMs: number, from: { events?: boolean; pulls?: boolean }): Promise<void> {
    try {
      check.note('drained ms', await this.drained(withinMs))
    } catch (error) {
      check.failures.push((error as Error).message, ...(await this.#standing()))
    }
    check.ledgers(await this.ledgers(from))
  }

  /** Secrets of the rig and its person, where they should not be after all that happened. Where nobody serves any more, somebody does now. */
  async canaries(): Promise<string[]> {
    const { pool, hub, redis, tokens } = this
    if (!hub.server || hub.server.isOver) await hub.serve()
    return canariesIn({
      pool,
      secrets: [...hub.secrets, ...(tokens?.given ?? [])],
      logs: () => hub.output(),
      ...(redis ? { queueFolder: redis.folder } : {}),
      ask: (path) => hub.ask(path),
    })
  }

  /** What stands in the way, for the person who reads the failure. */
  async #standing(): Promise<string[]> {
    const { rows } = await this.pool.query<{ what: string }>(
      `(select 'delivery ' || record_id || ' ' || state || ' attempts ' || attempts || ' due ' || coalesce(next_attempt_at - now(), '0') || ' ' ||
               coalesce(left(error, 200), '') as what from delivery where next_attempt_at is not null limit 3)
       union all (select 'intent ' || record_id || ' ' || operation || ' looks ' || looked_up || ' age ' || (now() - opened_at) from intent limit 3)
       union all (select 'lease ' || name || ' ' || (expires_at - now()) from lease where expires_at > now())
       union all (select 'session ' || state || ' waits for ' || coalesce(wait_event, '') || ' ' || left(query, 80) from pg_stat_activity
                   where datname = current_database() and pid <> pg_backend_pid() and (cardinality(pg_blocking_pids(pid)) > 0 or state like 'idle in%'))
       union all (select 'connection waits ' || name || ' ' || coalesce(wait_reason, '') from connection where wait_until is not null or state <> 'active')`,
    )
    return rows.map(({ what }) => what)
  }

  /** Waits until the hub has nothing left to do; gives the milliseconds it took. */
  async drained(withinMs: number): Promise<number> {
    const began = performance.now()
    const idle = (backlog: Backlog): boolean => Object.values(backlog).every((count) => count === 0)
    await until('the hub has caught up', () => this.backlog(), idle, withinMs, 100)
    return Math.round(performance.now() - began)
  }

  /** Copies hub folder and logs to a place where a person can look at them. */
  async keep(folder: string): Promise<void> {
    await cp(this.folder, join(folder, basename(this.folder)), {
      recursive: true,
      filter: (path) => !path.includes('/postgres/'),
    })
  }

  async close(): Promise<void> {
    await closeAll(this.#closers)
  }
}

async function postgresFolder(
  folder: string,
  { postgresMB }: WorldOptions,
  closers: (() => Promise<unknown>)[],
): Promise<string> {
  const place = join(folder, 'postgres')
  if (postgresMB === undefined) return place
  await mkdir(place)
  const run = promisify(execFile)
  await run('mount', ['-t', 'tmpfs', '-o', `size=${postgresMB}m,mode=755`, 'tmpfs', place])
  closers.push(() => run('umount', [place]))
  return place
}

type WorldFields = Pick<
  World,
  | 'backend'
  | 'random'
  | 'folder'
  | 'databaseUrl'
  | 'postgres'
  | 'redis'
  | 'pool'
  | 'source'
  | 'target'
  | 'tokens'
  | 'sides'
  | 'databaseProxy'
  | 'targetProxy'
  | 'hub'
  | 'sender'
> & { closers: (() => Promise<unknown>)[] }

/** Last opened, first closed. One that fails does not keep the others open. */
async function closeAll(closers: (() => Promise<unknown>)[]): Promise<void> {
  for (const close of closers.reverse()) await close().catch(() => undefined)
}
