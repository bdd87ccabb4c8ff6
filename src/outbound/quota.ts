import { CausewayError, type Clock, systemClock } from '../core/index.ts'
import { WaitingLine, waitInLine } from './waiting-line.ts'

/** What the other system said about its limits. */
export type QuotaNotice = { waitMs: number; reason: string }

/**
 * Decides when a call of a connection may go out. This implementation knows one process; one over the ledger, shared by all
 * processes, fits behind the same interface.
 */
export interface QuotaGate {
  /**
   * Waits for permission to spend `cost`. Lower `priority` goes first. A wait known to be longer than `maxWaitMs` ends at
   * once with CSW-3005 and `retryAfterMs`, so that no worker sits out an hour.
   */
  take(cost: number, priority: number, signal?: AbortSignal, maxWaitMs?: number): Promise<void>
  /** Holds back every call of the connection for that long (a 429 with Retry-After, a used-up bucket). */
  report(notice: QuotaNotice): void
  /** Until when calls are held back, and why; null when they are not. */
  readonly waiting: { until: Date; reason: string } | null
}

/** A short burst evens out timer granularity; beyond it the rate holds in every second. */
const BURST_SECONDS = 0.05

/** Token bucket with a common stop for the whole connection, for one process. */
export class LocalQuotaGate implements QuotaGate {
  private readonly perSecond: number
  private readonly burst: number
  private readonly clock: Clock
  private readonly line = new WaitingLine()
  private tokens: number
  private refilledAt: number
  private stoppedUntil = -Infinity
  private reason = ''
  private timer: NodeJS.Timeout | undefined

  constructor(perSecond: number = Infinity, clock: Clock = systemClock) {
    this.perSecond = perSecond
    this.burst = Math.max(1, perSecond * BURST_SECONDS)
    this.tokens = this.burst
    this.clock = clock
    this.refilledAt = clock.monotonic()
  }

  get waiting(): { until: Date; reason: string } | null {
    const ms = this.stopMs()
    return ms > 0 ? { until: new Date(this.clock.now().getTime() + ms), reason: this.reason } : null
  }

  async take(cost: number, priority: number, signal?: AbortSignal, maxWaitMs = 30_000): Promise<void> {
    if (this.stopMs() > maxWaitMs) throw this.tooLong()
    if (this.line.length === 0 && this.spend(cost)) return
    const turn = waitInLine(this.line, { priority, cost, maxWaitMs }, signal, cancelled)
    this.schedule()
    await turn
  }

  report({ waitMs, reason }: QuotaNotice): void {
    const until = this.clock.monotonic() + waitMs
    // Answers overtake each other: the longest wait that was asked for counts.
    if (!(waitMs > 0) || until <= this.stoppedUntil) return
    this.stoppedUntil = until
    this.reason = reason
    for (const waiting of this.line.all()) if (waitMs > waiting.maxWaitMs) waiting.fail(this.tooLong())
    this.schedule()
  }

  private stopMs(): number {
    return Math.max(0, this.stoppedUntil - this.clock.monotonic())
  }

  private tooLong(): CausewayError {
    const ms = Math.ceil(this.stopMs())
    return new CausewayError('CSW-3005', {
      what: `Calls are held back for another ${Math.ceil(ms / 1000)} s: ${this.reason}.`,
      retryAfterMs: ms,
    })
  }

  /** A call dearer than the whole bucket goes when the bucket is full, and leaves it in debt. */
  private spend(cost: number): boolean {
    if (this.stopMs() > 0) return false
    if (this.perSecond === Infinity) return true
    const now = this.clock.monotonic()
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.refilledAt) / 1000) * this.perSecond)
    this.refilledAt = now
    if (this.tokens < Math.min(cost, this.burst)) return false
    this.tokens -= cost
    return true
  }

  private schedule(): void {
    clearTimeout(this.timer)
    const next = this.line.first
    if (!next) return
    const missing = Math.max(0, Math.min(next.cost, this.burst) - this.tokens)
    const refillMs = this.perSecond === Infinity ? 0 : (missing / this.perSecond) * 1000
    // setTimeout takes at most 2^31-1 ms and turns more into 1 ms.
    const ms = Math.min(Math.ceil(Math.max(this.stopMs(), refillMs)), 2 ** 31 - 1)
    this.timer = setTimeout(() => this.pump(), ms)
  }

  private pump(): void {
    while (this.line.first && this.spend(this.line.first.cost)) this.line.shift()!.go()
    this.schedule()
  }
}

const cancelled = () => new CausewayError('CSW-3015', { what: 'The call was cancelled while it waited for its quota.' })
