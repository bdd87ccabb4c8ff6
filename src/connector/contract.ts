/**
 * What the pipeline may ask of a connector. A session is one open connection; every protocol behind a manifest answers in
 * these words, so that pull and push know nothing of HTTP, LDAP or files.
 */
import type { Readable } from 'node:stream'
import type { CausewayError, Json, JsonObject, JsonText } from '../core/index.ts'
import type { OnExchange } from '../outbound/index.ts'

/** What a stream of a connector can do. Printed by `connectors show`, checked before a sync may use it. */
export type StreamAbilities = {
  read: boolean
  incremental: boolean
  /** How deletions become known: tombstones inside the pages, a complete scan that no longer holds them, or not at all. */
  deletions: 'tombstones' | 'scan' | 'none'
  /** True where records move to pages that were read already when others are deleted meanwhile, and none can be asked for by its id. */
  shifts?: true
  create: boolean
  /** True where a create that is sent again with its idempotency key and the same values makes no second record. */
  repeatsCreates?: true
  update: boolean
  upsert: boolean
  /** Natural keys by which an upsert may go; empty when there is none. */
  upsertBy: string[]
  delete: boolean
  /** Fields by which `lookup` can find records, several at once. */
  lookup: string[]
  /** True when an update may carry changed fields only; otherwise the whole record is sent. */
  partialUpdate: boolean
  /** False where single records cannot be read by their ids; absent where they can. */
  byId?: false
  content: boolean
  webhook: boolean
}

/** JSON Schema (draft-07 subset) of a stream's records; `undefined` where the manifest gives none. */
export type RecordSchema = JsonObject

export type StreamInfo = {
  name: string
  title: string
  description?: string
  abilities: StreamAbilities
  readSchema?: RecordSchema
  writeSchema?: RecordSchema
}

export type SourceRecord = {
  /** Stable id as text: never contains U+0000, never empty. */
  id: string
  /**
   * Bytewise sortable: a greater text is a newer version (timestamps as ISO UTC with fixed digits, numbers zero-padded).
   * `null` where the source has none. Equal versions with different bodies do happen (whole seconds).
   */
  version: string | null
  /** The record; numbers with a spelling of their own are RawNumbers (core/json). Empty object for a tombstone. */
  body: JsonObject
  deleted?: boolean
  /** Former ids of the same record (merged or renamed), which become aliases. */
  aliases?: string[]
  /** Of a tombstone: the record that it lives on in. */
  mergedInto?: string
  /** What the record keeps when somebody moves it to another id. Not unique: a copy may have it too. */
  movedBy?: string
  /** What a write can be made conditional on (`ifVersion`) as long as the record is as it was read: an ETag, where there is one. */
  condition?: string
  /** Present when the record is a file: how to fetch its bytes again later. Stored with the record, so no secrets in it. */
  content?: ContentReference
}

/** Where the bytes of a file are, in the words of the connector that made it, plus what is known of them. */
export type ContentReference = { locator: JsonObject; size?: number; hash?: string; mediaType?: string; name?: string }

/** A record that cannot be stored: no usable id, or not an object. It becomes a dead letter of the pull. */
export type RejectedRecord = { body: Json; error: CausewayError }

export type Page = {
  records: SourceRecord[]
  rejected: RejectedRecord[]
  /** Where the next pull goes on if the hub dies right after this page. Opaque to the pipeline; plain JSON, no secrets. */
  cursor: JsonObject
  /** When the request for this page was sent (wall clock): rows observed later are not replaced by versionless records. */
  requestedAt: Date
  /** True on the last page. */
  last: boolean
  /** How many records the whole read should give, where the source says so; proves that a scan is complete. */
  total?: number
}

export type ReadRequest = {
  stream: string
  /** `full` ignores what the cursor says about "since" but may resume a broken scan from it; `incremental` reads changes. */
  mode: 'full' | 'incremental'
  /** The cursor of the last committed page, or null at the very first. */
  cursor: JsonObject | null
  signal: AbortSignal
}

export type WriteOperation = 'create' | 'update' | 'upsert' | 'delete'

/** Where a write was handed over to work that the system does in its own time; plain JSON, no secrets. */
export type JobNote = {
  /** What the system calls the job. */
  id: Json
  /** When it was begun, in milliseconds since 1970. */
  at: number
  /** Which of the two calls for many records it was begun with. */
  by: 'batch' | 'bulk'
  /** How its result tells this record from others; null: by its place. */
  mark: string | null
  place: number
  /** How many records went with it. */
  of: number
  /** Something is to be sent once it is written (`after`), and who asks later has no values to make it of. */
  links?: true
}

