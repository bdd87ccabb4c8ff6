import { CausewayError, type Clock, newId, systemClock } from '../core/index.ts'
import { type CallOutcomes, FAILURES_TO_OPEN } from './breaker.ts'
import { tellLimit } from './observed.ts'
import type { CallEnd, Quota, QuotaBucket, QuotaCharges, QuotaGate, QuotaLevel, QuotaNotice } from './quota.ts'
import { grant, keysOfAsk, type QuotaAnswer, type QuotaAsk, type QuotaStore } from './quota-ledger.ts'
import { tooLong } from './quota-local.ts'
import { WaitingLine, waitInLine } from './waiting-line.ts'

/** A slice lasts a twentieth of the shortest window, within these bounds: a stop reaches every process that soon. */
const SLICE_MS = { least: 100, most: 500, withoutBuckets: 250 }
const RETRY_MS = 500
const PAUSE_MS = 20
const HEARD_MS = 1_000
/** A system that rests longer than this holds nobody up: the work is put off. */
const RESTING_PATIENCE_MS = 500
/** A process for itself: two of one name must not be taken for one. */
const PROCESS = newId()
let gates = 0

/**
 * The limits of a credential over all processes. Calls go by slices that the shared ledger grants; a slice covers many calls, so
 * that no call costs a question, and is as short as to keep the sum within the limits whatever the processes do.
 */
export class SharedQuotaGate implements QuotaGate {
  private readonly store: QuotaStore
  private readonly clock: Clock
  private readonly key: string
  private readonly holder = `${PROCESS}:${++gates}`
  private readonly buckets: ReadonlyMap<string, { key: string; spec: QuotaBucket }>
  private readonly always: Record<string, number>
  private readonly concurrent: number
  private readonly ttlMs: number
  private readonly line = new WaitingLine()
  private readonly levels = new Map<string, QuotaLevel>()
  private units: Record<string, number> = {}
  private used: Record<string, number> = {}
  private grantedAt = 0
  private sliceUntil = -Infinity
  private share = 0
  private active = 0
  /** The most calls that were under way at once since the slice before this one: as many will be wanted again. */
  private peak = 0
  private stop: { until: number; reason: string } = { until: -Infinity, reason: '' }
  private unsaidStop: QuotaNotice | null = null
  /** When asking again makes sense: for anything at all, and by bucket. */
  private hold: Wait = { until: -Infinity, reason: '' }
  private outcomes: CallOutcomes = NOTHING_SEEN
  private readonly blocked = new Map<string, number>()
  private asking = false
  /** Calls under way as the question under way says it: more may not be granted, so no more may go until the answer. */
  private told = Infinity
  private askAgain = false
  /** Failures of this process since its last success; what was told the ledger already counts too. */
  private inRow = 0
  /** The call under way tries for everybody whether the system is back. */
  private trying = false
  private timer: NodeJS.Timeout | undefined
  private readonly connection: string

  constructor(quota: Quota & { concurrent: number }, store: QuotaStore, clock: Clock = systemClock) {
    this.store = store
    this.clock = clock
    this.connection = quota.connection
    this.key = `c:${quota.connection}`
    this.concurrent = quota.concurrent
    this.buckets = new Map(
      quota.buckets.map((spec) => {
        const owner = spec.scope === null ? `c:${quota.connection}` : `s:${spec.scope}`
        return [spec.name, { key: `${owner}:${spec.name}`, spec: windowed(spec) }]
      }),
    )
    this.always = Object.fromEntries(quota.buckets.flatMap(({ name, always }) => (always ? [[name, 1]] : [])))
    const windows = [...this.buckets.values()].map(({ spec }) => spec.seconds * 50)
    this.ttlMs = windows.length
      ? Math.min(SLICE_MS.most, Math.max(SLICE_MS.least, Math.min(...windows)))
      : SLICE_MS.withoutBuckets
  }

  get waiting(): { until: Date; reason: string } | null {
    const ms = this.stop.until - this.clock.monotonic()
    return ms > 0 ? { until: new Date(this.clock.now().getTime() + ms), reason: this.stop.reason } : null
  }

  async take(charges: QuotaCharges, priority: number, signal?: AbortSignal, maxWaitMs: number = 30_000): Promise<void> {
    const known = Object.entries({ ...this.always, ...charges }).filter(([name]) => this.buckets.has(name))
    const turn = waitInLine(
      this.line,
      { priority, charges: Object.fromEntries(known), maxWaitMs },
      signal,
      () => new CausewayError('CSW-3015', { what: 'The call was cancelled while it waited for its quota.' }),
    )
    this.failImpatient()
    this.pump()
    await turn
  }

