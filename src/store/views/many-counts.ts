import { type Database, rows } from './database.ts'

/** From so many rows on a count is kept for a while: it takes seconds for millions, and a page asks every few seconds. */
const MANY = 100_000
/** Kept for so many times as long as it took, and no shorter than that. */
const KEPT = { times: 20, leastMs: 30_000 }
/** What is asked for so seldom may take longer than a list. */
const TIMEOUT_MS = 60_000

type Kept = { counts: unknown; until: number }
const kept = new WeakMap<Database, Map<string, Kept>>()

/**
 * Counts rows of a table that may hold a hundred million, `count` being what a row of the answer counted. What is small is counted every
 * time, so that who changes something sees it; what is large is counted again once the last count is old enough.
 */
export async function countMany<T extends { count: number }>(
  db: Database,
  text: string,
  values: (string | number)[],
): Promise<T[]> {
  const known = kept.get(db) ?? new Map<string, Kept>()
  kept.set(db, known)
  const key = JSON.stringify([text, values])
  const began = performance.now()
  const before = known.get(key)
  if (before && began < before.until) return before.counts as T[]
  const counts = await rows<T>(db, text, values, TIMEOUT_MS)
  const now = performance.now()
  const until = now + Math.max(KEPT.leastMs, (now - began) * KEPT.times)
  if (counts.reduce((sum, { count }) => sum + count, 0) >= MANY) known.set(key, { counts, until })
  else known.delete(key)
  return counts
}
