import { setTimeout as sleep } from 'node:timers/promises'

/** Runs what it is given one after the other, in the order in which it came: what may end this process. */
export class OneAtATime {
  readonly #settledAt: number
  readonly #breathMs: number
  #last: Promise<unknown> = Promise.resolve()

  /** `settleMs`: so long after its start this process takes up nothing that ended one before. */
  constructor(settleMs = 0) {
    this.#settledAt = performance.now() + settleMs
    this.#breathMs = settleMs / 5
  }

  /**
   * Waits out the first seconds of this process. Whoever kills workers as they start (a supervisor, a crash of something else,
   * people) would otherwise meet the same suspect each time, which is the first that a successor takes up.
   */
  async settled(signal: AbortSignal): Promise<void> {
    const left = this.#settledAt - performance.now()
    if (left > 0) await sleep(left, undefined, { signal }).catch(() => undefined)
  }

  /**
   * A pause before what would be set aside after one more death. A death that has nothing to do with it falls into the pause rather
   * than into the milliseconds of its call, so that it is not blamed for that one too. Not before others: a batch of two hundred took
   * minutes with a pause for each.
   */
  async breath(signal: AbortSignal): Promise<void> {
    if (this.#breathMs) await sleep(this.#breathMs, undefined, { signal }).catch(() => undefined)
  }

  /** Resolves with what `work` gives. One that fails does not keep the next one from its turn. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}
