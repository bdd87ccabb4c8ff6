/** The three-way merge of one record, field by field. Pure: what is wanted, last agreed and there now goes in, a plan comes out. */
import { isObject, isRawNumber, type Json, type JsonObject, sameJson, setOwn } from '../core/index.ts'
import type { ConflictPolicy } from '../mapping/index.ts'
import { pathOf } from './conflict-paths.ts'
import { covers } from './diff.ts'
import { isEmpty, isNear, isSpelling } from './near.ts'

/** Who wins a conflict: our side, the target's, a value for both, or nobody yet. */
export type Verdict = 'mine' | 'theirs' | 'ask' | { value: Json }

/** `path` leads to the value where that is inside an object: `address.city`. */
export type FieldConflict = { field: string; path: string; mine: Json; theirs: Json; base: Json | undefined }

type Merge = {
  /** What may be written: fields that hold what we want. */
  values: JsonObject
  /** What both sides agree on once `values` are there. */
  base: JsonObject
  /** Fields that stay as the target has them, for targets that only take whole records. */
  kept: JsonObject
  /** Fields where something was agreed or is about to be written. */
  touched: string[]
  /** Fields that are given a value that is neither side's. */
  made: string[]
  /** Fields that nobody decides. */
  asked: FieldConflict[]
}

type Sides = {
  mine: JsonObject
  /** Last agreed values; a field without one was never agreed. */
  base: JsonObject
  /** What the target holds; a field that it does not show is taken for unchanged. */
  theirs: JsonObject
  /** How the target shows what was agreed, where that is otherwise: it stored what it was given in its own way. */
  stored?: JsonObject
  /** True where nobody saw how the target stored what it was given: then a value that may be that is taken for it. */
  lenient?: boolean
  decide(conflict: FieldConflict): Verdict
}

export function mergeFields({ mine, base, theirs, stored = {}, lenient = false, decide }: Sides): Merge {
  const merge: Merge = { values: {}, base: { ...base }, kept: {}, touched: [], made: [], asked: [] }
  for (const [field, wanted] of Object.entries(mine)) {
    const rules: Rules = {
      stored: own(stored, field),
      lenient,
      decide: (values, inside) => {
        const conflict = { field, path: pathOf([field, ...inside]), ...values }
        const verdict = decide(conflict)
        if (verdict === 'ask') merge.asked.push(conflict)
        if (typeof verdict === 'object') merge.made.push(field)
        return verdict
      },
    }
    const one = mergeValue(wanted, own(base, field), own(theirs, field), rules)
    if (one.base !== undefined) setOwn(merge.base, field, one.base)
    if (one.send !== undefined) setOwn(merge.values, field, one.send)
    else if (own(theirs, field) !== undefined) setOwn(merge.kept, field, theirs[field]!)
    if (one.touched) merge.touched.push(field)
  }
  return merge
}

const own = (record: JsonObject, field: string): Json | undefined =>
  Object.hasOwn(record, field) ? record[field] : undefined

/** `send` absent: the field is left alone. `base` absent: as before. */
type One = { send?: Json; base?: Json; touched: boolean }
type Decide = (values: Omit<FieldConflict, 'field' | 'path'>, inside: string[]) => Verdict
type Rules = { stored: Json | undefined; lenient: boolean; decide: Decide }

/** True while the target shows what was agreed, in its own spelling or in the one it stored it in. */
export const isAsAgreed = (theirs: Json, base: Json, stored: Json | undefined): boolean =>
  covers(theirs, base) || (stored !== undefined && sameJson(theirs, stored))

function mergeValue(mine: Json, base: Json | undefined, theirs: Json | undefined, rules: Rules): One {
  const agreed = base !== undefined
  if (agreed && sameJson(mine, base))
    return theirs === undefined || covers(theirs, mine) ? { send: mine, touched: false } : { touched: false }
  if (theirs === undefined || (agreed && isAsAgreed(theirs, base, rules.stored)))
    return { send: mine, base: mine, touched: true }
  if (covers(theirs, mine)) return { send: mine, base: mine, touched: true }
  if (isPlain(mine) && isPlain(theirs) && (base === undefined || isPlain(base)))
    return mergeObject(mine, base, theirs, rules)
  // Both mean the same; whose spelling stands where is no question to ask. Of two that were edited one may be no rounding.
  if (!agreed || rules.lenient ? isNear(theirs, mine) : isSpelling(theirs, mine)) return { base: mine, touched: true }
  // What may be our own write gives way to a value that changed.
  if (rules.lenient && isNear(theirs, base)) return { send: mine, base: mine, touched: true }
  if (rules.lenient && isNear(mine, base)) return { touched: false }
  const verdict = rules.decide({ mine, theirs, base }, [])
  if (verdict === 'mine') return { send: mine, base: mine, touched: true }
  // Our own value stays the agreed one: the way back carries what was made of both.
  if (typeof verdict === 'object') return { send: verdict.value, base: mine, touched: true }
  return { touched: false }
}