  done({ end, reason = '' }: CallEnd): void {
    this.active--
    const { failures, succeeded } = this.outcomes
    if (end === 'ok') this.outcomes = { succeeded: true, failures: 0, reason: '' }
    if (end === 'failed') this.outcomes = { succeeded, failures: failures + 1, reason }
    if (end !== 'neutral') this.inRow = end === 'ok' ? 0 : this.inRow + 1
    const turned = this.trying || this.inRow >= FAILURES_TO_OPEN
    if (end !== 'neutral' && turned) {
      // What everybody waits for, or must know at once.
      this.trying = false
      this.sliceUntil = -Infinity
      void this.ask()
    } else this.pump()
  }

  report({ waitMs, reason }: QuotaNotice): void {
    const until = this.clock.monotonic() + waitMs
    // Answers overtake each other: the longest wait that was asked for counts.
    if (!(waitMs > 0) || until <= this.stop.until) return
    this.stop = { until, reason }
    this.unsaidStop = { waitMs, reason }
    this.failImpatient()
    void this.ask()
  }

  learn(level: QuotaLevel): void {
    if (!this.buckets.has(level.bucket)) return
    tellLimit(this.connection, level.bucket, level.remaining)
    const before = this.levels.get(level.bucket)
    const least = Math.min(level.remaining ?? Infinity, before?.remaining ?? Infinity)
    this.levels.set(level.bucket, { ...before, ...level, ...(least === Infinity ? {} : { remaining: least }) })
    // What is not there cannot be spent, whatever was granted.
    if (level.remaining !== undefined && level.remaining < (this.units[level.bucket] ?? 0))
      this.units[level.bucket] = level.remaining
    if (level.remaining === 0) void this.ask()
  }

  /** Lets everybody go who can, in order; who waits for a bucket holds up those behind that want the same one. */
  private pump(): void {
    this.release()
    this.schedule()
  }

  /** True when somebody went. */
  private release(): boolean {
    const now = this.clock.monotonic()
    let went = false
    if (now < this.sliceUntil && now >= this.stop.until) {
      const wanted = new Set<string>()
      for (const waiting of this.line.all()) {
        if (this.active >= Math.min(this.share, this.told)) break
        const charges = Object.entries(waiting.charges)
        const ready = charges.every(([name, units]) => !wanted.has(name) && this.covers(name, units))
        if (!ready) {
          for (const [name] of charges) wanted.add(name)
          continue
        }
        for (const [name, units] of charges) {
          this.units[name] = (this.units[name] ?? 0) - units
          this.used[name] = (this.used[name] ?? 0) + units
        }
        this.active++
        this.peak = Math.max(this.peak, this.active)
        this.line.remove(waiting)
        waiting.go()
        went = true
      }
      // Without buckets nothing is given back by asking: the next slice is there before this one ends, and no call waits for it.
      const soon = now > this.sliceUntil - this.ttlMs / 2
      if (went && soon && this.buckets.size === 0 && !this.asking) void this.ask()
    }
    return went
  }

  /** A call dearer than its whole bucket costs what it was granted. */
  private covers(name: string, units: number): boolean {
    const had = this.units[name] ?? 0
    return had >= Math.min(units, this.buckets.get(name)!.spec.units) - 1e-9
  }

  private schedule(): void {
    clearTimeout(this.timer)
    const now = this.clock.monotonic()
    // All the calls that may be under way are: the end of one is the next occasion.
    const full = this.active >= this.share && this.share >= this.concurrent && now < this.sliceUntil
    if (this.line.length > 0 && !full) {
      const at = Math.min(...this.line.all().map((waiting) => this.waitOf(waiting).until))
      if (at <= now) void this.ask()
      // Calls under way are reported at least each second, or the ledger takes them for those of a dead process.
      else if (this.active && at - now > HEARD_MS) this.timer = setTimeout(() => void this.ask(), HEARD_MS)
      else this.timer = setTimeout(() => this.pump(), Math.min(at - now + 1, 2 ** 31 - 1))
    } else if (this.share > 0) {
      // Nobody waits: what is left of the slice goes back when it ends, so that others need not wait for it.
      this.timer = setTimeout(() => void this.ask(), Math.max(1, this.sliceUntil - now, this.active ? HEARD_MS : 0))
      this.timer.unref()
    }
  }

