/**
 * What a protocol module implements. A protocol is one folder (or file) under `protocols/`: the fields it adds to the manifest
 * language, and the code that turns them into sessions. The room around it does the rest: YAML, schema, checks with
 * positions, settings and secrets, record identity (key, version, tombstones, aliases), webhooks, reference page.
 *
 * To add one: write the module, export a `Protocol` made by `defineProtocol`, add one line to `protocols/index.ts`.
 */
import type { Clock, Json, JsonObject } from '../../core/index.ts'
import type { OutboundClient } from '../../outbound/index.ts'
import type {
  CodeLogin,
  ContentRequest,
  FinishRequest,
  LookupRequest,
  LookupResult,
  OpenedContent,
  Page,
  ProbeStep,
  ReadRequest,
  RecordSchema,
  RejectedRecord,
  SourceRecord,
  StreamAbilities,
  Subscriber,
  WriteOutcome,
  WriteRequest,
} from '../contract.ts'
import type { CompiledPart, Fields, PartFinding } from '../language/fields.ts'
import type { Dictionary } from '../parts/dictionary.ts'
import type { TokenStore } from '../parts/token-store.ts'
import type { UploadStore } from '../parts/upload-store.ts'

/** The protocol's own part of one stream, compiled, with what every stream has. */
export type StreamSpec<S> = {
  name: string
  /** The protocol's fields of this stream (`read`, `write` …). */
  spec: S
  readSchema?: RecordSchema
  writeSchema?: RecordSchema
  /**
   * Makes a SourceRecord from a body by the stream's `key`, `version`, `deleted` and `aliases` (names: record, settings). What
   * has no usable id becomes a RejectedRecord. Add `content` to the result where the protocol has files. Check with `isRejected`.
   * A protocol that finds ids by itself (`defaults.key` null) gives the `id`, or null where the body has none.
   */
  toRecord(body: Json, id?: string | null): SourceRecord | RejectedRecord
  /** What writes of a record can be made conditional on, by an answer that is about it alone; see `condition` of a stream. */
  conditionOf?: ((body: JsonObject, headers: Readonly<Record<string, string>>) => string | null) | undefined
  /** Makes values of the cells of a row of CSV, as the schema says, with all fields that are known by then. */
  typeCells?(row: Json): Json
}

/** What an open connection hands to its protocol. */
export type ProtocolContext<C, S> = {
  /** Name of the connection, for messages. */
  connection: string
  /** Name of the connector, for messages. */
  connector: string
  /** The protocol's top-level fields, compiled (`base_url`, `auth` …). */
  spec: C
  streams: ReadonlyMap<string, StreamSpec<S>>
  /** Settings of the connection, defaults filled in and secrets resolved. Also the `settings` of every expression. */
  settings: JsonObject
  /** The only way out: HTTP client, and the dialler that any other client library must be given. */
  outbound: OutboundClient
  log: ConnectorLog
  clock: Clock
  /** Where tokens got at run time are kept; without it, in memory. */
  tokens?: TokenStore
  /** Where started uploads are kept; without it, in memory. */
  uploads?: UploadStore
}

/** The little a protocol needs of a logger; pino fits. Never log records, settings or headers. */
export type ConnectorLog = {
  debug(fields: Record<string, unknown>, message: string): void
  info(fields: Record<string, unknown>, message: string): void
  warn(fields: Record<string, unknown>, message: string): void
}

/**
 * An open connection of one protocol. Methods mean what they mean in `ConnectorSession`; a stream whose abilities exclude a
 * call is refused (CSW-2003) before the protocol is asked.
 */
export interface ProtocolSession {
  read(request: ReadRequest): AsyncIterable<Page>
  fetch(request: { stream: string; ids: string[]; signal: AbortSignal }): Promise<SourceRecord[]>
  lookup(request: LookupRequest): Promise<LookupResult>
  write(request: WriteRequest): Promise<WriteOutcome[]>
  /** Absent where nothing is written by jobs. */
  finish?(request: FinishRequest): Promise<WriteOutcome[]>
  bulk?(stream: string): { above: number; size: number } | null
  /** Opens the bytes of a file. What is cut on the way is taken up again by the room, by asking with `from`. */
  content(request: ContentRequest): Promise<OpenedContent>
  probe(signal: AbortSignal): Promise<ProbeStep[]>
  /** The further fields that only the system knows; null where the stream describes none. */
  dictionary?(stream: string, signal: AbortSignal): Promise<Dictionary | null>
  /** What orders and keeps webhooks; null where the connector does not say how. */
  subscriber?(): Subscriber | null
  /** The login of a person, where the credentials of the connection need one. */
  login?(): CodeLogin | null
  close(): Promise<void>
}

export type Protocol<C extends Fields = Fields, S extends Fields = Fields> = {
  /** The word in `protocol:`. */
  name: string
  title: string
  sense: string
  /** Top-level fields the protocol adds beside the common ones (`settings`, `streams`, `webhooks` …). */
  connector: C
  /** Fields the protocol adds to a stream beside the common ones (`title`, `key`, `version`, `schema` …). */
  stream: S
  /**
   * Common stream fields (`key`, `version` …) a manifest may leave out, with the expression used then. `key: null`: the
   * protocol finds ids by itself, and manifests of it have no `key`.
   */
  defaults?: { key?: string | null; version?: { value: string; type: 'timestamp' | 'number' | 'text' } }
  /** A complete small manifest; loaded, and run against a stand-in, by the protocol's test. */
  example: string
  /** What a stream can do, from its fields (and what a connection's settings say of names, once it is open). `deletions` of tombstones in pages and `webhook` are added by the room. */
  abilities(
    stream: CompiledPart<S>,
    connector: CompiledPart<C>,
    /** Settings of the open connection; absent while only the manifest is described. */
    settings?: JsonObject,
  ): Omit<StreamAbilities, 'webhook'>
  /** Rules between fields that the schema cannot say. `field` is a path such as `read.paging`; `others` are all streams. */
  check?(
    stream: CompiledPart<S>,
    connector: CompiledPart<C>,
    where: { name: string; others: ReadonlyMap<string, unknown> },
  ): PartFinding[]
  open(context: ProtocolContext<CompiledPart<C>, CompiledPart<S>>): Promise<ProtocolSession>
}

/** Declares a protocol; only there so that the types of its fields reach `open` and `abilities`. */
export const defineProtocol = <const C extends Fields, const S extends Fields>(
  protocol: Protocol<C, S>,
): Protocol<C, S> => protocol
