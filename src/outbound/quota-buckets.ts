/** The books of one bucket, in one process. Times are milliseconds of a monotonic clock. */
import type { QuotaBucket, QuotaLevel } from './quota.ts'

export interface BucketBook {
  readonly spec: QuotaBucket
  /** Milliseconds until `units` may be spent; 0: now. */
  waitMs(units: number, now: number): number
  /** Spends units, or gives back (negative) what was spent at `now`. */
  spend(units: number, now: number): void
  /** Units that may be spent now. */
  room(now: number): number
  learn(level: QuotaLevel, now: number): void
  /** Everything but the spec, as JSON; `bookOf` takes it up again. */
  state(): unknown
}

export function bookOf(spec: QuotaBucket, now: number, state?: unknown): BucketBook {
  return spec.refill === 'steady'
    ? new SteadyBook(spec, now, state as SteadyState | undefined)
    : new WindowBook(spec, state as WindowState | undefined)
}

type SteadyState = { holds: number; perMs: number; units: number; filledAt: number }
type Telling = { remaining: number; until: number; sure: boolean }
type WindowState = { spent: { piece: number; units: number }[]; limit: number; told: Telling | null }

/** Refills evenly. A call dearer than the whole bucket goes when it is full, and leaves it in debt. */
class SteadyBook implements BucketBook {
  readonly spec: QuotaBucket
  private holds: number
  private perMs: number
  private units: number
  private filledAt: number

  constructor(spec: QuotaBucket, now: number, state?: SteadyState) {
    this.spec = spec
    this.holds = state?.holds ?? spec.holds ?? spec.units
    this.perMs = state?.perMs ?? spec.units / (spec.seconds * 1000)
    this.units = state?.units ?? this.holds
    this.filledAt = state?.filledAt ?? now
  }

  state(): SteadyState {
    const { holds, perMs, units, filledAt } = this
    return { holds, perMs, units, filledAt }
  }

  room(now: number): number {
    this.refill(now)
    return Math.max(0, this.units)
  }

  waitMs(units: number, now: number): number {
    this.refill(now)
    const missing = Math.min(units, this.holds) - this.units
    return missing <= 0 ? 0 : missing / this.perMs
  }

  spend(units: number, now: number): void {
    this.refill(now)
    this.units = Math.min(this.holds, this.units - units)
  }

  learn({ remaining, limit }: QuotaLevel, now: number): void {
    this.refill(now)
    if (limit !== undefined && limit > 0) {
      this.holds = limit
      this.perMs = limit / (this.spec.seconds * 1000)
    }
    if (remaining !== undefined) this.units = Math.min(remaining, this.holds)
  }

  private refill(now: number): void {
    if (now <= this.filledAt) return
    this.units = Math.min(this.holds, this.units + (now - this.filledAt) * this.perMs)
    this.filledAt = now
  }
}

/** A window is kept in this many pieces: memory stays small, and what is spent is never given back too early. */
const PIECES = 40

/** At most so many units in any span of the window's length. */
class WindowBook implements BucketBook {
  readonly spec: QuotaBucket
  private readonly pieceMs: number
  private readonly spent: WindowState['spent']
  private limit: number
  /** What the system itself said, until it begins a new window. */
  private told: Telling | null

  constructor(spec: QuotaBucket, state?: WindowState) {
    this.spec = spec
    this.limit = state?.limit ?? spec.units
    this.spent = state?.spent ?? []
    this.told = state?.told ?? null
    this.pieceMs = (spec.seconds * 1000) / PIECES
  }

  state(): WindowState {
    const { spent, limit, told } = this
    return { spent, limit, told }
  }

  room(now: number): number {
    const told = this.tellingAt(now)
    const own = told?.sure ? Infinity : this.limit - this.spentAt(now)
    return Math.max(0, Math.min(own, told?.remaining ?? Infinity))
  }

  waitMs(units: number, now: number): number {
    const wanted = Math.min(units, this.limit)
    const told = this.tellingAt(now)
    if (told && told.remaining < wanted) return told.until - now
    // A system that says when it begins anew counts better than we do.
    return told?.sure ? 0 : this.ownWaitMs(wanted, now)
  }

  spend(units: number, now: number): void {
    const piece = Math.floor(now / this.pieceMs)
    const known = this.spent.findLast((entry) => entry.piece === piece)
    if (known) known.units = Math.max(0, known.units + units)
    else if (units > 0) this.spent.push({ piece, units })
    const told = this.tellingAt(now)
    if (told) told.remaining -= units
  }

  learn({ remaining, limit, resetMs }: QuotaLevel, now: number): void {
    if (limit !== undefined && limit > 0) this.limit = limit
    if (remaining === undefined) return
    const until = now + (resetMs ?? this.spec.seconds * 1000)
    const known = this.tellingAt(now)
    // Answers overtake each other: within one window what is left only falls. A later end is another window.
    const sameWindow = known?.sure && resetMs !== undefined && until - known.until < Math.max(1000, this.pieceMs)
    this.told = {
      remaining: sameWindow ? Math.min(known.remaining, remaining) : remaining,
      until: sameWindow ? known.until : until,
      sure: resetMs !== undefined,
    }
  }

  private tellingAt(now: number) {
    if (this.told && now >= this.told.until) this.told = null
    return this.told
  }

  private ownWaitMs(wanted: number, now: number): number {
    let free = this.limit - this.spentAt(now)
    for (const entry of this.spent) {
      if (free >= wanted) return 0
      free += entry.units
      if (free >= wanted) return this.freeAt(entry) - now
    }
    return 0
  }

  private spentAt(now: number): number {
    while (this.spent.length > 0 && this.freeAt(this.spent[0]!) <= now) this.spent.shift()
    return this.spent.reduce((sum, { units }) => sum + units, 0)
  }

  private freeAt = ({ piece }: { piece: number }): number => (piece + 1 + PIECES) * this.pieceMs
}
