/** Records of the source that stand for one target record: the one that was linked first writes it, and the others are told of. */
import { CausewayError, isObject, type Json, type JsonObject, JsonText, sameJson } from '../core/index.ts'
import { CONTENT_MARK, contentMark } from './diff.ts'
import { CONTENDED_RETRY_MS } from './failures.ts'
import { entityOf } from './identity-wait.ts'
import { isDelivered } from './kept.ts'
import { HASHES, keysOf, linkKey, type TargetOwner } from './ports.ts'
import type { Lane, Settlement, Work } from './work.ts'

/** While nothing of the other record has reached the target: mostly it is on its way, and otherwise it may wait for a person. */
const FIRST_LOOK_MS = 5_000
const LOOK_MS = 5 * 60_000

/** What a record that is about to be upserted by a natural key may find in the target, by what the hub wrote there before. */
export type UpsertHits = ReadonlyMap<Work, readonly string[]>

/**
 * Refuses writes that would put another value where an earlier record of the source has put its own: both would write for ever, each after its
 * own changes. Gives them. With `patience` they wait once, for a change of all duplicates reaches them one after the other.
 */
export async function refuseTwins(
  lane: Lane,
  works: Work[],
  { upserts = new Map(), patience = false }: { upserts?: UpsertHits; patience?: boolean } = {},
): Promise<Work[]> {
  const writes = works.filter(({ settlement, operation, takenBack }) => !settlement && !takenBack && isPut(operation))
  const asking = writes.flatMap((work) => {
    const { record, part, targetId, newlyMatched, isTwin } = work
    const ids = targetId === null ? (upserts.get(work) ?? []) : newlyMatched || isTwin ? [targetId] : []
    return ids.map((id) => ({ work, recordId: record.id, part, targetId: id }))
  })
  if (!asking.length) return []
  const owners = await lane.ports.ledger.findOwners(lane.row.fromStream, lane.row.toStream, asking)
  const refused = new Set<Work>()
  for (const { work, targetId } of asking) {
    const asker = linkKey(work.record.id, work.part)
    const owner = owners.find((one) => one.asker === asker && one.targetId === targetId)
    const settlement = owner && settlementOf(lane, work, owner, patience && !work.existing?.contended)
    if (!settlement || refused.has(work)) continue
    work.settlement = settlement
    refused.add(work)
  }
  return [...refused]
}

const isPut = (operation: Work['operation']): boolean => operation === 'update' || operation === 'upsert'

function settlementOf(lane: Lane, work: Work, owner: TargetOwner, waits: boolean): Settlement | undefined {
  const pair = `records "${owner.recordId}" and "${work.record.id}" of the source stand for target record "${owner.targetId}"`
  const holdings = (owner.delivered ?? []).map((text) => JsonText.from(text))
  // A natural key that the hub once wrote may have another value there by now: then it is another record that the target finds.
  if (work.targetId === null && !holdings.some((held) => sharesKey(lane, work, held))) return undefined
  if (!holdings.length)
    return again(
      `${pair}, and nothing of the first one has reached it yet`,
      work.existing?.contended ? LOOK_MS : FIRST_LOOK_MS,
    )
  const fields = [...new Set(holdings.flatMap((held) => differing(lane, work, held)))]
  if (!fields.length) return undefined
  const what = `${pair}, and differ in ${fields.join(', ')}`
  if (waits) return again(what, CONTENDED_RETRY_MS)
  const error = new CausewayError('CSW-5026', {
    what,
    data: { target: owner.targetId, first: owner.recordId, record: work.record.id, fields },
  })
  const dead = { state: 'dead', dead: true, error: error.toJSON(), intent: 'close' } as const
  // Once its key is another one it may be another thing: nothing holds it to this target when it is looked at the next time.
  const isOther = work.isTwin && lane.sync.match.length > 0 && !holdings.some((held) => sharesKey(lane, work, held))
  if (isOther && entityOf(lane) === undefined) return { ...dead, unlink: 'released', delivered: null }
  // Linked, so that the target stays for it when the first one leaves.
  work.newlyMatched ||= !work.isTwin
  work.targetId = owner.targetId
  return { ...dead, link: true }
}

const again = (what: string, retryInMs: number): Settlement => ({
  state: 'pending',
  error: new CausewayError('CSW-5007', { what }).toJSON(),
  retryInMs,
})

/** Fields that the first record holds there and that this write would make others, or take away. */
function differing(lane: Lane, work: Work, held: JsonText): string[] {
  const sent = work.operation === 'upsert' ? work.values.value : work.send.value
  const fields = Object.entries(sent).flatMap(([field, value]) =>
    holds(held, field) && !isSame(lane, work, held, field, value) ? [field] : [],
  )
  const replaces =
    work.operation === 'update' && lane.target.streams.get(lane.sync.to.stream)?.abilities.partialUpdate !== true
  const dropped = replaces
    ? Object.keys(held.value).filter((field) => !isMark(field) && !Object.hasOwn(sent, field))
    : []
  const stood = lane.sync.content && work.record.content !== null ? held.value[CONTENT_MARK] : undefined
  const isOtherFile = stood !== undefined && stood !== contentMark(work)
  return [...fields, ...dropped, ...(isOtherFile ? ['content'] : [])]
}

const isMark = (field: string): boolean => field.startsWith('~')

function holds({ value }: JsonText, field: string): boolean {
  const hashes = value[HASHES]
  return Object.hasOwn(value, field) || (isObject(hashes) && Object.hasOwn(hashes as JsonObject, field))
}

const isSame = (lane: Lane, work: Work, held: JsonText, field: string, value: Json): boolean =>
  Object.hasOwn(held.value, field)
    ? sameJson(held.value[field], value)
    : isDelivered(lane.ports, { ...work, delivered: held }, field, value)

/** Whether one of the match keys still has the value that the first record put there. */
function sharesKey(lane: Lane, work: Work, held: JsonText): boolean {
  return lane.sync.match.some((key) =>
    key.every((field) => {
      const top = field.split('.')[0]!
      const [mine] = keysOf(work.values.value, [field])
      if (!mine) return false
      return Object.hasOwn(held.value, top)
        ? keysOf(held.value, [field]).some(({ value }) => value === mine.value)
        : isSame(lane, work, held, top, work.values.value[top]!)
    }),
  )
}
