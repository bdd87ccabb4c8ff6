import type { SourceRecord } from '../connector/index.ts'
import { CausewayError, isObject, type Json, type JsonObject, parseExact } from '../core/index.ts'
import type { MatchKey } from '../mapping/index.ts'
import { findDoubtful, settleDoubt, wasLookedFor } from './doubt.ts'
import { awaitMatcher, awaitReviews, notApart, seeLinked } from './identity-wait.ts'
import { choose, holds, lookUp } from './look-up.ts'
import { deferToWrites } from './partner-writes.ts'
import { keyText, type LinkedTarget, type LogBody, linkKey } from './ports.ts'
import { holdUnmatched, isBlindTo } from './pull-wait.ts'
import { reviveLinks } from './revive.ts'
import type { Lane, Settlement, Work } from './work.ts'

/**
 * Finds the target record of each part: by link, then by match key in the target's own stream of the change log, then by a
 * batched look-up in the target. What is found nowhere will be created. Never one call per record where a batch filter exists.
 * `targets`: by link key, as `findTargets` gives them.
 */
export async function matchTargets(
  lane: Lane,
  works: Work[],
  targets: ReadonlyMap<string, LinkedTarget>,
): Promise<void> {
  const open = works.filter((work) => !work.settlement)
  for (const work of open) {
    const target = targets.get(linkKey(work.record.id, work.part))
    work.targetId = target?.id ?? null
    work.isTwin = target?.isTwin ?? false
  }
  await reviveLinks(lane, open)
  await spareTwins(lane, open)
  if (lane.sync.twoWay)
    await deferToWrites(
      lane,
      open.filter(({ targetId, takenBack }) => targetId === null && !takenBack),
    )
  const standing = await awaitMatcher(lane, open)
  await findDoubtful(lane, open, standing)
  await seeLinked(lane, open)
  const unlinked = open.filter((work) => work.targetId === null && !work.takenBack && !work.settlement)
  const unseen = new Set<Work>()
  for (const key of lane.sync.match) {
    const keyed = unlinked.filter((work) => work.targetId === null && !work.settlement && setMatchKey(work, key))
    if (!keyed.length) continue
    if (canUpsert(lane, key)) {
      await refuseApart(lane, keyed, key, standing)
      continue
    }
    if (await isBlindTo(lane, key)) for (const work of keyed) unseen.add(work)
    await matchByLog(lane, keyed, key, standing)
    const misses = keyed.filter((work) => work.targetId === null && !work.settlement && !wasLookedFor(work, key))
    await matchByLookup(lane, misses, key, standing)
  }
  holdUnmatched(lane, [...unseen])
  awaitReviews(open, standing)
  for (const work of open) if (work.targetId === null && !work.settlement && work.doubt) settleDoubt(lane, work)
  for (const work of open) if (work.takenBack && work.targetId === null && !work.settlement) leaveAlone(work)
}

/** What has no link any more cannot be taken back: nothing is sent, and nothing counted as sent. */
function leaveAlone(work: Work): void {
  work.operation = null
  work.settlement = { state: work.record.deleted ? 'gone' : 'skipped', delivered: null }
}

/** A native upsert finds the record by itself; modes that must know whether it exists look first. */
export function canUpsert(lane: Lane, key: MatchKey): boolean {
  const abilities = lane.target.streams.get(lane.sync.to.stream)?.abilities
  return (
    abilities?.upsert === true &&
    key.length === 1 &&
    abilities.upsertBy.includes(key[0]!) &&
    lane.sync.mode === 'upsert'
  )
}

/**
 * A target that stands for several source records is not taken back while one of the others lives. Nor is one that a create of unknown outcome
 * made, which has no link of its own, once it was linked for another one.
 */
