/**
 * Does what a plan says and nothing else. Every change is planned again just before it is written: with the same fingerprint it
 * is the change that a person saw; with another one, something has moved since, and it is refused by name.
 */
import { CausewayError, sliceOf } from '../core/index.ts'
import { inJob } from './jobs.ts'
import { type PlanBasis, type PlannedChange, planBatch, toChange } from './plan.ts'
import type { HeldLease, Ports } from './ports.ts'
import { openLane } from './push.ts'
import { writeOut } from './push-batch.ts'
import { PushRun } from './push-run.ts'
import { slicesOf, sourceBodies, toRecord } from './read-batch.ts'
import type { Lane, Work } from './work.ts'

/** What of a planned change is needed to do it. */
export type AppliedChange = Pick<PlannedChange, 'record' | 'part' | 'seq' | 'target' | 'fingerprint'> & {
  action: string
}

type Moved = { record: string; part: string; reason: string }

export type ApplyResult = {
  sync: string
  /** Runs that wrote, one of each lane; none where nothing was to be done or the plan was refused. */
  runs: number[]
  /** Changes by the state they came to rest in. */
  states: Record<string, number>
  /** What is not as it was planned. With any of them found at the beginning, nothing is written at all. */
  moved: Moved[]
}

type Options = { version: string; basis?: PlanBasis; changes: readonly AppliedChange[]; signal: AbortSignal }

const BATCH = 400
const WRITES: ReadonlySet<string> = new Set(['create', 'update', 'upsert', 'delete'])

/** Applies a plan of a sync, paused or not. Throws CSW-5017 while the sync is being delivered or the target must not be used. */
export async function applyPlan(ports: Ports, syncId: number, options: Options): Promise<ApplyResult> {
  const known = ports.model().sync(syncId)
  if (!known) throw new CausewayError('CSW-1007', { what: `there is no sync number ${syncId}` })
  const { basis = 'delivered' } = options
  const changes = options.changes.filter(({ action }) => WRITES.has(action))
  const result: ApplyResult = { sync: known.definition.name, runs: [], states: {}, moved: [] }
  if (known.definition.version !== options.version) {
    result.moved = changes.map(({ record, part }) => ({ record, part, reason: 'the mapping has changed' }))
    return result
  }
  await demandTarget(ports, known.row.toStream)
  const leases = await holdLanes(ports, syncId, known.definition.lanes)
  try {
    const lanes: Lane[] = []
    for (const [number, lease] of leases.entries())
      lanes.push(await openLane(ports, known, number, lease, options.signal))
    for (const lane of lanes) result.moved.push(...(await movedIn(lane, changesOf(lane, changes), basis)))
    if (result.moved.length > 0) return result
    for (const lane of lanes) await applyInLane(lane, changesOf(lane, changes), basis, result)
    return result
  } finally {
    for (const lease of leases) await lease.release()
  }
}

export async function demandTarget(ports: Ports, toStream: number): Promise<void> {
  const address = ports.model().address(toStream)
  const id = address && ports.model().connectionId(address.connection)
  const connection = id === undefined ? undefined : await ports.ledger.readConnection(id)
  if (connection?.state === 'active') return
  throw new CausewayError('CSW-5017', {
    what: `The connection ${address?.connection} is ${connection?.state ?? 'unknown'}`,
  })
}

/** All lanes at once: while they are held no push changes what the plan rests on. */
export async function holdLanes(ports: Ports, syncId: number, lanes: number): Promise<HeldLease[]> {
  const held: HeldLease[] = []
  for (let lane = 0; lane < lanes; lane++) {
    const lease = await ports.holdLease(`push:${syncId}:${lane}`)
    if (lease) {
      held.push(lease)
      continue
    }
    for (const other of held) await other.release()
    throw new CausewayError('CSW-5017', { what: 'The sync is being delivered just now' })
  }
  return held
}

