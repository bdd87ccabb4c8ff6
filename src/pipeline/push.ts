import { asCausewayError, backoffMs, CausewayError } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import { noteConnectionFailure } from './connection-failure.ts'
import { decide } from './decide.ts'
import { deliver } from './deliver.ts'
import { diff } from './diff.ts'
import { isConnectionFailure, isWait } from './failures.ts'
import { matchTargets } from './match.ts'
import type { HeldLease, Ports, RunOutcome, SyncRow } from './ports.ts'
import { followJoins, followOwnJoins, gapsBefore, LaneReader, slicesOf } from './read-batch.ts'
import { resolveReferences } from './references.ts'
import { tally, toBatchCommit } from './settle.ts'
import { holdTooMany, respectGrace } from './take-back.ts'
import { identifyingKeys, type Lane, type MappedBatch, noCounts, type PushCounts, type Work } from './work.ts'

/** How long a lane waits for the next page while a pull of its source runs in this process. */
const LINGER_MS = 400
const OUTAGE_BACKOFF = { baseMs: 5_000, capMs: 5 * 60_000 }
/** Failures that no connection is to blame for: tried more often, because only this sync waits. */
const LANE_BACKOFF = { baseMs: 5_000, capMs: 60_000 }
const BEAT_MS = 2_000
/** Rights are granted by people; a look now and then finds out. */
const FORBIDDEN_MS = 10 * 60_000
/** A batch may take long; without a sign of life its run would be taken for dead. */
const SILENT_BEAT_MS = 10_000

export type PushResult = { runId: number | null; outcome: RunOutcome; counts: PushCounts; error: CausewayError | null }

/**
 * Delivers what a lane of a sync has not delivered yet, until nothing is left. Null when somebody else holds the lane, or the
 * sync or its target is paused.
 */
export async function pushLane(
  ports: Ports,
  syncId: number,
  laneNumber: number,
  options: { trigger: string; requestId?: string; signal: AbortSignal },
): Promise<PushResult | null> {
  const known = ports.model().sync(syncId)
  if (!known || laneNumber >= known.definition.lanes) return null
  const state = await ports.ledger.readSync(syncId)
  if (await ports.ledger.laneWaits(syncId, laneNumber)) return null
  if (!state || (state.nextPushAt && state.nextPushAt > ports.clock.now()) || !(await mayWork(ports, syncId)))
    return null
  const lease = await ports.holdLease(`push:${syncId}:${laneNumber}`)
  if (!lease) return null
  try {
    const run = new PushRun({ ports, row: state, sync: known.definition, lane: laneNumber }, options)
    try {
      const lane = await openLane(ports, known, laneNumber, lease, options.signal)
      return await run.finish(await runLane(lane, run))
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (error.code === 'CSW-6001') throw error
      return await run.finish(error)
    }
  } finally {
    await lease.release()
  }
}

