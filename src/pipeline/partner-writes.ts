/** Writes of the other direction of a two-way sync that are under way, or whose outcome is unknown. */
import { CausewayError, isObject, type Json, type JsonObject } from '../core/index.ts'
import { CONTENDED_RETRY_MS } from './failures.ts'
import { keyText, linkKey, type WritesUnderWay } from './ports.ts'
import type { Lane, Settlement, Work } from './work.ts'

/** A write whose outcome is unknown for so long waits for a look-up or a person. */
const LONG_MS = 10_000
const LONG_RETRY_MS = 30_000
/**
 * A create without a key could have made any record. What it did make is first seen soon after; what comes later is taken for a
 * record of its own, or one that hangs would keep every new record back for ever.
 */
const KEYLESS_MS = 60 * 60_000

/**
 * Works whose source record the other direction is writing wait until it is known what came of that: until then its new values
 * look like edits, and a record that it made like a new one. Gives the others.
 */
export async function deferToWrites(lane: Lane, works: Work[]): Promise<Work[]> {
  const partner = lane.sync.twoWay && lane.ports.model().syncByName(lane.sync.twoWay.partner)
  const open = works.filter((work) => !work.settlement)
  if (!partner || lane.ports.knowsEchoes === false || !open.length) return open
  const ids = [...new Set(open.map((work) => work.record.id))]
  const writes = await lane.ports.ledger.readWritesUnderWay(partner.row.id, lane.row.fromStream, ids)
  const madeBy = makersOf(writes)
  const now = lane.ports.clock.now().getTime()
  for (const work of open) {
    const since = writes.records.get(work.record.id) ?? (work.targetId === null ? madeBy(work) : undefined)
    if (since) work.settlement = waits(now - since.getTime())
  }
  await deferToNewLinks(lane, open)
  return open.filter((work) => !work.settlement)
}

/**
 * The other direction may have ended its create between our look at the links and the one at its writes: a link that is there by now
 * tells whose record this is. Such works come again at once.
 */
async function deferToNewLinks(lane: Lane, works: Work[]): Promise<void> {
  const unlinked = works.filter((work) => !work.settlement && work.targetId === null)
  if (!unlinked.length) return
  const ids = [...new Set(unlinked.map((work) => work.record.id))]
  const links = await lane.ports.ledger.findTargets(lane.row.fromStream, lane.row.toStream, ids)
  for (const work of unlinked) if (links.has(linkKey(work.record.id, work.part))) work.settlement = waits(0)
}

/**
 * Which create may have made a record, and since when it is under way: one that began before the record was first seen, unless the
 * record shows another value of its match key.
 */
function makersOf({ creates, firstSeen }: WritesUnderWay): (work: Work) => Date | undefined {
  const byKey = Map.groupBy(creates, ({ matchKey: [key] }) => (key ? textOf(key.field, key.value) : ''))
  const fields = [...new Set(creates.flatMap(({ matchKey: [key] }) => (key ? [key.field] : [])))]
  return ({ record }) => {
    const at = firstSeen.get(record.id)
    const body = record.body?.value
    if (!at || !body) return undefined
    const shown = fields.flatMap((field) => {
      const value = keyText(valueAt(body, field))
      return value === null ? [] : [textOf(field, value)]
    })
    return ['', ...shown]
      .flatMap((key) => byKey.get(key) ?? [])
      .find(({ openedAt, matchKey }) => {
        const after = at.getTime() - openedAt.getTime()
        return after >= 0 && (matchKey.length > 0 || after <= KEYLESS_MS)
      })?.openedAt
  }
}

/** Systems change case, blanks and signs of what identifies a record. */
const textOf = (field: string, value: string): string =>
  `${field}\n${value
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')}`

function valueAt(body: Json, field: string): Json | undefined {
  let value: Json | undefined = body
  for (const step of field.split('.')) value = isObject(value) ? (value as JsonObject)[step] : undefined
  return value
}

const waits = (ageMs: number): Settlement => ({
  state: 'pending',
  error: new CausewayError('CSW-5007', { what: 'the other direction of the sync is writing this record' }).toJSON(),
  retryInMs: ageMs < LONG_MS ? CONTENDED_RETRY_MS : LONG_RETRY_MS,
})
