import { CausewayError, type Clock, systemClock } from '../core/index.ts'
import type { Quota, QuotaCharges, QuotaGate, QuotaLevel, QuotaNotice } from './quota.ts'
import { type BucketBook, bookOf } from './quota-buckets.ts'
import { type Waiting, WaitingLine, waitInLine } from './waiting-line.ts'

/** setTimeout takes at most 2^31-1 ms and turns more into 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The buckets of a connection, with a common stop, for one process. */
export class LocalQuotaGate implements QuotaGate {
  private readonly books: ReadonlyMap<string, BucketBook>
  private readonly always: Record<string, number>
  private readonly clock: Clock
  private readonly line = new WaitingLine()
  private stoppedUntil = -Infinity
  private reason = ''
  private timer: NodeJS.Timeout | undefined

  constructor({ buckets }: Pick<Quota, 'buckets'> = { buckets: [] }, clock: Clock = systemClock) {
    const now = clock.monotonic()
    this.clock = clock
    this.books = new Map(buckets.map((spec) => [spec.name, bookOf(spec, now)]))
    this.always = Object.fromEntries(buckets.flatMap(({ name, always }) => (always ? [[name, 1]] : [])))
  }

  get waiting(): { until: Date; reason: string } | null {
    const ms = this.stopMs()
    return ms > 0 ? { until: new Date(this.clock.now().getTime() + ms), reason: this.reason } : null
  }

  async take(charges: QuotaCharges, priority: number, signal?: AbortSignal, maxWaitMs: number = 30_000): Promise<void> {
    const whole = { ...this.always, ...charges }
    const wait = this.waitOf(whole)
    if (wait.ms > maxWaitMs) throw tooLong(wait)
    if (this.line.length === 0 && wait.ms === 0) return this.spend(whole)
    const turn = waitInLine(this.line, { priority, charges: whole, maxWaitMs }, signal, cancelled)
    this.pump()
    await turn
  }

  report({ waitMs, reason }: QuotaNotice): void {
    const until = this.clock.monotonic() + waitMs
    // Answers overtake each other: the longest wait that was asked for counts.
    if (!(waitMs > 0) || until <= this.stoppedUntil) return
    this.stoppedUntil = until
    this.reason = reason
    this.pump()
  }

  learn(level: QuotaLevel): void {
    this.books.get(level.bucket)?.learn(level, this.clock.monotonic())
    this.pump()
  }

  private stopMs(): number {
    return Math.max(0, this.stoppedUntil - this.clock.monotonic())
  }

  private waitOf(charges: QuotaCharges): { ms: number; reason: string } {
    const now = this.clock.monotonic()
    let longest = { ms: this.stopMs(), reason: this.reason }
    for (const [name, units] of Object.entries(charges)) {
      const ms = this.books.get(name)?.waitMs(units, now) ?? 0
      if (ms > longest.ms) longest = { ms, reason: `the limit "${name}" is used up` }
    }
    return longest
  }

  private spend(charges: QuotaCharges): void {
    const now = this.clock.monotonic()
    for (const [name, units] of Object.entries(charges)) this.books.get(name)?.spend(units, now)
  }

  /** Lets everybody go who can. Who waits for a bucket holds up those behind that want the same one, and nobody else. */
  private pump(): void {
    clearTimeout(this.timer)
    const wanted = new Set<string>()
    let nextMs = Infinity
    for (const waiting of this.line.all()) {
      const names = Object.keys(waiting.charges)
      const wait = this.waitOf(waiting.charges)
      const behind = names.some((name) => wanted.has(name))
      if (wait.ms === 0 && !behind) this.release(waiting)
      else if (wait.ms > waiting.maxWaitMs) waiting.fail(tooLong(wait))
      else {
        for (const name of names) wanted.add(name)
        if (wait.ms > 0) nextMs = Math.min(nextMs, wait.ms)
      }
    }
    if (this.line.length > 0 && nextMs < Infinity)
      this.timer = setTimeout(() => this.pump(), Math.min(Math.max(1, Math.ceil(nextMs)), LONGEST_TIMER_MS))
  }

  private release(waiting: Waiting): void {
    this.spend(waiting.charges)
    this.line.remove(waiting)
    waiting.go()
  }
}

export function tooLong({ ms, reason }: { ms: number; reason: string }): CausewayError {
  return new CausewayError('CSW-3005', {
    what: `Calls are held back for another ${Math.ceil(ms / 1000)} s: ${reason}.`,
    retryAfterMs: Math.ceil(ms),
  })
}

const cancelled = () => new CausewayError('CSW-3015', { what: 'The call was cancelled while it waited for its quota.' })
