import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { Program } from './program.ts'
import { freePort, until } from './waiting.ts'

/** Why there can be no Redis here, or undefined. */
export function redisMissing(): string | undefined {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).error
    ? 'there is no redis-server on the PATH'
    : undefined
}

/** A redis-server of the rig's own on a port that stays, set up as BullMQ wants it in production. */
export class RedisServer {
  readonly port: number
  /** Its log, and every change it was asked for. */
  readonly folder: string
  readonly #admin: Redis
  readonly #also: string | undefined
  #program: Program | undefined

  private constructor(port: number, folder: string, also: string | undefined) {
    this.port = port
    this.folder = folder
    this.#also = also
    this.#admin = new Redis(port, '127.0.0.1', { lazyConnect: true, retryStrategy: () => 100 })
    this.#admin.on('error', () => undefined)
  }

  /** `also`: a further address of this machine on which it listens. */
  static async start(folder: string, also?: string): Promise<RedisServer> {
    await mkdir(folder, { recursive: true })
    const server = new RedisServer(await freePort(), folder, also)
    await server.up()
    return server
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  async up(): Promise<void> {
    // Beyond loopback it answers nobody without a password unless told to.
    const also = this.#also === undefined ? [] : [this.#also, '--protected-mode', 'no']
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', ...also, '--dir', this.folder, '--save', '']
    this.#program = new Program(
      'redis',
      'redis-server',
      [...args, '--appendonly', 'yes', '--maxmemory-policy', 'noeviction'],
      { log: join(this.folder, 'redis.log') },
    )
    await until(
      'Redis is up',
      () => this.#admin.ping().catch(() => ''),
      (answer) => answer === 'PONG',
      20_000,
    )
  }

  async crash(): Promise<void> {
    await this.#program!.kill()
  }

  freeze(): void {
    this.#program!.signal('SIGSTOP')
  }

  thaw(): void {
    this.#program!.signal('SIGCONT')
  }

  /** Sends one command, as an operator would. */
  async command(name: string, ...args: string[]): Promise<unknown> {
    return this.#admin.call(name, ...args)
  }

  async stop(): Promise<void> {
    this.#admin.disconnect()
    if (this.#program && !this.#program.isOver) await this.#program.kill()
  }
}
