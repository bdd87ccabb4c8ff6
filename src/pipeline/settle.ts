import type { Exchange } from '../connector/index.ts'
import { backoffMs, CausewayError, type JsonObject, type JsonText, type SerializedError } from '../core/index.ts'
import { unproven } from './diff.ts'
import { fingerprintOf } from './failures.ts'
import { keptDelivered, keptInput } from './kept.ts'
import { withMark } from './merge.ts'
import {
  type BatchCommit,
  type DeadLetterWrite,
  type DeliveryWrite,
  type JournalEntry,
  keysOf,
  type LinkWrite,
} from './ports.ts'
import { moveTo } from './read-batch.ts'
import type { Lane, MappedBatch, PushCounts, Settlement, Work } from './work.ts'

/** What a batch must leave in the ledger, all of it in one transaction. */
export function toBatchCommit(
  lane: Lane,
  runId: number,
  batch: MappedBatch,
  works: Work[],
  exchanges: Exchange[],
  positions: ReadonlyMap<number, number>,
): BatchCommit {
  const now = lane.ports.clock.now().getTime()
  for (const work of works) giveUpAfterTooMany(lane, work)
  return {
    syncId: lane.row.id,
    sourceStream: lane.row.fromStream,
    targetStream: lane.row.toStream,
    mappingVersion: lane.sync.version,
    runId,
    lease: lane.lease,
    deliveries: works.map((work) => toDelivery(lane, work, now)),
    links: works.flatMap((work) => toLink(lane, work)),
    unlinks: works.flatMap((work) => toUnlink(work)),
    left: works.filter(hasLeft).map(({ record, part }) => ({ recordId: record.id, part })),
    deadLetters: works.filter((work) => work.settlement!.dead).map((work) => toDeadLetter(lane, work, exchanges)),
    settled: settledRecords(works),
    closeIntents: works.flatMap((work) => closedIntents(work)),
    doubtIntents: works.flatMap((work) =>
      work.settlement!.intent === 'looked' ? ((work.intent ?? work.doubt)?.id ?? []) : [],
    ),
    keptIntents: works.flatMap((work) => (work.settlement!.intent === 'keep' ? (work.intent?.id ?? []) : [])),
    repeatableIntents: repeatable(lane, works),
    targetKeys: works.flatMap((work) => writtenKeys(lane, work)),
    dependencies: batch.dependencies,
    joined: batch.joined,
    positions: moveTo(
      positions,
      batch.records.flatMap((record) => (record.logSeq === null ? [] : [{ slice: record.slice, seq: record.logSeq }])),
    ),
    journal: { entries: works.map((work) => toJournal(lane, work)), exchanges: keptExchanges(lane, exchanges) },
  }
}

/** Attempts count failures of the record; when they are used up a person must look. */
function giveUpAfterTooMany(lane: Lane, work: Work): void {
  const settlement = work.settlement!
  if (!settlement.countAttempt || (work.existing?.attempts ?? 0) + 1 < lane.sync.retry.attempts) return
  const last = settlement.error
  const error = new CausewayError('CSW-5006', {
    what: `failed ${lane.sync.retry.attempts} times, last with ${last?.code}: ${last?.what}`,
    data: { last: last?.code },
  })
  work.settlement = { ...settlement, state: 'dead', dead: true, error: error.toJSON() }
  delete work.settlement.retryInMs
}

function toDelivery(lane: Lane, work: Work, now: number): DeliveryWrite {
  const settlement = work.settlement!
  const attempts = settlement.countAttempt
    ? (work.existing?.attempts ?? 0) + 1
    : failing(settlement)
      ? (work.existing?.attempts ?? 0)
      : 0
  return {
    recordId: work.record.id,
    // The other direction may have made it meanwhile.
    isNew: work.existing === undefined && !lane.sync.twoWay,
    part: work.part,
    slice: work.record.slice,
    state: settlement.state,
    sourceSeq: work.record.seq,
    attempts,
    nextAttemptAt: settlement.retryInMs === undefined ? null : new Date(now + retryDelay(lane, settlement, attempts)),
    error: settlement.error ?? null,
    parkedStream: settlement.parked?.streamId ?? null,
    parkedId: settlement.parked?.recordId ?? null,
    delivered: keptDelivered(lane.ports, lane.row.fromStream, withMark(deliveredOf(work), work.merge)),
  }
}

const failing = (settlement: Settlement): boolean =>
  settlement.state === 'pending' || settlement.state === 'in_doubt' || settlement.state === 'parked'

