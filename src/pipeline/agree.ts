/** What a write means to the other direction of a two-way sync, so that it knows the record when that comes back. */
import { isObject, type Json, type JsonObject, JsonText, sameJson, setOwn, sliceOf } from '../core/index.ts'
import { newWork } from './decide.ts'
import { covers } from './diff.ts'
import { readUnsure } from './late-edits.ts'
import { type Look, lookAfter } from './look-after.ts'
import { TWO_WAY_MARK } from './merge.ts'
import { conflictKey, forwardOf, isBoth, isNews, placesOf, WHOLE } from './merge-facts.ts'
import { storedOtherwise } from './merge-sent.ts'
import { type Merged, storedOf, versionOfOthers } from './merged.ts'
import { isEmpty, isNear } from './near.ts'
import type { AgreedWrite, SeenPair, TwoWayCommit } from './ports.ts'
import { mapBatch } from './read-batch.ts'
import { resolveReferences } from './references.ts'
import type { BatchRecord, Lane, Settlement, Work } from './work.ts'

/** What a person is asked about is looked at again so often, for the question may have gone. */
const ASKED_LOOK_MS = 60 * 60_000

/** A target record before and after: what the other direction says of the two differs in what this one wrote. */
type Change = { work: Work; merge: Merged; before: JsonObject | null; after: JsonObject; writes: boolean; look?: Look }

export async function agree(lane: Lane, works: Work[]): Promise<TwoWayCommit | undefined> {
  const partner = lane.ports.model().syncByName(lane.sync.twoWay!.partner)
  if (!partner || lane.ports.knowsEchoes === false) return undefined
  await readUnsure(lane, works)
  const merged = works.flatMap((work) => (work.merge ? [work.merge] : []))
  const at = lane.ports.clock.now().toISOString()
  const changes = works.flatMap((work) => changeOf(work))
  const written = changes.filter(({ writes }) => writes)
  const looks = await lookAfter(
    lane,
    written.map(({ work }) => work),
  )
  for (const change of written) {
    change.merge.mark.wrote = at
    const look = looks.get(change.work)
    if (look) takeLook(change, look)
  }
  for (const { merge, settlement } of works) {
    if (merge && !settles(settlement)) stillAsks(merge)
    // An edit that nobody pulled, and that was taken back since, is seen by no pull: only the next look tells that there is nothing to ask.
    else if (merge?.asked.length && isDone(settlement)) settlement!.retryInMs ??= ASKED_LOOK_MS
  }
  const other: Lane = { ...lane, row: partner.row, sync: partner.definition, source: lane.target, target: lane.source }
  return {
    partner: partner.row.id,
    conflictsOf: forwardOf(lane).id,
    read: new Map(
      works.filter(({ part }) => part === '').map((work) => [work.record.id, work.existing?.delivered ?? null]),
    ),
    marks: new Map(
      works.flatMap(({ part, existing, record }) => (part === '' && existing ? [[record.id, existing.mark]] : [])),
    ),
    // What was sent comes first: the changes since are put over it.
    agreed: [
      ...(await wordsOfSent(other, works)),
      ...(await wordsOf(other, changes, at)),
      ...works.flatMap((work) => [...released(work), ...woken(work), ...deleted(work, at)]),
    ],
    asked: merged.flatMap(({ asked }) => asked),
    held: merged.flatMap(({ held }) => held),
    seen: works.flatMap((work) => seenPair(lane, work)),
    settled: works.flatMap(({ merge, settlement }) => (merge && settles(settlement) ? merge.settled : [])),
    same: works.flatMap(({ merge, settlement }) => (merge && isDone(settlement) ? merge.agreed : [])),
  }
}

/** Notes how the target stored what was sent. A value that is neither that nor near it is somebody's edit, or a rewriting that is one. */
function takeLook(change: Change, look: Look): void {
  const { work, merge } = change
  change.look = look
  if (look.isOurs && look.version !== null)
    merge.mark.ownThere = { version: look.version, was: versionOfOthers(merge.thereVersion, merge.mark.ownThere) }
  const sent = work.values.value
  for (const field of Object.keys(sent)) {
    const shown = own(look.body, field)
    const stands = shown !== undefined && look.isOurs && isNear(shown, sent[field])
    const whole = !merge.made.includes(field) && !merge.partly.includes(field)
    if (stands && whole && Object.hasOwn(change.after, field)) change.after[field] = shown
    if (stands && !covers(shown, sent[field]!)) merge.mark.stored = { ...merge.mark.stored, [field]: [shown] }
    else if (merge.mark.stored) delete merge.mark.stored[field]
  }
}

