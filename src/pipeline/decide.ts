import { crc32 } from 'node:zlib'
import { CausewayError, digest, JsonText, type SerializedError } from '../core/index.ts'
import type { MapOutput } from '../mapping/index.ts'
import { readDelivered } from './diff.ts'
import { type DeliveryRow, type DeliveryState, type IntentRow, isStorableKey } from './ports.ts'
import { isPullWait, parkForPull } from './pull-wait.ts'
import type { BatchRecord, Lane, Work } from './work.ts'

const NOTHING = JsonText.of({})
/** What nearly all records have of what a few have: one for all of them, for each object per record is collected one day. */
const NONE_BEFORE: ReadonlyMap<string, DeliveryRow> = new Map()
const NONE_SEEN: ReadonlySet<string> = new Set()
const NONE_UNFINISHED: IntentRow[] = []
const NONE_BEGUN: ReadonlySet<string> = new Set()
/** Failures of records that have no body to look at. */
const NOT_LOOKED_AT: ReadonlySet<string> = new Set(['CSW-5015', 'CSW-5018', 'CSW-5020'])

/**
 * Decides per record what it asks of the target: parts to bring about, parts to take back, or nothing. Pure; whatever needs a
 * look at links or the target comes after.
 */
export function decide(
  lane: Lane,
  record: BatchRecord,
  given: MapOutput,
  existing: DeliveryRow[],
  intents: IntentRow[],
): Work[] {
  const before = existing.length ? new Map(existing.map((row) => [row.part, row])) : NONE_BEFORE
  const make = (part: string, values = NOTHING): Work => newWork(record, part, values, before.get(part), intents)
  if (intents.length) noteRepeatable(lane, intents)
  const output = storable(given)
  // Nothing of such a record is looked at any more, whatever became of it.
  const setAside = output.status === 'failed' && NOT_LOOKED_AT.has(output.error.code)
  // Erased, or its body is gone: there is nothing to say about it, and nothing to take back.
  if (record.body === null && !record.deleted && !setAside)
    return existing.length
      ? existing.map((row) => rest(make(row.part)))
      : [{ ...make(''), settlement: { state: 'skipped' } }]
  // What an earlier attempt may have made without coming to note it is found first, and then taken back like the rest. One that made nothing ends
  // here too: its intent would keep everybody else from the target record.
  const begun = intents.length ? new Set(intents.map(({ part }) => part)) : NONE_BEGUN
  const unnoted = [...begun].filter((part) => !before.has(part))
  if (record.deleted && !setAside)
    return [...before.keys(), ...unnoted].map((part) => takeBack(lane, make(part), lane.sync.deletes))
  if (output.status === 'failed') {
    const waiting = existing.filter((row) => row.part !== '' && isWaiting(row)).map((row) => rest(make(row.part)))
    const whole = make('')
    if (isPullWait(output.error)) return [{ ...whole, settlement: parkForPull(whole, output.error) }, ...waiting]
    // A mapping gives the same result again: it becomes a dead letter at once, not after many attempts.
    // Only a create that may have taken effect is kept open; other writes under way would hold up whoever writes that target record.
    const open = whole.doubt ? {} : ({ intent: 'close' } as const)
    return [{ ...whole, settlement: { state: 'dead', dead: true, error: output.error, ...open } }, ...waiting]
  }
  if (output.status === 'filtered') {
    const noted = existing.filter((row) => row.delivered !== null || isWaiting(row) || begun.has(row.part))
    const left = [...noted.map(({ part }) => part), ...unnoted].map((part) =>
      takeBack(lane, make(part), lane.sync.onLeave),
    )
    return left.length ? left : [{ ...make(''), settlement: { state: 'skipped' } }]
  }
  const works = output.parts.map((part) => make(part.part, part.values))
  if (!existing.length && !unnoted.length && !lane.sync.multipart) return works
  const wanted = new Set(output.parts.map((part) => part.part))
  const noted = existing.filter(({ state, part }) => state !== 'gone' || begun.has(part))
  const vanished = [...noted.map(({ part }) => part), ...unnoted]
    .filter((part) => part !== '' && !wanted.has(part))
    .map((part) => takeBack(lane, make(part), lane.sync.deletes))
  if (!lane.sync.multipart) return [...works, ...vanished]
  // Part '' stands for the record as a whole, so that a record without any part has a delivery row too.
  const whole: Work = { ...make(''), settlement: { state: 'delivered' } }
  return [whole, ...works, ...vanished]
}

/**
 * Targets forget idempotency keys: of the vendors here Zendesk after two hours, Stripe after a day. What is sent again later is a second record.
 * Where the target can be searched it is asked first.
 */
const KEY_LASTS_MS = 60 * 60_000

function noteRepeatable(lane: Lane, intents: IntentRow[]): void {
  const keeps = keepsCreates(lane)
  const isBlind = !canSearch(lane)
  const now = lane.ports.clock.now().getTime()
  for (const intent of intents) {
    // Whoever sent such a create and was killed could not come to say so.
    intent.repeatable ||= keeps && isKeptCreate(intent)
    if (isBlind && now - intent.openedAt.getTime() > KEY_LASTS_MS) intent.repeatable = false
  }
}

