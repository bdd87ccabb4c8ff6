/** Those who wait for a turn: lower priority number first, first come first served within one priority. */

import type { QuotaCharges } from './quota.ts'

export type Waiting = {
  priority: number
  charges: QuotaCharges
  maxWaitMs: number
  go(): void
  fail(error: Error): void
}

export class WaitingLine {
  private readonly line: Waiting[] = []

  get length(): number {
    return this.line.length
  }

  add(waiting: Waiting): void {
    const after = this.line.findIndex((other) => other.priority > waiting.priority)
    this.line.splice(after < 0 ? this.line.length : after, 0, waiting)
  }

  shift(): Waiting | undefined {
    return this.line.shift()
  }

  remove(waiting: Waiting): void {
    const at = this.line.indexOf(waiting)
    if (at >= 0) this.line.splice(at, 1)
  }

  all(): readonly Waiting[] {
    return [...this.line]
  }
}

/** Puts a promise into the line that also ends when `signal` aborts. `aborted` makes the error for that case. */
export function waitInLine(
  line: WaitingLine,
  turn: { priority: number; charges: QuotaCharges; maxWaitMs: number },
  signal: AbortSignal | undefined,
  aborted: () => Error,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settled = () => signal?.removeEventListener('abort', onAbort)
    const waiting: Waiting = {
      ...turn,
      go: () => {
        settled()
        resolve()
      },
      fail: (error) => {
        settled()
        line.remove(waiting)
        reject(error)
      },
    }
    const onAbort = () => waiting.fail(aborted())
    if (signal?.aborted) return reject(aborted())
    signal?.addEventListener('abort', onAbort, { once: true })
    line.add(waiting)
  })
}