const own = (record: JsonObject | undefined, field: string): Json | undefined =>
  record && Object.hasOwn(record, field) ? record[field] : undefined

const isDone = (settlement: Settlement | null): boolean =>
  settlement?.state === 'delivered' || settlement?.state === 'unchanged'

/** What was decided of a conflict is over: the sides agree, the record was made anew, or it left. */
const settles = (settlement: Settlement | null): boolean =>
  isDone(settlement) ||
  settlement?.state === 'gone' ||
  settlement?.state === 'skipped' ||
  settlement?.unlink !== undefined

/** What is asked about a pair and not by this direction, though it knows the newest state of its record, is asked about values that are gone. */
function seenPair(lane: Lane, work: Work): SeenPair[] {
  const { merge, targetId, takenBack, existing, settlement } = work
  if (!merge?.looked || targetId === null || takenBack || !existing || !isNews(work) || !isDone(settlement)) return []
  const fields = Object.keys(merge.mine).filter((field) => !merge.late.includes(field))
  const places = fields.flatMap((field) => placesOf(lane, work, field).map((place) => place.field))
  const { fromId, toId } = conflictKey(lane, work, WHOLE)
  return [{ fromId, toId, recordId: targetId, fields: [...places, WHOLE] }]
}

/** What comes again must know then what it asked before. */
function stillAsks({ mark, askedBefore }: Merged): void {
  mark.asked = [...new Set([...askedBefore, ...(mark.asked ?? [])])]
}

const woken = (work: Work): AgreedWrite[] =>
  work.merge?.wakesPartner && work.targetId !== null && settles(work.settlement)
    ? [{ recordId: work.targetId, slice: sliceOf(work.targetId), fields: {}, mark: {}, due: true }]
    : []

const released = (work: Work): AgreedWrite[] =>
  work.merge?.releases && work.targetId !== null
    ? [{ recordId: work.targetId, slice: sliceOf(work.targetId), fields: null, mark: {}, due: true }]
    : []

/** The other direction may still hold the record as it was before. */
const deleted = ({ targetId, operation, settlement }: Work, at: string): AgreedWrite[] =>
  operation === 'delete' && settlement?.unlink === 'gone' && targetId !== null
    ? [
        {
          ...{ recordId: targetId, slice: sliceOf(targetId), fields: {}, due: false },
          mark: { [TWO_WAY_MARK]: { deletedAt: at } },
        },
      ]
    : []

function changeOf(work: Work): Change[] {
  const { merge, settlement, targetId } = work
  if (!merge || work.takenBack || targetId === null) return []
  if (!isDone(settlement)) return []
  if (work.operation === 'create' || (work.operation === 'upsert' && !work.known && merge.base === null))
    return [{ work, merge, before: null, after: { ...work.values.value }, writes: true }]
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
    if (sent) setOwn(after, field, agreedOf(work, merge, field))
    else setOwn(before, field, former!)
  }
  return differs ? [{ work, merge, before, after, writes: work.operation !== null }] : []
}

/**
 * What the way back learns of a field that is sent. Of a value that was made of both it is ours only: it carries what was made. Of an
 * object with a value inside that nobody decided, or that the way back has to write, it is what was agreed, and not what stands there.
 */
function agreedOf({ values }: Work, merge: Merged, field: string): Json {
  if (merge.made.includes(field)) return merge.mine[field]!
  const agreed = merge.partly.includes(field) && merge.base ? merge.base[field] : undefined
  return agreed ?? values.value[field]!
}