async function openLane(
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
async function mayWork(ports: Ports, syncId: number): Promise<boolean> {
  const row = await ports.ledger.readSync(syncId)
  if (row?.state !== 'active') return false
  const address = ports.model().address(row.toStream)
  const connectionId = address && ports.model().connectionId(address.connection)
  const connection = connectionId === undefined ? undefined : await ports.ledger.readConnection(connectionId)
  return connection?.state === 'active' && (!connection.waitUntil || connection.waitUntil <= ports.clock.now())
}

/** What ends a lane before its work is done without anything having failed: a stop, a lost lease, a pause. */
type LaneEnd = CausewayError | 'stopped' | null

async function runLane(lane: Lane, run: PushRun): Promise<LaneEnd> {
  try {
    if (lane.lane === 0 && lane.sync.joins.length) await followJoins(lane)
    return await drain(lane, run)
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

/** Batch after batch: one is mapped while the one before is written. Ends when nothing is left, or with a failed connection. */
async function drain(lane: Lane, run: PushRun): Promise<LaneEnd> {
  const { ledger, wakes } = lane.ports
  const positions = await ledger.readPositions(lane.row.id, lane.row.fromStream, lane.slices)
  const reader = new LaneReader(lane, lane.row.fromStream, new Map(positions))
  let ahead = reader.next()
  ahead.catch(() => {})
  while (!lane.signal.aborted) {
    const seqBefore = (await ledger.readStream(lane.row.fromStream))!.seq
    let batch = await ahead
    if (!batch) {
      // The look ahead may have been before the last page: look once more before believing it.
      batch = await reader.next()
      if (!batch) {
        await closeGap(lane, positions, seqBefore)
        if (!wakes.isPulling(lane.row.fromStream)) return null
        await wakes.wait(lane.row.id, LINGER_MS, lane.signal)
        ahead = reader.next()
        ahead.catch(() => {})
        continue
      }
    }
    ahead = reader.next()
    ahead.catch(() => {})
    const failure = await pushBatch(lane, run, batch, positions)
    reader.done(batch)
    if (failure) {
      await ahead.catch(() => null)
      return failure
    }
    if (!(await mayWork(lane.ports, lane.row.id))) break
  }
  await ahead.catch(() => null)
  return 'stopped'
}

/** One batch, top to bottom: decide, resolve, match, diff, write, commit. Gives the failure that should stop the lane. */
async function pushBatch(
  lane: Lane,
  run: PushRun,
  batch: MappedBatch,
  positions: Map<number, number>,
): Promise<CausewayError | null> {
  const runId = await run.begin()
  const { ledger } = lane.ports
  const ids = batch.records.map((record) => record.id)
  const [deliveries, intents] = await Promise.all([
    ledger.readDeliveries(lane.row.id, ids),
    ledger.readIntents(lane.row.id, ids),
  ])
  const deliveriesOf = Map.groupBy(deliveries, (row) => row.recordId)
  const intentsOf = Map.groupBy(intents, (row) => row.recordId)
  const works: Work[] = batch.records.flatMap((record, i) =>
    decide(lane, record, batch.outputs[i]!, deliveriesOf.get(record.id) ?? [], intentsOf.get(record.id) ?? []),
  )
  await respectGrace(lane, works)
  await resolveReferences(lane, works, new Map(batch.records.map((record, i) => [record.id, batch.outputs[i]!])))
  await matchTargets(lane, works)
  diff(lane, works)
  await holdTooMany(lane, works, run.leaving(runId))
  const exchanges = await deliver(lane, works)
  const failure = connectionFailureOf(works) ?? forbidden(works)
  if (failure) putOff(lane, works, failure)
  const commit = toBatchCommit(lane, runId, batch, works, exchanges, positions)
  await followOwnJoins(lane, batch.records)
  await ledger.commitBatch(commit)
  for (const move of commit.positions) positions.set(move.slice, move.to)
  run.add(batch, works)
  return failure
}

/** So many writes of one batch forbidden, and none allowed: that is the credential, not the records. */
const FORBIDDEN_ALL = 3

/** A 403 on every write asks for a person once; the records wait instead of becoming a dead letter each. */
function forbidden(works: Work[]): CausewayError | null {
  const sent = works.filter((work) => work.intent)
  const refused = sent.filter((work) => work.settlement?.error?.code === 'CSW-3004')
  if (refused.length < FORBIDDEN_ALL || refused.length < sent.length) return null
  for (const work of refused) {
    work.settlement = { ...work.settlement!, state: 'pending', retryInMs: FORBIDDEN_MS }
    delete work.settlement.dead
  }
  const what = `all ${refused.length} writes of a batch were forbidden, last: ${refused[0]!.settlement!.error!.what}`
  return new CausewayError('CSW-3004', { what, retryAfterMs: FORBIDDEN_MS })
}

/** The first failure among the outcomes that concerns the whole connection. */
function connectionFailureOf(works: Work[]): CausewayError | null {
  const hit = works.find(
    (work) =>
      work.settlement?.state === 'pending' && work.settlement.error && isConnectionFailure(work.settlement.error),
  )
  if (!hit) return null
  const { code, what, retryAfterMs } = hit.settlement!.error!
  return new CausewayError(code, { what, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) })
}

/** Records that met a failed connection come back when it may be used again, without having lost an attempt. */
function putOff(lane: Lane, works: Work[], failure: CausewayError): void {
  const waitMs = failure.retryAfterMs ?? backoffMs(1, OUTAGE_BACKOFF)
  for (const work of works) {
    const settlement = work.settlement!
    if (settlement.state === 'pending' && settlement.error && isConnectionFailure(settlement.error))
      settlement.retryInMs = waitMs
  }
  lane.ports.log.warn({ sync: lane.sync.name, code: failure.code }, 'target not usable, records are kept for later')
}

/** Slices without a record of their own reach the end of the stream too, so that "caught up" is a comparison of numbers. */
async function closeGap(lane: Lane, positions: Map<number, number>, seq: number): Promise<void> {
  const moves = gapsBefore(positions, seq)
  await lane.ports.ledger.movePositions(lane.row.id, lane.row.fromStream, lane.lease, moves)
  for (const move of moves) positions.set(move.slice, move.to)
}

/** The sync waits after a failure, longer each time; when its target is to blame, everybody who uses that waits. */
async function noteFailure({ ports, row, sync, lane }: LaneName, error: CausewayError): Promise<void> {
  const backoff = isConnectionFailure(error) ? OUTAGE_BACKOFF : LANE_BACKOFF
  const failures = isConnectionFailure(error) ? row.pushFailures : await ports.ledger.laneFailures(row.id, lane)
  const waitMs = error.retryAfterMs ?? backoffMs(failures + 1, backoff)
  const nextAt = new Date(ports.clock.now().getTime() + waitMs)
  // What concerns the target holds for the sync; what only this lane fails at must not delay its sisters.
  const ofSync = isConnectionFailure(error) || error.code === 'CSW-3004'
  if (isWait(error)) await ports.ledger.putOffPush(row.id, nextAt)
  else await ports.ledger.notePush(row.id, { error: error.toJSON(), nextAt: ofSync ? nextAt : null })
  if (!ofSync) await ports.ledger.noteLane(row.id, lane, nextAt)
  const connectionId = ports.model().connectionId(sync.to.connection)
  if (connectionId !== undefined) await noteConnectionFailure(ports, connectionId, error, waitMs)
  if (!isWait(error)) ports.log.error({ sync: sync.name, lane, err: error.toJSON() }, 'push stopped')
}

type LaneName = Pick<Lane, 'ports' | 'row' | 'sync' | 'lane'>

/** The run row of a lane: begun with the first batch, so that an idle look leaves no trace. */
class PushRun {
  readonly counts = noCounts()
  readonly #lane: LaneName
  readonly #options: { trigger: string; requestId?: string }
  #id: number | null = null
  #leaving: { id: number; takenBack: number } | undefined
  #lastBeat = 0
  #timer: NodeJS.Timeout | undefined

  constructor(lane: LaneName, options: { trigger: string; requestId?: string }) {
    this.#lane = lane
    this.#options = options
  }

  async begin(): Promise<number> {
    const { ports, row, sync, lane } = this.#lane
    this.#id ??= await ports.ledger.startRun({
      kind: 'push',
      requestId: this.#options.requestId ?? null,
      trigger: this.#options.trigger,
      streamId: row.fromStream,
      syncId: row.id,
      lane,
      mappingVersion: sync.version,
    })
    this.#timer ??= setInterval(() => this.#beat(), SILENT_BEAT_MS).unref()
    return this.#id
  }

  /** What the run has taken out of the target so far. */
  leaving(id: number): { id: number; takenBack: number } {
    this.#leaving ??= { id, takenBack: 0 }
    return this.#leaving
  }

  add(batch: MappedBatch, works: Work[]): void {
    tally(this.counts, batch, works)
    const now = this.#lane.ports.clock.monotonic()
    if (now - this.#lastBeat < BEAT_MS) return
    this.#lastBeat = now
    this.#beat()
  }

  /** For people; the work does not wait for it. */
  #beat(): void {
    this.#lane.ports.ledger.beatRun(this.#id!, this.counts).catch(() => {})
  }

  async finish(end: LaneEnd): Promise<PushResult> {
    const { ports, row, lane } = this.#lane
    const error = end === 'stopped' ? null : end
    if (error) await noteFailure(this.#lane, error)
    if (error && this.#id === null) await this.begin()
    clearInterval(this.#timer)
    const left = this.counts.dead + this.counts.retry + this.counts.in_doubt
    const done = this.counts.held ? 'held' : left ? 'partial' : 'success'
    const waits = error !== null && isWait(error)
    const outcome: RunOutcome = waits ? 'waiting' : error ? 'failed' : end === 'stopped' ? 'cancelled' : done
    if (this.#id !== null)
      await ports.ledger.finishRun(this.#id, {
        outcome,
        counts: this.counts,
        error: waits ? null : (error?.toJSON() ?? null),
      })
    if (end === null) {
      await ports.ledger.notePush(row.id, null)
      await ports.ledger.noteLane(row.id, lane, null)
    }
    return { runId: this.#id, outcome, counts: this.counts, error }
  }
}