export type WriteItem = {
  /** Correlates the outcome with the item; unique within one call. */
  ref: string
  /** Target id; absent for create (and for upsert, which goes by `key`). */
  id?: string
  /** Natural key of an upsert: the field named in the manifest, or the sync's match field. */
  key?: { field: string; value: string }
  /** Fields to send: all for create and upsert, the changed ones for a partial update. `null` clears, absent leaves alone. */
  values: JsonObject
  /** The same as JSON text, for connectors that pass it on without looking into it. */
  text?: JsonText
  /** What the target is known to hold, for connectors that must send whole records. */
  known?: JsonObject
  /** The `condition` of the record that the write is meant for; the write is refused where it is another one by now. */
  ifVersion?: string
  /** Stable over retries of the same intent; sent where the vendor offers idempotency keys. */
  idempotencyKey: string
  /** Opens the bytes that belong to the record, from byte `from` on; asked again where an upload goes on after a cut. */
  content?: (from?: number) => Promise<ContentStream>
}

export type ContentStream = {
  stream: Readable
  /** Of all the bytes, wherever the stream begins. */
  size?: number
  hash?: string
  mediaType?: string
  name?: string
  /** Changes with the bytes (an ETag): two streams with the same one are parts of the same content. */
  validator?: string
}

/** What a protocol opens: it may begin earlier than asked for (0 when it says nothing), never later. */
export type OpenedContent = ContentStream & { from?: number }

export type ContentRequest = {
  stream: string
  reference: ContentReference
  signal: AbortSignal
  /** The first byte that is wanted; 0 when left out. */
  from?: number
  /** What an earlier part of the same bytes came with; other bytes are of no use (CSW-2055). */
  validator?: string
}

/**
 * What became of one item.
 * `written`: done, with the target's id. `refused`: the target said no to this record (dead letter). `retry`: not done, may
 * be tried again. `unknown`: may or may not have been done; look it up first. `missing`: the id no longer exists there.
 * `conflict`: `ifVersion` no longer holds. `mayBeDone`: a create that went with its idempotency key and was not answered; sent again
 * with the same key and values it is done once.
 */
export type WriteOutcome = { ref: string } & (
  | { status: 'written'; id: string; version?: string; body?: JsonObject }
  | { status: 'refused' | 'unknown' | 'missing' | 'conflict'; error: CausewayError }
  | { status: 'retry'; error: CausewayError; mayBeDone?: true }
)

export type LookupRequest = { stream: string; field: string; values: string[]; signal: AbortSignal }
/** All records found, per looked-up value; a value without an entry was not found. */
export type LookupResult = Map<string, SourceRecord[]>

export type { Exchange, OnExchange } from '../outbound/index.ts'

export type WriteRequest = {
  stream: string
  operation: WriteOperation
  /** Any number; the session cuts them into the widest calls the system takes and may run several at once. */
  items: WriteItem[]
  signal: AbortSignal
  /** Asked in the moment before each request goes out; on false that request is not sent and its items come back as `retry`. */
  maySend?: () => boolean
  onExchange?: OnExchange
  /** Keeps, by `ref`, which job the items are in. The job is started when this resolves, and not when it rejects. */
  onJob?: (notes: ReadonlyMap<string, JobNote>) => Promise<void>
}

/** Writes that an earlier call handed over to a job, and whose outcome was not learned. */
export type FinishRequest = Omit<WriteRequest, 'items' | 'onJob'> & {
  items: { ref: string; id?: string; job: JobNote }[]
}

/** What the outside says about a webhook request after its signature was checked. */
export type WebhookVerdict =
  | {
      accept: true
      /** What is kept of the delivery where that is not all of it: one event of several as `body`, the `headers` without credentials. */
      events: { eventId: string; stream: string | null; body?: Buffer; headers?: Record<string, string> }[]
      /** What to answer; anything of 2xx without it. */
      answer?: { status: number; headers: Record<string, string>; body: string }
    }
  /** A handshake: answer this, store nothing. */
  | { accept: false; handshake: { status: number; headers: Record<string, string>; body: string } }
  | { accept: false; error: CausewayError }

/** What an event says of one stream. `pull`: something changed, and only a pull tells what. */
export type EventChange = { stream: string; records: SourceRecord[]; fetch: string[]; pull?: true }

/** One check step of `connectors test --live` and of `causeway doctor`. */
export type ProbeStep = { step: string; ok: boolean; detail: string; error?: CausewayError }

