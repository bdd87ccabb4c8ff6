/** The breaker of a credential, in the books that all processes share. Pure. */
import { backoffMs } from '../core/index.ts'

/**
 * `closed`: calls go. `open`: the system failed so often that nothing is sent until `until`. `half-open`: one call of one
 * process tries whether it is back.
 */
export type Breaker = {
  /** Failures since the last success. */
  failures: number
  /** How often it opened since the last success; 0 = closed. */
  opened: number
  until: number
  reason: string
  probe: { holder: string; until: number } | null
}

/** What a process saw since it asked last: whether anything succeeded, and failures after that. */
export type CallOutcomes = { succeeded: boolean; failures: number; reason: string }

export const CLOSED: Breaker = { failures: 0, opened: 0, until: 0, reason: '', probe: null }
export const FAILURES_TO_OPEN = 5
const REST = { baseMs: 2_000, capMs: 5 * 60_000 }
/** A process that was let try and is not heard of lets another one try. */
const PROBE_MS = 35_000

/** Books outcomes. Failures of calls that were under way when it opened do not lengthen the rest. */
export function noteOutcomes(breaker: Breaker, seen: CallOutcomes, holder: string, now: number): Breaker {
  const before = seen.succeeded ? CLOSED : breaker
  if (!seen.failures) return before
  const failures = before.failures + seen.failures
  const resting = before.opened > 0 && now < before.until
  const tried = before.probe?.holder === holder
  if (resting || (failures < FAILURES_TO_OPEN && !tried)) return { ...before, failures }
  if (before.opened > 0 && !tried) return { ...before, failures }
  const opened = before.opened + 1
  return { failures, opened, until: now + backoffMs(opened, REST), reason: seen.reason, probe: null }
}

/** Whether this process may send, and if not, how long not. Takes the one try of a half-open breaker for it. */
export function pass(
  breaker: Breaker,
  holder: string,
  now: number,
): { breaker: Breaker; waitMs: number; one: boolean } {
  if (breaker.opened === 0) return { breaker, waitMs: 0, one: false }
  if (now < breaker.until) return { breaker, waitMs: breaker.until - now, one: false }
  const { probe } = breaker
  if (probe && probe.holder !== holder && now < probe.until) return { breaker, waitMs: 100, one: false }
  return { breaker: { ...breaker, probe: { holder, until: now + PROBE_MS } }, waitMs: 0, one: true }
}