async function wordsOf(other: Lane, changes: Change[], at: string): Promise<AgreedWrite[]> {
  if (!changes.length) return []
  const [before, after, whole] = await Promise.all([
    outputsOf(
      other,
      bodiesOf(changes, ({ before }) => before),
    ),
    outputsOf(
      other,
      bodiesOf(changes, ({ after }) => after),
    ),
    outputsOf(
      other,
      bodiesOf(changes, ({ before, after, look }) => (before === null && look ? { ...look.body, ...after } : null)),
    ),
  ])
  return changes.flatMap((change): AgreedWrite[] => {
    const recordId = change.work.targetId!
    const now = after.get(recordId)
    if (!now) return []
    const was = change.before === null ? {} : (before.get(recordId) ?? {})
    const fields = Object.fromEntries(
      Object.entries({ ...defaultsOf(other, change, whole.get(recordId)), ...now }).filter(
        ([field, value]) => !Object.hasOwn(was, field) || !sameJson(was[field], value),
      ),
    )
    if (!Object.keys(fields).length) return []
    return [
      {
        recordId,
        slice: sliceOf(recordId),
        fields,
        mark: { [TWO_WAY_MARK]: markOf(other, change, fields, was, at) },
        due: false,
      },
    ]
  })
}

/** What a create sent whose record was found only now: the other direction learns it as agreed, and has nothing to expect of it. */
async function wordsOfSent(other: Lane, works: Work[]): Promise<AgreedWrite[]> {
  const found = works.filter(({ merge, settlement }) => merge?.sent && !settlement?.unlink)
  if (!found.length) return []
  // In the spelling of the target, where that is another one: so it will come back.
  const bodies = found.map(({ merge, targetId }): [string, JsonObject] => {
    const sent = merge!.sent!
    return [targetId!, { ...sent, ...storedOtherwise(sent, storedOf(merge!.mark)) }]
  })
  const words = await outputsOf(other, bodies)
  return found.flatMap(({ targetId, record }): AgreedWrite[] => {
    const fields = words.get(targetId!)
    if (!fields) return []
    const spelt = storedOtherwise(fields, record.body?.value ?? {})
    const stored = Object.fromEntries(
      Object.keys(fields).map((field) => [field, Object.hasOwn(spelt, field) ? [spelt[field]!] : []]),
    )
    // Whatever it put off because of the create can go on.
    return [{ recordId: targetId!, slice: sliceOf(targetId!), fields, mark: { [TWO_WAY_MARK]: { stored } }, due: true }]
  })
}

const bodiesOf = (changes: Change[], body: (change: Change) => JsonObject | null): [id: string, body: JsonObject][] =>
  changes.flatMap((change) => {
    const one = body(change)
    return one === null ? [] : [[change.work.targetId!, one]]
  })

/** What the target gave a new record by itself, where the source has nothing: agreed as it is. */
function defaultsOf(other: Lane, { work }: Change, whole: JsonObject | undefined): JsonObject {
  const source = work.record.body?.value
  return Object.fromEntries(
    Object.entries(whole ?? {}).filter(([field]) => isBoth(other, field) && isEmpty(own(source, field))),
  )
}

/** What the other direction must know to tell our write from an edit, and how its target shows what is agreed. */
function markOf(
  other: Lane,
  { work, merge, writes, before, look }: Change,
  fields: JsonObject,
  was: JsonObject,
  at: string,
): JsonObject {
  const source = work.record.body?.value
  const names = Object.keys(fields)
  const each = <T extends Json>(value: (field: string) => T): Record<string, T> =>
    Object.fromEntries(names.map((field) => [field, value(field)]))
  const stored = each((field) => {
    const shown = own(source, field)
    // Of an object that is agreed in part, what the other side shows is its own edit and no spelling of ours.
    const whole = !merge.partly.length || !isObject(fields[field])
    return !whole || shown === undefined || covers(shown, fields[field]!) ? [] : [shown]
  })
  if (!writes) return { stored }
  const { pairs } = other.sync.twoWay!
  const isMade = (field: string): boolean =>
    (Object.hasOwn(pairs, field) ? pairs[field]! : [field]).some((one) => merge.made.includes(one))
  const sent = look ? Object.entries(work.values.value) : []
  const isSeen = sent.every(([field, value]) => {
    const shown = own(look!.body, field)
    return shown === undefined || (look!.isOurs && isNear(shown, value))
  })
  return {
    stored,
    echo: each((field) => own(was, field) ?? null),
    // A value of neither side has to be read there, however early after the write that was.
    echoAt: each((field) => (isMade(field) ? '' : at)),
    echoVersion: each(() => (look && merge.mark.ownThere?.version) || ''),
    unseen: each(() => (!look ? 'blind' : isSeen ? false : 'other')),
    made: before === null && !look,
    ...(look && merge.mark.ownThere ? { ownHere: merge.mark.ownThere } : {}),
  }
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
