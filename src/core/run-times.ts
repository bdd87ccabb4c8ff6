/**
 * Where the time of a run goes. Measured per call and per batch, never per record. Moments may overlap (a batch is mapped while
 * the one before is written), so each moment counts once: for the first of the parts below that was under way in it.
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/**
 * What can be under way, in the order in which a moment is counted. A call first, for what happens beside it costs the run nothing;
 * `connector` last: it spans whole reads and writes, with protocols that have no calls of their own to measure.
 */
const ACTIVITIES = ['call', 'limits', 'mapping', 'storing', 'connector'] as const
export type Activity = (typeof ACTIVITIES)[number]

/** Milliseconds by what they went to; `queue` lies before the run began. What is left of its duration is other work. */
export type RunTimesKept = { queue: number; limits: number; remote: number; mapping: number; storing: number }

/** `total` is the sum of all others: the wait in the queue, and then the run itself. */
export type RunSplit = RunTimesKept & { other: number; total: number }

/**
 * Splits the `tookMs` of a run as two moments of the ledger's clock say. That clock may be set while a run goes on: parts that do not
 * fit are cut, so that the sum holds whatever it says.
 */
export function splitOf(kept: RunTimesKept, tookMs: number): RunSplit {
  let left = Math.max(0, Math.round(tookMs))
  const cut = (ms: number): number => {
    const fits = Math.min(ms, left)
    left -= fits
    return fits
  }
  const [limits, remote, mapping, storing] = [cut(kept.limits), cut(kept.remote), cut(kept.mapping), cut(kept.storing)]
  const total = kept.queue + Math.max(0, Math.round(tookMs))
  return { queue: kept.queue, limits, remote, mapping, storing, other: left, total }
}

/** The accounts of one run. */
export class RunTimes {
  readonly #now: () => number
  readonly #active: Record<Activity, number> = { call: 0, limits: 0, mapping: 0, storing: 0, connector: 0 }
  #spent: Record<Activity, number> = { call: 0, limits: 0, mapping: 0, storing: 0, connector: 0 }
  #queued: number
  #since: number
  #last: number
  #begun = false

  constructor(queuedMs = 0, now: () => number = () => performance.now()) {
    this.#now = now
    this.#queued = queuedMs
    this.#since = this.#last = now()
  }

  /** What came before is no part of the run, unless it has begun. */
  restart(): void {
    if (this.#begun) return
    this.#account()
    this.#spent = { call: 0, limits: 0, mapping: 0, storing: 0, connector: 0 }
    this.#since = this.#last
  }

  /** From the last restart on it is a run. */
  begin(): void {
    this.#begun = true
  }

  /** It rested without anything to do: what it waited for in the queue is no part of what comes. */
  rested(): void {
    if (!this.#begun) this.#queued = 0
  }

  get elapsedMs(): number {
    return this.#now() - this.#since
  }

  /** Something begins; gives what ends it. */
  enter(activity: Activity): () => void {
    this.#account()
    this.#active[activity]++
    let over = false
    return () => {
      if (over) return
      over = true
      this.#account()
      this.#active[activity]--
    }
  }

  /** Whole milliseconds so far, rounded down: their sum is never more than what passed. */
  kept(): RunTimesKept {
    this.#account()
    const { call, limits, mapping, storing, connector } = this.#spent
    return {
      queue: Math.floor(this.#queued),
      limits: Math.floor(limits),
      remote: Math.floor(call + connector),
      mapping: Math.floor(mapping),
      storing: Math.floor(storing),
    }
  }

  #account(): void {
    const now = this.#now()
    const what = ACTIVITIES.find((activity) => this.#active[activity] > 0)
    if (what) this.#spent[what] += now - this.#last
    this.#last = now
  }
}

const current = new AsyncLocalStorage<RunTimes>()
const waited = new AsyncLocalStorage<{ ms: number }>()

/** Runs `work` as a part of the run that `times` are kept of. */
export const inTimes = <T>(times: RunTimes, work: () => T): T => current.run(times, work)

/** The accounts of the run under way. */
export const timesNow = (): RunTimes | undefined => current.getStore()

/** Runs the work of a job that waited so long in the queue. */
export const afterQueue = <T>(ms: number, work: () => T): T => waited.run({ ms: Math.max(0, ms) }, work)

/** How long the job under way waited. Told once: what its run sets off in this process did not wait with it. */
export function takeQueueWait(): number {
  const wait = waited.getStore()
  const ms = wait?.ms ?? 0
  if (wait) wait.ms = 0
  return ms
}

/** Counts the time of `work` for the run under way, where there is one. */
export async function timed<T>(activity: Activity, work: () => Promise<T>): Promise<T> {
  const leave = current.getStore()?.enter(activity)
  if (!leave) return work()
  try {
    return await work()
  } finally {
    leave()
  }
}

/** The same for what is read bit by bit: only while the next one is waited for. */
export async function* timedSteps<T>(activity: Activity, steps: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = steps[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await timed(activity, () => iterator.next())
      if (next.done) return
      yield next.value
    }
  } finally {
    await iterator.return?.()
  }
}
