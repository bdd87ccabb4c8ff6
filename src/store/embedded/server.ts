import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError } from '../../core/index.ts'
import { type Account, serverAccount } from './account.ts'
import { type Binaries, findBinaries, type ProgramFolders } from './binaries.ts'
import {
  dataArgument,
  ensureCluster,
  type Layout,
  layoutOf,
  programEnvironment,
  stopOrphan,
  stopServer,
  USER,
} from './cluster.ts'
import { lockFolder } from './lock.ts'
import { serverSettings } from './settings.ts'

export type EmbeddedOptions = {
  /** The hub's folder; the data lies in `postgres` below it. */
  folder: string
  /** False switches fsync off. For tests only, which throw their data away. */
  durable?: boolean
  /** Told when the server ended by itself and was started again. */
  onRestart?: (reason: string) => void
  programs?: ProgramFolders
}

export type EmbeddedServer = {
  /** Of the maintenance database `postgres`. */
  adminUrl: string
  url: string
  stop(): Promise<void>
}

const READY_MS = 120_000
const LOG_CAP_BYTES = 10 * 1024 * 1024

/**
 * Starts Postgres on the data in `folder`, making it at the first start, and keeps it running until `stop`. Loopback only, on
 * a free port, with a random password. A server left over by a killed hub is stopped first. Throws CSW-6005 while another hub
 * lives in the folder, CSW-6003 with the reason when the server does not start.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  const layout = layoutOf(options.folder)
  try {
    return await startIn(layout, options)
  } catch (error) {
    if (error instanceof CausewayError) throw error
    // A full disk, a read-only folder, missing permissions: the system's sentence names the path.
    throw new CausewayError('CSW-6003', {
      what: `The embedded Postgres cannot be set up in ${layout.folder}: ${error instanceof Error ? error.message : error}`,
      fix: 'Mend what the sentence names, or set `DATABASE_URL` to a Postgres of your own.',
      cause: error,
    })
  }
}

async function startIn(layout: Layout, options: EmbeddedOptions): Promise<EmbeddedServer> {
  await mkdir(layout.folder, { recursive: true, mode: 0o700 })
  const unlock = await lockFolder(layout.lock)
  try {
    const account = await serverAccount(layout.data)
    const binaries = await findBinaries(layout.folder, account, options.programs)
    await stopOrphan(layout)
    const password = await ensureCluster(layout, binaries, account)
    const server = new Supervisor(layout, binaries, account, options)
    await server.start()
    const urlOf = (database: string): string => `postgres://${USER}:${password}@127.0.0.1:${server.port}/${database}`
    await writeFile(
      layout.description,
      JSON.stringify({ hubPid: process.pid, serverPid: server.pid, port: server.port, url: urlOf(USER) }),
      { mode: 0o600 },
    )
    await chmod(layout.description, 0o600)
    return {
      adminUrl: urlOf('postgres'),
      url: urlOf(USER),
      stop: async () => {
        await server.stop()
        await rm(layout.description, { force: true })
        await unlock()
      },
    }
  } catch (error) {
    await unlock()
    throw error
  }
}

/** Runs the server as a child and starts it again, on the same port, when it ends without having been asked to. */
class Supervisor {
  port = 0
  private child: ChildProcess | undefined
  private stopping = false
  private restarting: Promise<void> | undefined
  private readonly layout: Layout
  private readonly binaries: Binaries
  private readonly account: Account | undefined
  private readonly options: EmbeddedOptions
  // The hub may end without closing (an uncaught error): the server is then asked to end too, without waiting for it.
  private readonly onExit = (): void => void this.child?.kill('SIGINT')

  constructor(layout: Layout, binaries: Binaries, account: Account | undefined, options: EmbeddedOptions) {
    this.layout = layout
    this.binaries = binaries
    this.account = account
    this.options = options
  }

  get pid(): number | undefined {
    return this.child?.pid
  }

