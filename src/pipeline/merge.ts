/** The step between match and diff for syncs that go both ways: what of a record is ours to write, and what the other side says. */
import { CausewayError, isObject, type Json, type JsonObject, JsonText, sameJson, setOwn } from '../core/index.ts'
import { askAgain, type There } from './ask-sides.ts'
import { covers } from './diff.ts'
import { type FieldConflict, mergeFields, type Parties, resolve, type Verdict } from './merge-fields.ts'
import type { Mark, Merged } from './merged.ts'
import { isEmpty, isNear } from './near.ts'
import type { ConflictKey, ConflictRow, ConflictWrite, SyncRow } from './ports.ts'
import type { Lane, Work } from './work.ts'

export const TWO_WAY_MARK = '~two-way'

/** So many times in a row may a value come back as another one. */
const RESTLESS = 5

export async function mergeSides(lane: Lane, works: Work[]): Promise<void> {
  if (lane.ports.knowsEchoes === false) return
  const open = works.filter((work) => !work.settlement)
  for (const work of open) work.merge = begin(work)
  const standing = open.filter((work) => work.targetId !== null)
  const moved = standing.filter(hasMoved)
  for (const work of standing) if (!moved.includes(work)) rests(lane, work)
  if (!moved.length) return
  const there = await askAgain(lane, moved)
  const stale = await staleEchoes(lane, moved)
  const known = moved.filter((work) => !meetsDeletion(lane, work, there))
  const facts = await factsOf(lane, known, there)
  for (const work of known) mergeOne(lane, work, { there, stale, facts })
}

