import { CausewayError } from '../core/index.ts'
import { linkKey } from './ports.ts'
import type { Lane, Work } from './work.ts'

/**
 * Records that came back: the target they had before they left is theirs again if it is still there, instead of a second one.
 * A target that cannot be asked by id is believed to stand where only the link was cut.
 */
export async function reviveLinks(lane: Lane, works: Work[]): Promise<void> {
  const back = works.filter(
    (work) => work.existing && work.delivered === null && work.targetId === null && !work.takenBack && !work.settlement,
  )
  if (!back.length) return
  const ids = [...new Set(back.map((work) => work.record.id))]
  const former = await lane.ports.ledger.findFormerTargets(lane.row.fromStream, lane.row.toStream, ids)
  if (!former.size) return
  const found = await fetchTargets(lane, [...new Set([...former.values()].map(({ id }) => id))])
  for (const work of back) {
    const target = former.get(linkKey(work.record.id, work.part))
    if (!target) continue
    const body = found?.get(target.id)
    if (found ? body === undefined : target.gone) continue
    work.targetId = target.id
    work.known = body ?? null
    work.newlyMatched = true
  }
}

/** The live ones by id; null where the target cannot be asked by id. */
async function fetchTargets(lane: Lane, ids: string[]): Promise<Map<string, NonNullable<Work['known']>> | null> {
  try {
    const records = await lane.target.fetch({ stream: lane.sync.to.stream, ids, signal: lane.signal })
    return new Map(records.filter((record) => !record.deleted).map((record) => [record.id, record.body]))
  } catch (error) {
    if (error instanceof CausewayError && error.code === 'CSW-2003') return null
    throw error
  }
}