  async start(): Promise<void> {
    process.on('exit', this.onExit)
    for (let attempt = 1; ; attempt++) {
      this.port = await freePort()
      const failure = await this.launch()
      if (failure === undefined) return
      // Another program took the port, or children of a killed server have not ended yet.
      if (attempt < 20 && /in use|already exists/.test(failure)) await sleep(250)
      else throw this.failed(failure)
    }
  }

  async stop(): Promise<void> {
    this.stopping = true
    process.off('exit', this.onExit)
    await this.restarting
    if (this.child?.pid !== undefined && this.child.exitCode === null && this.child.signalCode === null) {
      await stopServer(this.child.pid)
    }
  }

  /** Starts the server and waits until it accepts sessions. Returns its last words when it ended instead. */
  private async launch(): Promise<string | undefined> {
    const log = await openLog(this.layout.log)
    const from = (await log.stat()).size
    const child = spawn(
      this.binaries.postgres,
      ['-D', dataArgument(this.layout.data, this.account), ...serverSettings(this.port, this.options.durable ?? true)],
      {
        ...this.account,
        cwd: this.layout.data,
        env: programEnvironment(this.binaries),
        // A session of its own, so that ctrl-c reaches the hub only, which drains before it stops the server; and a log
        // file, because a pipe would break when the hub is killed.
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      },
    )
    await log.close()
    this.child = child
    let ended: string | undefined
    child.on('error', (error) => (ended = error.message))
    child.on('exit', (code, signal) => (ended = `ended with ${code ?? signal}`))
    child.unref()
    const deadline = performance.now() + READY_MS
    while (ended === undefined && performance.now() < deadline) {
      if (await this.isReady(child)) {
        child.on('exit', (code, signal) => this.restart(`ended with ${code ?? signal}`))
        return undefined
      }
      await sleep(20)
    }
    if (ended === undefined && child.pid !== undefined) await stopServer(child.pid)
    return (await lastWords(this.layout.log, from)) ?? ended ?? `not ready after ${READY_MS / 1000} seconds`
  }

  /** The server writes its id into the first line of postmaster.pid and its state into the eighth. */
  private async isReady(child: ChildProcess): Promise<boolean> {
    const text = await readFile(join(this.layout.data, 'postmaster.pid'), 'utf8').catch(() => '')
    const lines = text.split('\n')
    return Number(lines[0]) === child.pid && lines[7]?.trim() === 'ready'
  }

  private restart(reason: string): void {
    if (this.stopping || this.restarting) return
    this.options.onRestart?.(reason)
    this.restarting = this.relaunch().finally(() => {
      this.restarting = undefined
    })
  }

  /** Tries for as long as the hub lives: meanwhile everything that needs the ledger fails with CSW-6001 and is retried. */
  private async relaunch(): Promise<void> {
    for (let attempt = 1; !this.stopping; attempt++) {
      await sleep(Math.min(250 * 2 ** Math.min(attempt, 7), 30_000))
      if (this.stopping) return
      await stopOrphan(this.layout)
      const failure = await this.launch()
      if (failure === undefined) return
      this.options.onRestart?.(failure)
    }
  }

  private failed(reason: string): CausewayError {
    return new CausewayError('CSW-6003', {
      what: `The embedded Postgres did not start: ${reason} (log: ${this.layout.log}).`,
    })
  }
}

async function openLog(path: string) {
  const size = await stat(path).then(
    (info) => info.size,
    () => 0,
  )
  if (size > LOG_CAP_BYTES) await rename(path, `${path}.1`)
  return open(path, 'a', 0o600)
}

async function lastWords(path: string, from: number): Promise<string | undefined> {
  const text = (await readFile(path)).subarray(from).toString()
  const lines = text.trim().split('\n')
  const line = lines.find((candidate) => /FATAL|PANIC|error/i.test(candidate)) ?? lines.at(-1)
  return line?.replace(/^.*?(FATAL|PANIC): +/, '') || undefined
}

/** A port nobody listens on now; a race for it shows as "in use" at the start and is tried again. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })
}