export interface ConnectorSession {
  readonly streams: ReadonlyMap<string, StreamInfo>
  read(request: ReadRequest): AsyncIterable<Page>
  /** Fetches single records by id; ids that do not exist are missing from the answer. */
  fetch(request: { stream: string; ids: string[]; signal: AbortSignal }): Promise<SourceRecord[]>
  lookup(request: LookupRequest): Promise<LookupResult>
  write(request: WriteRequest): Promise<WriteOutcome[]>
  /**
   * Waits for jobs that earlier writes began, and tells what became of their items. An item is left out where the job can tell
   * nothing more: it failed as a whole, or the system has forgotten it.
   */
  finish?(request: FinishRequest): Promise<WriteOutcome[]>
  /** From how many records on writes of a stream go out together, and how many at most; null where it has no such call. */
  bulk?(stream: string): { above: number; size: number } | null
  /** Opens the bytes of a file record. */
  content(request: ContentRequest): Promise<ContentStream>
  /** Verifies raw bytes by the manifest's recipe; constant time, no side effect. */
  verifyWebhook(request: {
    headers: Record<string, string>
    body: Buffer
    /** Query parameters of the delivery's address; some handshakes put their challenge there. */
    query?: Record<string, string>
    method?: string
    /** The whole address as the system knows it, with query; some sign it. */
    url?: string
    /** Webhooks that were ordered, for recipes that use their secrets. */
    subscriptions?: readonly { id: string; secret: string }[]
    stream: string | null
    at: Date
  }): WebhookVerdict
  /** Turns a verified event into records (from its body), or names the ids to fetch or the streams to pull. */
  readEvent(request: {
    headers: Record<string, string>
    body: Buffer
    stream: string | null
    signal: AbortSignal
  }): Promise<EventChange[]>
  /** Walks DNS, TLS, auth and a first page without writing. */
  probe(signal: AbortSignal): Promise<ProbeStep[]>
  /** The stream with the fields that only the system itself knows in its schemas. */
  describe?(request: { stream: string; signal: AbortSignal }): Promise<StreamInfo>
  /** What orders webhooks and keeps them alive. CSW-2003 where the connector does not say how. */
  subscriber?(): Subscriber
  /** The login by a person that the credentials need (OAuth 2.0 with a code). CSW-2003 where they need none. */
  login?(): CodeLogin
  /** Calls under way go on to their ends. Resolves once no tokens are being renewed, which would be lost with the process. */
  close(): Promise<void>
}

/** What must be known when the person comes back. A secret until then. */
export type PendingLogin = { state: string; verifier: string; redirectUri: string }

/** A login by a person, in two steps. */
export type CodeLogin = {
  /** The address a person must open, and what to keep until they come back to `redirectUri`. */
  begin(redirectUri: string): { url: string; pending: PendingLogin }
  /**
   * Gets tokens for the parameters of the address the person came back to, and stores them. Throws CSW-3003 where the person
   * said no, or where the answer belongs to another login.
   */
  finish(pending: PendingLogin, parameters: Record<string, string>): Promise<void>
}

/** One subscription, as it is kept. `secret` is a secret; `expiresAt` is null where it lasts for ever. */
export type Subscription = { id: string; stream: string | null; url: string; secret: string; expiresAt: Date | null }

/** A subscription that is wanted: the stream its address must name (null for one that serves all), and what it serves. */
type WantedSubscription = { stream: string | null; streams: string[]; events: string[] }

export type SubscriptionOrder = { stream: string | null; streams: readonly string[]; url: string; secret: string }

/** Orders and keeps webhooks. Knows nothing of what was ordered before; whoever uses it does. */
export type Subscriber = {
  /** False where the system makes the secrets up: what is found again then is of no use. */
  readonly ownSecret: boolean
  /** Whether `find` may be asked. */
  readonly finds: boolean
  /** Whether `renew` may be asked; otherwise another one is created before the old one is removed. */
  readonly renews: boolean
  /** How long a subscription is asked for; null for ever. */
  readonly lifetimeMs: number | null
  /** A secret for an order. Made before, so that it can be kept before anything is sent. */
  newSecret(): string
  /** The subscriptions that serve these streams. */
  plan(streams: readonly string[]): WantedSubscription[]
  /** `maySend` is asked in the moment before the order goes out. CSW-3012: it may or may not have been taken. */
  create(order: SubscriptionOrder, options: { signal: AbortSignal; maySend?: () => boolean }): Promise<Subscription>
  /** Everything that is ordered there, ours or not. */
  find(signal: AbortSignal): Promise<{ id: string; url: string; expiresAt: Date | null }[]>
  /** Lets it live on; gives its new end. CSW-3009: it is gone. */
  renew(subscription: Subscription, streams: readonly string[], signal: AbortSignal): Promise<Date | null>
  remove(subscription: Pick<Subscription, 'id' | 'secret'>, signal: AbortSignal): Promise<void>
}
