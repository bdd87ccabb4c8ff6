import { asCausewayError, type CausewayError, inTimes } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import { InFlight } from './in-flight.ts'
import type { HeldLease, Ports, SyncRow } from './ports.ts'
import { sendBatch } from './push-batch.ts'
import { type LaneEnd, type PushResult, PushRun } from './push-run.ts'
import { BATCH, followJoins, gapsBefore, LaneReader, slicesOf } from './read-batch.ts'
import { CAREFUL } from './suspects.ts'
import { laneJob } from './wake-followers.ts'
import { identifyingKeys, type Lane, type MappedBatch } from './work.ts'

/** How long a lane waits for the next page while a pull of its source runs in this process. */
const LINGER_MS = 400
/** A lane without work waits so long for more before it moves its positions to the end of the stream, then so long before it ends. */
const BREATH_MS = 50
const REST_MS = 1_000
/** A batch of fewer records is no stream of pages, but what webhooks brought. */
const FEW = 50
export type PushOptions = {
  trigger: string
  requestId?: string
  signal: AbortSignal
  /** Waits for more work with all that the lane holds; false when it should end. Without it, it ends when nothing is left. */
  rest?: (ms: number) => Promise<boolean>
  /** Somebody else holds the lane. */
  onTaken?: () => void
}

/**
 * Delivers what a lane of a sync has not delivered yet, until nothing is left. Null when somebody else holds the lane, or the
 * sync or its target is paused.
 */
export async function pushLane(
  ports: Ports,
  syncId: number,
  laneNumber: number,
  options: PushOptions,
): Promise<PushResult | null> {
  const known = ports.model().sync(syncId)
  if (!known || laneNumber >= known.definition.lanes) return null
  const state = await ports.ledger.readSync(syncId)
  if (await ports.ledger.laneWaits(syncId, laneNumber)) return null
  if (!state || (state.nextPushAt && state.nextPushAt > ports.clock.now()) || !(await mayWork(ports, syncId)))
    return null
  const lease = await ports.holdLease(`push:${syncId}:${laneNumber}`)
  if (!lease) {
    options.onTaken?.()
    return null
  }
  try {
    const run = new PushRun({ ports, row: state, sync: known.definition, lane: laneNumber }, options)
    try {
      const rest: Rest = async (ms) => {
        run.times.rested()
        return (await options.rest?.(ms)) ?? false
      }
      const end = await inTimes(run.times, async () => {
        const lane = await openLane(ports, known, laneNumber, lease, options.signal)
        run.opens(lane)
        return runLane(lane, run, rest)
      })
      return await run.finish(end)
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (error.code === 'CSW-6001') throw error
      return await run.finish(error)
    }
  } finally {
    await lease.release()
  }
}

export async function openLane(
  ports: Ports,
  { row, definition }: { row: SyncRow; definition: SyncDefinition },
  lane: number,
  lease: HeldLease,
  signal: AbortSignal,
): Promise<Lane> {
  return {
    ports,
    row,
    sync: definition,
    lane,
    slices: slicesOf(lane, definition.lanes),
    targetKeys: identifyingKeys(ports, row.toStream),
    lease,
    source: await ports.session(definition.from.connection),
    target: await ports.session(definition.to.connection),
    signal: AbortSignal.any([signal, lease.signal]),
  }
}

/** False while somebody paused the sync or its target, or the target asked to wait. */
const mayWork = (ports: Ports, syncId: number): Promise<boolean> => ports.ledger.mayPush(syncId)

async function runLane(lane: Lane, run: PushRun, rest: Rest): Promise<LaneEnd> {
  try {
    if (lane.lane === 0 && lane.sync.joins.length) await followJoins(lane)
    return await drain(lane, run, rest)
  } catch (thrown) {
    const error = asCausewayError(thrown)
    if (error.code === 'CSW-6001' || !lane.signal.aborted) throw error
    if (lane.lease.signal.aborted)
      lane.ports.log.warn(
        { sync: lane.sync.name, lane: lane.lane, code: 'CSW-6004', ended: error.code },
        'the lane was taken over by another worker, which goes on with it',
      )
    return 'stopped'
  }
}

type Rest = (ms: number) => Promise<boolean>

/**
 * Batch after batch: while one is written, the next is matched and the one behind it mapped. Ends when nothing is left, or with a
 * failed connection.
 */
async function drain(lane: Lane, run: PushRun, rest: Rest): Promise<LaneEnd> {
  const { ledger } = lane.ports
  const positions = await ledger.readPositions(lane.row.id, lane.row.fromStream, lane.slices)
  const reader = new LaneReader(lane, lane.row.fromStream, new Map(positions))
  const failure = lane.lease.formerDied ? await beginAfterDeath(lane, run, reader, positions) : null
  if (failure) return failure
  const flight = new InFlight(lane, run, reader, positions)
  try {
    return await fly(lane, run, reader, positions, flight, rest)
  } finally {
    lane.ports.wakes.laneEnds(laneJob(lane.row.id, lane.lane))
    // What is under way is written to the ledger before the lease is given back.
    await flight.landed().catch(() => null)
  }
}

