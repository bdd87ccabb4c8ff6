import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeItems, encodeFrame, encodeItems, FrameReader, Kind, type SandboxItem } from './frames.ts'
import { isolated } from './isolation.ts'

export type SandboxProgram = { digest: string; program: unknown }

/** A piece of a batch that one process works on without interruption. */
export type Segment = { program: SandboxProgram; options: unknown; items: SandboxItem[] }

export type WorkerLimits = { timeMs: number; memoryMb: number }

/** What the child answered to one item; the texts are not copied out of what came through the pipe. */
export type SandboxResult = { head: unknown; texts: Buffer[] }

/** Why a process went away while it worked. */
export type EndReason = 'time' | 'memory' | 'crash' | 'closed'

export type WorkerEvents = {
  ready(): void
  /** The results of the oldest segment. */
  done(segment: Segment, results: SandboxResult[]): void
  /** The process is gone; `head` was being worked on, from item `marked` on; `waiting` had not begun. */
  ended(reason: EndReason, head: Segment | undefined, marked: number, waiting: Segment[], detail: string): void
}

/** Programs a process keeps before it is told to forget them; mappings are small, so this is about leaks only. */
const MAX_PROGRAMS = 200
/** Two segments: while the child works on one, the next is in the pipe already. */
const PIPELINE_DEPTH = 2
const STDERR_KEPT = 4_000

/** One child process behind a pipe: empty environment, no permission but to read the code, no network where it can be taken, bounded memory. */
export class SandboxWorker {
  /** Whether it was started with a network of its own. */
  readonly isIsolated: boolean
  readonly #child: ChildProcess
  readonly #limits: WorkerLimits
  readonly #events: WorkerEvents
  readonly #reader = new FrameReader()
  readonly #loaded = new Set<string>()
  readonly #inFlight: Segment[] = []
  #isReady = false
  #marked = 0
  /** When the item that is being worked on was last known to be new. */
  #since = 0
  #timer: NodeJS.Timeout | undefined
  #ending: EndReason | undefined
  #ended = false
  #stderr = ''

