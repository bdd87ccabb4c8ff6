/**
 * Takes back what a run wrote: fields of target records get the values they had before, where they still hold what the run wrote.
 * What cannot be taken back is named with its reason. A look at it (`plan`) reads the target and writes nothing.
 */
import { CausewayError, type Json, type JsonObject, JsonText, sameJson, sliceOf } from '../core/index.ts'
import { demandTarget, holdLanes } from './apply.ts'
import { askTargets } from './ask-targets.ts'
import { newWork } from './decide.ts'
import { covers, merged, sendable } from './diff.ts'
import { beginMerge } from './merge.ts'
import { isAsAgreed } from './merge-fields.ts'
import { storedOf } from './merged.ts'
import { deferToWrites } from './partner-writes.ts'
import { planningLane } from './plan.ts'
import { HASHES, linkKey, type Ports } from './ports.ts'
import { openLane } from './push.ts'
import { writeOut } from './push-batch.ts'
import { PushRun } from './push-run.ts'
import { slicesOf, toRecord } from './read-batch.ts'
import { takeBackCreations } from './undo-creations.ts'
import type { Lane, Work } from './work.ts'

type UndoneField = { field: string; wrote: Json; before: Json }
/** `delete`: the run created the record, and it is gone again. */
type Undone = { record: string; part: string; target: string; action: 'restore' | 'delete'; fields: UndoneField[] }
/** `fields`: those of the record that stay; all of them where there are none. */
type NotUndone = { record: string; part: string; target: string; reason: string; fields: string[] }

export type Undo = {
  run: number
  sync: string
  /** Runs that wrote, one of each lane; none for a plan. */
  runs: number[]
  /** Records that get their values back. */
  restored: number
  /** Records that the run created and that are deleted again. */
  removed: number
  /** Their states afterwards. */
  states: Record<string, number>
  changes: Undone[]
  left: NotUndone[]
}

/** `creations`: also deletes what the run created. */
type UndoOptions = { plan: boolean; creations: boolean; signal: AbortSignal }

const BATCH = 400
/** More than this are done and counted, not listed. */
const MAX_LISTED = 2_000
/** More records than this do not fit into memory in one go. */
const MAX_RECORDS = 200_000

/** What a run did to a part, all of its writes taken together. */
type Overwritten = {
  record: string
  part: string
  target: string
  sent: JsonObject
  before: JsonObject
  /** Nothing but attempts that were not written were seen so far. */
  isAttempt: boolean
  /** The run created the record. */
  isCreated: boolean
  /** Why none of it can be taken back. */
  reason?: string
}

export async function undoRun(ports: Ports, runId: number, { plan, creations, signal }: UndoOptions): Promise<Undo> {
  const run = await ports.ledger.readRun(runId)
  if (!run) throw new CausewayError('CSW-1007', { what: `there is no run ${runId}` })
  const known = run.syncId === null ? undefined : ports.model().sync(run.syncId)
  if (run.kind !== 'push' || run.outcome === 'running' || !known)
    throw new CausewayError('CSW-8008', { what: `Run ${runId} is not the ended push of a sync that is still there.` })
  const { definition, row } = known
  const counts = { restored: 0, removed: 0 }
  const result: Undo = { run: runId, sync: definition.name, runs: [], ...counts, states: {}, changes: [], left: [] }
  const overwritten = await collect(ports, runId)
  const undoing: Undoing = { overwritten, result, finishedAt: run.finishedAt, creations }
  if (plan) {
    const lane = await planningLane(ports, row, definition, signal)
    for await (const works of worksOf(lane, undoing)) countDone(result, works)
    return result
  }
  await demandTarget(ports, row.toStream)
  const leases = await holdLanes(ports, row.id, definition.lanes)
  try {
    for (const [number, lease] of leases.entries()) {
      const lane = await openLane(ports, known, number, lease, signal)
      const slices = new Set(slicesOf(number, definition.lanes))
      const own = overwritten.filter(({ record }) => slices.has(sliceOf(record)))
      await undoInLane(lane, { ...undoing, overwritten: own })
    }
    return result
  } finally {
    for (const lease of leases) await lease.release()
  }
}

/** The writes of a run by part: the newest says what stands there now, the oldest what stood there before. */
async function collect(ports: Ports, runId: number): Promise<Overwritten[]> {
  const parts = new Map<string, Overwritten>()
  for await (const writes of ports.ledger.readRunWrites(runId))
    for (const { record, part, target, operation, outcome, sent, before } of writes) {
      const key = linkKey(record, part)
      const known = parts.get(key)
      // Of several attempts those that were not written say nothing, unless there is no other.
      if (NOT_WRITTEN.has(outcome) && known) continue
      const one = known && !known.isAttempt ? known : emptyOf(record, part, target)
      if (NOT_WRITTEN.has(outcome)) one.isAttempt = true
      else if (operation === 'create') one.isCreated = true
      parts.set(key, one)
      if (parts.size > MAX_RECORDS)
        throw new CausewayError('CSW-8008', { what: `Run ${runId} wrote more than ${MAX_RECORDS} records.` })
      const reason = whyNot(operation, outcome, sent)
      if (reason !== undefined) one.reason ??= reason
      for (const [field, value] of Object.entries(sent ?? {})) {
        if (!Object.hasOwn(one.sent, field)) one.sent[field] = value
        if (before && Object.hasOwn(before, field)) one.before[field] = before[field]!
        else delete one.before[field]
      }
    }
  return [...parts.values()]
}

