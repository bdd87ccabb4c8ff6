import { CausewayError } from '../core/index.ts'
import { deletedIn, notShown } from './ask-sides.ts'
import { fetchEach, unread } from './fetch-each.ts'
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
  const asking = back.flatMap(({ record, part }) => {
    const target = former.get(linkKey(record.id, part))
    return target ? [{ recordId: record.id, part, targetId: target.id }] : []
  })
  // What stands for another record by now is not theirs any more, unless they are matched with it anew.
  const owners = await lane.ports.ledger.findOwners(lane.row.fromStream, lane.row.toStream, asking)
  for (const { asker } of owners) former.delete(asker)
  if (!former.size) return
  const targets = [...new Set([...former.values()].map(({ id }) => id))]
  const fetched = await fetchTargets(lane, targets)
  const found = fetched?.found
  const hidden = targets.filter((id) => found && !found.has(id))
  // Of two sides neither takes the other's silence for a deletion.
  const gone = lane.sync.twoWay ? await deletedIn(lane, hidden) : null
  for (const work of back) {
    const target = former.get(linkKey(work.record.id, work.part))
    if (!target) continue
    const failure = fetched?.failed.get(target.id)
    if (failure) work.settlement = unread(failure)
    const record = found?.get(target.id)
    if (!failure && gone && found && !record && !target.gone && !gone.has(target.id))
      work.settlement = notShown(target.id)
    if (work.settlement || (found ? !record || record.deleted : target.gone)) continue
    work.targetId = target.id
    work.known = record?.body ?? null
    work.newlyMatched = true
  }
}

/** Null where the target cannot be asked by id. */
async function fetchTargets(lane: Lane, ids: string[]): Promise<Awaited<ReturnType<typeof fetchEach>> | null> {
  try {
    return await fetchEach(lane, ids)
  } catch (error) {
    if (error instanceof CausewayError && error.code === 'CSW-2003') return null
    throw error
  }
}
