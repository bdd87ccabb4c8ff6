/** What pull and push need from the other rooms. `assemble.ts` fills it; nothing here knows how. */

import type { ConnectorSession } from '../connector/index.ts'
import type { Clock, Json } from '../core/index.ts'
import type { MappingRunner, StreamAddress, SyncDefinition } from '../mapping/index.ts'
import type { WorkQueue } from '../queue/index.ts'
import type { Keeping, Ledger, SyncRow } from '../store/index.ts'
import type { FreshBodies } from './fresh-bodies.ts'
import type { LocalWakes } from './local-wakes.ts'
import type { OneAtATime } from './one-at-a-time.ts'

/** A piece of work we may do now. `signal` aborts when the lease is lost. */
export type HeldLease = {
  name: string
  token: number
  /** The holder before never gave it back: it was killed, frozen, or cut off. */
  formerDied: boolean
  signal: AbortSignal
  /** On the monotonic clock: true while the lease lasts at least `marginMs` longer. Asked just before sending. */
  stillHeld(marginMs: number): boolean
  release(): Promise<void>
}

type Log = {
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
  error(fields: Record<string, unknown>, message: string): void
}

/** The configured syncs and streams under their ledger ids. Replaced as a whole when files change. */
export type HubModel = {
  sync(id: number): { row: SyncRow; definition: SyncDefinition } | undefined
  syncByName(name: string): { row: SyncRow; definition: SyncDefinition } | undefined
  /** Syncs that read a stream, as their source or through a join. */
  followers(streamId: number): { row: SyncRow; definition: SyncDefinition }[]
  syncs(): { row: SyncRow; definition: SyncDefinition }[]
  streamId(address: StreamAddress): number | undefined
  address(streamId: number): StreamAddress | undefined
  connectionId(name: string): number | undefined
  /** Entity types, each with the streams whose records belong to it. */
  entities?: readonly { name: string; streams: readonly number[] }[]
  /** How much of a stream is kept. */
  keeping(streamId: number): Keeping
  /** True where some stream of a connection is not kept in full. */
  keepsPartOf(connection: string): boolean
}

export type Ports = {
  ledger: Ledger
  /** Null when somebody else holds it. */
  holdLease(name: string): Promise<HeldLease | null>
  queue: Pick<WorkQueue, 'wake' | 'wakeMany'>
  /** Sessions are shared per connection and opened on first use. */
  session(connection: string): Promise<ConnectorSession>
  credentials: {
    /** Stands for the credentials that a connection has now; null while they cannot be read. Another text is other credentials. */
    markOf(connection: string): Promise<string | null>
    /** Whether a session, or the one that this process opened last, was opened with credentials that are others by now. */
    isOutdated(connection: string, session?: ConnectorSession): Promise<boolean>
    /** Closes what was opened with former credentials. */
    forget(connection: string): Promise<void>
  }
  /** Persons who were erased: their records are not stored again. */
  erasures: {
    isErased(body: Json): boolean
    /** The keyed hash of a value, and all that may stand for it; of streams that are not kept in full. */
    hash(field: string, value: string): string
    hashes(field: string, value: string): string[]
    /** Learns what other processes erased. */
    refresh(): Promise<void>
  }
  mappings: MappingRunner
  model(): HubModel
  bodies: FreshBodies
  wakes: LocalWakes
  /** What may end this process is handled alone. */
  alone: OneAtATime
  /** Begins the work of a lane in this process, or lets it go on where it rests; absent where this process does not work. */
  callLane?(job: string): void
  clock: Clock
  log: Log
  /** False in tests of what happens when two-way syncs do not know their own writes. */
  knowsEchoes?: false
}

export type {
  AgreedWrite,
  BatchCommit,
  ConflictKey,
  ConflictRow,
  ConflictWrite,
  DeadLetterWrite,
  DeliveryRow,
  DeliveryState,
  DeliveryWrite,
  IdentityStanding,
  InboxRow,
  IncomingRecord,
  IntentOpen,
  IntentRow,
  JournalEntry,
  LinkedTarget,
  LinkWrite,
  LogBody,
  PageCommit,
  RunCounts,
  RunOutcome,
  ScanCount,
  SeenPair,
  StreamRow,
  SubscriptionBook,
  SubscriptionRow,
  SyncRow,
  TargetOwner,
  TwoWayCommit,
  WritesUnderWay,
} from '../store/index.ts'
export {
  AS_OF,
  HASHES,
  hashDelivered,
  isMark,
  isStorableKey,
  keysOf,
  keyText,
  linkKey,
  MOVED_FIELD,
  UNPROVEN_MARK,
} from '../store/index.ts'
