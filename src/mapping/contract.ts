/** What the pipeline sees of a mapping file: a checked definition and a runner; never YAML, never JSONata. */
import type { Json, JsonObject, JsonPaths, JsonText, Place, SerializedError } from '../core/index.ts'

/** `connection:stream` in mapping files. */
export type StreamAddress = { connection: string; stream: string }

type SyncMode = 'upsert' | 'create-only' | 'update-only' | 'mirror'
type OnLeave = 'keep' | 'unlink' | 'deactivate' | 'delete'

/** Records of another stream that the mapping sees as `$<name>`; fetched from the change log by record id or field. */
export type JoinSpec = {
  name: string
  from: StreamAddress
  /** Field of the joined stream that is compared; `null` = its record id. */
  field: string | null
  /** `one` binds a record or nothing, `many` an array. */
  take: 'one' | 'many'
}

/** A match key: target fields that together identify a record there, e.g. ['email'] or ['company', 'number']. */
export type MatchKey = string[]

export type Schedule =
  | { kind: 'interval'; everyMs: number }
  | { kind: 'cron'; expression: string; zone: string }
  | { kind: 'webhook' }
  | { kind: 'manual' }

/** How often a failing record is tried before it becomes a dead letter. */
type RetryPolicy = { attempts: number; baseMs: number; capMs: number }

/** What may be deleted at once without a person: as many, or as large a share of all. More than both is held. */
export type DeleteLimits = { maxShare: number; maxCount: number }
export const DELETE_LIMITS: DeleteLimits = { maxShare: 0.2, maxCount: 20 }

/** Who wins where both sides of a two-way sync changed a field since they last agreed. */
export const CONFLICT_POLICIES = ['ask', 'newest', 'from', 'to', 'non-empty', 'longest', 'union', 'max'] as const
export type ConflictPolicy = (typeof CONFLICT_POLICIES)[number]

/** What a sync that is one direction of a two-way file knows of the other. */
export type TwoWay = {
  /** `forward` writes the stream under `to`, `back` the one under `from`. */
  direction: 'forward' | 'back'
  /** Name of the sync of the other direction. */
  partner: string
  conflict: {
    default: ConflictPolicy
    /** By top-level field of this direction's target. */
    fields: Readonly<Record<string, ConflictPolicy>>
  }
  /** The top-level fields that the other direction makes of each of this direction's target fields, where both read each other. */
  pairs: Readonly<Record<string, readonly string[]>>
  /** Where each target path of `both` is found on the other side, as both are written there: `addr.town` → `address.city`. */
  paths: Readonly<Record<string, string>>
}

/** What a sync reads of its source records, and of joined ones by the name of the join. */
export type SyncReads = { source: JsonPaths; joins: Readonly<Record<string, JsonPaths>> }

/** One sync as the pipeline runs it. `version` is the digest of everything in the file that can change a result. */
export type SyncDefinition = {
  name: string
  file: string
  version: string
  source: string
  from: StreamAddress
  to: StreamAddress
  match: MatchKey[]
  /** Only for parts: true when `map` is an `each`. */
  multipart: boolean
  joins: JoinSpec[]
  mode: SyncMode
  onLeave: OnLeave
  /** Values written when a record leaves and `onLeave` is `deactivate`. */
  deactivate: JsonObject | null
  /** What a deletion in the source does in the target. */
  deletes: 'ignore' | 'unlink' | 'deactivate' | 'delete'
  deleteLimits: DeleteLimits
  /** How long a deletion waits before it reaches the target; a record that comes back meanwhile was never away. */
  graceMs: number
  onDoubt: 'ask' | 'resend'
  /** What happens when the source changes the form of what the mapping reads; absent = `continue`. */
  onDrift?: 'continue' | 'hold' | 'pause'
  /** Whether the bytes of file records are carried along. */
  content: boolean
  schedule: Schedule[]
  /** A pull that starts over from the beginning, besides the incremental ones; null = never by schedule. */
  fullSchedule: Schedule | null
  lanes: number
  retry: RetryPolicy
  /** Its value tables, where it has some: they are part of what it gives, and of the version. */
  tables?: Readonly<Record<string, Readonly<Record<string, Json>>>>
  tags: string[]
  /** Absent for a sync that goes one way. */
  twoWay?: TwoWay
  /** Absent where it is not known: then it may be anything. */
  reads?: SyncReads
  /** Top-level fields of the target that it fills, where its text says which. */
  writes?: string[]
}

export type MapInput = {
  id: string
  /** The record as the change log holds it: JSON text, numbers spelled as received. */
  body: string | Buffer
  /** JSON text per join name: an object or null for `one`, an array for `many`. */
  joins?: Record<string, string>
  deleted?: boolean
}

/** `$ref(...)` in an output: to be replaced by the id of the linked record, or the record is parked until it exists. */
export type Reference = {
  /** Where in `values` the id goes. */
  path: (string | number)[]
  /** Whose id is wanted; `connection` empty = the sync's target connection. */
  to: StreamAddress
  /** The record that is referred to. */
  from: StreamAddress
  id: string
}

export type MappedPart = {
  /** Stable key among the parts of one record; '' when the sync makes one object per record. */
  part: string
  /** Plain JSON; numbers that a double cannot hold are RawNumbers where the target takes numbers. */
  values: JsonText
  references: Reference[]
}

export type MapOutput =
  | { status: 'mapped'; parts: MappedPart[] }
  /** `when` was false. */
  | { status: 'filtered' }
  | { status: 'failed'; error: SerializedError }

/** Keys of the joins of one record, to be looked up in the change log; a join whose key is missing or null is absent. */
export type JoinKeys = Record<string, string[]>

/** Runs mappings away from the process that holds secrets; results come in the order of the inputs. */
export interface MappingRunner {
  joinKeys(sync: SyncDefinition, inputs: MapInput[], signal?: AbortSignal): Promise<(JoinKeys | SerializedError)[]>
  map(sync: SyncDefinition, inputs: MapInput[], signal?: AbortSignal): Promise<MapOutput[]>
  /** Starts what mapping needs before the first record comes. Returns at once. */
  warm(syncs: readonly SyncDefinition[]): void
  close(): Promise<void>
}

export type TestResult = {
  sync: string
  name: string
  ok: boolean
  place: Place
  difference?: string
  actual?: Json
  error?: SerializedError
}