function canSearch({ sync, target }: Lane): boolean {
  const lookup = target.streams.get(sync.to.stream)?.abilities.lookup ?? []
  return sync.match.some((key) => key.some((field) => lookup.includes(field)))
}

/**
 * True where it is kept from the start what a create sends: nobody can look for what it made, and sent again as it was it makes nothing new.
 */
export const keepsCreates = (lane: Lane): boolean => {
  const { sync, target } = lane
  const abilities = target.streams.get(sync.to.stream)?.abilities
  return abilities?.repeatsCreates === true && !sync.twoWay && !sync.content && !canSearch(lane)
}

const isKeptCreate = ({ operation, sent, job }: IntentRow): boolean =>
  operation === 'create' && sent !== null && job === null

/** A part key or a reference that the ledger cannot hold fails its record, or the commit of the whole batch would fail. */
function storable(output: MapOutput): MapOutput {
  if (output.status !== 'mapped') return output
  const odd = output.parts.some(
    (part) => (part.part !== '' && !isStorableKey(part.part)) || part.references.some(({ id }) => !isStorableKey(id)),
  )
  if (!odd) return output
  const what = 'a part key or reference is empty, longer than 1,000 bytes, or holds U+0000 or half a surrogate pair'
  return { status: 'failed', error: new CausewayError('CSW-4004', { what }).toJSON() }
}

const WAITING: ReadonlySet<DeliveryState> = new Set(['pending', 'parked', 'in_doubt'])
/** Every such row of a record must be settled with it, or it would be due for ever: dead ones too, which are woken when their cause is gone. */
const isWaiting = ({ state, due }: DeliveryRow): boolean => due || WAITING.has(state)

/** Leaves a part as it is, without another attempt of its own: it comes again with its record. */
function rest(work: Work): Work {
  const { state, deadFor } = work.existing!
  const error = deadFor === null ? {} : { error: JSON.parse(deadFor) as SerializedError }
  work.settlement = { state: state === 'delivered' ? 'unchanged' : state, ...error }
  return work
}

export function newWork(
  record: BatchRecord,
  part: string,
  values: JsonText,
  existing: DeliveryRow | undefined,
  intents: IntentRow[],
): Work {
  const unfinished = intents.length ? intents.filter((intent) => intent.part === part) : NONE_UNFINISHED
  const { delivered, unproven } = readDelivered(existing?.delivered)
  return {
    record,
    part,
    existing,
    delivered,
    unproven,
    values,
    targetId: null,
    newlyMatched: false,
    isTwin: false,
    known: null,
    asked: false,
    unfinished,
    // An upsert in a job may be done long after this, so what it made must be known too before the record is taken back.
    doubt: unfinished.find(({ operation, job }) => operation === 'create' || (operation === 'upsert' && job !== null)),
    seen: NONE_SEEN,
    matchKey: [],
    operation: null,
    takenBack: false,
    send: NOTHING,
    intent: undefined,
    settlement: null,
  }
}

/** A write of an earlier attempt that may have made the record in the target, although nobody came to say so. */
const mayHaveMade = (work: Work): IntentRow | undefined =>
  work.doubt ?? work.unfinished.find(({ operation }) => operation === 'upsert')

/** A part that must no longer stand in the target as it is: deleted in the source, filtered out, or vanished. */
function takeBack(lane: Lane, work: Work, policy: 'ignore' | 'keep' | 'unlink' | 'deactivate' | 'delete'): Work {
  const after = work.record.deleted ? 'gone' : 'skipped'
  work.takenBack = true
  // An upsert that is sent again needs no look: it finds what it made. Nothing is sent again here.
  if (work.delivered === null && (policy === 'delete' || policy === 'deactivate')) work.doubt = mayHaveMade(work)
  // Perhaps it was created: that must be known first, also where it is to stay, so that it is linked.
  const settled = work.doubt === undefined
  if (settled && work.delivered === null) work.settlement = { state: after }
  else if (policy === 'delete') work.operation = 'delete'
  else if (policy === 'deactivate') {
    work.values = JsonText.of(lane.sync.deactivate ?? {})
    work.operation = 'update'
  } else if (settled && policy === 'unlink') work.settlement = { state: after, unlink: 'released', delivered: null }
  else if (settled) work.settlement = { state: after }
  return work
}

/**
 * Stable over all attempts to bring about one state of one part. The values belong to it: another mapping makes another state of the same
 * source record, and targets refuse a known key with another body. So does what the target was seen to hold, where a repair starts from that.
 */
export const idempotencyKey = (work: Work, syncName: string): string =>
  digest(
    [
      syncName,
      work.record.id,
      work.part,
      work.record.seq,
      crc32(work.values.bytes),
      ...(work.asked ? [JSON.stringify(work.known)] : []),
    ].join('\n'),
  )

/**
 * A create whose idempotency key the target obeys, and that is wanted as it was sent, is no doubt: sent again it gives the record that it may
 * have made. With other values the target would make a second one, or refuse.
 */
export function repeatAsSent(lane: Lane, works: Work[]): void {
  for (const work of works)
    if (!work.takenBack && work.doubt?.repeatable && work.doubt.idempotencyKey === idempotencyKey(work, lane.sync.name))
      work.doubt = undefined
}
