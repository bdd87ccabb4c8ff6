import { asCausewayError, ProcessStops } from '../core/index.ts'
import type { WorkHandler } from './contract.ts'
import type { QueueLog } from './trouble.ts'

/** Waits for more work under what the piece of work holds; true when there may be some, false when it should end. */
type Rest = (ms: number) => Promise<boolean>

/** Does a piece of work; `elsewhere` = another process is at it. */
export type NearHandler = (id: string, signal: AbortSignal, rest: Rest) => Promise<'done' | 'elsewhere'>

export type NearWorkOptions = {
  kind: string
  /** Pieces of work at once; those that rest do not count. */
  concurrency: number
  run: NearHandler
  /** Asks for work through the queue, where this process has no room for it. */
  wake(id: string): Promise<void>
  /** Tells whoever is at a piece of work that there is more of it. */
  tellOthers?(id: string): void
  /**
   * Where every process hears each call, and jobs stand behind them: who finds a piece of work elsewhere time and again asks for it ever more
   * seldom, up to this distance.
   */
  longestQuietMs?: number
  log: QueueLog
}

/** Another process that was at it a moment ago still is: asking for its lease at every call would be a query per webhook. */
const ELSEWHERE_MS = 250
/** What failed just now would fail again; the sweeps come back to it. */
const FAILED_MS = 1_000
/** So long a job waits here for room; then it goes back to the queue, where a process that has some may take it. */
const ROOM_MS = 1_000

type Run = {
  /** Called, not only asked for by a job: more calls may follow soon, which a rest waits for. */
  called: boolean
  /** Called while it was at work: it looks once more before it ends. */
  again: boolean
  resting: ((on: boolean) => void) | null
  rested: boolean
  settled: Promise<void>
}

/**
 * Work that begins in this process without the detour over a job: a call costs nothing, and who has just finished rests for a
 * moment with all it holds (lease, position, run), so that the next event finds it ready. Nothing rests on these calls: what
 * they miss stands in the tables, and jobs and sweeps find it.
 */
export class NearWork {
  readonly #options: NearWorkOptions
  readonly #runs = new Map<string, Run>()
  readonly #notBefore = new Map<string, number>()
  /** For how long a call of work that is elsewhere was passed over last. */
  readonly #quietMs = new Map<string, number>()
  readonly #stopping = new AbortController()
  #active = 0
  /** Jobs that wait for room, in the order in which they came. */
  readonly #waiting = new Set<() => void>()

  constructor(options: NearWorkOptions) {
    this.#options = options
  }

  /** For jobs of the queue: done when the work rests or ends, so that resting work takes no slot of the queue. */
  get handler(): WorkHandler {
    return async (id) => {
      if (!this.#runs.has(id)) await this.#room()
      const run = this.#runs.get(id)
      if (run) this.#lookAgain(run)
      else if (this.#stopping.signal.aborted) return
      // The queue knows nothing of what calls have begun here: without this a process would have twice the work that it may have.
      else if (this.#isFull) await this.#wake(id)
      else await this.#start(id, false)
    }
  }

  /** Says that there is work. */
  call(id: string): void {
    const run = this.#runs.get(id)
    if (run) this.#callUp(run)
    else if (this.#stopping.signal.aborted) return
    else if (performance.now() < (this.#notBefore.get(id) ?? 0)) this.#options.tellOthers?.(id)
    else if (this.#isFull) void this.#wake(id)
    else this.#start(id, true).catch((error) => this.#report(id, error))
  }

  /** The same, from another process that could not begin because somebody is at it: only who is looks again. */
  callIfHeld(id: string): void {
    const run = this.#runs.get(id)
    if (run) this.#callUp(run)
  }

  /** Ends what rests and waits for what runs. */
  async stop(reason = new ProcessStops(0)): Promise<void> {
    this.#stopping.abort(reason)
    for (const goOn of this.#waiting) goOn()
    for (const run of this.#runs.values()) run.resting?.(false)
    await Promise.allSettled([...this.#runs.values()].map(({ settled }) => settled))
  }

  #callUp(run: Run): void {
    run.called = true
    this.#lookAgain(run)
  }

  #lookAgain(run: Run): void {
    run.again = true
    // Without room for it here it ends, and is asked for through the queue.
    run.resting?.(!this.#isFull)
  }

  get #isFull(): boolean {
    return this.#active >= this.#options.concurrency
  }

  /** Resolves when there is room, at the stop, or after a while without. */
  async #room(): Promise<void> {
    const end = performance.now() + ROOM_MS
    while (this.#isFull && !this.#stopping.signal.aborted && performance.now() < end)
      await new Promise<void>((resolve) => {
        const goOn = (): void => {
          clearTimeout(timer)
          this.#waiting.delete(goOn)
          resolve()
        }
        const timer = setTimeout(goOn, Math.max(1, end - performance.now()))
        this.#waiting.add(goOn)
      })
  }

  #leave(): void {
    this.#active--
    const [first] = this.#waiting
    first?.()
  }

  /** Resolves at the first rest or at the end. */
  #start(id: string, called: boolean): Promise<void> {
    const atRest = Promise.withResolvers<void>()
    const run: Run = { called, again: false, resting: null, rested: false, settled: Promise.resolve() }
    this.#runs.set(id, run)
    run.settled = this.#work(id, run, atRest.resolve).then(atRest.resolve, (error) => {
      this.#notBefore.set(id, performance.now() + FAILED_MS)
      if (run.rested) this.#report(id, error)
      else atRest.reject(error)
    })
    return atRest.promise
  }

  async #work(id: string, run: Run, atRest: () => void): Promise<void> {
    this.#active++
    try {
      const end = await this.#options.run(id, this.#stopping.signal, (ms) => this.#rest(run, ms, atRest))
      if (end === 'elsewhere') {
        this.#keepQuiet(id)
        this.#options.tellOthers?.(id)
        return
      }
      this.#notBefore.delete(id)
      this.#quietMs.delete(id)
    } finally {
      this.#runs.delete(id)
      this.#leave()
    }
    // Told to stop in the middle, or called after its last look: somebody has to look again.
    if (this.#stopping.signal.aborted) await this.#wake(id)
    else if (run.again) this.call(id)
  }

  #keepQuiet(id: string): void {
    const quietMs = Math.min(
      2 * (this.#quietMs.get(id) ?? 0) || ELSEWHERE_MS,
      this.#options.longestQuietMs ?? ELSEWHERE_MS,
    )
    this.#quietMs.set(id, quietMs)
    this.#notBefore.set(id, performance.now() + quietMs)
  }

  async #rest(run: Run, ms: number, atRest: () => void): Promise<boolean> {
    if (this.#stopping.signal.aborted) return false
    if (run.again) {
      run.again = false
      return true
    }
    if (!run.called) return false
    this.#leave()
    run.rested = true
    atRest()
    return new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => run.resting?.(false), ms)
      run.resting = (on) => {
        clearTimeout(timer)
        run.resting = null
        if (on) run.again = false
        // At once, so that of two who are called in one moment only one takes the last place.
        this.#active++
        resolve(on)
      }
    })
  }

  /** Best effort: the sweeps find what is lost here. */
  async #wake(id: string): Promise<void> {
    await this.#options.wake(id).catch(() => undefined)
  }

  #report(id: string, thrown: unknown): void {
    const error = asCausewayError(thrown)
    this.#options.log.error({ kind: this.#options.kind, id, code: error.code, err: error }, 'work ended with a failure')
  }
}
