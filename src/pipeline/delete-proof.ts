import type { ConnectorSession, SourceRecord } from '../connector/index.ts'
import { asCausewayError, CausewayError, inTimes, RunTimes, takeQueueWait } from '../core/index.ts'
import { DELETE_LIMITS, type DeleteLimits } from '../mapping/index.ts'
import type { HeldLease, Ports, RunCounts, RunOutcome, ScanCount, StreamRow } from './ports.ts'

/*
 * Deletions need a proof: a tombstone, an event, or a complete scan. A scan proves them when it read all pages, swallowed
 * nothing, met as many records as the source says it has, would not delete suspiciously much, and when a second look by id
 * finds the records gone too. What lacks one of these is held for a person.
 */

/** Records that are looked at one by one before they are deleted; of more, as many by chance. */
const LOOKS = 200
const FETCH_BATCH = 50

/** Why a scan is not believed. */
type Doubt = 'empty' | 'total' | 'share' | 'rejected' | 'alive'

export type ScanRun = {
  runId: number
  lease: HeldLease
  counts: RunCounts
  signal: AbortSignal
  /** How many records the source says it has, where it does. */
  total: number | null
  /** Stores records that the scan missed and a second look found. `requestedAt`: when that began, for what came since is newer. */
  keep(records: SourceRecord[], requestedAt: Date): Promise<void>
}

/** After a complete scan: deletes what it did not meet where that is proven, holds it otherwise. */
export async function removeVanished(
  ports: Ports,
  stream: StreamRow,
  session: ConnectorSession,
  run: ScanRun,
): Promise<RunOutcome> {
  if (session.streams.get(stream.name)?.abilities.deletions !== 'scan') return 'success'
  const scan = { streamId: stream.id, scanId: stream.scanId, lease: run.lease }
  const count = await ports.ledger.countScan(scan)
  let doubt: Doubt | null = count.vanished ? doubtOf(count, limitsOf(ports, stream.id), run.total) : null
  let alive: SourceRecord[] = []
  if (count.vanished && (doubt === null || mayBeSettledByLooks(doubt, count))) {
    const requestedAt = ports.clock.now()
    const looked = await lookAgain(stream, session, run, await ports.ledger.sampleVanished(scan, LOOKS))
    if (looked) {
      doubt = null
      alive = looked
      await run.keep(looked, requestedAt)
      if (looked.length) run.counts.spared = looked.length
      if (looked.length && count.vanished > LOOKS) doubt = 'alive'
    }
  }
  if (doubt) {
    const { live } = count
    run.counts.held = await ports.ledger.holdScan({ ...scan, runId: run.runId, reason: doubt, live })
    ports.log.warn(
      { stream: stream.name, connection: stream.connection, vanished: count.vanished, live, reason: doubt },
      'deletions held',
    )
    return 'held'
  }
  run.counts.deleted! += await ports.ledger.finishScan({ ...scan, except: alive.map(({ id }) => id) })
  return 'success'
}

/**
 * Whether a complete scan is read once more before it is believed: a record that is deleted while numbered pages are read moves the others
 * to pages that were read already, and where none can be asked for by its id these look like deleted ones. What either read meets is there.
 */
export async function wantsSecondRead(
  ports: Ports,
  stream: StreamRow,
  session: ConnectorSession,
  run: Pick<ScanRun, 'total'>,
): Promise<boolean> {
  const abilities = session.streams.get(stream.name)?.abilities
  if (abilities?.deletions !== 'scan' || !abilities.shifts) return false
  const count = await ports.ledger.countScan({ streamId: stream.id, scanId: stream.scanId })
  if (!count.vanished) return false
  const doubt = doubtOf(count, limitsOf(ports, stream.id), run.total)
  return doubt === null || doubt === 'total'
}

function doubtOf(count: ScanCount, { maxCount, maxShare }: DeleteLimits, total: number | null): Doubt | null {
  if (count.seen === 0) return 'empty'
  if (count.vanished > maxCount && count.vanished > count.live * maxShare) return 'share'
  if (total !== null && count.seen + count.rejected < total) return 'total'
  return count.rejected ? 'rejected' : null
}

/** Where the scan is incomplete, but every single record can be asked for, the answers are the proof. */
const mayBeSettledByLooks = (doubt: Doubt, { vanished }: ScanCount): boolean =>
  (doubt === 'total' || doubt === 'rejected') && vanished <= LOOKS

/** The strictest limits of the syncs that read a stream. */
function limitsOf(ports: Ports, streamId: number): DeleteLimits {
  const all = ports
    .model()
    .followers(streamId)
    .filter(({ row }) => row.fromStream === streamId)
    .map(({ definition }) => definition.deleteLimits)
  if (!all.length) return DELETE_LIMITS
  return {
    maxShare: Math.min(...all.map(({ maxShare }) => maxShare)),
    maxCount: Math.min(...all.map(({ maxCount }) => maxCount)),
  }
}

/** Which of these records are there after all. Null where the source cannot be asked for single records. */
export async function lookAgain(
  stream: Pick<StreamRow, 'name'>,
  session: ConnectorSession,
  run: { signal: AbortSignal },
  ids: string[],
): Promise<SourceRecord[] | null> {
  const alive: SourceRecord[] = []
  for (let at = 0; at < ids.length; at += FETCH_BATCH) {
    try {
      const some = ids.slice(at, at + FETCH_BATCH)
      const found = await session.fetch({ stream: stream.name, ids: some, signal: run.signal })
      alive.push(...found.filter((record) => !record.deleted))
    } catch (error) {
      if (error instanceof CausewayError && error.code === 'CSW-2003') return null
      throw error
    }
  }
  return alive
}

/**
 * Carries out what a person approved: deletes what was held and has not changed, been met or been found since. Gives the
 * outcome of the last one, null when there was none.
 */
export async function carryOutApproved(
  ports: Ports,
  stream: StreamRow,
  run: {
    lease: HeldLease
    signal: AbortSignal
    keep(records: SourceRecord[], requestedAt: Date): Promise<void>
  },
): Promise<{ runId: number; outcome: RunOutcome; counts: RunCounts; error: CausewayError | null } | null> {
  let last: Awaited<ReturnType<typeof carryOutApproved>> = null
  for (const hold of await ports.ledger.readApprovedScans(stream.id)) {
    const times = new RunTimes(takeQueueWait())
    const counts: RunCounts = { approved: hold.records, deleted: 0 }
    const requestId = `approval:${hold.runId}`
    const runId = await ports.ledger.startRun({ kind: 'pull', requestId, trigger: 'approval', streamId: stream.id })
    let error: CausewayError | null = null
    try {
      await inTimes(times, async () => {
        const session = await ports.session(stream.connection)
        const ids = await ports.ledger.sampleHeld(hold, LOOKS)
        const requestedAt = ports.clock.now()
        const alive = (await lookAgain(stream, session, run, ids)) ?? []
        await run.keep(alive, requestedAt)
        if (alive.length) counts.spared = alive.length
        const except = alive.map(({ id }) => id)
        counts.deleted = await ports.ledger.finishHold({ ...hold, lease: run.lease, except })
      })
    } catch (thrown) {
      error = asCausewayError(thrown)
    }
    const outcome: RunOutcome = error ? (run.signal.aborted ? 'cancelled' : 'failed') : 'success'
    await ports.ledger.finishRun(runId, { outcome, counts, times: times.kept(), error: error?.toJSON() ?? null })
    last = { runId, outcome, counts, error }
    if (error) break
  }
  return last
}
