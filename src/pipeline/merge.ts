/** The step between match and diff for syncs that go both ways: what of a record is ours to write, and what the other side says. */
import { CausewayError, isObject, type Json, type JsonObject, JsonText, sameJson, setOwn } from '../core/index.ts'
import { askAgain, isLenient, type There } from './ask-sides.ts'
import { partlyOf, topOf } from './conflict-paths.ts'
import { covers } from './diff.ts'
import { leaveDeleted, meetDeletions } from './merge-deletions.ts'
import { conflictKey, type Facts, factsOf, isBoth, placesOf } from './merge-facts.ts'
import { isAsAgreed, mergeFields } from './merge-fields.ts'
import { seeUpdates, sentBefore, storedOtherwise } from './merge-sent.ts'
import { type Mark, type Merged, storedOf } from './merged.ts'
import { isEmpty, isNear } from './near.ts'
import { deferToWrites } from './partner-writes.ts'
import type { Lane, Work } from './work.ts'

export const TWO_WAY_MARK = '~two-way'

/** So many times in a row may a value come back as another one. */
const RESTLESS = 5

export async function mergeSides(lane: Lane, works: Work[]): Promise<void> {
  if (lane.ports.knowsEchoes === false) return
  const open = works.filter((work) => !work.settlement)
  for (const work of open) work.merge = beginMerge(work)
  await leaveDeleted(lane, open)
  const standing = open.filter((work) => work.targetId !== null && !work.settlement)
  const moved = standing.filter(hasMoved)
  for (const work of standing) if (!moved.includes(work)) rests(lane, work)
  if (!moved.length) return
  const quiet = await deferToWrites(lane, moved)
  if (!quiet.length) return
  await noteOthers(lane, quiet)
  const there = await askAgain(lane, quiet)
  const shown = quiet.filter((work) => there.has(work))
  for (const work of shown) {
    seeSent(work.merge!, there.get(work)?.body)
    seeUpdates(work, there.get(work)?.body)
    work.merge!.condition = there.get(work)?.condition
  }
  const stale = await staleEchoes(lane, shown)
  const known = await meetDeletions(lane, shown, there)
  const facts = await factsOf(lane, known, there)
  for (const work of known) mergeOne(lane, work, { there, stale, facts })
}

/** Before the look: whatever the other direction commits from here on may be about another state than the one that we see. */
async function noteOthers(lane: Lane, works: Work[]): Promise<void> {
  const partner = lane.ports.model().syncByName(lane.sync.twoWay!.partner)
  if (!partner) return
  const marks = await lane.ports.ledger.readMarks(
    partner.row.id,
    works.map(({ targetId }) => targetId!),
  )
  for (const { merge, targetId } of works) merge!.otherMark = marks.get(targetId!)
}

/** Notes how the target stored what a create of unknown outcome sent. */
function seeSent({ sent, mark }: Merged, shown: JsonObject | null | undefined): void {
  if (!sent || !shown) return
  for (const [field, value] of Object.entries(storedOtherwise(sent, shown)))
    mark.stored = { ...mark.stored, [field]: [value] }
}

/** What is known of a record before both sides are merged. Takes the mark out of what was delivered. */
export function beginMerge(work: Work): Merged {
  const { [TWO_WAY_MARK]: mark, ...before } = work.delivered?.value ?? {}
  const sent = sentBefore(work)
  if (sent !== null || mark !== undefined) work.delivered = JsonText.of(sent ?? before)
  return {
    mark: isObject(mark) ? (mark as Mark) : {},
    before: sent ?? before,
    sent,
    mine: work.values.value,
    base: null,
    kept: {},
    touched: [],
    made: [],
    asked: [],
    askedBefore: isObject(mark) ? ((mark as Mark).asked ?? []) : [],
    settled: [],
    partly: [],
    held: [],
    looked: false,
    late: [],
    unsure: false,
    otherMark: undefined,
    condition: undefined,
    agreed: [],
    releases: false,
    thereVersion: null,
    wakesPartner: false,
    rewritten: 0,
  }
}

/** Agreed values with the mark, as the ledger keeps them. */
export function withMark(delivered: JsonText | null, merge: Merged | undefined): JsonText | null {
  if (!merge) return delivered
  const mark = Object.fromEntries(
    Object.entries(merge.mark).filter(([, value]) => value !== undefined && value !== false && !isEmpty(value as Json)),
  )
  return Object.keys(mark).length && delivered
    ? JsonText.of({ ...delivered.value, [TWO_WAY_MARK]: mark as JsonObject })
    : delivered
}

