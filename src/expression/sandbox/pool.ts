import { availableParallelism } from 'node:os'
import { CausewayError } from '../../core/index.ts'
import type { SandboxItem } from './frames.ts'
import { giveUpIsolation, isolationNow, proveIsolation } from './isolation.ts'
import {
  type EndReason,
  type SandboxProgram,
  type SandboxResult,
  SandboxWorker,
  type Segment,
  type WorkerLimits,
} from './worker.ts'

type SandboxOptions = {
  /** The file the children run; it calls `serveSandbox`. */
  entry: URL
  /** How many processes; 1 unless told otherwise, never more than the machine has cores. */
  processes?: number
  /** How long one item may take. */
  timeLimitMs?: number
  memoryMb?: number
  /** Larger items are refused without a try. */
  maxItemBytes?: number
  /** Told once when processes work without a network of their own, and why. */
  onSharedNetwork?: (reason: string) => void
}

/** The result of an item, or why there is none. */
type Outcome = SandboxResult | { error: CausewayError }

/** Text in one segment is bounded, so that a batch of large records cannot fill the child's memory by itself. */
const SEGMENT_CHARS = 4_000_000
const SEGMENT_ITEMS = 250
const MAX_FAILED_STARTS = 3

/** Items of one call that travel together; `at` says which. */
type Work = Segment & {
  call: Call
  at: number[]
  /** How often a process died over this work for a reason of its own. */
  crashes: number
}

type Call = {
  results: Outcome[]
  open: number
  resolve(results: Outcome[]): void
  reject(error: unknown): void
  /** Takes back the listener on the caller's signal. */
  forget(): void
  settled: boolean
}

/**
 * Runs items through programs in child processes. A process that takes too long or too much over an item is killed; that
 * item fails with CSW-4003, all others are run again elsewhere. Never blocks the caller's thread.
 */
export class Sandbox {
  readonly #entry: URL
  readonly #limits: WorkerLimits
  readonly #maxItemBytes: number
  readonly #size: number
  #onSharedNetwork: ((reason: string) => void) | undefined
  readonly #workers = new Set<SandboxWorker>()
  readonly #queue: Work[] = []
  #failedStarts = 0
  #closed = false

  constructor(options: SandboxOptions) {
    this.#entry = options.entry
    this.#limits = { timeMs: options.timeLimitMs ?? 2_000, memoryMb: options.memoryMb ?? 128 }
    this.#maxItemBytes = options.maxItemBytes ?? 5_000_000
    this.#onSharedNetwork = options.onSharedNetwork
    this.#size = Math.max(1, Math.min(options.processes ?? 1, availableParallelism()))
  }

