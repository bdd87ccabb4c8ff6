import type { EntityType } from './contract.ts'
import { blocksOf, type Features, featuresOf, type Shown } from './features.ts'
import type { HeldLease, IdentityPorts, IdentityRow, MemberRow, RecordPair } from './ports.ts'
import { score } from './score.ts'
import { judge, type Membership, type Pair, parseRecordKey, type RecordKey, recordKey } from './verdicts.ts'

/** Records that are judged at once. */
const BATCH = 300

type Matching = {
  ports: Pick<IdentityPorts, 'book'>
  type: EntityType
  lease: HeldLease
  counts: { matched: number; linked: number; proposed: number }
}

/**
 * Holds all records that changed against the others, except those that may belong together with what a create under way has made: they
 * stay for a later round. False when it was broken off.
 */
export async function matchPending(matching: Matching, stopped: () => boolean): Promise<boolean> {
  const { book } = matching.ports
  for (let last: IdentityRow | null = null; ; ) {
    if (stopped()) return false
    const pending = await book.readPending(matching.type.name, last, BATCH)
    if (!pending.length) return true
    await matchBatch(matching, pending)
    last = pending.at(-1)!
  }
}

async function matchBatch({ ports, type, lease, counts }: Matching, pending: IdentityRow[]): Promise<void> {
  const { book } = ports
  const known = new Known(type)
  known.add(pending)
  const pairs = await pairsOf(book, known, pending)
  const own = new Set(pending.map(keyOf))
  // A partner that is certain may have a better one: without the partner's own candidates nobody would know.
  const partners = new Map<RecordKey, IdentityRow>()
  for (const { left, right, score } of pairs.values())
    if (score.points >= type.linkAt)
      for (const key of [left, right]) if (!own.has(key)) partners.set(key, known.row(key))
  for (const [key, pair] of await pairsOf(book, known, [...partners.values()])) pairs.set(key, pair)

  const worth = [...pairs.values()].filter(({ score }) => score.points >= type.reviewAt)
  const rejected = new Set((await book.findRejected(worth.map(toRecordPair))).map(textOf))
  const unrejected = worth.filter((pair) => !rejected.has(textOf(toRecordPair(pair))))
  // Before the members: a create that ends in between is seen in one of the two.
  const waiting = await waitingFor(book, type, unrejected)
  const possible = unrejected.filter(({ left }) => !waiting.has(left))
  const matched = pending.filter((row) => !waiting.has(keyOf(row)))
  const members = membership(await book.readMembers(possible.flatMap(({ left, right }) => [left, right]).map(toRecord)))
  const linked = possible.filter(({ left, right }) => members.entityOf.has(left) && members.entityOf.has(right))
  const verdicts = judge(type, linked, members)
  const ofBatch = ({ left, right }: Pair): boolean => own.has(left) || own.has(right)
  const merges = verdicts.merges.map(({ into, from, pair }) => ({ into, from, ...weighed(pair) }))
  const reviews = verdicts.reviews
    .filter(({ pair }) => ofBatch(pair))
    .map(({ kind, pair }) => {
      const { pair: records, points, reasons } = weighed(pair)
      return { kind, ...records, points, reasons }
    })
  await book.commitMatches(lease, { type: type.name, matched, merges, reviews })
  counts.matched += matched.length
  counts.linked += merges.length
  counts.proposed += reviews.length
}

/**
 * Records that may be what a create under way has made, and all that might belong to them over any number of pairs: judged without each
 * other, somebody who looks alike would take the place of the right one.
 */
async function waitingFor(
  book: IdentityPorts['book'],
  type: EntityType,
  pairs: readonly Pair[],
): Promise<ReadonlySet<RecordKey>> {
  const records = [...new Set(pairs.flatMap(({ left, right }) => [left, right]))]
  const waiting = new Set((await book.findUnsettled(type.name, records.map(toRecord))).map(keyOf))
  if (!waiting.size) return waiting
  const partners = new Map<RecordKey, RecordKey[]>(records.map((key) => [key, []]))
  for (const { left, right } of pairs) {
    partners.get(left)!.push(right)
    partners.get(right)!.push(left)
  }
  // A set that grows while it is gone through is gone through to its end.
  for (const key of waiting) for (const partner of partners.get(key)!) waiting.add(partner)
  return waiting
}