function retryDelay(lane: Lane, settlement: Settlement, attempts: number): number {
  if (!settlement.countAttempt) return settlement.retryInMs!
  return Math.max(settlement.retryInMs!, backoffMs(Math.max(1, attempts), lane.sync.retry))
}

function deliveredOf(work: Work): JsonText | null {
  const { delivered } = work.settlement!
  if (delivered !== undefined) return delivered
  return work.unproven ? unproven(work) : work.delivered
}

/** Links of new targets and new matches; a record that was linked before needs none. */
function toLink(lane: Lane, work: Work): LinkWrite[] {
  const settlement = work.settlement!
  // A record that a create of unknown outcome made is ours, whatever became of the write that followed.
  const isFound = Boolean(work.merge?.sent)
  if (work.targetId === null || settlement.unlink || (settlement.dead && !isFound && !settlement.link)) return []
  const created = work.operation === 'create' || work.operation === 'upsert'
  const done =
    isFound ||
    settlement.link === true ||
    settlement.state === 'delivered' ||
    settlement.state === 'unchanged' ||
    settlement.state === 'skipped'
  if (!done || !(created || work.newlyMatched)) return []
  return [
    {
      fromStream: lane.row.fromStream,
      fromId: work.record.id,
      part: work.part,
      toStream: lane.row.toStream,
      toId: work.targetId,
      isNew: work.operation === 'create',
    },
  ]
}

function toUnlink(work: Work): BatchCommit['unlinks'] {
  const { unlink } = work.settlement!
  return unlink ? [{ fromId: work.record.id, part: work.part, targetGone: unlink === 'gone' }] : []
}

/** Just now: what it leaves as it is may be written for another record from then on. */
const hasLeft = ({ takenBack, settlement, existing }: Work): boolean =>
  takenBack &&
  LEFT.has(settlement!.state) &&
  settlement!.unlink === undefined &&
  existing !== undefined &&
  existing.delivered !== null &&
  !LEFT.has(existing.state)

const LEFT: ReadonlySet<string> = new Set(['skipped', 'gone'])

function settledRecords(works: Work[]): string[] {
  const failed = new Set(works.filter((work) => work.settlement!.error).map((work) => work.record.id))
  // Only records that failed before can have a letter; a first delivery never does.
  return [
    ...new Set(works.filter((work) => work.existing && !failed.has(work.record.id)).map((work) => work.record.id)),
  ]
}

/** With what was sent: once the record has changed, nothing else tells. Two-way syncs keep it from the start. */
const repeatable = (lane: Lane, works: Work[]): BatchCommit['repeatableIntents'] =>
  works.flatMap(({ settlement, intent, record, operation, send }) =>
    settlement!.intent === 'repeat' && intent
      ? [
          {
            id: intent.id,
            recordId: record.id,
            sent: operation === 'create' && !lane.sync.twoWay ? send.toString() : null,
          },
        ]
      : [],
  )

const DONE: ReadonlySet<string> = new Set(['delivered', 'unchanged', 'skipped', 'gone'])

function closedIntents(work: Work): number[] {
  const settlement = work.settlement!
  const stays = settlement.intent === 'keep' || settlement.intent === 'repeat'
  const ids = [...(work.intent && !stays ? [work.intent.id] : []), ...(work.behind ?? [])]
  if (!work.unfinished.length) return ids
  const done = DONE.has(settlement.state)
  const earlier = work.unfinished.filter((intent) => intent.id !== work.intent?.id)
  // Whether an earlier create took effect stays open until its record was found or another was made instead of it.
  const over = earlier.filter(
    ({ id, operation }) =>
      settlement.intent === 'close' ||
      // Nothing was sent, so nothing is to be found out.
      operation === 'link' ||
      (done && (operation !== 'create' || work.targetId !== null)) ||
      (work.merge?.sent && id === work.doubt?.id),
  )
  return [...ids, ...over.map(({ id }) => id)]
}

function writtenKeys(lane: Lane, work: Work): BatchCommit['targetKeys'] {
  const created = work.operation === 'create' || work.operation === 'upsert'
  const { state, link } = work.settlement!
  if (!created || (state !== 'delivered' && !link) || work.targetId === null) return []
  // The key it was matched by may be a compound one, whose fields are not among those that identify alone.
  const others = lane.targetKeys.filter((field) => !work.matchKey.some((key) => key.field === field))
  const keys = others.length ? [...work.matchKey, ...keysOf((work.resend ?? work.values).value, others)] : work.matchKey
  return keys.map((key) => ({ ...key, recordId: work.targetId! }))
}

