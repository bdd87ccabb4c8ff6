import { CausewayError } from '../core/index.ts'
import type { Lane, Settlement, Work } from './work.ts'

/*
 * What must no longer stand in the target: it waits out the grace period first, and too much of it at once waits for a person,
 * whatever made the records leave (tombstones, a scan, an edited `when`).
 */

/** Lets deletions wait until the grace period of the sync is over; a record that comes back before was never away. */
export async function respectGrace(lane: Lane, works: Work[]): Promise<void> {
  const { graceMs } = lane.sync
  const leaving = graceMs ? works.filter((work) => work.takenBack && work.record.deleted && !isNothing(work)) : []
  if (!leaving.length) return
  const ids = [...new Set(leaving.map((work) => work.record.id))]
  const rows = await lane.ports.ledger.readBodies(lane.row.fromStream, ids)
  const deletedAt = new Map(rows.map((row) => [row.id, row.observedAt.getTime()]))
  const now = lane.ports.clock.now().getTime()
  for (const work of leaving) {
    const leftMs = (deletedAt.get(work.record.id) ?? 0) + graceMs - now
    if (leftMs > 0)
      work.settlement = waits('CSW-5009', 'deleted in the source, and the grace period is not over', leftMs)
  }
}

/** A deletion that changes nothing in target or links needs no grace. */
const isNothing = (work: Work): boolean => work.settlement !== null && work.settlement.unlink === undefined

/** Holds deletions and deactivations of a run beyond the limits of its sync. What a person approved passes. */
export async function holdTooMany(lane: Lane, works: Work[], run: { id: number; takenBack: number }): Promise<void> {
  const leaving = works.filter((work) => work.takenBack && work.operation && !work.settlement)
  if (!leaving.length) return
  const { ledger } = lane.ports
  const ids = [...new Set(leaving.map((work) => work.record.id))]
  const approved = await ledger.findApprovedRecords(lane.row.fromStream, lane.row.id, ids)
  const asking = leaving.filter((work) => !approved.has(work.record.id))
  run.takenBack += asking.length
  const { maxCount, maxShare } = lane.sync.deleteLimits
  if (!asking.length || run.takenBack <= maxCount) return
  const live = await ledger.countDelivered(lane.row.id)
  if (run.takenBack <= live * maxShare) return
  await ledger.holdPush({
    syncId: lane.row.id,
    streamId: lane.row.fromStream,
    runId: run.id,
    lease: lane.lease,
    live,
    records: [...new Set(asking.map((work) => work.record.id))],
  })
  for (const work of asking) {
    work.operation = null
    work.settlement = waits('CSW-5010', `${run.takenBack} of ${live} records would leave the target at once`)
  }
}

const waits = (code: 'CSW-5009' | 'CSW-5010', what: string, retryInMs?: number): Settlement => ({
  state: 'parked',
  error: new CausewayError(code, { what }).toJSON(),
  ...(retryInMs === undefined ? {} : { retryInMs }),
})
