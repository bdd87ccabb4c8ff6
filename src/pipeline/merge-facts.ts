/** What decides conflicts: policies, when each side was changed, and what people said. */
import type { Json } from '../core/index.ts'
import { isLenient, type There } from './ask-sides.ts'
import { pathOf, stepsOf } from './conflict-paths.ts'
import { type FieldConflict, mergeFields, type Parties, resolve, type Verdict } from './merge-fields.ts'
import { storedOf, versionOfOthers } from './merged.ts'
import type { ConflictKey, ConflictRow, ConflictWrite, SyncRow } from './ports.ts'
import type { Lane, Work } from './work.ts'

/** The conflict of a whole record stands in the queue under this field. */
export const WHOLE = ''

export const isForward = (lane: Lane): boolean => lane.sync.twoWay!.direction === 'forward'

/** A conflict has one place, whichever direction finds it: that of the field of `to`, where there is one. */
export const conflictKey = (lane: Lane, work: Work, path: string): ConflictKey =>
  keyAt(lane, work, isForward(lane) ? path : inWordsOfTo(lane, path))

/** The places under which all that is inside a field stands. */
export function placesOf(lane: Lane, work: Work, field: string): ConflictKey[] {
  const { paths, pairs } = lane.sync.twoWay!
  if (isForward(lane)) return [keyAt(lane, work, pathOf([field]))]
  const inside = Object.entries(paths).flatMap(([path, to]) => (path.split('.')[0] === field ? [to] : []))
  const places = inside.length ? inside : (own(pairs, field) ?? [field]).map((to) => pathOf([to]))
  return places.map((place) => keyAt(lane, work, place))
}

function keyAt(lane: Lane, work: Work, field: string): ConflictKey {
  const [fromId, toId] = isForward(lane) ? [work.record.id, work.targetId!] : [work.targetId!, work.record.id]
  return { fromId, toId, field }
}

/** A path of `from` as `to` calls it: `both` may pair what is inside an object with another place. */
function inWordsOfTo(lane: Lane, path: string): string {
  const { paths, pairs } = lane.sync.twoWay!
  const steps = stepsOf(path)
  for (let count = steps.length; count > 0; count--) {
    const paired = own(paths, pathOf(steps.slice(0, count)))
    if (paired !== undefined) return pathOf([...paired.split('.'), ...steps.slice(count)])
  }
  const [field, ...inside] = steps
  const [to] = own(pairs, field!) ?? []
  return to === undefined ? path : pathOf([to, ...inside])
}