function begin(work: Work): Merged {
  const { [TWO_WAY_MARK]: mark, ...before } = work.delivered?.value ?? {}
  if (mark !== undefined) work.delivered = JsonText.of(before)
  return {
    mark: isObject(mark) ? (mark as Mark) : {},
    before,
    mine: work.values.value,
    base: null,
    kept: {},
    touched: [],
    made: [],
    asked: [],
    settled: [],
    releases: false,
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
  settleAsked(lane, work, [])
}

function forgetEchoes(mark: Mark, fields: string[]): void {
  for (const field of fields) {
    if (mark.echo) delete mark.echo[field]
    if (mark.restless) delete mark.restless[field]
  }
}

const own = (record: JsonObject | null | undefined, field: string): Json | undefined =>
  record && Object.hasOwn(record, field) ? record[field] : undefined

/**
 * Fields of which the source was read before our write there was done: what they show is older than that. Told by value, and by
 * when the read began.
 */
async function staleEchoes(lane: Lane, works: Work[]): Promise<Map<Work, string[]>> {
  const suspects = works.flatMap((work) => {
    const { mark } = work.merge!
    const fields = Object.entries(mark.echo ?? {}).filter(([field, before]) =>
      sameJson(own(work.values.value, field) ?? null, before),
    )
    return fields.length && mark.echoAt ? [{ work, fields: fields.map(([field]) => field), at: mark.echoAt }] : []
  })
  if (!suspects.length) return new Map()
  const ids = suspects.map(({ work }) => work.record.id)
  const rows = new Map((await lane.ports.ledger.readBodies(lane.row.fromStream, ids)).map((row) => [row.id, row]))
  return new Map(
    suspects.flatMap(({ work, fields, at }) => {
      const row = rows.get(work.record.id)
      return row && row.observedAt.getTime() <= Date.parse(at) ? [[work, fields]] : []
    }),
  )
}

type Known = { there: ReadonlyMap<Work, There>; stale: ReadonlyMap<Work, string[]>; facts: Facts }

function mergeOne(lane: Lane, work: Work, { there, stale, facts }: Known): void {
  const merge = work.merge!
  const late = stale.get(work) ?? []
  const mine = Object.fromEntries(Object.entries(work.values.value).filter(([field]) => !late.includes(field)))
  const theirs = there.get(work)?.body ?? {}
  const base = { ...merge.before }
  const restless = takeEchoes(merge, { mine, base, theirs, late })
  if (restless) {
    stop(lane, work, restless)
    return
  }
  if (merge.rewritten) work.delivered = JsonText.of(base)
  const merged = mergeFields({ mine, base, theirs, decide: (conflict) => facts.verdict(work, conflict) })
  Object.assign(merge, { base: merged.base, kept: merged.kept, touched: merged.touched, made: merged.made })
  merge.asked = merged.asked.map((conflict) => facts.toWrite(work, conflict))
  const { held, answered } = facts.answersOf(work)
  settleAsked(lane, work, [...merged.asked.map(({ path }) => path), ...held])
  merge.settled.push(...answered.map((path) => conflictKey(lane, work, path)))
  work.values = JsonText.of(merged.values)
  if (there.get(work)?.body) work.known = theirs
}

/**
 * Our own writes that came back: as they were, or as the other system stored them, which is agreed then. Anything else is an edit.
 * Gives the field that came back as something else once too often.
 */
function takeEchoes(
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
    const defaulted = made === true && agreed === undefined && isEmpty(own(theirs, field))
    if (!awaited && !defaulted) continue
    if (asWritten || defaulted || isNear(value, agreed)) {
      if (!asWritten) merge.rewritten++
      setOwn(base, field, value)
      forgetEchoes(mark, [field])
      continue
    }
    delete mark.echo![field]
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
  merge.settled = gone.map((path) => conflictKey(lane, work, path))
  merge.mark.asked = still
}

const isForward = (lane: Lane): boolean => lane.sync.twoWay!.direction === 'forward'

/** A conflict has one place, whichever direction finds it: that of the field of `to`, where there is one. */
function conflictKey(lane: Lane, work: Work, path: string): ConflictKey {
  const [field, ...inside] = path.split('.')
  const { pairs } = lane.sync.twoWay!
  const named = isForward(lane) || inside.length || !Object.hasOwn(pairs, field!) ? path : pairs[field!]!
  const [fromId, toId] = isForward(lane) ? [work.record.id, work.targetId!] : [work.targetId!, work.record.id]
  return { fromId, toId, field: named }
}

/** A record that the other side deleted, or that is deleted here and was edited there. True when that decided the work. */
function meetsDeletion(lane: Lane, work: Work, there: ReadonlyMap<Work, There>): boolean {
  const side = there.get(work)
  if (side?.missing && !work.takenBack) return losesTarget(lane, work)
  if (!work.takenBack || !side?.body) return side?.missing === true
  const edited = Object.entries(work.merge!.before).some(([field, value]) => {
    const now = own(side.body, field)
    return now !== undefined && !field.startsWith('~') && !covers(now, value) && !isNear(now, value)
  })
  if (!edited) return true
  const verdict = policyOfDeletes(lane, 'mine')
  if (verdict === 'mine') return true
  const left = work.record.deleted ? 'gone' : 'skipped'
  work.operation = null
  work.merge!.releases = true
  work.settlement = { state: left, unlink: 'released', delivered: null }
  return true
}

/** The target record is gone: the deletion comes by itself, or the record is made anew. */
function losesTarget(lane: Lane, work: Work): boolean {
  const partner = lane.ports.model().syncByName(lane.sync.twoWay!.partner)?.definition
  const follows = partner?.deletes === 'delete' && policyOfDeletes(lane, 'theirs') === 'theirs'
  work.settlement = follows ? { state: 'skipped' } : { state: 'pending', retryInMs: 0, unlink: 'gone', delivered: null }
  return true
}

/** Deleted on one side, edited on the other: the side that a policy names, else the edit. */
function policyOfDeletes(lane: Lane, deletes: 'mine' | 'theirs'): 'mine' | 'theirs' {
  const edit = deletes === 'mine' ? 'theirs' : 'mine'
  const { default: policy } = lane.sync.twoWay!.conflict
  if (policy !== 'from' && policy !== 'to') return edit
  return (policy === 'from') === isForward(lane) ? 'mine' : 'theirs'
}

type Facts = {
  verdict(work: Work, conflict: FieldConflict): Verdict
  toWrite(work: Work, conflict: FieldConflict): ConflictWrite
  /** Paths that a person decided: for the other side, which has to write (`held`), or for ours. */
  answersOf(work: Work): { held: string[]; answered: string[] }
}

/** What decides conflicts: policies, times, and what people said. Read only where there is a conflict. */
async function factsOf(lane: Lane, works: Work[], there: ReadonlyMap<Work, There>): Promise<Facts> {
  const { conflict } = lane.sync.twoWay!
  const hit = works.filter((work) => {
    let found = false
    mergeFields({
      mine: work.values.value,
      base: work.merge!.before,
      theirs: there.get(work)?.body ?? {},
      decide: () => {
        found = true
        return 'theirs'
      },
    })
    return found
  })
  const [times, decided] = hit.length
    ? await Promise.all([timesOf(lane, hit, there), decisionsOf(lane, hit)])
    : [new Map(), []]
  const standing = (work: Work, path: string): ConflictRow | undefined => {
    const key = conflictKey(lane, work, path)
    return decided.find((row) => row.fromId === key.fromId && row.toId === key.toId && row.field === key.field)
  }
  const toWrite = (work: Work, { path, mine, theirs, base }: FieldConflict): ConflictWrite => {
    const [from, to] = isForward(lane) ? [mine, theirs] : [theirs, mine]
    return {
      ...conflictKey(lane, work, path),
      side: isForward(lane) ? 'to' : 'from',
      base: base === undefined ? null : JSON.stringify(base),
      fromValue: JSON.stringify(from),
      toValue: JSON.stringify(to),
    }
  }
  const answers = new Map<Work, { held: string[]; answered: string[] }>()
  const answersOf = (work: Work) => answers.get(work) ?? { held: [], answered: [] }
  return {
    toWrite,
    answersOf,
    verdict: (work, found) => {
      const policy = Object.hasOwn(conflict.fields, found.field) ? conflict.fields[found.field]! : conflict.default
      const row = standing(work, found.path)
      const said = row && verdictOf(lane, row, toWrite(work, found))
      if (said) {
        const { held, answered } = answersOf(work)
        answers.set(
          work,
          said === 'theirs' ? { held: [...held, found.path], answered } : { held, answered: [...answered, found.path] },
        )
      }
      return said ?? resolve(policy, found, times.get(work) ?? NO_TIMES(lane))
    },
  }
}

const NO_TIMES = (lane: Lane): Parties => ({ mineIsFrom: isForward(lane), mineAt: null, theirsAt: null })

/** What a person decided, as long as it is about these values. A value of its own is written by the direction whose words it is in. */
function verdictOf(lane: Lane, row: ConflictRow, now: ConflictWrite): Verdict | null {
  if (row.state !== 'decided') return null
  if (row.side === now.side && (row.fromValue !== now.fromValue || row.toValue !== now.toValue)) return null
  if (row.decision === 'value') return row.side === now.side ? { value: JSON.parse(row.value!) as Json } : 'theirs'
  return (row.decision === 'from') === isForward(lane) ? 'mine' : 'theirs'
}

const decisionsOf = (lane: Lane, works: Work[]): Promise<ConflictRow[]> =>
  lane.ports.ledger.readConflicts(
    forwardOf(lane).id,
    isForward(lane) ? 'from' : 'to',
    works.map((work) => work.record.id),
  )

/** The sync that conflicts are kept under. */
export const forwardOf = (lane: Lane): SyncRow =>
  isForward(lane) ? lane.row : lane.ports.model().syncByName(lane.sync.twoWay!.partner)!.row

const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/
const timeOf = (version: string | null | undefined): number | null =>
  version && INSTANT.test(version) ? Date.parse(version) : null

/** When each side was changed: by the version of its record where that is a time, else when the hub first saw it so. */
async function timesOf(lane: Lane, works: Work[], there: ReadonlyMap<Work, There>): Promise<Map<Work, Parties>> {
  const { ledger, clock } = lane.ports
  const [sources, targets] = await Promise.all([
    ledger.readBodies(
      lane.row.fromStream,
      works.map((work) => work.record.id),
    ),
    ledger.readBodies(
      lane.row.toStream,
      works.map((work) => work.targetId!),
    ),
  ])
  return new Map(
    works.map((work) => {
      const mine = sources.find(({ id }) => id === work.record.id)
      const theirs = targets.find(({ id }) => id === work.targetId)
      const side = there.get(work)
      const isKnown = theirs !== undefined && theirs.version !== null && theirs.version === side?.version
      const seen = isKnown || side?.fromLog ? theirs?.observedAt.getTime() : clock.now().getTime()
      return [
        work,
        {
          mineIsFrom: isForward(lane),
          mineAt: timeOf(mine?.version) ?? mine?.observedAt.getTime() ?? null,
          theirsAt: timeOf(side?.version) ?? seen ?? null,
        },
      ]
    }),
  )
}