const emptyOf = (record: string, part: string, target: string): Overwritten => ({
  ...{ record, part, target, sent: {}, before: {} },
  ...{ isAttempt: false, isCreated: false },
})

const NOT_WRITTEN: ReadonlySet<string> = new Set(['pending', 'dead', 'parked'])

function whyNot(operation: string, outcome: string, sent: JsonObject | null): string | undefined {
  if (operation === 'delete') return 'it was deleted'
  if (operation === 'upsert') return 'it was upserted, and nobody looked what stood there'
  if (outcome === 'in_doubt') return 'it is not known whether it was written'
  if (outcome !== 'delivered' && outcome !== 'gone' && outcome !== 'skipped') return 'it was not written'
  return sent && Object.keys(sent).length ? undefined : 'the journal does not hold what was written'
}

type Undoing = { overwritten: Overwritten[]; result: Undo; finishedAt: Date | null; creations: boolean }

async function undoInLane(lane: Lane, undoing: Undoing): Promise<void> {
  const { overwritten, result } = undoing
  if (!overwritten.length) return
  const run = new PushRun(lane, { trigger: 'undo' })
  try {
    let failure: CausewayError | null = null
    for await (const works of worksOf(lane, undoing)) {
      if (!works.length) continue
      const runId = await run.begin()
      if (!result.runs.includes(runId)) result.runs.push(runId)
      const records = works.map(({ record }) => record)
      failure = await writeOut(lane, runId, { records, outputs: [], dependencies: [], joined: [] }, works, new Map())
      run.add(records.length, works)
      for (const { settlement } of works) note(result.states, settlement?.state ?? 'unknown')
      nameUnwritten(works, result)
      countDone(
        result,
        works.filter((work) => isDone(work)),
      )
      if (failure) break
    }
    await run.finish(failure ?? (lane.signal.aborted ? 'stopped' : null))
  } catch (thrown) {
    await run.finish(thrown instanceof CausewayError ? thrown : 'stopped')
    throw thrown
  }
}

const isDone = ({ operation, settlement }: Work): boolean =>
  operation === 'delete' ? settlement?.unlink === 'gone' : settlement?.state === 'delivered'

function countDone(result: Undo, works: readonly Work[]): void {
  const removed = works.filter(({ operation }) => operation === 'delete').length
  result.removed += removed
  result.restored += works.length - removed
}

const note = (states: Record<string, number>, state: string): void => {
  states[state] = (states[state] ?? 0) + 1
}

/** What was to be restored and was not written, such as a record that somebody changed between the look and the write. */
function nameUnwritten(works: Work[], result: Undo): void {
  for (const work of works.filter((one) => !isDone(one))) {
    const { record, part, targetId, settlement } = work
    const change = result.changes.findIndex((one) => one.record === record.id && one.part === part)
    if (change >= 0) result.changes.splice(change, 1)
    const reason = settlement?.error?.what ?? 'it is not known whether it was written'
    if (result.left.length < MAX_LISTED)
      result.left.push({ record: record.id, part, target: targetId!, reason, fields: [] })
  }
}

/** Batches of writes that bring former values back; what is left as it is goes to the result. */
async function* worksOf(lane: Lane, undoing: Undoing): AsyncGenerator<Work[]> {
  const { overwritten, result, finishedAt, creations } = undoing
  for (let at = 0; at < overwritten.length && !lane.signal.aborted; at += BATCH) {
    const open = overwritten
      .slice(at, at + BATCH)
      .filter((one) => one.reason === undefined || left(result, one, one.reason))
      .filter((one) => !one.isCreated || creations || left(result, one, 'it was created; `creations` deletes it'))
    const works = await standingWorks(lane, open, result)
    const own = works.map(({ work }) => work)
    if (lane.sync.twoWay) {
      for (const work of own) work.merge = beginMerge(work)
      await deferToWrites(lane, own)
    }
    await askTargets(lane, own)
    const seen = works.filter(({ one, work }) => wasSeen(one, work, result))
    const created = seen.filter(({ one }) => one.isCreated).map(({ one, work }) => ({ work, sent: one.sent }))
    const stays = await takeBackCreations(lane, created, { finishedAt, holds })
    yield seen.flatMap(({ one, work }) => {
      if (!one.isCreated) return restoring(lane, one, work, result)
      const why = stays.get(work)
      if (!why) return removing(one, work, result)
      left(result, one, why.reason, why.fields)
      return []
    })
  }
}

