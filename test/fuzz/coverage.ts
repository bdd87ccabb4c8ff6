/** Which parts of our sources have run, by V8's own counters. */
import { Session } from 'node:inspector/promises'

const OURS = /\/src\//

export class Coverage {
  readonly #session = new Session()
  readonly #seen = new Set<string>()

  async start(): Promise<void> {
    this.#session.connect()
    await this.#session.post('Profiler.enable')
    await this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  /** How many blocks have run since the last call that never ran before. */
  async news(): Promise<number> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage')
    const before = this.#seen.size
    for (const { url, functions } of result) {
      if (!OURS.test(url)) continue
      for (const { ranges } of functions)
        for (const { startOffset, endOffset, count } of ranges)
          if (count > 0) this.#seen.add(`${url} ${startOffset} ${endOffset} ${magnitude(count)}`)
    }
    return this.#seen.size - before
  }

  get blocks(): number {
    return this.#seen.size
  }

  stop(): void {
    this.#session.disconnect()
  }
}

/** Once, some times, often: a loop that runs more often is news, one more round is none. */
const magnitude = (count: number): number => Math.min(4, Math.floor(Math.log10(count)))
