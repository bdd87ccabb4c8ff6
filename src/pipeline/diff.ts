import { isObject, type Json, type JsonObject, JsonText, sameJson } from '../core/index.ts'
import { isDelivered } from './kept.ts'
import { canUpsert } from './match.ts'
import { HASHES, keysOf, UNPROVEN_MARK } from './ports.ts'
import type { Lane, Work } from './work.ts'

/**
 * Decides the smallest write per part: create, update of what differs, delete, or none. What the target is known to hold is
 * what we delivered last, or what a look-up just showed.
 */
export function diff(lane: Lane, works: Work[]): void {
  for (const work of works) if (!work.settlement) diffOne(lane, work)
}

function diffOne(lane: Lane, work: Work): void {
  if (work.operation === 'delete') return
  if (work.targetId === null) {
    planCreate(lane, work)
    return
  }
  if (lane.sync.mode === 'create-only' && !work.takenBack) {
    work.settlement = { state: 'skipped', delivered: work.delivered ?? work.values }
    return
  }
  // While it is unknown whether an earlier write took effect, what was delivered before it proves nothing.
  const delivered = work.unfinished.length || work.unproven ? null : work.delivered
  const same = !work.asked && (delivered?.sameText(work.values) ?? false)
  const changed = same ? {} : changedFields(lane, work, delivered?.value ?? null)
  const carriesContent = lane.sync.content && work.record.content !== null && contentChanged(work)
  if (!Object.keys(changed).length && !carriesContent) {
    work.settlement = { state: settledState(work), delivered: merged(work) }
    // What was to be deactivated and is already: no write, and none is counted.
    work.operation = null
    return
  }
  const abilities = lane.target.streams.get(lane.sync.to.stream)?.abilities
  const key = abilities && !abilities.update ? standingKey(work, abilities.upsertBy) : undefined
  if (key) {
    work.operation = 'upsert'
    work.matchKey = [key]
    work.send = work.values
    return
  }
  work.operation = 'update'
  work.send = abilities?.partialUpdate ? JsonText.of(changed) : wholeOf(work)
}

/**
 * The natural key by which a linked record is reached where the target takes no update by id. Only one that stood there already: by another
 * value the target would make a second record.
 */
function standingKey(work: Work, upsertBy: readonly string[]): Work['matchKey'][number] | undefined {
  const before = { ...work.delivered?.value, ...work.known }
  return keysOf(work.values.value, upsertBy).find(({ field, value }) =>
    keysOf(before, [field]).some((stood) => stood.value === value),
  )
}

/** What the target holds from us once the values are there too: fields that were delivered before and left the mapping stay. */
export const merged = ({ delivered, values, merge }: Work): JsonText =>
  merge?.base
    ? JsonText.of(merge.base)
    : delivered === null || delivered.sameText(values)
      ? values
      : JsonText.of({ ...withoutHashesOf(values.value, delivered.value), ...values.value })

/** With what a two-way sync leaves to the other side as it stands there. */
const wholeOf = (work: Work): JsonText =>
  work.merge?.base
    ? JsonText.of({ ...sendable(merged(work)).value, ...work.merge.kept, ...work.values.value })
    : sendable(merged(work))

/** A hash of what was delivered before would outlive the value that is delivered now. */
function withoutHashesOf(values: JsonObject, delivered: JsonObject): JsonObject {
  const { [HASHES]: hashes, ...plain } = delivered
  if (!isObject(hashes)) return delivered
  const left = Object.entries(hashes).filter(([field]) => !Object.hasOwn(values, field))
  return left.length ? { ...plain, [HASHES]: Object.fromEntries(left) as JsonObject } : plain
}

/** A whole record for targets that take no part of one. Hashes are for the ledger only. */
export const sendable = (values: JsonText): JsonText => {
  if (!Object.hasOwn(values.value, HASHES)) return values
  const { [HASHES]: _hashes, ...plain } = values.value
  return JsonText.of(plain)
}

const settledState = (work: Work): 'unchanged' | 'gone' | 'skipped' =>
  !work.takenBack ? 'unchanged' : work.record.deleted ? 'gone' : 'skipped'

function planCreate(lane: Lane, work: Work): void {
  if (lane.sync.mode === 'update-only') {
    work.settlement = { state: 'skipped' }
    return
  }
  if (work.resend) {
    work.operation = 'create'
    work.send = work.resend
    return
  }
  const natural = lane.sync.match.find(
    (key) => canUpsert(lane, key) && work.matchKey.some(({ field }) => field === key[0]),
  )
  work.operation = natural ? 'upsert' : 'create'
  work.send = work.values
}

/** Fields whose value is neither what we delivered nor what the target is known to hold now. */
function changedFields(lane: Lane, work: Work, delivered: JsonObject | null): JsonObject {
  const { known } = work
  const changed: JsonObject = {}
  for (const [field, value] of Object.entries(work.values.value)) {
    const shown = known !== null && Object.hasOwn(known, field)
    if (shown && covers(known[field]!, value)) continue
    if (delivered && !(work.asked && shown) && wasDelivered(lane, work, delivered, field, value)) continue
    changed[field] = value
  }
  return changed
}

const wasDelivered = (lane: Lane, work: Work, delivered: JsonObject, field: string, value: Json): boolean =>
  (Object.hasOwn(delivered, field) && sameJson(delivered[field], value)) || isDelivered(lane.ports, work, field, value)

/** True when what the target shows contains what we would write; targets add fields of their own inside objects. */
export function covers(shown: Json, wanted: Json): boolean {
  if (sameJson(shown, wanted)) return true
  if (shown === null || wanted === null || typeof shown !== 'object' || typeof wanted !== 'object') return false
  if (Array.isArray(shown) || Array.isArray(wanted)) return false
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(shown, key) && covers((shown as JsonObject)[key]!, value),
  )
}

/** The bytes are compared by what the source says of them (hash, else size and version) at the last delivery. */
export const CONTENT_MARK = '~content'
export const contentMark = (work: Work): string => String(work.record.content)
const contentChanged = (work: Work): boolean =>
  work.unproven || work.delivered?.value[CONTENT_MARK] !== contentMark(work)

/** What a record holds from us after a write of unknown values. */
export const unproven = ({ delivered }: Work): JsonText => JsonText.of({ ...delivered?.value, [UNPROVEN_MARK]: true })

/** Delivered values as the ledger has them, and whether they are what the target holds. */
export function readDelivered(text: string | null | undefined): Pick<Work, 'delivered' | 'unproven'> {
  if (!text) return { delivered: null, unproven: false }
  const delivered = JsonText.from(text)
  if (!text.includes(UNPROVEN_MARK) || !Object.hasOwn(delivered.value, UNPROVEN_MARK))
    return { delivered, unproven: false }
  const { [UNPROVEN_MARK]: _mark, ...values } = delivered.value
  return { delivered: JsonText.of(values), unproven: true }
}
