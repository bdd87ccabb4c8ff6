/** By what a write is kept apart from others of the same target record, while it is under way. */
import { digest } from '../core/index.ts'
import { canUpsert } from './match.ts'
import { keysOf } from './ports.ts'
import type { Lane, Work } from './work.ts'

/** By target id: natural keys that the hub knows of targets that are taken back. */
type KnownKeys = ReadonlyMap<string, Work['matchKey']>
const NONE_KNOWN: KnownKeys = new Map()

/** Read from the ledger too, for what was delivered tells no values of streams that are kept as hashes. */
export async function knownKeys(lane: Lane, works: Work[]): Promise<KnownKeys> {
  const leaving = works.filter(({ takenBack, operation }) => takenBack && operation !== null)
  const ids = leaving.flatMap(({ targetId }) => (targetId === null ? [] : [targetId]))
  const fields = ids.length ? naturalFields(lane) : []
  return fields.length ? lane.ports.ledger.readTargetKeys(lane.row.toStream, ids, fields) : NONE_KNOWN
}

/**
 * What nobody else may write meanwhile: the target record; of one that is taken back also the natural keys that it has there, for an upsert of
 * another record by one of them would find it.
 */
export function keysHeld(lane: Lane, work: Work, known: KnownKeys): [string, ...string[]] {
  const key = targetKey(lane, work)
  if (!work.takenBack || work.operation === null) return [key]
  const delivered = work.delivered ? keysOf(work.delivered.value, naturalFields(lane)) : []
  const keys = [...delivered, ...((work.targetId !== null && known.get(work.targetId)) || [])]
  return [key, ...new Set(keys.map((one) => naturalKey([one])))]
}

const naturalFields = (lane: Lane): string[] =>
  lane.sync.match.filter((one) => canUpsert(lane, one)).map(([field]) => field!)

/** What must be unique while a write is under way: the target id, or the match key of a record that does not exist yet. */
function targetKey(lane: Lane, work: Work): string {
  if (work.targetId !== null) return `id:${digest(work.targetId)}`
  if (work.matchKey.length) return naturalKey(work.matchKey)
  return `src:${lane.row.id}:${digest(`${work.record.id}\n${work.part}`)}`
}

const naturalKey = (key: Work['matchKey']): string =>
  `key:${digest(key.map(({ field, value }) => `${field}\n${value}`).join('\n'))}`

/** What else a record about to be created could be found by, where other syncs match this stream by other fields. */
export const guardsOf = (lane: Lane, work: Work): string[] =>
  lane.targetKeys.length < 2
    ? []
    : keysOf(work.values.value, lane.targetKeys).map(({ field, value }) => digest(`${field}\n${value}`))

/** Of a pair only one direction writes at a time. */
export function pairGuards(lane: Lane, work: Work): string[] {
  if (!lane.sync.twoWay || work.targetId === null) return []
  const ends = [`${lane.row.fromStream}\n${work.record.id}`, `${lane.row.toStream}\n${work.targetId}`]
  return [digest(['pair', ...ends.sort()].join('\n'))]
}