const LETTER_EXCHANGES = 3

function toDeadLetter(lane: Lane, work: Work, exchanges: Exchange[]): DeadLetterWrite {
  const error = work.settlement!.error as SerializedError
  const sent = work.operation !== null
  return {
    recordId: work.record.id,
    part: work.part,
    sourceSeq: work.record.seq,
    code: error.code,
    fingerprint: fingerprintOf(error, lane.sync.name),
    error,
    input: work.record.body?.toString() ?? null,
    output: sent || Object.keys(work.values.value).length ? work.values.toString() : null,
    exchange: sent ? exchangesOf(work, exchanges) : null,
    attempts: (work.existing?.attempts ?? 0) + 1,
  }
}

/** The calls that concern a record: of others it must show nothing. The only call of a batch concerns all of it. */
function exchangesOf(work: Work, exchanges: Exchange[]): string | null {
  const marks = [work.targetId, work.intent?.idempotencyKey, ...work.matchKey.map(({ value }) => value)].filter(
    (mark) => mark !== null && mark !== undefined,
  )
  const own = exchanges.filter(
    ({ url, request }) =>
      exchanges.length === 1 || marks.some((mark) => url.includes(encodeURIComponent(mark)) || request?.includes(mark)),
  )
  return own.length ? JSON.stringify(own.slice(-LETTER_EXCHANGES)) : null
}

function toJournal(lane: Lane, work: Work): JournalEntry {
  const settlement = work.settlement!
  const { keeping } = lane.ports.model()
  const valuesToo = keeping(lane.row.fromStream) !== 'hash'
  const input = work.operation && work.record.body ? keptInput(lane, work.record.body) : null
  const before = stoodBefore(work, keeping(lane.row.fromStream) === 'full')
  return {
    record: work.record.id,
    part: work.part,
    seq: work.record.seq,
    outcome: settlement.state,
    ...(work.operation ? { operation: work.operation } : {}),
    ...(work.targetId === null ? {} : { target: work.targetId }),
    ...(valuesToo && work.operation && work.operation !== 'delete' ? { output: work.send } : {}),
    ...(valuesToo && before && work.operation ? { before } : {}),
    ...(settlement.error ? { error: settlement.error } : {}),
    ...(input ? { input } : {}),
  }
}

/** What stood there before a write: as the target showed it where it was looked at, else as it was delivered. */
function stoodBefore({ delivered, known, send, operation, asked }: Work, whole: boolean): JsonText | JsonObject | null {
  // Of what an undo deletes all that is seen is kept: nobody else has it.
  if (operation === 'delete' && asked && known && whole) return known
  if (!known || !delivered) return delivered ?? known
  const shown = Object.keys(send.value).filter((field) => Object.hasOwn(known, field))
  return { ...delivered.value, ...Object.fromEntries(shown.map((field) => [field, known[field]!])) }
}

/** Calls as the journal may keep them. */
const keptExchanges = (lane: Lane, exchanges: Exchange[]): Exchange[] =>
  lane.ports.model().keeping(lane.row.fromStream) === 'hash'
    ? exchanges.map(({ request: _request, response: _response, ...facts }) => ({
        ...facts,
        url: facts.url.split('?')[0]!,
      }))
    : exchanges

/** Adds a batch to the counts of a run. */
export function tally(counts: PushCounts, records: number, works: Work[]): void {
  counts.read += records
  for (const work of works) {
    const { state } = work.settlement!
    if (work.merge?.rewritten) counts.rewritten = (counts.rewritten ?? 0) + work.merge.rewritten
    if (work.merge?.asked.length) counts.conflicts = (counts.conflicts ?? 0) + work.merge.asked.length
    if (work.part === '' && works.length > records && !work.operation && state === 'delivered') continue
    if (state === 'delivered' || ((state === 'gone' || state === 'skipped') && work.operation)) {
      if (work.operation === 'delete') counts.deleted++
      else if (work.operation === 'update') counts.updated++
      else counts.created++
    } else if (state === 'pending') counts.retry++
    else if (state === 'gone') counts.skipped++
    else if (work.settlement!.error?.code === 'CSW-5010') counts.held++
    else if (work.settlement!.error?.code === 'CSW-5019') counts.drifted++
    else counts[state]++
  }
}
