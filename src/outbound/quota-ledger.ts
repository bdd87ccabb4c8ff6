/**
 * The books of a credential that all processes share. Each process asks for a slice: some units of each bucket and some of
 * the calls that may be under way, for a fraction of a second. What it does not use it returns, or it is lost when the slice
 * ends. Pure: states go in as text and come out as text, under a lock that the store holds.
 */
import { type Breaker, type CallOutcomes, CLOSED, noteOutcomes, pass } from './breaker.ts'
import type { QuotaBucket, QuotaLevel } from './quota.ts'
import { bookOf } from './quota-buckets.ts'

/** Where the states live. `change` runs under a lock on the keys; `now` is the store's clock in milliseconds. */
export interface QuotaStore {
  update<T>(
    keys: string[],
    change: (states: ReadonlyMap<string, string>, now: number) => { states: Map<string, string>; result: T },
  ): Promise<T>
}

export type QuotaAsk = {
  /** Key of the credential's own state: stop and holders. */
  key: string
  holder: string
  ttlMs: number
  buckets: BucketAsk[]
  stop: { waitMs: number; reason: string } | null
  outcomes: CallOutcomes
  /** Calls of this process: under way, wanted in all (in advance, if nobody waits); and how many the credential allows over all processes. */
  active: number
  wanted: number
  concurrent: number
  /** The most urgent class that waits here; null when nobody does. */
  priority: number | null
}

type BucketAsk = {
  key: string
  spec: QuotaBucket
  want: number
  /** Units that those in line need; `want` may be more, in advance. */
  inLine: number
  /** What the first in line needs; fewer units are of no use. */
  need: number
  /** Unused units of the slice before, granted at `at`. */
  back: { units: number; at: number } | null
  level: QuotaLevel | null
}

export type QuotaAnswer = {
  at: number
  units: Record<string, number>
  /** Calls that may be under way in this process. */
  share: number
  stop: { ms: number; reason: string } | null
  /** Milliseconds until a bucket has room for who is first there; absent where units were granted. */
  waits: Record<string, number>
  /** True when this process may make one call, to try whether the system is back. */
  one: boolean
  /** False when no further call may go without asking again, with how urgent it is. */
  slice: boolean
  /** Why nothing at all was granted; asking again makes sense then. */
  hold: { ms: number; reason: string; resting: boolean } | null
}

type Holder = { share: number; waiting: number | null; until: number }
type CredentialState = {
  stop: { until: number; reason: string } | null
  breaker?: Breaker
  /** Keys of the buckets that it shares with other credentials: what was used of them is looked up by these. */
  shared?: string[]
  holders: Record<string, Holder>
}
/** `total`: units granted since the first of them, less those that came back; what was used is kept from it (`limit_use`). */
type BucketState = { size: string; book: unknown; recent: [at: number, units: number][]; total?: number }

/** A process that was not heard of for so long holds nothing any more. */
const HOLDER_MS = 3_000
/** When others go first, or have all the calls that may be under way. */
const STEP_BACK_MS = 40
/** Of a bucket one slice takes at most this share, so that several processes get something. */
const SLICE_SHARE = 0.1

export const keysOfAsk = (ask: QuotaAsk): string[] => [ask.key, ...ask.buckets.map(({ key }) => key)]

/** Books an ask and gives the new states and what was granted. */
export function grant(
  ask: QuotaAsk,
  states: ReadonlyMap<string, string>,
  now: number,
): { states: Map<string, string>; result: QuotaAnswer } {
  const next = new Map<string, string>()
  const credential = readCredential(states.get(ask.key), now)
  if (ask.stop && now + ask.stop.waitMs > (credential.stop?.until ?? 0))
    credential.stop = { until: now + ask.stop.waitMs, reason: ask.stop.reason }
  const breaker = noteOutcomes(credential.breaker ?? CLOSED, ask.outcomes, ask.holder, now)
  const passed = ask.priority === null ? { breaker, waitMs: 0, one: false } : pass(breaker, ask.holder, now)
  credential.breaker = passed.breaker
  const possible = passed.one ? Math.max(1, ask.active) : shareOf(ask, credential)
  const hold =
    passed.waitMs > 0
      ? { ms: passed.waitMs, reason: `the system failed ${breaker.failures} times: ${breaker.reason}`, resting: true }
      : reasonToHold(ask, credential, possible, now)
  // Room that is kept for the next moment is not taken from those who wait now, and leads past no breaker.
  const noRoom = hold !== null || (ask.priority === null && !isCalm(ask, credential))
  const share = noRoom ? ask.active : possible
  const result: QuotaAnswer = {
    at: now,
    units: {},
    share,
    stop: credential.stop && { ms: credential.stop.until - now, reason: credential.stop.reason },
    waits: {},
    one: passed.one,
    slice: !noRoom,
    hold,
  }
  for (const bucket of ask.buckets) {
    const { state, units, wait } = takeFrom(bucket, states.get(bucket.key), ask.ttlMs, now, hold !== null)
    next.set(bucket.key, JSON.stringify(state))
    result.units[bucket.spec.name] = units
    if (wait > 0) result.waits[bucket.spec.name] = wait
  }
  const short = ask.buckets.some(({ spec, inLine }) => result.units[spec.name]! < inLine)
  const unserved = ask.priority !== null && (hold !== null || short)
  if (ask.wanted > 0)
    credential.holders[ask.holder] = { share, waiting: unserved ? ask.priority : null, until: now + HOLDER_MS }
  else delete credential.holders[ask.holder]
  const shared = ask.buckets.flatMap(({ key }) => (key.startsWith(`${ask.key}:`) ? [] : [key]))
  if (shared.length) credential.shared = shared
  next.set(ask.key, JSON.stringify(credential))
  return { states: next, result }
}