/** Only what we want otherwise than it was agreed can be written, and only that can be a conflict. */
function hasMoved(work: Work): boolean {
  if (work.takenBack) return work.operation === 'delete'
  if (work.unfinished.length || work.unproven || work.asked) return true
  return Object.entries(work.values.value).some(([field, value]) => !sameJson(work.merge!.before[field], value))
}

/** Nothing of ours changed: what was written here came back, and what was asked is settled by the other side. */
function rests(lane: Lane, work: Work): void {
  const { mark } = work.merge!
  if (work.takenBack) return
  forgetEchoes(mark, Object.keys(mark.echo ?? {}))
  delete mark.made
  work.merge!.looked = true
  // The edit that stood against another one, or against a deletion, was taken back: the other one goes on.
  settleAsked(lane, work, [])
}

function forgetEchoes(mark: Mark, fields: string[]): void {
  for (const field of fields) {
    if (mark.echo) delete mark.echo[field]
    if (mark.restless) delete mark.restless[field]
    if (mark.unseen) delete mark.unseen[field]
    if (mark.echoAt) delete mark.echoAt[field]
    if (mark.echoVersion) delete mark.echoVersion[field]
  }
}

const own = (record: JsonObject | null | undefined, field: string): Json | undefined =>
  record && Object.hasOwn(record, field) ? record[field] : undefined

/**
 * Fields of which the source was read before the other direction's write there was done: whatever they show is older than that, and the
 * other direction saw it before it wrote. Told by the place in the log, by the version that the write made, and by when the read began.
 */
async function staleEchoes(lane: Lane, works: Work[]): Promise<Map<Work, string[]>> {
  const suspects = works.filter((work) => work.merge!.mark.echoAt)
  if (!suspects.length) return new Map()
  const ids = suspects.map(({ record }) => record.id)
  const rows = new Map((await lane.ports.ledger.readBodies(lane.row.fromStream, ids)).map((row) => [row.id, row]))
  return new Map(
    suspects.flatMap((work) => {
      const row = rows.get(work.record.id)
      const { echo = {}, echoAt = {}, echoVersion = {}, ownHere } = work.merge!.mark
      if (!row) return []
      // Mapped from a state that the log has replaced since.
      const isReplaced = row.seq > work.record.seq
      const read = row.observedAt.getTime()
      const stoodBefore = (field: string): boolean => sameJson(echo[field], own(work.values.value, field))
      const isEarly = (field: string): boolean =>
        echoAt[field] ? read <= Date.parse(echoAt[field]) : stoodBefore(field)
      // A write may be done long before its answer is here, and what somebody changes in between is an edit: versions tell, where the look
      // after the write saw one. Two changes may share one. A later write of other fields says nothing of this one.
      const isLate = (field: string): boolean => {
        // Marks of before have the last version only.
        const seen = echoVersion[field] ?? ownHere?.version
        if (row.version === null || !seen) return isEarly(field)
        return row.version < seen || (row.version === seen && isEarly(field) && stoodBefore(field))
      }
      const fields = Object.keys(echo).filter((field) => isReplaced || isLate(field))
      work.merge!.unsure = row.version === null && !isReplaced && fields.some((field) => isNeither(work, field))
      return fields.length ? [[work, fields]] : []
    }),
  )
}

/** Neither what stood in the field before our write nor what we wrote. */
function isNeither({ merge, values }: Work, field: string): boolean {
  const shown = own(values.value, field)
  const stood = [own(merge!.mark.echo, field), own(merge!.before, field)]
  return shown !== undefined && stood.every((value) => value === undefined || !sameJson(value, shown))
}

type Known = { there: ReadonlyMap<Work, There>; stale: ReadonlyMap<Work, string[]>; facts: Facts }

