import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'

const living = new Set<Program>()

/** A process that the rig started, its log in a file. Signals go to this process id and to no other. */
export class Program {
  readonly name: string
  readonly pid: number
  readonly log: string
  readonly #child: ChildProcess
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  #over = false
  /** True once the rig asked it to end or killed it; an end before that is a fault of the program. */
  told = false

  constructor(name: string, command: string, args: string[], options: SpawnOptions & { log: string }) {
    const { log, ...rest } = options
    const file = openSync(log, 'a')
    this.#child = spawn(command, args, { ...rest, stdio: ['ignore', file, file] })
    closeSync(file)
    if (this.#child.pid === undefined) throw new Error(`${name} did not start: ${command}`)
    this.name = name
    this.log = log
    this.pid = this.#child.pid
    living.add(this)
    this.ended = new Promise((resolve) =>
      this.#child.once('exit', (code, signal) => {
        this.#over = true
        living.delete(this)
        resolve({ code, signal })
      }),
    )
  }

  get isOver(): boolean {
    return this.#over
  }

  /** Ends it as the kernel would: no handler runs. */
  async kill(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }

  signal(name: NodeJS.Signals): void {
    if (name !== 'SIGSTOP' && name !== 'SIGCONT') this.told = true
    if (!this.#over) process.kill(this.pid, name)
  }

  /** Asks it to end; gives the milliseconds it took. After `patienceMs` it is killed, and that shows in `signal`. */
  async stop(patienceMs = 40_000): Promise<{ ms: number; code: number | null; signal: NodeJS.Signals | null }> {
    const began = performance.now()
    this.signal('SIGCONT')
    this.signal('SIGTERM')
    const late = setTimeout(() => this.signal('SIGKILL'), patienceMs)
    const { code, signal } = await this.ended
    clearTimeout(late)
    return { ms: performance.now() - began, code, signal }
  }

  /** Resident megabytes (Linux). */
  residentMB(): number {
    const kilobytes = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'))?.[1]
    return Number(kilobytes) / 1_024
  }

  output(): string {
    return readFileSync(this.log, 'utf8')
  }
}

/** Nothing that the rig started outlives it, however it ends. */
process.on('exit', () => {
  for (const program of living) program.signal('SIGKILL')
})
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => process.exit(130))
