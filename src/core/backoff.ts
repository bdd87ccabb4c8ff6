/** How long to wait before attempt n is repeated. */
export type BackoffPolicy = { baseMs: number; capMs: number }

/** Retries of records: 5 s, 10 s, 20 s … 30 min. */
export const RECORD_BACKOFF: BackoffPolicy = { baseMs: 5_000, capMs: 30 * 60_000 }

/**
 * Exponential backoff with full jitter over the upper half, so that records that failed together do not come back together
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). `attempt` counts from 1.
 */
export function backoffMs(attempt: number, policy: BackoffPolicy, random: () => number = Math.random): number {
  const ceiling = Math.min(policy.capMs, policy.baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.round(ceiling / 2 + (random() * ceiling) / 2)
}
