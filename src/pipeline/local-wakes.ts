/** How long a pull that has ended tells those that deliver its records that no more will come. */
const JUST_PULLED_MS = 2_000

/**
 * Wake-ups inside one process. A push that has nothing left while a pull of its source still runs here waits for the next
 * page instead of ending, which saves a job per page and its latency. Other processes are woken through the queue.
 */
export class LocalWakes {
  readonly #waiters = new Map<number, Set<() => void>>()
  readonly #counts = new Map<number, number>()
  readonly #working = new Set<string>()
  readonly #pulling = new Map<number, number>()
  readonly #pulledAt = new Map<number, number>()

  /** Says that a sync has something to do. */
  notify(syncId: number): void {
    this.#counts.set(syncId, this.count(syncId) + 1)
    const waiters = this.#waiters.get(syncId)
    if (!waiters) return
    this.#waiters.delete(syncId)
    for (const wake of waiters) wake()
  }

  /** How often something was said to a sync; who remembers it from before a look can wait for what came after. */
  count(syncId: number): number {
    return this.#counts.get(syncId) ?? 0
  }

  /**
   * A lane is worked on here, and will look once more after this is taken back: whatever is committed before that, it finds by
   * itself, so nobody need be woken for it.
   */
  laneBegins(lane: string): void {
    this.#working.add(lane)
  }

  laneEnds(lane: string): void {
    this.#working.delete(lane)
  }

  isWorking(lane: string): boolean {
    return this.#working.has(lane)
  }

  /** True when some lane of this sync waits here and will take the work up. */
  isAwaited(syncId: number): boolean {
    return this.#waiters.has(syncId)
  }

  /** Resolves at the next `notify`, at once if there was one since `seen`, after `ms`, or when `signal` aborts. */
  wait(syncId: number, ms: number, signal: AbortSignal, seen: number): Promise<void> {
    if (this.count(syncId) !== seen) return Promise.resolve()
    return new Promise((resolve) => {
      const waiters = this.#waiters.get(syncId) ?? new Set()
      this.#waiters.set(syncId, waiters)
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        waiters.delete(done)
        if (!waiters.size && this.#waiters.get(syncId) === waiters) this.#waiters.delete(syncId)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      waiters.add(done)
    })
  }

  pullBegins(streamId: number): void {
    this.#pulling.set(streamId, (this.#pulling.get(streamId) ?? 0) + 1)
  }

  pullEnds(streamId: number): void {
    const left = (this.#pulling.get(streamId) ?? 1) - 1
    if (left) this.#pulling.set(streamId, left)
    else this.#pulling.delete(streamId)
    this.#pulledAt.set(streamId, performance.now())
  }

  isPulling(streamId: number): boolean {
    return this.#pulling.has(streamId)
  }

  /** True while a pull of the stream runs here, and for a moment after it. */
  hasPulled(streamId: number): boolean {
    return this.isPulling(streamId) || performance.now() - (this.#pulledAt.get(streamId) ?? -Infinity) < JUST_PULLED_MS
  }
}