const isCalm = (ask: QuotaAsk, { breaker, holders }: CredentialState): boolean =>
  (breaker?.opened ?? 0) === 0 &&
  !Object.entries(holders).some(([id, { waiting }]) => id !== ask.holder && waiting !== null)

function readCredential(text: string | undefined, now: number): CredentialState {
  const { stop, breaker, shared, holders }: CredentialState = text ? JSON.parse(text) : { stop: null, holders: {} }
  return {
    ...(breaker ? { breaker } : {}),
    ...(shared ? { shared } : {}),
    stop: stop && stop.until > now ? stop : null,
    holders: Object.fromEntries(Object.entries(holders).filter(([, { until }]) => until > now)),
  }
}

/** How many calls this process may have under way. In sum over all processes never more than the credential allows. */
function shareOf(ask: QuotaAsk, { holders }: CredentialState): number {
  const others = Object.entries(holders).flatMap(([id, holder]) => (id === ask.holder ? [] : [holder]))
  const taken = others.reduce((sum, { share }) => sum + share, 0)
  const possible = Math.max(ask.active, Math.min(ask.wanted, ask.concurrent - taken))
  if (!others.some(({ share, waiting }) => share === 0 && waiting !== null)) return Math.max(0, possible)
  // Somebody has nothing: what is above a fair share goes to them as calls end, and the last call too, in turn.
  const fair = Math.floor(ask.concurrent / (others.length + 1))
  const had = holders[ask.holder]?.share ?? 0
  return Math.max(ask.active, Math.min(possible, had > 0 ? fair : Math.max(1, fair)))
}

function reasonToHold(ask: QuotaAsk, { stop, holders }: CredentialState, share: number, now: number) {
  if (stop) return { ms: stop.until - now, reason: stop.reason, resting: false }
  const { priority } = ask
  if (priority === null) return null
  const first = Object.entries(holders).some(
    ([id, { waiting }]) => id !== ask.holder && waiting !== null && waiting < priority,
  )
  if (first) return { ms: STEP_BACK_MS, reason: 'more urgent work goes first', resting: false }
  return share > 0
    ? null
    : { ms: STEP_BACK_MS, reason: 'as many calls are under way as the system allows', resting: false }
}

function takeFrom(ask: BucketAsk, text: string | undefined, ttlMs: number, now: number, held: boolean) {
  const stored = text ? (JSON.parse(text) as BucketState) : null
  const { units: size, seconds, refill } = ask.spec
  const own = JSON.stringify([size, seconds, refill])
  // A limit that was edited begins a new book.
  const known = stored?.size === own ? stored : null
  const book = bookOf(widened(ask.spec, ttlMs), now, known?.book)
  // Goes on where a limit was edited.
  let total = stored?.total ?? 0
  let recent = (known?.recent ?? []).filter(([at]) => at > now - ttlMs)
  if (ask.back) {
    const { at, units } = ask.back
    book.spend(-units, at)
    total = Math.max(0, total - units)
    recent = recent.map(([when, of]) => (when === at ? [when, Math.max(0, of - units)] : [when, of]))
  }
  if (ask.level) book.learn(withoutPromised(ask.level, recent), now)
  const wait = ask.need > 0 ? book.waitMs(ask.need, now) : 0
  let units = 0
  if (ask.need > 0 && wait === 0 && !held) {
    const slice = Math.max(ask.need, size * SLICE_SHARE)
    units = Math.max(ask.need, Math.min(ask.want, slice, book.room(now)))
    book.spend(units, now)
    total += units
    recent.push([now, units])
  }
  const state: BucketState = { size: own, book: book.state(), recent, total }
  return { state, units, wait }
}

/** What a slice is granted for now may be used, and arrive, a little later: the window is kept that much longer. */
function widened(spec: QuotaBucket, ttlMs: number): QuotaBucket {
  if (spec.refill === 'steady') return spec
  return { ...spec, seconds: spec.seconds + (ttlMs + slackMs(spec)) / 1000 }
}

const slackMs = ({ seconds }: QuotaBucket): number => Math.min(500, Math.max(50, seconds * 100))

/** What the system counts does not contain what others were granted and have not spent yet. */
const withoutPromised = (level: QuotaLevel, recent: BucketState['recent']): QuotaLevel =>
  level.remaining === undefined
    ? level
    : { ...level, remaining: Math.max(0, level.remaining - recent.reduce((sum, [, units]) => sum + units, 0)) }