async function fly(
  lane: Lane,
  run: PushRun,
  reader: LaneReader,
  positions: Map<number, number>,
  flight: InFlight,
  rest: Rest,
): Promise<LaneEnd> {
  const { ledger, wakes } = lane.ports
  const job = laneJob(lane.row.id, lane.lane)
  // What comes from joined streams is looked for at the beginning only: there a job has to come.
  const begin = (): void => (lane.sync.joins.length ? undefined : wakes.laneBegins(job))
  begin()
  let seen = 0
  const look = (): Promise<MappedBatch | null> => {
    seen = wakes.count(lane.row.id)
    return lookAhead(reader)
  }
  let ahead: Promise<MappedBatch | null> | undefined = look()
  while (!lane.signal.aborted) {
    let batch: MappedBatch | null | undefined = await ahead
    if (!batch && flight.isBusy && wakes.isPulling(lane.row.fromStream)) {
      await Promise.race([wakes.wait(lane.row.id, LINGER_MS, lane.signal, seen), flight.landed()])
      ahead = look()
      continue
    }
    if (!batch) {
      const failure = await flight.landed()
      if (failure) return failure
      const pulling = wakes.isPulling(lane.row.fromStream)
      // After a pull nothing more is to be expected, and somebody may wait for the run to end.
      const rests = !wakes.hasPulled(lane.row.fromStream)
      let more = rests && (await rest(BREATH_MS))
      if (!more) {
        const seqBefore = (await ledger.readStream(lane.row.fromStream))!.seq
        // The look ahead may have been before the last page: look once more before believing it. From here on others are woken
        // for what comes, for this may be the last look.
        wakes.laneEnds(job)
        batch = await look()
        if (!batch) {
          await closeGap(lane, positions, seqBefore)
          if (pulling) await wakes.wait(lane.row.id, LINGER_MS, lane.signal, seen)
          else if (!rests || run.isLong || !(await rest(REST_MS))) return null
          more = true
        }
        begin()
      }
      if (more) {
        ahead = look()
        if (pulling || (await goesOn(lane))) continue
        await ahead.catch(() => null)
        return null
      }
    }
    // A pull that finds a drift pauses before it commits what shows it: what was read after that must not be sent.
    if (lane.sync.onDrift === 'pause' && !(await mayWork(lane.ports, lane.row.id))) break
    // A few records are written sooner than the next are read; those come by the next call, or are found when none comes.
    // Nor are there more where a pull has said nothing since this batch was read and did not fill it.
    const length: number = batch!.records.length
    const all = length < BATCH && wakes.isPulling(lane.row.fromStream) && wakes.count(lane.row.id) === seen
    ahead = length < FEW || all ? undefined : look()
    const failure = await flight.launch(batch!)
    if (failure) {
      await ahead?.catch(() => null)
      return failure
    }
    if (!(await mayWork(lane.ports, lane.row.id))) break
  }
  await ahead?.catch(() => null)
  return (await flight.landed()) ?? 'stopped'
}

function lookAhead(reader: LaneReader): Promise<MappedBatch | null> {
  const ahead = reader.next()
  ahead.catch(() => {})
  return ahead
}

/** After a rest: false when the lane was paused meanwhile, or has another mapping and must be opened anew. */
async function goesOn(lane: Lane): Promise<boolean> {
  const { ports, row, sync } = lane
  if (lane.signal.aborted || !(await mayWork(ports, row.id))) return false
  if (ports.model().sync(row.id)?.definition !== sync) {
    await ports.queue.wake('push', laneJob(row.id, lane.lane))
    return false
  }
  // Credentials that changed close the session they were used with.
  lane.source = await ports.session(sync.from.connection)
  lane.target = await ports.session(sync.to.connection)
  if (lane.lane === 0 && sync.joins.length) await followJoins(lane)
  return true
}

/**
 * The holder before died, perhaps over one of the records that come now. Where writes were under way, those are known and sent
 * alone; the batch that holds them is finished before another one is looked at. Otherwise records are handled one by one.
 */
async function beginAfterDeath(
  lane: Lane,
  run: PushRun,
  reader: LaneReader,
  positions: Map<number, number>,
): Promise<CausewayError | null> {
  const { ledger, alone } = lane.ports
  const known = (await ledger.countDeaths(lane.lease)) > 0
  if (!known) {
    await alone.settled(lane.signal)
    await alone.breath(lane.signal)
  }
  const step = async (): Promise<CausewayError | null | 'done'> => {
    const batch = await (known ? reader.next() : reader.nextAlone())
    if (!batch) return 'done'
    const settle = await sendBatch(lane, run, batch)
    const failure = await settle(positions)
    reader.done(batch)
    return failure
  }
  for (let left = known ? 2 : CAREFUL; left > 0 && !lane.signal.aborted; left--) {
    const end = await (known ? step() : alone.run(step))
    if (end === 'done') break
    if (end) return end
  }
  await ledger.clearSuspect(lane.lease)
  return null
}

/** Slices without a record of their own reach the end of the stream too, so that "caught up" is a comparison of numbers. */
async function closeGap(lane: Lane, positions: Map<number, number>, seq: number): Promise<void> {
  const moves = gapsBefore(positions, seq)
  await lane.ports.ledger.movePositions(lane.row.id, lane.row.fromStream, lane.lease, moves)
  for (const move of moves) positions.set(move.slice, move.to)
}
