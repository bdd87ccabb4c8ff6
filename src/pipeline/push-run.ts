import type { ConnectorSession } from '../connector/index.ts'
import { backoffMs, type CausewayError, inRun, RunTimes, takeQueueWait } from '../core/index.ts'
import { noteConnectionFailure } from './connection-failure.ts'
import { isConnectionFailure, isWait } from './failures.ts'
import type { RunOutcome } from './ports.ts'
import { tally } from './settle.ts'
import { type Lane, noCounts, type PushCounts, type Work } from './work.ts'

export const OUTAGE_BACKOFF = { baseMs: 5_000, capMs: 5 * 60_000 }
/** Failures that no connection is to blame for: tried more often, because only this sync waits. */
const LANE_BACKOFF = { baseMs: 5_000, capMs: 60_000 }
const BEAT_MS = 2_000
/** A batch may take long; without a sign of life its run would be taken for dead. */
const SILENT_BEAT_MS = 10_000
/** Webhooks that never cease keep a lane going; its run ends now and then all the same, so that people see outcomes. */
const LONGEST_MS = 60_000

export type PushResult = { runId: number | null; outcome: RunOutcome; counts: PushCounts; error: CausewayError | null }

/** What ends a lane before its work is done without anything having failed: a stop, a lost lease, a pause. */
export type LaneEnd = CausewayError | 'stopped' | null

/** The sync waits after a failure, longer each time; when its target is to blame, everybody who uses that waits. */
async function noteFailure(
  { ports, row, sync, lane }: LaneName,
  error: CausewayError,
  target: ConnectorSession | undefined,
): Promise<void> {
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
  if (connectionId !== undefined) await noteConnectionFailure(ports, connectionId, error, waitMs, target)
  if (!isWait(error)) ports.log.error({ sync: sync.name, lane, err: error.toJSON() }, 'push stopped')
}

type LaneName = Pick<Lane, 'ports' | 'row' | 'sync' | 'lane'>

/** The run row of a lane: begun with the first batch, so that an idle look leaves no trace. */
export class PushRun {
  readonly counts = noCounts()
  /** From where its first batch was looked for. */
  readonly times = new RunTimes(takeQueueWait())
  readonly #lane: LaneName
  #opened: Lane | undefined
  readonly #options: { trigger: string; requestId?: string }
  #id: number | null = null
  /** Two batches may begin at once. */
  #starting: Promise<number> | undefined
  #leaving: { id: number; takenBack: number } | undefined
  #lastBeat = 0
  #began = Infinity
  #timer: NodeJS.Timeout | undefined

  constructor(lane: LaneName, options: { trigger: string; requestId?: string }) {
    this.#lane = lane
    this.#options = options
  }

  /** The lane with what it has open now. */
  opens(lane: Lane): void {
    this.#opened = lane
  }

  async begin(): Promise<number> {
    const { ports, row, sync, lane } = this.#lane
    this.times.begin()
    this.#starting ??= ports.ledger.startRun({
      kind: 'push',
      requestId: this.#options.requestId ?? null,
      trigger: this.#options.trigger,
      streamId: row.fromStream,
      syncId: row.id,
      lane,
      mappingVersion: sync.version,
      agoMs: this.times.elapsedMs,
    })
    this.#id = await this.#starting
    if (!this.#timer) this.#began = ports.clock.monotonic()
    this.#timer ??= setInterval(() => this.#beat(), SILENT_BEAT_MS).unref()
    return this.#id
  }

  get isLong(): boolean {
    return this.#lane.ports.clock.monotonic() - this.#began > LONGEST_MS
  }

  /** What the run has taken out of the target so far. */
  leaving(id: number): { id: number; takenBack: number } {
    this.#leaving ??= { id, takenBack: 0 }
    return this.#leaving
  }

  add(records: number, works: Work[]): void {
    tally(this.counts, records, works)
    const now = this.#lane.ports.clock.monotonic()
    if (now - this.#lastBeat < BEAT_MS) return
    this.#lastBeat = now
    this.#beat()
  }

  /** For people; the work does not wait for it. */
  #beat(): void {
    this.#lane.ports.ledger.beatRun(this.#id!, this.counts, this.times.kept()).catch(() => {})
  }

  async finish(end: LaneEnd): Promise<PushResult> {
    const { ports, row, lane } = this.#lane
    const error = end === 'stopped' ? null : end
    if (error) {
      const note = (): Promise<void> => noteFailure(this.#lane, error, this.#opened?.target)
      await (this.#id === null ? note() : inRun(this.#id, note))
      if (this.#id === null) await this.begin()
    }
    clearInterval(this.#timer)
    const left = this.counts.dead + this.counts.retry + this.counts.in_doubt + this.counts.drifted
    const done = this.counts.held ? 'held' : left ? 'partial' : 'success'
    const waits = error !== null && isWait(error)
    const outcome: RunOutcome = waits ? 'waiting' : error ? 'failed' : end === 'stopped' ? 'cancelled' : done
    if (this.#id !== null)
      await ports.ledger.finishRun(this.#id, {
        outcome,
        counts: this.counts,
        times: this.times.kept(),
        error: waits ? null : (error?.toJSON() ?? null),
      })
    if (end === null) {
      await ports.ledger.notePush(row.id, null)
      await ports.ledger.noteLane(row.id, lane, null)
    }
    return { runId: this.#id, outcome, counts: this.counts, error }
  }
}
