import { digest, type JsonObject, parseExact } from '../core/index.ts'
import type { MapOutput } from '../mapping/index.ts'
import type { DeliveryRow, IntentRow } from './ports.ts'
import type { BatchRecord, Lane, Work } from './work.ts'

/**
 * Decides per record what it asks of the target: parts to bring about, parts to take back, or nothing. Pure; whatever needs a
 * look at links or the target comes after.
 */
export function decide(
  lane: Lane,
  record: BatchRecord,
  output: MapOutput,
  existing: DeliveryRow[],
  intents: IntentRow[],
): Work[] {
  const before = new Map(existing.map((row) => [row.part, row]))
  const make = (part: string, values: JsonObject = {}): Work => newWork(record, part, values, before.get(part), intents)
  if (record.deleted) return existing.map((row) => takeBack(lane, make(row.part), lane.sync.deletes))
  if (output.status === 'failed') {
    // A mapping gives the same result again: it becomes a dead letter at once, not after many attempts.
    return [{ ...make(''), settlement: { state: 'dead', dead: true, error: output.error } }]
  }
  if (output.status === 'filtered') {
    const left = existing
      .filter((row) => row.delivered !== null)
      .map((row) => takeBack(lane, make(row.part), lane.sync.onLeave))
    return left.length ? left : [{ ...make(''), settlement: { state: 'skipped' } }]
  }
  const works = output.parts.map((part) => make(part.part, part.values))
  if (!lane.sync.multipart) return works
  const wanted = new Set(output.parts.map((part) => part.part))
  const vanished = existing.filter((row) => row.part !== '' && !wanted.has(row.part) && row.state !== 'gone')
  // Part '' stands for the record as a whole, so that a record without any part has a delivery row too.
  const whole: Work = { ...make(''), settlement: { state: 'delivered' } }
  return [whole, ...works, ...vanished.map((row) => takeBack(lane, make(row.part), lane.sync.deletes))]
}

function newWork(
  record: BatchRecord,
  part: string,
  values: JsonObject,
  existing: DeliveryRow | undefined,
  intents: IntentRow[],
): Work {
  return {
    record,
    part,
    existing,
    delivered: existing?.delivered ? (parseExact(existing.delivered) as JsonObject) : null,
    values,
    targetId: null,
    newlyMatched: false,
    known: null,
    doubt: intents.find((intent) => intent.part === part && intent.operation === 'create'),
    matchKey: [],
    operation: null,
    takenBack: false,
    send: {},
    intent: undefined,
    settlement: null,
  }
}

/** A part that must no longer stand in the target as it is: deleted in the source, filtered out, or vanished. */
function takeBack(lane: Lane, work: Work, policy: 'ignore' | 'keep' | 'unlink' | 'deactivate' | 'delete'): Work {
  const after = work.record.deleted ? 'gone' : 'skipped'
  work.takenBack = true
  if (work.doubt) {
    // Perhaps it was created, and nothing is left to look it up by.
    work.settlement = { state: 'dead', dead: true, error: doubtError(work) }
  } else if (work.delivered === null) work.settlement = { state: after }
  else if (policy === 'ignore' || policy === 'keep') work.settlement = { state: after }
  else if (policy === 'unlink') work.settlement = { state: after, unlink: 'released', delivered: null }
  else if (policy === 'delete') work.operation = 'delete'
  else {
    work.values = lane.sync.deactivate ?? {}
    work.operation = 'update'
  }
  return work
}

function doubtError(work: Work) {
  return {
    code: 'CSW-5004' as const,
    what: `the record left the source while the outcome of its create was unknown (part "${work.part}")`,
    why: 'It is unknown whether a create took effect, and the record it came from is gone.',
    fix: 'Look in the target for a record from this source; remove it there if it exists, then discard this letter.',
    reaction: 'dead-letter' as const,
    causeClass: 'data' as const,
  }
}

/** Stable over all attempts to bring about one state of one part. */
export const idempotencyKey = (work: Work, syncName: string): string =>
  digest(`${syncName}\n${work.record.id}\n${work.part}\n${work.record.seq}`)
