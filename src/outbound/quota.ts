/**
 * The limits of a connection, and who decides when a call may go out. `LocalQuotaGate` knows one process,
 * `SharedQuotaGate` shares a ledger with all others.
 */

/** One limit: so many units in so many seconds. */
export type QuotaBucket = {
  name: string
  units: number
  seconds: number
  /** `window`: at most `units` in any `seconds`. `steady`: a bucket that refills evenly, `units` in `seconds`. */
  refill: 'window' | 'steady'
  /** Steady only: how many units a full bucket holds; `units` without it. */
  holds?: number
  /** Connections that give the same text share the bucket; null: it belongs to this connection alone. */
  scope: string | null
  /** Each call costs one unit of it, also a call whose charges do not name it. */
  always?: boolean
}

/** Units a call costs, by name of the bucket. A bucket that is not named is not touched. */
export type QuotaCharges = Readonly<Record<string, number>>

/** What the other system said: wait. It holds for every call of the connection. */
export type QuotaNotice = { waitMs: number; reason: string }

/** What an answer says about one bucket. Members the answer does not give are absent. */
export type QuotaLevel = {
  bucket: string
  /** Units that are left now. */
  remaining?: number
  /** Units of a full bucket, where they differ from what the manifest says. */
  limit?: number
  /** Milliseconds until it is full again. */
  resetMs?: number
}

/** How a call ended, as far as it tells about the system: `neutral` tells nothing (cancelled, refused, throttled). */
export type CallEnd = { end: 'ok' | 'failed' | 'neutral'; reason?: string }

export interface QuotaGate {
  /**
   * Waits until every bucket has room for its charge, then spends all at once. Lower `priority` goes first. A wait known to
   * be longer than `maxWaitMs` ends at once with CSW-3005 and `retryAfterMs`, so that no worker sits out an hour. A charge
   * above the size of its bucket counts as the whole bucket.
   */
  take(charges: QuotaCharges, priority: number, signal?: AbortSignal, maxWaitMs?: number): Promise<void>
  /** Holds back every call of the connection for that long (a 429 with Retry-After). */
  report(notice: QuotaNotice): void
  /** Takes over what an answer says about a bucket; a name that is not known is passed over. */
  learn(level: QuotaLevel): void
  /** A call that `take` let go is over. Gates that count calls under way, and failures, have it. */
  done?(outcome: CallEnd): void
  /** Until when calls are held back, and why; null when they are not. */
  readonly waiting: { until: Date; reason: string } | null
}

/** The limits of one connection. `concurrent`: calls under way at once. */
export type Quota = { connection: string; buckets: readonly QuotaBucket[]; concurrent: number }

/** A short burst evens out timer granularity; beyond it the rate holds in every second. */
const BURST_SECONDS = 0.05

/** The bucket behind a plain rate. */
export const paceOf = (perSecond: number): QuotaBucket => ({
  name: 'per_second',
  units: perSecond,
  seconds: 1,
  refill: 'steady',
  holds: Math.max(1, perSecond * BURST_SECONDS),
  scope: null,
  always: true,
})