  /** Results in the order of the items. Rejects only when the sandbox itself cannot work, or by the signal. */
  run(
    program: SandboxProgram,
    items: SandboxItem[],
    options: unknown = null,
    signal?: AbortSignal,
  ): Promise<Outcome[]> {
    if (this.#closed) return Promise.reject(closedError())
    if (signal?.aborted) return Promise.reject(signal.reason as Error)
    return new Promise((resolve, reject) => {
      const abort = () => settle(call, () => reject(signal?.reason))
      const call: Call = {
        results: new Array(items.length),
        open: items.length,
        settled: false,
        resolve,
        reject,
        forget: () => signal?.removeEventListener('abort', abort),
      }
      signal?.addEventListener('abort', abort)
      if (items.length === 0) settle(call, () => resolve([]))
      const small = items.map((item, i) => ({ item, i })).filter(({ item, i }) => this.#admit(call, item, i))
      for (const at of this.#cut(small)) {
        const chosen = at.map((i) => items[i]!)
        this.#queue.push({ program, options, items: chosen, call, at, crashes: 0 })
      }
      this.#dispatch()
    })
  }

  /** Starts a process and has it compile these programs, so that the first record does not wait for either. Failures show when work comes. */
  warm(programs: SandboxProgram[]): void {
    if (this.#closed || this.#workers.size > 0) return
    const nobody = () => {}
    for (const program of programs) {
      const call: Call = { results: [], open: 0, settled: false, resolve: nobody, reject: nobody, forget: nobody }
      this.#queue.push({ program, options: null, items: [], call, at: [], crashes: 0 })
    }
    this.#dispatch()
  }

  /** Process ids of the children, for tests and `doctor`. */
  get pids(): number[] {
    return [...this.#workers].flatMap((worker) => worker.pid ?? [])
  }

  /** Ends the children; calls that are under way are rejected. */
  close(): void {
    this.#closed = true
    for (const worker of this.#workers) worker.close()
    for (const work of this.#queue.splice(0)) settle(work.call, () => work.call.reject(closedError()))
  }

  #admit(call: Call, item: SandboxItem, i: number): boolean {
    const size = item.texts.reduce((sum, text) => sum + text.length, 0)
    if (size <= this.#maxItemBytes) return true
    this.#finish(call, i, { error: limitError(`is larger than ${this.#maxItemBytes / 1_000_000} MB`, 'size') })
    return false
  }

  /** Cuts a call into segments: enough for all processes, none too large. */
  #cut(items: { item: SandboxItem; i: number }[]): number[][] {
    const most = Math.min(SEGMENT_ITEMS, Math.ceil(items.length / this.#size))
    const segments: number[][] = []
    let chars = 0
    for (const { item, i } of items) {
      const size = item.texts.reduce((sum, text) => sum + text.length, 0)
      const last = segments.at(-1)
      if (!last || last.length >= most || chars + size > SEGMENT_CHARS) {
        segments.push([i])
        chars = size
      } else {
        last.push(i)
        chars += size
      }
    }
    return segments
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      if (this.#queue[0]!.call.settled) {
        this.#queue.shift()
        continue
      }
      // The least busy process first, so that pipelining never starves another one.
      const free = [...this.#workers].filter((worker) => worker.hasRoom).sort((a, b) => a.busy - b.busy)[0]
      if (free && (free.busy === 0 || this.#workers.size >= this.#size)) free.send(this.#queue.shift()!)
      else break
    }
    if (this.#queue.length > 0 && this.#workers.size < this.#size) this.#start()
  }

  #start(): void {
    let ready = false
    const worker: SandboxWorker = new SandboxWorker(this.#entry, this.#limits, {
      ready: () => {
        ready = true
        this.#failedStarts = 0
        if (worker.isIsolated) proveIsolation()
        else this.#tellSharedNetwork()
        this.#dispatch()
      },
      done: (segment, results) => this.#done(segment as Work, results),
      ended: (reason, head, marked, waiting, detail) => {
        this.#workers.delete(worker)
        // What was refused may be the network of its own; otherwise something else is wrong.
        if (!ready && reason !== 'closed' && !(worker.isIsolated && giveUpIsolation(detail))) this.#failedStarts++
        this.#queue.unshift(...(waiting as Work[]))
        if (head) this.#recover(head as Work, marked, reason)
        if (this.#failedStarts >= MAX_FAILED_STARTS) this.#giveUp(detail)
        if (!this.#closed) this.#dispatch()
      },
    })
    this.#workers.add(worker)
  }

  #tellSharedNetwork(): void {
    const now = isolationNow()
    if (now.network === 'shared') this.#onSharedNetwork?.(now.reason)
    this.#onSharedNetwork = undefined
  }

  #done(work: Work, results: SandboxResult[]): void {
    for (const [n, i] of work.at.entries()) this.#finish(work.call, i, results[n]!)
    this.#dispatch()
  }

  /** What was done before the last mark runs again as it was; from there on items run alone, so that the next kill names one. */
  #recover(work: Work, marked: number, reason: EndReason): void {
    if (reason === 'closed' || this.#closed) {
      settle(work.call, () => work.call.reject(closedError()))
      return
    }
    const crashes = work.crashes + (reason === 'crash' ? 1 : 0)
    if (work.items.length === 1 && (reason !== 'crash' || crashes > 1)) {
      this.#finish(work.call, work.at[0]!, { error: this.#blame(reason) })
      return
    }
    const again = [...work.items.keys()].slice(marked).map((n) => part(work, n, n + 1, crashes))
    if (marked > 0) again.unshift(part(work, 0, marked, 0))
    this.#queue.unshift(...again)
  }

  #blame(reason: EndReason): CausewayError {
    if (reason === 'time') return limitError(`took longer than ${this.#limits.timeMs / 1000} s`, reason)
    if (reason === 'memory') return limitError(`took more than ${this.#limits.memoryMb} MB of memory`, reason)
    return limitError('ended its process twice', reason)
  }

  #finish(call: Call, i: number, result: Outcome): void {
    call.results[i] = result
    if (--call.open === 0) settle(call, () => call.resolve(call.results))
  }

  #giveUp(detail: string): void {
    const error = new CausewayError('CSW-4006', { what: `The mapping process does not start: ${detail.slice(0, 500)}` })
    this.#failedStarts = 0
    for (const work of this.#queue.splice(0)) settle(work.call, () => work.call.reject(error))
  }
}

function settle(call: Call, how: () => void): void {
  if (call.settled) return
  call.settled = true
  call.forget()
  how()
}

const part = (work: Work, from: number, to: number, crashes: number): Work => ({
  ...work,
  items: work.items.slice(from, to),
  at: work.at.slice(from, to),
  crashes,
})

const limitError = (what: string, limit: string): CausewayError =>
  new CausewayError('CSW-4003', { what: `The mapping of this record ${what}`, data: { limit } })

const closedError = (): CausewayError =>
  new CausewayError('CSW-4006', { what: 'The mapping processes were closed while work was waiting for them' })