function mergeOne(lane: Lane, work: Work, { there, stale, facts }: Known): void {
  const merge = work.merge!
  const late = stale.get(work) ?? []
  Object.assign(merge, { looked: true, late })
  const mine = Object.fromEntries(Object.entries(work.values.value).filter(([field]) => !late.includes(field)))
  const side = there.get(work)
  const theirs = side?.body ?? {}
  merge.thereVersion = side?.version ?? null
  const base = { ...merge.before }
  const restless = takeEchoes(lane, merge, { mine, base, theirs, late })
  if (restless) {
    stop(lane, work, restless)
    return
  }
  if (merge.rewritten) work.delivered = JsonText.of(base)
  const merged = mergeFields({
    ...{ mine, base, theirs, stored: storedOf(merge.mark) },
    lenient: isLenient(work, side),
    decide: (conflict) => facts.verdict(work, conflict),
  })
  Object.assign(merge, { base: merged.base, kept: merged.kept, touched: merged.touched, made: merged.made })
  merge.asked = merged.asked.map((conflict) => facts.toWrite(work, conflict))
  const { held, answered } = facts.answersOf(work)
  // Of fields that were read too early nothing is known: what is asked of them stays asked.
  const unknown = (merge.mark.asked ?? []).filter((path) => late.includes(topOf(path)))
  settleAsked(lane, work, [...merged.asked.map(({ path }) => path), ...held, ...unknown])
  merge.settled.push(...answered.map((path) => conflictKey(lane, work, path)))
  merge.held = held.map((path) => conflictKey(lane, work, path))
  merge.partly = [...merged.asked.map(({ path }) => path), ...held].flatMap(partlyOf)
  // What stands there is the agreed value in another spelling only where all of it is agreed.
  for (const field of merged.touched)
    if (!Object.hasOwn(merged.values, field) && !merge.partly.includes(field))
      keepStored(merge.mark, field, merged.base, theirs)
  merge.agreed = merged.touched.flatMap((field) => placesOf(lane, work, field))
  work.values = JsonText.of(merged.values)
  if (side?.body) work.known = theirs
}

/** Notes how the target shows a value, where that is otherwise than it is agreed. */
function keepStored(mark: Mark, field: string, base: JsonObject, shown: JsonObject): void {
  const [agreed, there] = [own(base, field), own(shown, field)]
  if (agreed !== undefined && there !== undefined && !covers(there, agreed))
    mark.stored = { ...mark.stored, [field]: [there] }
  else if (mark.stored) delete mark.stored[field]
}

/**
 * Our own writes that came back: as they were, or, where nobody looked after the write, as the other system stored them, which is agreed
 * then. Anything else is an edit.
 * Gives the field that came back as something else once too often.
 */
function takeEchoes(
  lane: Lane,
  merge: Merged,
  { mine, base, theirs, late }: { mine: JsonObject; base: JsonObject; theirs: JsonObject; late: string[] },
): string | null {
  const { mark } = merge
  const made = mark.made
  if (!late.length) delete mark.made
  for (const [field, value] of Object.entries(mine)) {
    const awaited = own(mark.echo, field) !== undefined
    const agreed = own(base, field)
    const asWritten = agreed !== undefined && sameJson(agreed, value)
    const defaulted = made === true && agreed === undefined && isBoth(lane, field) && isEmpty(own(theirs, field))
    if (!awaited && !defaulted) continue
    const unseen = own(mark.unseen, field)
    if (asWritten || defaulted || (unseen === 'blind' && isNear(value, agreed))) {
      if (!asWritten) merge.rewritten++
      const shown = own(theirs, field)
      const stands =
        agreed !== undefined && shown !== undefined && isAsAgreed(shown, agreed, own(storedOf(mark), field))
      setOwn(base, field, value)
      if (stands && !asWritten) keepStored(mark, field, base, theirs)
      forgetEchoes(mark, [field])
      continue
    }
    delete mark.echo![field]
    // Seen as it was written, and another one now: somebody edited it.
    if (unseen === false) continue
    mark.restless = { ...mark.restless, [field]: (mark.restless?.[field] ?? 0) + 1 }
    if (mark.restless[field]! > RESTLESS) return field
  }
  return null
}

/** The breaker: values that do not settle would be written back and forth for ever. */
function stop(lane: Lane, work: Work, field: string): void {
  const what = `"${field}" came back as another value than was written ${RESTLESS + 1} times in a row, so both systems rewrite it`
  const error = new CausewayError('CSW-5023', { what, data: { field } })
  work.merge!.mark.restless = {}
  work.settlement = { state: 'dead', dead: true, error: error.toJSON() }
  lane.ports.log.error({ sync: lane.sync.name, code: error.code, field }, 'two-way sync paused')
  work.merge!.pauses = `CSW-5023: ${what}`
}

/** Closes what a person need not answer any more. */
function settleAsked(lane: Lane, work: Work, still: string[]): void {
  const merge = work.merge!
  const gone = (merge.mark.asked ?? []).filter((path) => !still.includes(path))
  // Neither asked nor agreed: our edit was taken back, and the other side's has to come over.
  if (gone.some((path) => !merge.touched.includes(topOf(path)))) merge.wakesPartner = true
  merge.settled = gone.map((path) => conflictKey(lane, work, path))
  merge.mark.asked = still
}