  private async ask(): Promise<void> {
    if (this.asking) {
      // What it has to tell came too late for the question under way.
      this.askAgain = true
      return
    }
    this.asking = true
    this.askAgain = false
    clearTimeout(this.timer)
    const began = this.clock.monotonic()
    const ask = this.makeAsk()
    this.told = ask.active
    try {
      const answer = await this.store.update(keysOfAsk(ask), (states, now) => grant(ask, states, now))
      if (this.unsaidStop === ask.stop) this.unsaidStop = null
      this.accept(answer, began)
    } catch {
      // Without the ledger nothing may go; the units of the slice before are lost, which is the safe side.
      this.hold = { until: this.clock.monotonic() + RETRY_MS, reason: 'the ledger does not answer' }
    }
    this.asking = false
    this.told = Infinity
    if (this.askAgain) {
      // Nobody goes on the answer to half of what we know.
      this.sliceUntil = -Infinity
      return this.ask()
    }
    const now = this.clock.monotonic()
    // Granted something that is of no use to those who wait: do not ask in a circle.
    if (!this.release() && this.line.length > 0 && this.hold.until < now + PAUSE_MS)
      this.hold = { until: now + PAUSE_MS, reason: 'calls wait for each other' }
    this.schedule()
  }

  private makeAsk(): QuotaAsk {
    const waiting = this.line.all()
    const buckets = [...this.buckets].map(([name, { key, spec }]) => {
      const charges = waiting.flatMap(({ charges }) => charges[name] ?? []).map((units) => Math.min(units, spec.units))
      const inLine = charges.reduce((sum, units) => sum + units, 0)
      const left = this.units[name] ?? 0
      return {
        key,
        spec,
        need: charges[0] ?? 0,
        inLine,
        want: inLine && inLine + (this.used[name] ?? 0),
        back: left > 0 ? { units: left, at: this.grantedAt } : null,
        level: this.levels.get(name) ?? null,
      }
    })
    const { outcomes, peak } = this
    this.outcomes = NOTHING_SEEN
    this.peak = this.active
    this.units = {}
    this.used = {}
    this.levels.clear()
    return {
      key: this.key,
      holder: this.holder,
      ttlMs: this.ttlMs,
      buckets,
      stop: this.unsaidStop,
      outcomes,
      active: this.active,
      wanted: Math.min(this.concurrent, Math.max(this.active + waiting.length, peak)),
      concurrent: this.concurrent,
      priority: waiting.length ? Math.min(...waiting.map(({ priority }) => priority)) : null,
    }
  }

  private accept({ at, units, share, stop, hold, waits, one, slice }: QuotaAnswer, began: number): void {
    this.units = units
    this.grantedAt = at
    this.share = share
    this.trying = one
    // Counted from before the question, so that we never believe in it longer than the ledger does.
    this.sliceUntil = slice ? began + this.ttlMs : -Infinity
    const now = this.clock.monotonic()
    if (stop && now + stop.ms > this.stop.until) this.stop = { until: now + stop.ms, reason: stop.reason }
    // A little chance, so that processes do not ask in step for ever.
    const after = (ms: number): number => now + Math.max(10, ms) + Math.random() * 10
    this.hold = hold
      ? { until: after(hold.ms), reason: hold.reason, resting: hold.resting }
      : { until: -Infinity, reason: '' }
    this.blocked.clear()
    for (const [name, ms] of Object.entries(waits)) this.blocked.set(name, after(ms))
    this.failImpatient()
  }

  /** Until when a call cannot go, and for what. */
  private waitOf({ charges }: { charges: QuotaCharges }): Wait {
    let longest: Wait = this.stop.until > this.hold.until ? this.stop : this.hold
    for (const name of Object.keys(charges)) {
      const until = this.blocked.get(name) ?? -Infinity
      if (until > longest.until) longest = { until, reason: `the limit "${name}" is used up` }
    }
    return longest
  }

  /** Nobody sits out a wait that is known to be longer than the work has time for. */
  private failImpatient(): void {
    const now = this.clock.monotonic()
    for (const waiting of this.line.all()) {
      const { until, reason, resting } = this.waitOf(waiting)
      if (until - now <= (resting ? RESTING_PATIENCE_MS : waiting.maxWaitMs)) continue
      waiting.fail(resting ? restingFor(until - now, reason) : tooLong({ ms: until - now, reason }))
    }
  }
}

type Wait = { until: number; reason: string; resting?: boolean }
const NOTHING_SEEN: CallOutcomes = { succeeded: false, failures: 0, reason: '' }

const restingFor = (ms: number, reason: string): CausewayError =>
  new CausewayError('CSW-3022', {
    what: `Nothing is sent for ${Math.ceil(ms / 1000)} s, because ${reason}.`,
    retryAfterMs: Math.ceil(ms),
  })

/** A plain rate is kept as a window, because the sum over processes must hold in every second. */
function windowed(spec: QuotaBucket): QuotaBucket {
  if (!spec.always || spec.refill !== 'steady') return spec
  const { units, seconds } = spec
  const { holds: _holds, ...rest } = spec
  return units >= 1 ? { ...rest, refill: 'window' } : { ...rest, refill: 'window', units: 1, seconds: seconds / units }
}
