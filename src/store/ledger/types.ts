/** Rows and requests of the ledger as the pipeline speaks of them. */
import type { JsonObject, JsonText, SerializedError } from '../../core/index.ts'

export type LeaseProof = { name: string; token: number }

/** How much of a record stays once everybody has delivered it: all, what mappings read, or keyed hashes. */
export type Keeping = 'full' | 'used' | 'hash'

export type StreamRow = {
  id: number
  connectionId: number
  connection: string
  name: string
  seq: number
  cursor: JsonObject | null
  keyFields: string[]
  /** Not all records have their values of the key fields yet; see the migration `keys_missing`. */
  keysMissing: 'walk' | 'asked' | 'pull' | null
  pullMode: 'full' | 'incremental' | null
  pullBegun: boolean
  pullRequest: string | null
  scanId: number
  pullFailures: number
  /** When the request of the newest committed page was sent. */
  pageRequestedAt: Date | null
  keeping: Keeping
  /** Of a stream kept as `used`: the paths that stay, each as a JSON list of names. */
  keptFields: string[]
}

export type SyncRow = {
  id: number
  name: string
  fromStream: number
  toStream: number
  version: string
  state: 'active' | 'paused' | 'removed'
  pushFailures: number
  nextPushAt: Date | null
}

export type ConnectionRow = {
  id: number
  name: string
  connector: string
  state: 'active' | 'paused' | 'needs_authorisation' | 'removed'
  stateReason: string | null
  waitUntil: Date | null
  waitReason: string | null
}

/** A pulled record on its way into the change log. */
export type IncomingRecord = {
  id: string
  version: string | null
  hash: string
  body: JsonText
  content: string | null
  deleted: boolean
  /** Values of the stream's key fields, for matching and joins. */
  keys: { field: string; value: string }[]
  aliases: string[]
  /** Of a tombstone: the record that it was merged into. */
  mergedInto?: string
  /** `traceparent` of what brought it, where that is worth keeping. */
  trace?: string
  /** When the read that gave it began; that of the page without it. */
  requestedAt?: Date
}

export type PageCommit = {
  streamId: number
  records: IncomingRecord[]
  rejected: { body: string; error: SerializedError; fingerprint: string }[]
  /** The fields that the `keys` of its records are of; should the stream have others by now, they are taken anew. */
  keyFields?: readonly string[]
  requestedAt: Date
  /** Absent for webhooks: they do not move the cursor. */
  cursor?: JsonObject
  /** Records that are known under another id from now on; both are among the records, the former one as a tombstone. */
  moves?: { former: string; id: string }[]
  /** Ids that were met and are not stored. */
  alsoSeen?: string[]
  /** Set while a complete scan collects the ids it meets. */
  scanId?: number
  runId: number | null
  lease?: LeaseProof
  /** Nothing of it is known, as far as the caller can tell: it is written without a look, and with one should that have been wrong. */
  allNew?: boolean
}

export type PageResult = {
  /** Records that were new or changed, with their sequence numbers. */
  changed: { id: string; seq: number }[]
  /** Highest sequence number of the stream after the commit. */
  seq: number
  /** Nothing of it was known. */
  allNew: boolean
}

/** A record of the log that a sync has not seen yet. */
export type LogEntry = { id: string; slice: number; seq: number; deleted: boolean; content: string | null }

export type DeliveryState = 'pending' | 'delivered' | 'unchanged' | 'skipped' | 'parked' | 'in_doubt' | 'dead' | 'gone'

export type DeliveryRow = {
  recordId: string
  part: string
  slice: number
  state: DeliveryState
  sourceSeq: number
  /** JSON text of what the target holds from us. */
  delivered: string | null
  attempts: number
  /** It waited the last time because another writer had the same target record. */
  contended: boolean
  /** The target did not show its record the last time. */
  notShown: boolean
  /** Somebody or something wants it to be looked at again, now or later. */
  due: boolean
  /** Of a dead one the error, as JSON. */
  deadFor: string | null
  /** Another one after every change of the row. */
  mark: string
}

export type DeliveryWrite = Omit<DeliveryRow, 'delivered' | 'contended' | 'notShown' | 'due' | 'deadFor' | 'mark'> & {
  /** The lane found no delivery of this part. */
  isNew: boolean
  delivered: JsonText | null
  nextAttemptAt: Date | null
  error: SerializedError | null
  parkedStream: number | null
  parkedId: string | null
}

/** Writes of a sync whose outcome is not known yet. */
export type WritesUnderWay = {
  /** Since when, by the id of the target record. */
  records: Map<string, Date>
  /** Those that make a record, with the key that it can be looked for by. */
  creates: { openedAt: Date; matchKey: { field: string; value: string }[] }[]
  /** When the records that were asked for were first seen; empty where nothing is being made. */
  firstSeen: Map<string, Date>
}

export type IntentRow = {
  id: number
  targetStream: number
  targetKey: string
  syncId: number
  recordId: string
  part: string
  operation: string
  /** Fields and values by which the target record can be looked for. */
  matchKey: { field: string; value: string }[]
  idempotencyKey: string
  lookedUp: number
  openedAt: Date
  /** How many holders ended while it was under way. */
  deaths: number
  /** The job of the target system that the write went with, once it is one. */
  job: IntentJob | null
  /** What a create of a two-way sync sent, as JSON; of an update `to` and what was agreed before (`from`). */
  sent: string | null
  /** A create that may have taken effect, and that the target makes only once when it is sent again with the same key and values. */
  repeatable: boolean
}

