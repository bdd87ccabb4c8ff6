import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Program } from './program.ts'
import { FORMER_SECRET, WEBHOOK_SECRET } from './sender.ts'
import { freePort, until } from './waiting.ts'

const BIN = join(import.meta.dirname, '../../../bin/causeway.mjs')
const ADMIN_TOKEN = 'admin-token-of-the-fault-campaign-0001'

export type HubEnvironment = {
  folder: string
  /** Where logs and data folders go; the hub folder without it. */
  logs?: string
  databaseUrl: string
  redisUrl?: string
  extra?: NodeJS.ProcessEnv
}

/** The processes of one hub, each started as an operator starts it: `serve` takes webhooks, `worker` does the work. */
export class HubProcesses {
  readonly port: number
  readonly url: string
  readonly workers: Program[] = []
  server: Program | undefined
  readonly #environment: HubEnvironment
  readonly #masterKey = randomBytes(32).toString('base64')
  readonly #all: Program[] = []
  #count = 0

  private constructor(environment: HubEnvironment, port: number) {
    this.#environment = environment
    this.port = port
    this.url = `http://127.0.0.1:${port}`
  }

  static async prepare(environment: HubEnvironment): Promise<HubProcesses> {
    return new HubProcesses(environment, await freePort())
  }

  /** Starts `serve` on the hub's port and waits until it answers. */
  async serve(): Promise<Program> {
    const program = this.#start('serve', ['serve', '--port', String(this.port)])
    this.server = program
    await this.#answers(program, () => fetch(`${this.url}/livez`).then((answer) => answer.ok))
    return program
  }

  /** Starts a worker; with `ready: false` does not wait for it. `inside` goes before its command: `ip netns exec NAME`. */
  async work(
    options: { ready?: boolean; env?: Record<string, string>; inside?: readonly string[] } = {},
  ): Promise<Program> {
    const program = this.#start('worker', ['worker'], options.env, options.inside)
    this.workers.push(program)
    if (options.ready ?? true) await this.#answers(program, () => program.output().includes('Causeway works'))
    return program
  }

  /** Kills one worker, if one lives, and starts another in its place. */
  async replace(worker: Program, options: { ready?: boolean } = {}): Promise<Program> {
    await worker.kill()
    this.workers.splice(this.workers.indexOf(worker), 1)
    return this.work(options)
  }

  /** What a process of this role is given, and whoever runs commands beside it. */
  environmentOf(role: string): NodeJS.ProcessEnv {
    const { folder, databaseUrl, redisUrl, logs = folder, extra } = this.#environment
    return {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      NO_COLOR: '1',
      DATABASE_URL: databaseUrl,
      ...(redisUrl ? { REDIS_URL: redisUrl } : {}),
      CAUSEWAY_ADMIN_TOKEN: ADMIN_TOKEN,
      CAUSEWAY_MASTER_KEY: this.#masterKey,
      // Of its own, as on a machine of its own.
      CAUSEWAY_DATA_DIR: join(logs, `data-${role}`),
      CAUSEWAY_LOG_FORMAT: 'json',
      RIG_SECRET: WEBHOOK_SECRET,
      RIG_FORMER: FORMER_SECRET,
      ...extra,
    }
  }

  /** What nobody but the hub may know. */
  get secrets(): string[] {
    return [WEBHOOK_SECRET, FORMER_SECRET, ADMIN_TOKEN, this.#masterKey]
  }

  /** What a page of the hub says; null where none answers. */
  async ask(path: string): Promise<string | null> {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` }
    const signal = AbortSignal.timeout(20_000)
    const answer = await fetch(`${this.url}${path}`, { headers, signal }).catch(() => null)
    if (answer?.status === 404) throw new Error(`There is no ${path}.`)
    return (await answer?.text().catch(() => null)) ?? null
  }

  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${ADMIN_TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`)
    return (text ? JSON.parse(text) : null) as T
  }

  /** Processes that ended although nobody told them to. */
  crashed(): string[] {
    return this.#all.filter((program) => program.isOver && !program.told).map(({ name }) => name)
  }

  /** Every line that any of the processes wrote. */
  output(): string {
    return this.#all.map((program) => program.output()).join('')
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#all
        .filter((program) => !program.isOver)
        .map(async (program) => {
          program.signal('SIGCONT')
          await program.kill()
        }),
    )
  }

  #start(role: string, args: string[], extra: Record<string, string> = {}, inside: readonly string[] = []): Program {
    const { folder, logs = folder } = this.#environment
    const name = `${role}-${++this.#count}`
    const [command, ...rest] = [...inside, process.execPath, BIN, '-C', folder, ...args]
    const program = new Program(name, command!, rest, {
      log: join(logs, `${name}.log`),
      env: { ...this.environmentOf(role), ...extra },
    })
    this.#all.push(program)
    return program
  }

  async #answers(program: Program, look: () => boolean | Promise<boolean>): Promise<void> {
    const ready = async (): Promise<boolean> => {
      if (program.isOver) throw new Error(`${program.name} ended:\n${program.output().slice(-2_000)}`)
      try {
        return await look()
      } catch {
        return false
      }
    }
    await until(`${program.name} is ready`, ready, Boolean, 300_000, 25)
  }
}
