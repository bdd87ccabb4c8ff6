import type { Exchange } from '../connector/index.ts'
import { asCausewayError, backoffMs, CausewayError, inRun, inSpan } from '../core/index.ts'
import { agree } from './agree.ts'
import { decide, repeatAsSent } from './decide.ts'
import { deliver } from './deliver.ts'
import { diff } from './diff.ts'
import { holdDrifted } from './drift.ts'
import { isConnectionFailure } from './failures.ts'
import { finishJobs } from './jobs.ts'
import { matchTargets } from './match.ts'
import { mergeSides } from './merge.ts'
import { OUTAGE_BACKOFF, type PushRun } from './push-run.ts'
import { followOwnJoins } from './read-batch.ts'
import { resolveReferences } from './references.ts'
import { toBatchCommit } from './settle.ts'
import { isLastTry, takeSuspects } from './suspects.ts'
import { holdTooMany, respectGrace } from './take-back.ts'
import type { Lane, MappedBatch, Work } from './work.ts'

/** Rights are granted by people; a look now and then finds out. */
const FORBIDDEN_MS = 10 * 60_000

/**
 * Commits what became of a batch. Takes the positions behind the batch before it, or null when that one was not committed: then
 * outcomes are kept and no position moves. Gives the failure that should stop the lane; throws when the batch is not committed.
 */
export type Settle = (positions: Map<number, number> | null) => Promise<CausewayError | null>

/** One batch, top to bottom: decide, resolve, match, diff, write. Its commit is left to the caller, who keeps their order. */
export async function sendBatch(lane: Lane, run: PushRun, batch: MappedBatch): Promise<Settle> {
  const [runId, standing] = await Promise.all([run.begin(), readStanding(lane, batch)])
  const within = <T>(work: () => Promise<T>): Promise<T> =>
    inSpan(batch.span, () => inRun(runId, work)).catch((error: unknown) => {
      batch.span?.end(error)
      throw error
    })
  batch.span?.note({ 'causeway.run_id': runId })
  const settle = await within(() => sendInRun(lane, run, batch, { runId, standing }))
  return async (positions) => {
    const failure = await within(() => settle(positions))
    batch.span?.end(failure ?? undefined)
    return failure
  }
}

/** What the ledger knows of the records of a batch. */
async function readStanding(lane: Lane, batch: MappedBatch) {
  const { ledger } = lane.ports
  const ids = batch.records.map((record) => record.id)
  const [targets, deliveries, intents] = await Promise.all([
    ledger.findTargets(lane.row.fromStream, lane.row.toStream, ids),
    ledger.readDeliveries(lane.row.id, ids),
    ledger.readIntents(lane.row.id, ids),
  ])
  return { targets, deliveries, intents }
}

async function sendInRun(
  lane: Lane,
  run: PushRun,
  batch: MappedBatch,
  { runId, standing }: { runId: number; standing: Awaited<ReturnType<typeof readStanding>> },
): Promise<Settle> {
  const { targets, deliveries, intents } = standing
  const deliveriesOf = Map.groupBy(deliveries, (row) => row.recordId)
  const intentsOf = Map.groupBy(intents, (row) => row.recordId)
  const works: Work[] = batch.records.flatMap((record, i) =>
    decide(lane, record, batch.outputs[i]!, deliveriesOf.get(record.id) ?? [], intentsOf.get(record.id) ?? []),
  )
  await holdDrifted(lane, works)
  await respectGrace(lane, works)
  await resolveReferences(lane, works, new Map(batch.records.map((record, i) => [record.id, batch.outputs[i]!])))
  repeatAsSent(lane, works)
  await finishJobs(lane, works, targets)
  await matchTargets(lane, works, targets)
  if (lane.sync.twoWay) await mergeSides(lane, works)
  diff(lane, works)
  await holdTooMany(lane, works, run.leaving(runId))
  const { alone, groups, together } = await takeSuspects(lane, works)
  const rest = new Set(batch.records)
  for (const group of [...alone, ...groups]) {
    const records = [...new Set(group.map(({ record }) => record))]
    for (const record of records) rest.delete(record)
    // Their positions are moved past with the rest of the batch.
    const part = { ...batch, records: records.map((record) => ({ ...record, logSeq: null })) }
    const send = (): Promise<CausewayError | null> => writeOut(lane, runId, part, group, new Map())
    await lane.ports.alone.settled(lane.signal)
    if (!batch.alone && (await isLastTry(group, lane.ports))) await lane.ports.alone.breath(lane.signal)
    const failure = await (batch.alone ? send() : lane.ports.alone.run(send))
    run.add(records.length, group)
    // The rest of the batch is neither sent nor committed, so nothing behind it may be.
    if (failure)
      return async () => {
        throw failure
      }
  }
  const exchanges = await deliver(lane, together)
  return async (positions) => {
    const of = positions ? batch : { ...batch, records: batch.records.map((record) => ({ ...record, logSeq: null })) }
    const failure = await settle(lane, runId, of, together, exchanges, positions ?? new Map())
    run.add(rest.size, together)
    return failure
  }
}

/** Writes what a batch asks of the target, and commits what became of it. */
export async function writeOut(
  lane: Lane,
  runId: number,
  batch: MappedBatch,
  works: Work[],
  positions: Map<number, number>,
): Promise<CausewayError | null> {
  return settle(lane, runId, batch, works, await deliver(lane, works), positions)
}

async function settle(
  lane: Lane,
  runId: number,
  batch: MappedBatch,
  works: Work[],
  exchanges: Exchange[],
  positions: Map<number, number>,
): Promise<CausewayError | null> {
  const failure = connectionFailureOf(works) ?? forbidden(works)
  if (failure) putOff(lane, works, failure)
  const twoWay = lane.sync.twoWay && (await agree(lane, works))
  const commit = { ...toBatchCommit(lane, runId, batch, works, exchanges, positions), ...(twoWay ? { twoWay } : {}) }
  await followOwnJoins(lane, batch.records)
  await lane.ports.ledger.commitBatch(commit).catch((error: unknown) => noteLate(lane, works, error))
  for (const move of commit.positions) positions.set(move.slice, move.to)
  if (lane.sync.twoWay) await pauseRestless(lane, works)
  return failure
}

/**
 * Who lost the lane while its calls were under way may have written over what its successor wrote since: the successor is told to
 * take nothing that it delivered for granted, and delivers the newest once more. Both directions of a two-way sync look for themselves.
 */
async function noteLate(lane: Lane, works: Work[], error: unknown): Promise<never> {
  const sent = works.filter((work) => work.intent && work.operation)
  if (asCausewayError(error).code === 'CSW-6004' && sent.length && !lane.sync.twoWay)
    await lane.ports.ledger.noteLateWrites(lane.row.id, [...new Set(sent.map(({ record }) => record.id))])
  throw error
}

/** Both directions, once the letter that tells why is in the ledger. */
async function pauseRestless(lane: Lane, works: Work[]): Promise<void> {
  const reason = works.find((work) => work.merge?.pauses)?.merge?.pauses
  if (reason === undefined) return
  const partner = lane.ports.model().syncByName(lane.sync.twoWay!.partner)?.row.id
  for (const id of [lane.row.id, partner])
    if (id !== undefined) await lane.ports.ledger.setSyncState(id, 'paused', reason)
}

/** So many writes of one batch forbidden, and none allowed: that is the credential, not the records. */
const FORBIDDEN_ALL = 3

/** A 403 on every write asks for a person once; the records wait instead of becoming a dead letter each. */
function forbidden(works: Work[]): CausewayError | null {
  const sent = works.filter((work) => work.intent && work.operation)
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