const own = <T>(record: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined

/** True where the record has changed since this direction looked at it last: it may be due for other reasons. */
export const isNews = ({ record, existing }: Work): boolean => record.seq > (existing?.sourceSeq ?? 0)

/** A conflict as people see it. */
export function conflictOf(lane: Lane, work: Work, { field, path, mine, theirs, base }: FieldConflict): ConflictWrite {
  const [from, to] = isForward(lane) ? [mine, theirs] : [theirs, mine]
  return {
    ...conflictKey(lane, work, path),
    asker: { recordId: work.record.id, field, isNews: isNews(work) },
    other: { recordId: work.targetId!, mark: work.merge!.otherMark },
    side: isForward(lane) ? 'to' : 'from',
    base: base === undefined ? null : JSON.stringify(base),
    fromValue: JSON.stringify(from),
    toValue: JSON.stringify(to),
  }
}

export function standingOf(lane: Lane, rows: ConflictRow[], work: Work, path: string): ConflictRow | undefined {
  const key = conflictKey(lane, work, path)
  return rows.find((row) => row.fromId === key.fromId && row.toId === key.toId && row.field === key.field)
}

export type Facts = {
  verdict(work: Work, conflict: FieldConflict): Verdict
  toWrite(work: Work, conflict: FieldConflict): ConflictWrite
  /** Paths that a person decided: for the other side, which has to write (`held`), or for ours. */
  answersOf(work: Work): { held: string[]; answered: string[] }
}

/** What decides conflicts: policies, times, and what people said. Read only where there is a conflict. */
export async function factsOf(lane: Lane, works: Work[], there: ReadonlyMap<Work, There>): Promise<Facts> {
  const { conflict } = lane.sync.twoWay!
  const hit = works.filter((work) => {
    let found = false
    mergeFields({
      mine: work.values.value,
      base: work.merge!.before,
      theirs: there.get(work)?.body ?? {},
      stored: storedOf(work.merge!.mark),
      lenient: isLenient(work, there.get(work)),
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
  const toWrite = (work: Work, found: FieldConflict): ConflictWrite => conflictOf(lane, work, found)
  const answers = new Map<Work, { held: string[]; answered: string[] }>()
  const answersOf = (work: Work) => answers.get(work) ?? { held: [], answered: [] }
  return {
    toWrite,
    answersOf,
    verdict: (work, found) => {
      const policy = Object.hasOwn(conflict.fields, found.field) ? conflict.fields[found.field]! : conflict.default
      const row = standingOf(lane, decided, work, found.path)
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

export const NO_TIMES = (lane: Lane): Parties => ({ mineIsFrom: isForward(lane), mineAt: null, theirsAt: null })

/** What a person decided, as long as it is about these values. A value of its own is written by the direction whose words it is in. */
export function verdictOf(lane: Lane, row: ConflictRow, now: ConflictWrite): Verdict | null {
  if (row.state !== 'decided') return null
  if (row.side === now.side && (row.fromValue !== now.fromValue || row.toValue !== now.toValue)) return null
  if (row.decision === 'value') return row.side === now.side ? { value: JSON.parse(row.value!) as Json } : 'theirs'
  return (row.decision === 'from') === isForward(lane) ? 'mine' : 'theirs'
}

export const decisionsOf = (lane: Lane, works: Work[]): Promise<ConflictRow[]> =>
  lane.ports.ledger.readConflicts(
    forwardOf(lane).id,
    isForward(lane) ? 'from' : 'to',
    works.map((work) => work.record.id),
  )

/** The sync that conflicts are kept under. */
export const forwardOf = (lane: Lane): SyncRow =>
  isForward(lane) ? lane.row : lane.ports.model().syncByName(lane.sync.twoWay!.partner)!.row

const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$/
/** When a version says that it was made, where versions are times; in ms. */
export const timeOf = (version: string | null | undefined): number | null =>
  version && INSTANT.test(version) ? Date.parse(version) : null

/**
 * When each side was changed by somebody else than the hub: by the version of its record where that is a time, else when the hub first saw
 * it so.
 */
export async function timesOf(lane: Lane, works: Work[], there: ReadonlyMap<Work, There>): Promise<Map<Work, Parties>> {
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
      const { mark } = work.merge!
      // Of a deletion both directions take the time that the log has, or they would decide otherwise.
      const thereVersion = side?.missing ? theirs?.version : side?.version
      const isKnown = theirs !== undefined && theirs.version !== null && theirs.version === side?.version
      const seen = isKnown || side?.fromLog || side?.missing ? theirs?.observedAt.getTime() : clock.now().getTime()
      return [
        work,
        {
          mineIsFrom: isForward(lane),
          mineAt: timeOf(versionOfOthers(mine?.version, mark.ownHere)) ?? mine?.observedAt.getTime() ?? null,
          theirsAt: timeOf(versionOfOthers(thereVersion, mark.ownThere)) ?? seen ?? null,
        },
      ]
    }),
  )
}

/** False for a field that only the way back writes, as far as the file says so: the target's own is news there. */
export const isBoth = ({ sync }: Lane, field: string): boolean => {
  const pairs = sync.twoWay!.pairs
  return !Object.keys(pairs).length || Object.hasOwn(pairs, field)
}