const isPlain = (value: Json | undefined): value is JsonObject => isObject(value) && !isRawNumber(value)

/** Fields inside an object are merged one by one; the object is sent whole, as the target would have it. */
function mergeObject(mine: JsonObject, base: JsonObject | undefined, theirs: JsonObject, rules: Rules): One {
  const send: JsonObject = {}
  const agreed: JsonObject = { ...base }
  let sends = false
  let touched = false
  for (const [key, wanted] of Object.entries(mine)) {
    const there = own(theirs, key)
    const one = mergeValue(wanted, base && own(base, key), there, {
      stored: isPlain(rules.stored) ? own(rules.stored, key) : undefined,
      lenient: rules.lenient,
      decide: (values, inside) => rules.decide(values, [key, ...inside]),
    })
    if (one.base !== undefined) setOwn(agreed, key, one.base)
    const value = one.send ?? there
    if (value !== undefined) setOwn(send, key, value)
    touched ||= one.touched
    sends ||= one.send !== undefined && !(there !== undefined && covers(there, one.send))
  }
  return { ...(sends ? { send } : {}), ...(touched ? { base: agreed } : {}), touched }
}

/** What `resolve` knows of the two records. `mineIsFrom`: our side is the one under `from`. Times in ms; null = not known. */
export type Parties = { mineIsFrom: boolean; mineAt: number | null; theirsAt: number | null }

/** Decides a conflict by policy. Both directions come to the same, whichever looks first. */
export function resolve(
  policy: ConflictPolicy,
  { mine, theirs }: { mine: Json; theirs: Json },
  parties: Parties,
): Verdict {
  const mineWins = (wins: boolean): Verdict => (wins ? 'mine' : 'theirs')
  const newest = (): Verdict => {
    const age = (parties.mineAt ?? 0) - (parties.theirsAt ?? 0)
    return mineWins(age === 0 ? parties.mineIsFrom : age > 0)
  }
  switch (policy) {
    case 'ask':
      return 'ask'
    case 'from':
      return mineWins(parties.mineIsFrom)
    case 'to':
      return mineWins(!parties.mineIsFrom)
    case 'newest':
      return newest()
    case 'non-empty':
      return isEmpty(mine) === isEmpty(theirs) ? newest() : mineWins(isEmpty(theirs))
    case 'longest': {
      const [a, b] = [lengthOf(mine), lengthOf(theirs)]
      return a === b ? newest() : mineWins(a > b)
    }
    case 'max': {
      const order = compare(mine, theirs)
      return order === 0 ? newest() : mineWins(order > 0)
    }
    case 'union': {
      if (!Array.isArray(mine) || !Array.isArray(theirs)) return newest()
      const [first, second] = parties.mineIsFrom ? [mine, theirs] : [theirs, mine]
      const value = [...first, ...second.filter((item) => !first.some((other) => sameJson(other, item)))]
      if (value.length > mine.length && value.length > theirs.length) return { value }
      return mine.length === theirs.length ? newest() : mineWins(value.length === mine.length)
    }
  }
}

const lengthOf = (value: Json): number =>
  typeof value === 'string' ? [...value].length : Array.isArray(value) ? value.length : isEmpty(value) ? 0 : 1

/** 0 where the two cannot be compared. */
function compare(a: Json, b: Json): number {
  if (isEmpty(a) !== isEmpty(b)) return isEmpty(b) ? 1 : -1
  const [x, y] = [a, b].map((value) => (isRawNumber(value) ? Number(value.rawJSON) : value))
  if (typeof x === 'number' && typeof y === 'number') return Math.sign(x - y)
  return typeof x === 'string' && typeof y === 'string' && x !== y ? (x > y ? 1 : -1) : 0
}