export async function spareTwins(lane: Lane, works: Work[]): Promise<void> {
  const taking = works.filter((work) => work.takenBack && work.targetId !== null)
  if (!taking.length) return
  const twins = await lane.ports.ledger.findTwins(
    lane.row.fromStream,
    taking.map((work) => ({ recordId: work.record.id, part: work.part })),
  )
  const owned = await ownedByOthers(
    lane,
    taking.filter((work) => work.newlyMatched),
  )
  for (const work of taking) {
    const key = linkKey(work.record.id, work.part)
    const twin = twins.get(key) ?? (owned.has(key) ? 'shared' : undefined)
    if (!twin) continue
    work.operation = null
    const state = work.record.deleted ? 'gone' : 'skipped'
    work.settlement = { state, delivered: null, unlink: 'released', ...(twin === 'merged' ? secondOf(work) : {}) }
  }
}

async function ownedByOthers(lane: Lane, works: Work[]): Promise<Set<string>> {
  const asking = works.map(({ record, part, targetId }) => ({ recordId: record.id, part, targetId: targetId! }))
  const owners = await lane.ports.ledger.findOwners(lane.row.fromStream, lane.row.toStream, asking)
  return new Set(owners.map(({ asker }) => asker))
}

/** Of two merged records each had a counterpart: which of these is to live on there, a person says. */
function secondOf({ targetId }: Work): Pick<Settlement, 'dead' | 'error'> {
  const what = `the record was merged into another one that is linked by itself, and target record ${targetId} is left as it is`
  return { dead: true, error: new CausewayError('CSW-5025', { what, data: { target: targetId } }).toJSON() }
}

/** Notes the first complete match key; false when one of its fields has no usable value. */
function setMatchKey(work: Work, key: MatchKey): boolean {
  const values = key.map((field) => ({ field, value: keyText(valueAt(work.values.value, field)) }))
  if (values.some(({ value }) => value === null)) return false
  if (!work.matchKey.length) work.matchKey = values as { field: string; value: string }[]
  return true
}

function valueAt(body: Json, field: string): Json | undefined {
  let value: Json | undefined = body
  for (const step of field.split('.')) value = isObject(value) ? (value as JsonObject)[step] : undefined
  return value
}

const keyValues = (work: Work, key: MatchKey): string[] =>
  key.map((field) => keyText(valueAt(work.values.value, field))!)

type Standing = Awaited<ReturnType<typeof awaitMatcher>>

/** A target that finds the record by itself would write over one that a person said is another. */
async function refuseApart(lane: Lane, works: Work[], key: MatchKey, standing: Standing): Promise<void> {
  const split = works.filter(({ record }) => standing?.apart.has(record.id))
  if (!split.length) return
  const values = split.map((work) => keyValues(work, key)[0]!)
  const hits = await lane.ports.ledger.findByKey(lane.row.toStream, key[0]!, [...new Set(values)])
  for (const [i, work] of split.entries()) {
    const other = hits.get(values[i]!)?.find((id) => standing!.apart.get(work.record.id)!.has(id))
    if (other === undefined) continue
    const what = `target record ${other} has the same ${key[0]}, and a person said that it is another one`
    work.settlement = { state: 'dead', dead: true, error: new CausewayError('CSW-5002', { what }).toJSON() }
  }
}

