import { chmod, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { migrateQueue } from '../../../src/queue/index.ts'
import { type Account, serverAccount } from '../../../src/store/embedded/account.ts'
import { type Binaries, findBinaries } from '../../../src/store/embedded/binaries.ts'
import { dataArgument, ensureCluster, layoutOf, programEnvironment, USER } from '../../../src/store/embedded/cluster.ts'
import { serverSettings } from '../../../src/store/embedded/settings.ts'
import { createPool, migrate } from '../../../src/store/index.ts'
import { Program } from './program.ts'
import { freePort, until } from './waiting.ts'

const TEMPLATE = 'faults_template'

/**
 * A Postgres of the rig's own, durable (fsync on), on a port that stays the same over restarts. The packaged programs, run
 * under an account that is not root.
 */
export class PostgresServer {
  readonly port: number
  readonly data: string
  readonly #folder: string
  readonly #password: string
  readonly #account: Account | undefined
  readonly #binaries: Binaries
  #settings: readonly string[]
  #program: Program | undefined
  #databases = 0

  private constructor(parts: {
    port: number
    folder: string
    password: string
    account: Account | undefined
    binaries: Binaries
    settings: readonly string[]
  }) {
    this.port = parts.port
    this.#folder = parts.folder
    this.data = layoutOf(parts.folder).data
    this.#password = parts.password
    this.#account = parts.account
    this.#binaries = parts.binaries
    this.#settings = parts.settings
  }

  /**
   * Makes a cluster in `folder` and starts it, with a migrated template that databases are copied from. `settings` come on top
   * of those of the embedded server.
   */
  static async start(folder: string, settings: readonly string[] = []): Promise<PostgresServer> {
    await mkdir(folder, { recursive: true })
    await chmod(folder, 0o755)
    const layout = layoutOf(folder)
    const account = await serverAccount(layout.data)
    const binaries = await findBinaries(folder, account)
    const password = await ensureCluster(layout, binaries, account)
    const server = new PostgresServer({ port: await freePort(), folder, password, account, binaries, settings })
    await server.up()
    await server.#makeTemplate()
    return server
  }

  url(database: string, port = this.port, host = '127.0.0.1'): string {
    return `postgres://${USER}:${this.#password}@${host}:${port}/${database}`
  }

  /** Of the server itself, the parent of its sessions. */
  get pid(): number {
    return this.#program!.pid
  }

  async up(): Promise<void> {
    this.#program = new Program(
      'postgres',
      this.#binaries.postgres,
      [
        '-D',
        dataArgument(this.data, this.#account),
        ...serverSettings(this.port, true),
        '-c',
        'max_connections=200',
        ...this.#settings,
      ],
      {
        ...this.#account,
        cwd: this.data,
        env: programEnvironment(this.#binaries),
        log: join(this.#folder, 'server.log'),
      },
    )
    const ready = async (): Promise<boolean> => {
      const lines = (await readFile(join(this.data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
      return Number(lines[0]) === this.#program!.pid && lines[7]?.trim() === 'ready'
    }
    await until('Postgres is up', ready, Boolean, 60_000, 20)
  }

  /** Ends it without a word, as a power cut would: what is not on disk is gone. */
  async crash(): Promise<void> {
    this.#program!.signal('SIGQUIT')
    await this.#program!.ended
  }

  /** Its disk is gone: the whole data folder, log included. Only after `crash` or `stop`. */
  async lose(): Promise<void> {
    await rm(this.data, { recursive: true })
  }

  /** Starts it where it ended by itself. */
  async ensureUp(): Promise<void> {
    if (this.#program!.isOver) await this.up()
  }

  freeze(): void {
    this.#program!.signal('SIGSTOP')
  }

  thaw(): void {
    this.#program!.signal('SIGCONT')
  }

  async stop(): Promise<void> {
    if (!this.#program || this.#program.isOver) return
    this.#program.signal('SIGINT')
    await this.#program.ended
  }

  /** Stops it and starts it with these settings instead of those it was made with. */
  async restart(settings: readonly string[]): Promise<void> {
    await this.stop()
    this.#settings = settings
    await this.up()
  }

  /** A database with the current schema and the queue's tables that nobody else uses. */
  async database(): Promise<string> {
    const name = `faults_${++this.#databases}`
    await this.administer(`create database ${name} template ${TEMPLATE} strategy file_copy`)
    return name
  }

  /** Puts a copy of one database in the place of another, as the restore of a dump does. Sessions of both are ended. */
  async copy(from: string, to: string): Promise<void> {
    await this.administer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = '${from}'`)
    await this.administer(`drop database if exists ${to} with (force)`)
    await this.administer(`create database ${to} template ${from} strategy file_copy`)
  }

  async administer(sql: string): Promise<void> {
    const client = new pg.Client({ connectionString: this.url('postgres') })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }

  async #makeTemplate(): Promise<void> {
    await this.administer(`create database ${TEMPLATE}`)
    const url = this.url(TEMPLATE)
    const pool = createPool(url)
    await migrate(pool)
    await pool.end()
    await migrateQueue({ backend: 'postgres', connectionString: url })
  }
}
