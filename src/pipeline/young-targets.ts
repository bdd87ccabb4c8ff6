import { deletedIn, notShown } from './ask-sides.ts'
import type { Lane, Work } from './work.ts'

/**
 * So long after a link was made its target's "not found" proves nothing: searches and replicas lag, by seconds as a rule and by
 * minutes where a system is busy.
 */
const YOUNG_MS = 10 * 60_000
/** Of deletions less: they are sent again after a lost answer, and then find nothing because they were done. */
const YOUNG_FOR_DELETES_MS = 30_000
/** Each look is as long after the last as the link is old, so that some ten of them fill the time. */
const FIRST_LOOK_MS = 2_000

/**
 * Writes that were answered "not found" (`absent`) although their target was made or matched a moment ago wait with their links,
 * instead of becoming dead letters without: whoever tried these again would make a second record. Unless its deletion is proven.
 */
export async function waitWhileYoung(lane: Lane, absent: Work[]): Promise<void> {
  const doubted = absent.filter(
    (work) => work.targetId !== null && work.settlement?.state !== 'pending' && !mayHaveDeleted(work),
  )
  // A search that still shows what was deleted a moment ago: the next look finds what stands there then, or nothing, and it is made.
  for (const work of doubted) if (wasShown(work)) work.settlement = { ...notShown(work.targetId!), intent: 'close' }
  const works = doubted.filter((work) => !wasShown(work))
  if (!works.length) return
  const ids = [...new Set(works.map((work) => work.targetId!))]
  const ages = await lane.ports.ledger.findYoungTargets(lane.row.toStream, ids, YOUNG_MS)
  const gone = await deletedIn(lane, [...ages.keys()])
  for (const work of works) {
    const ageMs = gone.has(work.targetId!) ? undefined : ages.get(work.targetId!)
    if (ageMs === undefined || (work.operation === 'delete' && ageMs > YOUNG_FOR_DELETES_MS)) continue
    const { state, error } = notShown(work.targetId!)
    work.settlement = { state, error: error!, retryInMs: Math.max(FIRST_LOOK_MS, ageMs), intent: 'close' }
  }
}

/** The target showed the record when it was matched, just before the write. */
const wasShown = ({ operation, newlyMatched, known }: Work): boolean =>
  operation !== 'delete' && newlyMatched && known !== null

/** An earlier attempt whose outcome nobody learned was a deletion too. */
const mayHaveDeleted = ({ operation, unfinished }: Work): boolean =>
  operation === 'delete' && unfinished.some((intent) => intent.operation === 'delete')
