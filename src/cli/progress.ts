import { paintError } from './output.ts'
import { duration } from './table.ts'

const PLAIN_EVERY_MS = 10_000
const SMOOTHING = 0.3

/** Shows how far work is, on stderr: one line that is rewritten on a terminal, a plain line every 10 s elsewhere. */
export class Progress {
  readonly #terminal: boolean
  readonly #startedAt = performance.now()
  #lastAt = this.#startedAt
  #lastDone = 0
  #rate = 0
  #lastPlainAt = this.#startedAt
  #drawn = false

  constructor(terminal: boolean = process.stderr.isTTY === true) {
    this.#terminal = terminal
  }

  /** `done` records so far, `left` known to be waiting, `text` what is going on. */
  update(done: number, left: number | null, text: string): void {
    const now = performance.now()
    if (now > this.#lastAt && done > this.#lastDone) {
      const rate = ((done - this.#lastDone) / (now - this.#lastAt)) * 1_000
      this.#rate = this.#rate === 0 ? rate : this.#rate + SMOOTHING * (rate - this.#rate)
      this.#lastAt = now
      this.#lastDone = done
    }
    const line = describeProgress({ done, left, text, rate: this.#rate, elapsedMs: now - this.#startedAt })
    if (this.#terminal) {
      process.stderr.write(`\r\u001b[2K${paintError('cyan', '●')} ${line}`)
      this.#drawn = true
    } else if (now - this.#lastPlainAt >= PLAIN_EVERY_MS) {
      process.stderr.write(`${line}\n`)
      this.#lastPlainAt = now
    }
  }

  /** Wipes the line, so that the result stands alone. */
  end(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[2K')
    this.#drawn = false
  }
}

export function describeProgress(at: {
  done: number
  left: number | null
  text: string
  rate: number
  elapsedMs: number
}): string {
  const parts = [at.text, `${at.done} records`]
  if (at.rate > 0) parts.push(`${Math.round(at.rate)}/s`)
  if (at.left !== null && at.left > 0) {
    parts.push(`${at.left} left`)
    if (at.rate > 0) parts.push(`about ${duration((at.left / at.rate) * 1_000)} to go`)
  }
  parts.push(duration(at.elapsedMs))
  return parts.join(' · ')
}