/** Rows with their features, each taken apart once. */
class Known {
  readonly #type: EntityType
  readonly #rows = new Map<RecordKey, { row: IdentityRow; features: Features }>()

  constructor(type: EntityType) {
    this.#type = type
  }

  add(rows: readonly IdentityRow[]): void {
    for (const row of rows)
      this.#rows.set(keyOf(row), { row, features: featuresOf(this.#type, JSON.parse(row.shown) as Shown) })
  }

  has(key: RecordKey): boolean {
    return this.#rows.has(key)
  }

  row(key: RecordKey): IdentityRow {
    return this.#rows.get(key)!.row
  }

  pair(a: RecordKey, b: RecordKey): Pair {
    const [left, right] = inOrder(a, b)
    const normal = (key: RecordKey) => this.#rows.get(key)!.features.normal
    return { left, right, score: score(this.#type, normal(left), normal(right)) }
  }

  marks(key: RecordKey): string[] {
    return blocksOf(this.#rows.get(key)!.features.keys)
  }

  get type(): EntityType {
    return this.#type
  }
}

/** The pairs of some records with all that share a mark with them, by the text of the pair. */
async function pairsOf(
  book: IdentityPorts['book'],
  known: Known,
  rows: readonly IdentityRow[],
): Promise<Map<string, Pair>> {
  const marks = rows.flatMap((row, of) => known.marks(keyOf(row)).map((key) => ({ of, key })))
  const found = await book.findCandidates(known.type.name, marks)
  const missing = new Map(found.map((one) => [keyOf(one), one] as const).filter(([key]) => !known.has(key)))
  known.add(await book.readIdentities([...missing.values()]))
  const pairs = new Map<string, Pair>()
  for (const candidate of found) {
    const [one, other] = [keyOf(rows[candidate.of]!), keyOf(candidate)]
    if (one === other || !known.has(other)) continue
    const key = inOrder(one, other).join('\n')
    if (!pairs.has(key)) pairs.set(key, known.pair(one, other))
  }
  return pairs
}

const keyOf = ({ streamId, recordId }: { streamId: number; recordId: string }): RecordKey =>
  recordKey(streamId, recordId)

/** As the ledger orders a pair: by stream, then by id. */
function inOrder(a: RecordKey, b: RecordKey): [RecordKey, RecordKey] {
  const [one, other] = [parseRecordKey(a), parseRecordKey(b)]
  const first = one.streamId < other.streamId || (one.streamId === other.streamId && one.id < other.id)
  return first ? [a, b] : [b, a]
}

function toRecord(key: RecordKey): { streamId: number; recordId: string } {
  const { streamId, id } = parseRecordKey(key)
  return { streamId, recordId: id }
}

function toRecordPair({ left, right }: Pair): RecordPair {
  const [one, other] = [toRecord(left), toRecord(right)]
  return { leftStream: one.streamId, leftId: one.recordId, rightStream: other.streamId, rightId: other.recordId }
}

const textOf = ({ leftStream, leftId, rightStream, rightId }: RecordPair): string =>
  JSON.stringify([leftStream, leftId, rightStream, rightId])

const weighed = (pair: Pair) => ({
  pair: toRecordPair(pair),
  points: pair.score.points,
  reasons: JSON.stringify(pair.score.reasons),
})

function membership(rows: readonly MemberRow[]): Membership {
  const members: Membership = { entityOf: new Map(), streamsOf: new Map() }
  for (const row of rows) {
    members.entityOf.set(keyOf(row), row.entityId)
    const streams = members.streamsOf.get(row.entityId) ?? new Set<number>()
    members.streamsOf.set(row.entityId, streams.add(row.streamId))
  }
  return members
}