/** Notes what stays as it is; false, for filters. */
function left(result: Undo, { record, part, target }: Overwritten, reason: string, fields: string[] = []): false {
  if (result.left.length < MAX_LISTED) result.left.push({ record, part, target, reason, fields })
  return false
}

type Standing = { one: Overwritten; work: Work }

/** Parts that still stand for the same target record, and of which nothing is under way. */
async function standingWorks(lane: Lane, overwritten: Overwritten[], result: Undo): Promise<Standing[]> {
  const { ledger } = lane.ports
  const ids = [...new Set(overwritten.map(({ record }) => record))]
  const [rows, deliveries, intents, targets] = await Promise.all([
    ledger.readBodies(lane.row.fromStream, ids),
    ledger.readDeliveries(lane.row.id, ids),
    ledger.readIntents(lane.row.id, ids),
    ledger.findTargets(lane.row.fromStream, lane.row.toStream, ids),
  ])
  const records = new Map(rows.map((row) => [row.id, row]))
  return overwritten.flatMap((one): Standing[] => {
    const row = records.get(one.record)
    const delivery = deliveries.find(({ recordId, part }) => recordId === one.record && part === one.part)
    const stand = (reason: string): Standing[] => {
      left(result, one, reason)
      return []
    }
    if (!row || !delivery) return stand('the hub does not know the record any more')
    if (targets.get(linkKey(one.record, one.part))?.id !== one.target)
      return stand('it stands for another record by now')
    const open = intents.filter(({ recordId }) => recordId === one.record)
    if (open.length || !SETTLED.has(delivery.state)) return stand(`its delivery is ${delivery.state}`)
    // Of the state that was delivered: a newer one, not delivered yet, must still be.
    const record = toRecord({ ...row, seq: delivery.sourceSeq }, null)
    const work = newWork(record, one.part, JsonText.of({}), delivery, [])
    work.targetId = one.target
    return [{ one, work }]
  })
}

const SETTLED: ReadonlySet<string> = new Set(['delivered', 'unchanged', 'gone', 'skipped'])

/** What the target did not show cannot be judged, and stays. */
function wasSeen(one: Overwritten, { asked, settlement }: Work, result: Undo): boolean {
  if (asked && !settlement) return true
  return left(result, one, settlement?.error?.what ?? 'the target gives no single records')
}

function removing({ record, part, target }: Overwritten, work: Work, result: Undo): Work[] {
  if (result.changes.length < MAX_LISTED) result.changes.push({ record, part, target, action: 'delete', fields: [] })
  return [work]
}

function restoring(lane: Lane, one: Overwritten, work: Work, result: Undo): Work[] {
  const fields = Object.keys(one.sent)
  const unknown = fields.filter((field) => !Object.hasOwn(one.before, field) || field === HASHES)
  const edited = fields.filter((field) => !unknown.includes(field) && !holds(work, field, one.sent[field]!))
  if (unknown.length) left(result, one, 'the hub does not know what stood there', unknown)
  if (edited.length) left(result, one, 'it was changed since', edited)
  const values: JsonObject = {}
  for (const field of fields)
    if (!unknown.includes(field) && !edited.includes(field)) values[field] = one.before[field]!
  if (!Object.keys(values).length) return []
  work.values = JsonText.of(values)
  work.operation = 'update'
  // Agreed by both directions from then on, or the way back would take it for an edit of the other side.
  if (work.merge) Object.assign(work.merge, { base: { ...work.merge.before, ...values }, touched: Object.keys(values) })
  const partial = lane.target.streams.get(lane.sync.to.stream)?.abilities.partialUpdate ?? false
  // A whole record carries what stands there now wherever nothing is restored.
  work.send = partial ? work.values : sendable(JsonText.of({ ...merged(work).value, ...seen(work), ...values }))
  const change = Object.entries(values).map(([field, before]) => ({ field, wrote: one.sent[field]!, before }))
  if (result.changes.length < MAX_LISTED)
    result.changes.push({ record: one.record, part: one.part, target: one.target, action: 'restore', fields: change })
  return [work]
}

/** What the target shows of the fields that the hub delivers. */
function seen({ delivered, known }: Work): JsonObject {
  const fields = Object.keys(delivered?.value ?? {}).filter((field) => known && Object.hasOwn(known, field))
  return Object.fromEntries(fields.map((field) => [field, known![field]!]))
}

/** Of a two-way sync also in the spelling in which the target was seen to store it. */
function holds({ known, merge }: Work, field: string, value: Json): boolean {
  if (known === null || !Object.hasOwn(known, field)) return false
  if (!merge || !Object.hasOwn(merge.before, field) || !sameJson(merge.before[field], value))
    return covers(known[field]!, value)
  const stored = storedOf(merge.mark)
  return isAsAgreed(known[field]!, value, Object.hasOwn(stored, field) ? stored[field] : undefined)
}