async function matchByLog(lane: Lane, works: Work[], key: MatchKey, standing: Standing): Promise<void> {
  const { ledger } = lane.ports
  // In doubt only the target itself knows.
  const asking = works.filter((work) => !work.doubt)
  const hits = await ledger.findByKey(lane.row.toStream, key[0]!, [
    ...new Set(asking.map((work) => keyValues(work, key)[0]!)),
  ])
  if (!hits.size) return
  for (const work of asking) {
    const ids = hits.get(keyValues(work, key)[0]!)
    if (ids) work.seen = new Set([...work.seen, ...ids])
  }
  const ids = [...new Set([...hits.values()].flat())]
  const [bodies, left] = await Promise.all([
    ledger.readBodies(lane.row.toStream, ids),
    ledger.findGoneTargets(lane.row.toStream, ids),
  ])
  const rows = new Map(bodies.map((row) => [row.id, row]))
  // What the log does not hold is asked for: records that we wrote ourselves a moment ago, those it keeps as hashes, and those that the hub
  // deleted since they were read.
  // Nor is the log asked again about what the target did not show when it was written; of two sides neither takes silence for a deletion.
  const missed = new Set(
    asking.flatMap((work) =>
      work.existing?.notShown && !lane.sync.twoWay ? (hits.get(keyValues(work, key)[0]!) ?? []) : [],
    ),
  )
  const isLeft = ({ id, observedAt }: LogBody): boolean =>
    missed.has(id) || (left.has(id) && left.get(id)! > observedAt)
  const own = ids.filter((id) => !rows.has(id) || isHashed(rows.get(id)!) || isLeft(rows.get(id)!))
  const asked = own.length ? await fetchOwn(lane, own) : []
  if (!asked) refuseHashed(lane, asking, key, hits, rows)
  const fetched = asked ?? []
  // Where the target can be asked neither by id nor by key: should it have been restored, a letter is better than a second record.
  const believed = !asked && !key.some((field) => canLookUp(lane, field))
  for (const work of asking) {
    if (work.settlement) continue
    const wanted = keyValues(work, key)
    const candidates = (hits.get(wanted[0]!) ?? []).flatMap((id): SourceRecord[] => {
      const row = rows.get(id)
      if (row && !isHashed(row) && (believed || !isLeft(row)))
        return row.deleted || row.body === null
          ? []
          : [{ id, version: row.version, body: parseExact(row.body) as SourceRecord['body'] }]
      // Written by us a moment ago and perhaps not in the target's search yet: the record itself tells.
      return fetched.filter((record) => record.id === id && !record.deleted)
    })
    choose(
      work,
      notApart(
        standing,
        work,
        candidates.filter((record) => holds(record, key, wanted)),
      ),
      key,
    )
  }
}

const isHashed = (row: LogBody): boolean => row.body === null && row.dropped !== null && !row.deleted

const canLookUp = (lane: Lane, field: string): boolean =>
  lane.target.streams.get(lane.sync.to.stream)?.abilities.lookup.includes(field) === true

/**
 * A target whose records are kept as hashes, and that can be asked neither by id nor by key, leaves nothing to decide by: a
 * create might make a second one.
 */
function refuseHashed(
  lane: Lane,
  works: Work[],
  key: MatchKey,
  hits: ReadonlyMap<string, string[]>,
  rows: ReadonlyMap<string, LogBody>,
): void {
  if (key.some((field) => canLookUp(lane, field))) return
  for (const work of works) {
    const hashed = (hits.get(keyValues(work, key)[0]!) ?? []).find((id) => rows.has(id) && isHashed(rows.get(id)!))
    if (hashed === undefined) continue
    const what = `target record ${hashed} may be the one, is kept as hashes, and the target cannot be asked for it`
    work.settlement = { state: 'dead', dead: true, error: new CausewayError('CSW-5018', { what }).toJSON() }
  }
}

/** Records this hub wrote itself, by id. Null for a target that cannot fetch by id: then the look-up decides. */
async function fetchOwn(lane: Lane, ids: string[]): Promise<SourceRecord[] | null> {
  try {
    return await lane.target.fetch({ stream: lane.sync.to.stream, ids, signal: lane.signal })
  } catch (error) {
    if (error instanceof CausewayError && error.code === 'CSW-2003') return null
    throw error
  }
}

async function matchByLookup(lane: Lane, works: Work[], key: MatchKey, standing: Standing): Promise<void> {
  const field = key.find((name) => canLookUp(lane, name))
  if (field === undefined || !works.length) return
  const position = key.indexOf(field)
  const values = [...new Set(works.map((work) => keyValues(work, key)[position]!))]
  const { found, failed } = await lookUp(lane, field, values)
  for (const work of works) {
    const failure = failed.get(keyValues(work, key)[position]!)
    if (failure) {
      work.settlement = { state: 'dead', dead: true, error: failure.toJSON() }
      continue
    }
    const wanted = keyValues(work, key)
    const live = (found.get(wanted[position]!) ?? []).filter((record) => !record.deleted)
    const candidates = notApart(standing, work, live)
    choose(work, key.length === 1 ? candidates : candidates.filter((record) => holds(record, key, wanted)), key)
  }
}