  constructor(entry: URL, limits: WorkerLimits, events: WorkerEvents) {
    this.#limits = limits
    this.#events = events
    const { file, args } = isolated(process.execPath, [...flags(entry, limits), fileURLToPath(entry)])
    this.isIsolated = file !== process.execPath
    this.#child = spawn(file, args, {
      env: {},
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#stderr = (this.#stderr + chunk.toString()).slice(-STDERR_KEPT)
    })
    // A pipe that breaks is followed by the exit, which says all there is to say.
    this.#child.stdin!.on('error', () => {})
    this.#child.on('error', (error) => this.#end('crash', error.message))
    this.#child.on('close', (code, signal) => this.#closed(code, signal))
  }

  get hasRoom(): boolean {
    return this.#isReady && this.#ending === undefined && this.#inFlight.length < PIPELINE_DEPTH
  }

  get busy(): number {
    return this.#inFlight.length
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  send(segment: Segment): void {
    this.#load(segment.program)
    const about = { digest: segment.program.digest, options: segment.options }
    this.#child.stdin!.write(encodeItems(Kind.run, about, segment.items))
    this.#inFlight.push(segment)
    if (this.#inFlight.length === 1) this.#begin()
  }

  close(): void {
    this.#ending ??= 'closed'
    this.#child.kill('SIGKILL')
  }

  #load(program: SandboxProgram): void {
    if (this.#loaded.has(program.digest)) return
    if (this.#loaded.size >= MAX_PROGRAMS) {
      this.#child.stdin!.write(encodeFrame(Kind.forget))
      this.#loaded.clear()
    }
    this.#child.stdin!.write(encodeFrame(Kind.load, Buffer.from(JSON.stringify(program))))
    this.#loaded.add(program.digest)
  }

  #begin(): void {
    this.#marked = 0
    this.#since = performance.now()
    this.#timer ??= setTimeout(() => this.#check(), this.#limits.timeMs)
  }

  #read(chunk: Buffer): void {
    for (const { kind, payload } of this.#reader.push(chunk)) {
      if (kind === Kind.ready) {
        this.#isReady = true
        this.#events.ready()
      } else if (kind === Kind.mark) {
        this.#marked = Number(payload.toString())
        this.#since = performance.now()
      } else if (kind === Kind.done) {
        const segment = this.#inFlight.shift()!
        if (this.#inFlight.length > 0) this.#begin()
        else this.#timer = void clearTimeout(this.#timer)
        this.#events.done(segment, decodeItems(payload).items)
      }
    }
  }

  /**
   * One timer per process, not per segment. When it fires because this process was busy itself, the answer may lie in the
   * pipe unread; so the verdict waits until the pipe has been looked at.
   */
  #check(): void {
    this.#timer = undefined
    if (this.#inFlight.length === 0) return
    const left = () => this.#limits.timeMs - (performance.now() - this.#since)
    const again = () => {
      if (this.#inFlight.length > 0) this.#timer ??= setTimeout(() => this.#check(), Math.max(1, left()))
    }
    if (left() > 0) again()
    else setImmediate(() => setImmediate(() => (left() > 0 || !this.#inFlight.length ? again() : this.#stop('time'))))
  }

  #stop(reason: EndReason): void {
    this.#ending ??= reason
    this.#child.kill('SIGKILL')
  }

  #closed(code: number | null, signal: NodeJS.Signals | null): void {
    const outOfMemory =
      signal === 'SIGABRT' || code === 134 || /heap out of memory|Allocation failed/.test(this.#stderr)
    this.#end(
      this.#ending ?? (outOfMemory ? 'memory' : 'crash'),
      `${signal ?? `exit code ${code}`} ${this.#stderr}`.trim(),
    )
  }

  #end(reason: EndReason, detail: string): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    const [head, ...waiting] = this.#inFlight.splice(0)
    this.#events.ended(reason, head, this.#marked, waiting, detail)
  }
}

function flags(entry: URL, limits: WorkerLimits): string[] {
  return [
    '--permission',
    ...readable(entry).map((path) => `--allow-fs-read=${path}`),
    `--max-old-space-size=${limits.memoryMb}`,
    // Without these the garbage of a busy child grows to twice the memory its mappings need (280 MB against 140).
    '--max-semi-space-size=8',
    '--heap-growing-percent=30',
    '--disallow-code-generation-from-strings',
    '--no-warnings',
  ]
}

/** The code and nothing else: the rooms, the packages, and the package.json files that say which is a module. */
function readable(entry: URL): string[] {
  const rooms = dirname(dirname(fileURLToPath(entry)))
  const paths = [join(rooms, '*'), join(packagesFolder(entry, rooms), '*')]
  for (let at = rooms; ; at = dirname(at)) {
    const manifest = join(at, 'package.json')
    const folder = join(at, 'node_modules')
    if (existsSync(manifest)) paths.push(manifest)
    if (existsSync(folder)) paths.push(join(folder, '*'))
    if (existsSync(join(folder, 'jsonata')) || at === dirname(at)) return [...new Set(paths)]
  }
}

/**
 * Where packages really live. Package managers that link give each a folder of its own in a store; then it is the store, which
 * is what the real places of another package and of ours have in common.
 */
function packagesFolder(entry: URL, rooms: string): string {
  const real = createRequire(entry).resolve('jsonata')
  const beside = real.slice(0, real.lastIndexOf(`${sep}jsonata${sep}`))
  let common = beside
  while (!`${rooms}${sep}`.startsWith(`${common}${sep}`) && common !== dirname(common)) common = dirname(common)
  // Only inside of node_modules: what a checkout and its packages have in common holds keys and data as well.
  return `${common}${sep}`.includes(`${sep}node_modules${sep}`) ? common : beside
}
