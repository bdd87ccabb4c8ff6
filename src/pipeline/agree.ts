/** What a write means to the other direction of a two-way sync, so that it knows the record when that comes back. */
import { type JsonObject, JsonText, sameJson, setOwn, sliceOf } from '../core/index.ts'
import { newWork } from './decide.ts'
import { forwardOf, TWO_WAY_MARK } from './merge.ts'
import type { Merged } from './merged.ts'
import type { AgreedWrite, TwoWayCommit } from './ports.ts'
import { mapBatch } from './read-batch.ts'
import { resolveReferences } from './references.ts'
import type { BatchRecord, Lane, Settlement, Work } from './work.ts'

/** A target record before and after: what the other direction says of the two differs in what this one wrote. */
type Change = { work: Work; merge: Merged; before: JsonObject | null; after: JsonObject; writes: boolean }

export async function agree(lane: Lane, works: Work[]): Promise<TwoWayCommit | undefined> {
  const partner = lane.ports.model().syncByName(lane.sync.twoWay!.partner)
  if (!partner || lane.ports.knowsEchoes === false) return undefined
  const merged = works.flatMap((work) => (work.merge ? [work.merge] : []))
  const at = lane.ports.clock.now().toISOString()
  const changes = works.flatMap((work) => changeOf(work))
  for (const { merge, writes } of changes) if (writes) merge.mark.wrote = at
  const other: Lane = { ...lane, row: partner.row, sync: partner.definition, source: lane.target, target: lane.source }
  return {
    partner: partner.row.id,
    conflictsOf: forwardOf(lane).id,
    read: new Map(
      works.filter(({ part }) => part === '').map((work) => [work.record.id, work.existing?.delivered ?? null]),
    ),
    agreed: [...(await wordsOf(other, changes, at)), ...works.flatMap((work) => released(work))],
    asked: merged.flatMap(({ asked }) => asked),
    settled: works.flatMap(({ merge, settlement }) => (merge && isDone(settlement) ? merge.settled : [])),
  }
}

const isDone = (settlement: Settlement | null): boolean =>
  settlement?.state === 'delivered' || settlement?.state === 'unchanged'

const released = (work: Work): AgreedWrite[] =>
  work.merge?.releases && work.targetId !== null
    ? [{ recordId: work.targetId, slice: sliceOf(work.targetId), fields: null, mark: {}, due: true }]
    : []

function changeOf(work: Work): Change[] {
  const { merge, settlement, targetId } = work
  if (!merge || work.takenBack || targetId === null) return []
  if (!isDone(settlement)) return []
  if (work.operation === 'create' || (work.operation === 'upsert' && !work.known && merge.base === null))
    return [{ work, merge, before: null, after: work.values.value, writes: true }]
  if (!merge.touched.length) return []
  const known = work.known ?? merge.before
  const before = { ...known }
  const after = { ...known }
  let differs = false
  for (const field of merge.touched) {
    const sent = work.operation !== null && Object.hasOwn(work.values.value, field)
    const former = Object.hasOwn(merge.before, field) ? merge.before[field] : undefined
    // What is equal at a first contact is agreed by each direction for itself.
    if (!sent && former === undefined) continue
    differs = true
    // Of a value that was made of both, the way back learns ours only: it carries what was made.
    if (sent) setOwn(after, field, merge.made.includes(field) ? merge.mine[field]! : work.values.value[field]!)
    else setOwn(before, field, former!)
  }
  return differs ? [{ work, merge, before, after, writes: work.operation !== null }] : []
}

async function wordsOf(other: Lane, changes: Change[], at: string): Promise<AgreedWrite[]> {
  if (!changes.length) return []
  const before = await outputsOf(
    other,
    changes.filter((change) => change.before !== null).map(({ work, before }) => [work.targetId!, before!]),
  )
  const after = await outputsOf(
    other,
    changes.map(({ work, after }) => [work.targetId!, after]),
  )
  return changes.flatMap((change): AgreedWrite[] => {
    const recordId = change.work.targetId!
    const now = after.get(recordId)
    if (!now) return []
    const was = change.before === null ? {} : (before.get(recordId) ?? {})
    const fields = Object.fromEntries(
      Object.entries(now).filter(([field, value]) => !Object.hasOwn(was, field) || !sameJson(was[field], value)),
    )
    if (!Object.keys(fields).length) return []
    const echo = Object.fromEntries(Object.keys(fields).map((field) => [field, was[field] ?? null]))
    const mark = { echo, echoAt: at, ...(change.before === null ? { made: true } : {}) }
    const awaited = change.writes ? { [TWO_WAY_MARK]: mark } : {}
    return [{ recordId, slice: sliceOf(recordId), fields, mark: awaited, due: false }]
  })
}

/** What a direction makes of records as they are given, with references resolved; what it leaves out or fails at is missing. */
async function outputsOf(lane: Lane, bodies: [id: string, body: JsonObject][]): Promise<Map<string, JsonObject>> {
  if (!bodies.length) return new Map()
  const records = bodies.map(
    ([id, body]): BatchRecord => ({
      id,
      slice: sliceOf(id),
      seq: 0,
      body: JsonText.of(body),
      deleted: false,
      content: null,
      logSeq: null,
    }),
  )
  const { outputs } = await mapBatch(lane, records, { store: false })
  const works = outputs.flatMap((output, i) =>
    output.status === 'mapped' && output.parts[0]
      ? [newWork(records[i]!, '', output.parts[0].values, undefined, [])]
      : [],
  )
  await resolveReferences(lane, works, new Map(records.map((record, i) => [record.id, outputs[i]!])))
  return new Map(works.filter((work) => !work.settlement).map((work) => [work.record.id, work.values.value]))
}
