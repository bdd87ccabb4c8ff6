/** Edits that were read before the hub had the answer to a write of its own, where no version tells which of the two came first. */
import { asCausewayError } from '../core/index.ts'
import { fetchEach } from './fetch-each.ts'
import { toCommit, withoutErased } from './pull.ts'
import { callFollowers } from './wake-followers.ts'
import type { Lane, Work } from './work.ts'

/** It is decided anew with what the source shows now; a source that cannot be asked is asked later. */
const DECIDE_AGAIN_MS = 300
const ASK_LATER_MS = 60_000

/**
 * Reads the records of unsure works anew from their source, for no pull will: they have not changed since. Either they show what the hub wrote,
 * and the log learns that, or the edit stands, and has been read after the answer now.
 */
export async function readUnsure(lane: Lane, works: Work[]): Promise<void> {
  const unsure = works.filter(
    ({ merge, settlement }) => merge?.unsure && settlement && !settlement.dead && settlement.retryInMs === undefined,
  )
  if (!unsure.length) return
  const { ledger, clock, log } = lane.ports
  const streamId = lane.row.fromStream
  try {
    const requestedAt = clock.now()
    const from = { target: lane.source, sync: { ...lane.sync, to: lane.sync.from }, signal: lane.signal }
    const { found } = await fetchEach(from, [...new Set(unsure.map(({ record }) => record.id))])
    const page = { records: [...found.values()].filter(({ deleted }) => !deleted) }
    withoutErased(lane.ports, page, {})
    const stream = (await ledger.readStream(streamId))!
    const { changed } = await ledger.commitPage(toCommit({ ...page, rejected: [], requestedAt }, stream, null))
    if (changed.length) await callFollowers(lane.ports, streamId, new Set(changed.map(({ id }) => id)))
    const shown = new Set(page.records.map(({ id }) => id))
    for (const { record, settlement } of unsure) if (shown.has(record.id)) settlement!.retryInMs = DECIDE_AGAIN_MS
  } catch (thrown) {
    const { code } = asCausewayError(thrown)
    // Without single records only a change of the record tells.
    if (code === 'CSW-2003') return
    log.warn({ sync: lane.sync.name, code }, 'records could not be read again')
    for (const { settlement } of unsure) settlement!.retryInMs = ASK_LATER_MS
  }
}