function changesOf(lane: Lane, changes: readonly AppliedChange[]): AppliedChange[] {
  const slices = new Set(slicesOf(lane.lane, lane.sync.lanes))
  return changes.filter(({ record }) => slices.has(sliceOf(record)))
}

const nameOf = ({ record, part }: { record: string; part: string }): string => JSON.stringify([record, part])

type Batch = Awaited<ReturnType<typeof replan>>

/** The records of some changes as they would be delivered now, each change beside what would be done. */
async function replan(lane: Lane, changes: readonly AppliedChange[], basis: PlanBasis) {
  const ids = [...new Set(changes.map(({ record }) => record))]
  const rows = await lane.ports.ledger.readBodies(lane.row.fromStream, ids)
  const records = (await sourceBodies(lane, rows, { store: false })).map((row) => toRecord(row, null))
  const { batch, works } = await planBatch(lane, records, basis)
  const byName = new Map(works.map((work) => [nameOf({ record: work.record.id, part: work.part }), work]))
  return { batch, pairs: changes.map((change) => ({ change, work: byName.get(nameOf(change)) })) }
}

async function* batchesOf(lane: Lane, changes: readonly AppliedChange[], basis: PlanBasis): AsyncGenerator<Batch> {
  for (let at = 0; at < changes.length && !lane.signal.aborted; at += BATCH)
    yield await replan(lane, changes.slice(at, at + BATCH), basis)
}

async function movedIn(lane: Lane, changes: readonly AppliedChange[], basis: PlanBasis): Promise<Moved[]> {
  const moved: Moved[] = []
  for await (const { pairs } of batchesOf(lane, changes, basis))
    for (const { change, work } of pairs) moved.push(...whyMoved(lane, change, work))
  return moved
}

/** Nothing where the change is what was planned. */
function whyMoved(lane: Lane, change: AppliedChange, work: Work | undefined): Moved[] {
  const { record, part } = change
  const because = (reason: string): Moved[] => [{ record, part, reason }]
  if (!work) return because('the source record is not there any more')
  // Its outcome would come after this one's, with an older state.
  if (inJob(work)) return because('a job of the target is writing it')
  const now = toChange(lane, work)
  if (now.fingerprint === change.fingerprint) return []
  if (now.seq !== change.seq) return because('the source record has changed')
  if (now.target !== change.target)
    return because(
      `it now belongs to ${now.target ?? 'no record'} of the target, and to ${change.target ?? 'none'} in the plan`,
    )
  if (now.action !== change.action) return because(`it would now be ${now.action}, and ${change.action} in the plan`)
  return because('the target record, or what was delivered to it, has changed')
}

async function applyInLane(
  lane: Lane,
  changes: readonly AppliedChange[],
  basis: PlanBasis,
  result: ApplyResult,
): Promise<void> {
  if (changes.length === 0) return
  const run = new PushRun(lane, { trigger: 'apply' })
  try {
    result.runs.push(await run.begin())
    let failure: CausewayError | null = null
    for await (const { batch, pairs } of batchesOf(lane, changes, basis)) {
      const same = pairs.flatMap(({ change, work }) =>
        work && whyMoved(lane, change, work).length === 0 ? [work] : [],
      )
      for (const { change, work } of pairs) result.moved.push(...whyMoved(lane, change, work))
      const ofChanges = new Set(same.map(({ record }) => record))
      const records = batch.records.filter((record) => ofChanges.has(record))
      failure = await writeOut(lane, result.runs.at(-1)!, { ...batch, records }, same, new Map())
      run.add(records.length, same)
      for (const { settlement } of same) count(result.states, settlement?.state ?? 'unknown')
      if (failure) break
    }
    await run.finish(failure ?? (lane.signal.aborted ? 'stopped' : null))
  } catch (thrown) {
    await run.finish(thrown instanceof CausewayError ? thrown : 'stopped')
    throw thrown
  }
}

const count = (states: Record<string, number>, state: string): void => {
  states[state] = (states[state] ?? 0) + 1
}