/** What is kept of a job of the target system; `sent` tells whether the values are still those that went with it. */
export type IntentJob = { note: JsonObject; sent: string }

/** `guards`: digests of further match keys of a record about to be created; nobody else may create one with any of them. */
export type IntentOpen = Omit<IntentRow, 'id' | 'lookedUp' | 'openedAt' | 'deaths' | 'job' | 'sent' | 'repeatable'> & {
  /** What is sent, as JSON, where that must be known if no answer comes. */
  sent?: string
  /** The stream whose record it is made of. */
  sentFrom: number
  guards: string[]
  /** The source stream, where the other direction of a two-way sync must not write the same pair meanwhile. */
  pairedWith?: number
}

/** Source record (with part) and target record that are the same thing. */
export type LinkWrite = {
  fromStream: number
  fromId: string
  part: string
  toStream: number
  toId: string
  /** The target record was just created: most likely neither side has an entity yet. */
  isNew: boolean
}

export type DeadLetterWrite = {
  recordId: string
  part: string
  sourceSeq: number
  code: string
  fingerprint: string
  error: SerializedError
  input: string | null
  output: string | null
  exchange: string | null
  attempts: number
}

/** One attempt on one part, as the journal keeps it. */
export type JournalEntry = {
  record: string
  part: string
  seq: number
  outcome: string
  operation?: string
  target?: string
  output?: JsonText
  before?: JsonText | JsonObject
  error?: SerializedError
  input?: JsonText
}

export type BatchCommit = {
  syncId: number
  sourceStream: number
  targetStream: number
  mappingVersion: string
  runId: number
  lease: LeaseProof
  deliveries: DeliveryWrite[]
  links: LinkWrite[]
  /** Sources that let their target go; `targetGone` when it does not exist any more. */
  unlinks: { fromId: string; part: string; targetGone: boolean }[]
  /** Sources that left, and whose target is to be left as it is. */
  left: { recordId: string; part: string }[]
  deadLetters: DeadLetterWrite[]
  /** Records whose open dead letters are settled by a success. */
  settled: string[]
  closeIntents: number[]
  /** Intents whose outcome stayed unknown once more. */
  doubtIntents: number[]
  /** Intents that stay open, though their holder lives: their outcome is unknown. */
  keptIntents: number[]
  /** The same of creates that may be done, and that the target makes only once when they are sent again with the same key and values; with these values as JSON. */
  repeatableIntents: { id: number; recordId: string; sent: string | null }[]
  /** Match-key values of records we just wrote, so that the next look-up does not depend on the target's search. */
  targetKeys: { field: string; value: string; recordId: string }[]
  dependencies: { recordId: string; keys: { streamId: number; key: string }[] }[]
  /** How far the joined streams had come when the batch was computed; the own one does not count. */
  joined: { streamId: number; seq: number }[]
  /** From → to per slice; refused when somebody else moved it meanwhile. */
  positions: { slice: number; from: number; to: number }[]
  journal: { entries: JournalEntry[]; exchanges: unknown[] }
  /** Absent for a sync that goes one way. */
  twoWay?: TwoWayCommit
}

/** What one direction of a two-way sync leaves for the other, and for people. */
export type TwoWayCommit = {
  /** The sync of the other direction. */
  partner: number
  /** The sync that conflicts are kept under: the way there. */
  conflictsOf: number
  /** What the deliveries of the batch held when they were read. */
  read: ReadonlyMap<string, string | null>
  /** The marks of those deliveries; a record that had none is missing. */
  marks: ReadonlyMap<string, string>
  agreed: AgreedWrite[]
  asked: ConflictWrite[]
  /** Decided, but carried out by the other direction only. */
  held: ConflictKey[]
  settled: ConflictKey[]
  /** Pairs of which this direction has seen the newest state of its record: whatever else is asked about these fields is moot. */
  seen: SeenPair[]
  /** Fields that both sides hold alike once the batch is saved: conflicts about them, or about what is inside, are over. */
  same: ConflictKey[]
}

/** Values agreed with a record of the target, in the words of the way back; null = nothing is agreed any more. */
export type AgreedWrite = { recordId: string; slice: number; fields: JsonObject | null; mark: JsonObject; due: boolean }

/** `recordId`: that of the target. */
export type SeenPair = { fromId: string; toId: string; recordId: string; fields: string[] }

export type ConflictKey = { fromId: string; toId: string; field: string }
/** Values are JSON texts. */
export type ConflictWrite = ConflictKey & {
  /** The delivery of the direction that asks, the field in its words, and whether its record has changed since it was looked at last. */
  asker: { recordId: string; field: string; isNews: boolean }
  /** The target record, and the mark that the delivery of the other direction had before it was looked at. */
  other: { recordId: string; mark: string | undefined }
  side: 'from' | 'to'
  base: string | null
  fromValue: string | null
  toValue: string | null
}
export type ConflictRow = Omit<ConflictWrite, 'base' | 'asker' | 'other'> & {
  id: number
  state: 'open' | 'decided'
  decision: 'from' | 'to' | 'value' | null
  value: string | null
}

export type RunCounts = Record<string, number>
export type RunOutcome = 'success' | 'partial' | 'failed' | 'held' | 'waiting' | 'cancelled' | 'interrupted' | 'unknown'
