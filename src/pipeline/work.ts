/** The things a push works with between reading a batch and committing it. */

import type { ConnectorSession, WriteOperation } from '../connector/index.ts'
import type { JsonObject, JsonText, SerializedError, Span } from '../core/index.ts'
import type { MapOutput, SyncDefinition } from '../mapping/index.ts'
import type { Merged } from './merged.ts'
import type { DeliveryRow, DeliveryState, HeldLease, IntentRow, Ports, SyncRow } from './ports.ts'

/** One lane of one sync at work. */
export type Lane = {
  ports: Ports
  row: SyncRow
  sync: SyncDefinition
  lane: number
  slices: number[]
  /** Fields that each by itself identify a record of the target stream to some sync; see `identifyingKeys`. */
  targetKeys: string[]
  lease: HeldLease
  source: ConnectorSession
  target: ConnectorSession
  signal: AbortSignal
}

/** A source record of a batch. */
export type BatchRecord = {
  id: string
  slice: number
  seq: number
  /** Null for a record whose body retention removed. */
  body: JsonText | null
  deleted: boolean
  content: string | null
  /** Why there is no body, where one was dropped and could not be got again. */
  missing?: SerializedError
  /** Position to move past once its deliveries are saved; null for a record that came because it was due. */
  logSeq: number | null
}

export type MappedBatch = {
  records: BatchRecord[]
  outputs: MapOutput[]
  /** True for a single record that nothing else of this process is handled beside. */
  alone?: boolean
  dependencies: { recordId: string; keys: { streamId: number; key: string }[] }[]
  /** How far the joined streams had come before they were read. */
  joined: { streamId: number; seq: number }[]
  span?: Span | undefined
}

/** What became of one part. Everything the ledger must learn about it is here. */
export type Settlement = {
  state: DeliveryState
  error?: SerializedError
  /** Milliseconds until the next attempt; absent = none. */
  retryInMs?: number
  /** Attempts count only failures of the record itself, never those of the connection. */
  countAttempt?: boolean
  parked?: { streamId: number; recordId: string }
  /** What the target now holds from us; undefined = as before, null = nothing. */
  delivered?: JsonText | null
  /** `gone`: the target record does not exist any more. `released`: it stays, but is no longer ours. */
  unlink?: 'gone' | 'released'
  /** The target record is known although the delivery is not done. */
  link?: true
  /**
   * `keep` leaves it open because the outcome is unknown, `repeat` because it may be done and can be sent again as it was; `looked` counts a look-up that found nothing; `close` ends whatever
   * was unknown of earlier attempts too.
   */
  intent?: 'close' | 'keep' | 'repeat' | 'looked'
  dead?: boolean
}

/** One target record to bring about: a part of a source record. */
export type Work = {
  record: BatchRecord
  part: string
  existing: DeliveryRow | undefined
  /** `existing.delivered`: what the target holds from us. */
  delivered: JsonText | null
  /** True when something else was written over what was delivered. */
  unproven: boolean
  /** The mapped values with references resolved. */
  values: JsonText
  targetId: string | null
  /** True when `targetId` came from a match and is not in the links yet. */
  newlyMatched: boolean
  /** True when another record of the source was linked with that target first. */
  isTwin: boolean
  /** What the target is known to hold, from a look-up or its own stream in the log. */
  known: JsonObject | null
  /** True when `known` was read just now to compare with: where it shows a field, what was delivered there proves nothing. */
  asked: boolean
  /** The version that the target showed with it. */
  seenVersion?: string | null
  /** Writes of earlier attempts whose outcome is unknown. */
  unfinished: IntentRow[]
  /** The one among them that may have created the record. */
  doubt: IntentRow | undefined
  /** What that one sent, where it is sent once more as it was before anything newer is. */
  resend?: JsonText
  /** Target records with its match key that the log showed when it was matched. */
  seen: ReadonlySet<string>
  /** The match key that identifies the target record, once known. */
  matchKey: { field: string; value: string }[]
  operation: WriteOperation | null
  /** True when the part must no longer stand in the target as it is (deleted, filtered out, vanished). */
  takenBack: boolean
  send: JsonText
  /** What both sides of a two-way sync say of it; absent for syncs that go one way. */
  merge?: Merged
  intent: IntentRow | undefined
  /** Further intents that keep others away from the target record while it is taken back. */
  behind?: number[]
  settlement: Settlement | null
  /** The version that the target gave to what was written, where it says so. */
  wroteVersion?: string
}

export type PushCounts = {
  read: number
  created: number
  updated: number
  deleted: number
  unchanged: number
  skipped: number
  parked: number
  /** Would have left the target, and wait for a person. */
  held: number
  /** Have another form than before, and wait for a person because the sync asks for that. */
  drifted: number
  retry: number
  in_doubt: number
  dead: number
  /** Values of a two-way sync that came back as the other system stores them. */
  rewritten?: number
  /** Fields of a two-way sync that wait for a person. */
  conflicts?: number
}

export const noCounts = (): PushCounts => ({
  read: 0,
  created: 0,
  updated: 0,
  deleted: 0,
  unchanged: 0,
  skipped: 0,
  parked: 0,
  held: 0,
  drifted: 0,
  retry: 0,
  in_doubt: 0,
  dead: 0,
})

/**
 * Fields by which, each alone, some sync finds records of a target stream. Parts of a compound key are none: many records
 * share them.
 */
export const identifyingKeys = (ports: Ports, toStream: number): string[] => [
  ...new Set(
    ports
      .model()
      .syncs()
      .filter(({ row }) => row.toStream === toStream)
      .flatMap(({ definition }) => definition.match.filter((key) => key.length === 1).flat()),
  ),
]
