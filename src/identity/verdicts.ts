/** What becomes of candidate pairs: linked, shown to a person, or left. Pure; the ledger is read before and written after. */
import type { EntityType } from './contract.ts'
import type { Score } from './score.ts'

/** A record, by its stream's number and its id, as one text. */
export type RecordKey = string
export const recordKey = (streamId: number, id: string): RecordKey => `${streamId} ${id}`
export function parseRecordKey(key: RecordKey): { streamId: number; id: string } {
  const blank = key.indexOf(' ')
  return { streamId: Number(key.slice(0, blank)), id: key.slice(blank + 1) }
}

export type Pair = { left: RecordKey; right: RecordKey; score: Score }

/** The entities that are concerned, with all their records: those that are in use, one per stream, and their aliases. */
export type Membership = { entityOf: Map<RecordKey, number>; streamsOf: Map<number, Set<number>> }

export type Verdicts = {
  /** Entities that become one: `from` is taken over by `into`. In this order. */
  merges: { into: number; from: number; pair: Pair }[]
  reviews: { kind: 'match' | 'duplicate'; pair: Pair }[]
}

/** A second candidate that comes so near is as likely as the first. */
const CLOSE = 2
/** More proposals than these for one record are no help. */
const MOST_REVIEWS = 3

/**
 * Takes the best pairs first. Two records of one system are never made one without a person, because whatever is delivered from
 * both would fight over one record of the other system: they are reported as duplicates.
 */
export function judge(type: EntityType, pairs: readonly Pair[], members: Membership): Verdicts {
  const verdicts: Verdicts = { merges: [], reviews: [] }
  const entities = new Entities(members)
  const rivals = new Rivals(pairs, type.reviewAt)
  const asked = new Map<RecordKey, number>()
  const ask = (kind: 'match' | 'duplicate', pair: Pair): void => {
    const [left, right] = [asked.get(pair.left) ?? 0, asked.get(pair.right) ?? 0]
    if (Math.max(left, right) >= MOST_REVIEWS) return
    asked.set(pair.left, left + 1)
    asked.set(pair.right, right + 1)
    verdicts.reviews.push({ kind, pair })
  }
  for (const pair of [...pairs].sort((a, b) => b.score.points - a.score.points || (a.left < b.left ? -1 : 1))) {
    if (pair.score.points < type.reviewAt) break
    const [left, right] = [entities.of(pair.left), entities.of(pair.right)]
    if (left === right) continue
    const certain = pair.score.points >= type.linkAt
    const sameSystem = streamOf(pair.left) === streamOf(pair.right)
    if (sameSystem) {
      if (certain) ask('duplicate', pair)
    } else if (entities.collide(left, right)) {
      // One of them has its counterpart. Where this pair is certain too, there are two of somebody in one system.
      if (certain) ask('duplicate', pair)
    } else if (!certain || rivals.near(pair, (key, other) => entities.mayJoin(key, other))) ask('match', pair)
    else verdicts.merges.push({ ...entities.merge(left, right), pair })
  }
  return verdicts
}

const streamOf = (key: RecordKey): number => parseRecordKey(key).streamId

class Entities {
  readonly #members: Membership
  readonly #movedTo = new Map<number, number>()

  constructor(members: Membership) {
    this.#members = members
  }

  of(key: RecordKey): number {
    let entity = this.#members.entityOf.get(key)!
    for (let next = this.#movedTo.get(entity); next !== undefined; next = this.#movedTo.get(entity)) entity = next
    return entity
  }

  /** True when both have a record of the same stream. */
  collide(a: number, b: number): boolean {
    const theirs = this.#members.streamsOf.get(b)
    return [...(this.#members.streamsOf.get(a) ?? [])].some((stream) => theirs?.has(stream))
  }

  /** True for records of two entities that have room for each other. */
  mayJoin(key: RecordKey, other: RecordKey): boolean {
    const [a, b] = [this.of(key), this.of(other)]
    return a !== b && !this.collide(a, b)
  }

  /** The older one stays. */
  merge(a: number, b: number): { into: number; from: number } {
    const [into, from] = a < b ? [a, b] : [b, a]
    this.#movedTo.set(from, into)
    const streams = this.#members.streamsOf
    streams.set(into, new Set([...(streams.get(into) ?? []), ...(streams.get(from) ?? [])]))
    return { into, from }
  }
}

/** Pairs of a record with others of the same stream. */
class Rivals {
  readonly #byRecord = new Map<RecordKey, { other: RecordKey; points: number }[]>()

  constructor(pairs: readonly Pair[], least: number) {
    for (const { left, right, score } of pairs) {
      if (score.points < least) continue
      this.#add(left, right, score.points)
      this.#add(right, left, score.points)
    }
  }

  #add(key: RecordKey, other: RecordKey, points: number): void {
    const list = this.#byRecord.get(key)
    if (list) list.push({ other, points })
    else this.#byRecord.set(key, [{ other, points }])
  }

  /** True when one side of the pair might as well belong to another record of the other's stream, which is still free. */
  near(pair: Pair, mayJoin: (key: RecordKey, other: RecordKey) => boolean): boolean {
    const rival = (key: RecordKey, chosen: RecordKey): boolean =>
      (this.#byRecord.get(key) ?? []).some(
        ({ other, points }) =>
          other !== chosen &&
          streamOf(other) === streamOf(chosen) &&
          points > pair.score.points - CLOSE &&
          mayJoin(key, other),
      )
    return rival(pair.left, pair.right) || rival(pair.right, pair.left)
  }
}
