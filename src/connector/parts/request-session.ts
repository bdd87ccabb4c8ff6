/**
 * The session of every protocol that asks a question and gets an answer (REST, JSON-RPC …). A protocol brings its own request
 * fields and a caller for them; reading, looking up, writing and probing are the same for all.
 */
import { CausewayError, type JsonObject } from '../../core/index.ts'
import type {
  ContentRequest,
  FinishRequest,
  OpenedContent,
  Page,
  ReadRequest,
  StreamAbilities,
  Subscriber,
} from '../contract.ts'
import type { Expression, PartFinding } from '../language/index.ts'
import type { ProtocolContext, ProtocolSession, StreamSpec } from '../protocols/contract.ts'
import type { Caller } from './answer.ts'
import { type DescribeSpec, describeStream } from './dictionary.ts'
import { parentFindings } from './for-each.ts'
import type { HttpConnection } from './http.ts'
import { type FetchSpec, fetchRecords, type LookupSpec, lookupRecords } from './lookup.ts'
import type { NestedSpec } from './nested.ts'
import { readPages } from './partitions.ts'
import { probeHttp } from './probe.ts'
import { usedNames } from './read-checks.ts'
import type { ReadSpec } from './read-fields.ts'
import { Writer } from './write.ts'
import type { WriteSpec } from './write-fields.ts'
import type { WriterContext } from './writer.ts'

/** What a stream of such a protocol offers; `R` are its compiled request fields. */
export type RequestStream<R> = {
  read: ReadSpec<R> | undefined
  fetch: FetchSpec<R> | undefined
  lookup: Record<string, LookupSpec<R>> | undefined
  write: WriteSpec<R> | undefined
  nested?: NestedSpec<R>[] | undefined
  describe?: DescribeSpec<R> | undefined
}

/** The abilities that the presence of these parts means. */
export const requestAbilities = ({
  read,
  fetch,
  lookup,
  write,
}: RequestStream<unknown>): Omit<StreamAbilities, 'webhook' | 'content'> => ({
  read: read !== undefined,
  incremental: [read?.incremental, read?.server_cursor, read?.changes].some((way) => way !== undefined),
  deletions: read?.deletions ? 'tombstones' : read ? 'scan' : 'none',
  create: write?.create !== undefined,
  update: write?.update !== undefined,
  upsert: write?.upsert !== undefined,
  upsertBy: write?.upsert?.key ?? [],
  delete: write?.delete !== undefined,
  lookup: Object.keys(lookup ?? {}),
  partialUpdate: write?.update?.partial ?? false,
  ...(write?.create && usedNames(write.create).has('idempotency_key') ? { repeatsCreates: true } : {}),
  ...(fetch ? {} : { byId: false }),
  ...(!fetch && read && isNumbered(read) ? { shifts: true } : {}),
})

const isNumbered = ({ paging, job }: ReadSpec<unknown>): boolean =>
  !job && (paging.kind === 'page' || paging.kind === 'offset')

/** Rules between the parts of a stream, and between the streams of a connector. */
export function checkRequestStream(
  { read, fetch, lookup, write, condition }: RequestStream<unknown> & { condition?: Expression | undefined },
  { name, others }: { name: string; others: ReadonlyMap<string, unknown> },
): PartFinding[] {
  if (!read && !write && !lookup && !fetch)
    return [{ message: 'the stream can do nothing', fix: 'Add `read`, `fetch`, `lookup` or `write`.' }]
  const readOf = (stream: string) => (others.has(stream) ? (others.get(stream) as RequestStream<unknown>).read : null)
  return [
    ...(read?.fetch_ids && !fetch
      ? [{ field: 'read.fetch_ids', message: 'the stream cannot be read by id', fix: 'Add `fetch`.' }]
      : []),
    ...(read?.changes && !fetch
      ? [{ field: 'read.changes', message: 'the stream cannot be read by id', fix: 'Add `fetch`.' }]
      : []),
    ...Object.entries(lookup ?? {}).flatMap(([field, { fetch_ids }]) =>
      fetch_ids && !fetch
        ? [{ field: `lookup.${field}.fetch_ids`, message: 'the stream cannot be read by id', fix: 'Add `fetch`.' }]
        : [],
    ),
    ...(write?.upsert?.id_from_lookup
      ? write.upsert.key!.flatMap((field) =>
          lookup?.[field]
            ? []
            : [
                {
                  field: 'write.upsert.id_from_lookup',
                  message: `nothing looks records up by ${field}`,
                  fix: `Add \`lookup.${field}\`.`,
                },
              ],
        )
      : []),
    ...(condition?.looksInto.has('headers') && fetch?.batch !== 1
      ? [
          {
            field: 'condition',
            message: '`headers` are told of one record only, and this stream has no `fetch` that asks for one',
            fix: 'Add `fetch` with `batch: 1`, or name a field of the record.',
          },
        ]
      : []),
    ...parentFindings(name, read?.for_each, readOf),
  ]
}

export type RequestSessionParts<R> = {
  http: HttpConnection
  caller: Caller<R>
  /** How the hub orders webhooks. */
  subscriber?: Subscriber | null
  /** The request parts of a stream. */
  partsOf(stream: StreamSpec<unknown>): RequestStream<R>
  /** Replaces how a stream makes records (file references). */
  prepare?(stream: StreamSpec<unknown>): StreamSpec<unknown>
  /** Whether the caller spells bodies with `spellWithTexts`. */
  texts?: boolean
  encode?(stream: StreamSpec<unknown>): ((values: JsonObject) => JsonObject) | undefined
  sendContent?: WriterContext<R>['sendContent']
  content?(stream: StreamSpec<unknown>, request: ContentRequest): Promise<OpenedContent>
}

export class RequestSession<R> implements ProtocolSession {
  private readonly context: ProtocolContext<unknown, unknown>
  private readonly parts: RequestSessionParts<R>

  constructor(context: ProtocolContext<unknown, unknown>, parts: RequestSessionParts<R>) {
    this.context = context
    this.parts = parts
  }

  read(request: ReadRequest): AsyncIterable<Page> {
    return this.reading(request, {})
  }

  /** `byPages`: also where everything is read by a job. */
  private reading(request: ReadRequest, way: { byPages?: true }): AsyncIterable<Page> {
    const { stream, parts } = this.stream(request.stream)
    const parents = (name: string, asked: Omit<ReadRequest, 'stream'>) =>
      this.reading({ ...asked, stream: name }, { byPages: true })
    const download = (url: string, signal: AbortSignal) => this.parts.http.download(url, signal)
    const { read, fetch } = parts
    return readPages({ ...this.finder(stream), read: read!, fetch, parents, download, ...way }, request)
  }

  async fetch({ stream: name, ids, signal }: Parameters<ProtocolSession['fetch']>[0]) {
    const { stream, parts } = this.stream(name)
    if (!parts.fetch)
      throw new CausewayError('CSW-2003', {
        what: `The stream ${this.context.connector}:${name} cannot be read by id.`,
      })
    return fetchRecords(this.finder(stream), parts.fetch, ids, signal)
  }

  lookup(request: Parameters<ProtocolSession['lookup']>[0]) {
    const { stream, parts } = this.stream(request.stream)
    return lookupRecords(this.finder(stream), parts.lookup![request.field]!, request, parts.fetch)
  }

  write(request: Parameters<ProtocolSession['write']>[0]) {
    return this.writer(request.stream).write(request)
  }

  finish(request: FinishRequest) {
    return this.writer(request.stream).finish(request)
  }

  /** The widest call of all operations, and from how many records on one is taken. */
  bulk(name: string) {
    const { settings } = this.context
    const calls = Object.values(this.stream(name).parts.write ?? {}).flatMap((operation) => operation?.bulk ?? [])
    if (calls.length === 0) return null
    return {
      above: Math.min(...calls.map(({ above }) => Number(above.evaluate({ settings })))),
      size: Math.max(...calls.map(({ size }) => size)),
    }
  }

  private writer(name: string): Writer<R> {
    const { stream, parts } = this.stream(name)
    const encode = this.parts.encode?.(stream)
    return new Writer<R>({
      ...this.finder(stream),
      stream: `${this.context.connector}:${stream.name}`,
      write: parts.write!,
      writeSchema: stream.writeSchema,
      hide: (secrets) => {
        const { outbound } = this.context
        for (const secret of secrets) outbound.addSecret(secret)
        return () => {
          for (const secret of secrets) outbound.forgetSecret(secret)
        }
      },
      ...(encode ? { encode } : {}),
      texts: this.parts.texts ?? false,
      idsBy: async (field, value, signal) => {
        const found = await this.lookup({ stream: stream.name, field, values: [value], signal })
        return (found.get(value) ?? []).map(({ id }) => id)
      },
      ...(this.parts.sendContent ? { sendContent: this.parts.sendContent } : {}),
    })
  }

  async content(request: ContentRequest) {
    const { stream } = request
    if (!this.parts.content)
      throw new CausewayError('CSW-2003', { what: `The stream ${this.context.connector}:${stream} has no files.` })
    return this.parts.content(this.context.streams.get(stream)!, request)
  }

  probe(signal: AbortSignal) {
    const readable = [...this.context.streams.values()].find((stream) => this.parts.partsOf(stream).read)
    const { http } = this.parts
    return probeHttp(http, this.context.outbound, signal, async () => {
      if (!readable) return 'no stream can be read, so nothing was asked for'
      const first = { stream: readable.name, mode: 'full', cursor: null, signal } as const
      for await (const page of this.reading(first, { byPages: true }))
        return `${page.records.length} ${readable.name} on the first page`
      return `no ${readable.name}`
    })
  }

  async dictionary(name: string, signal: AbortSignal) {
    const { parts, stream } = this.stream(name)
    return parts.describe ? describeStream(parts.describe, this.finder(stream), signal) : null
  }

  subscriber() {
    return this.parts.subscriber ?? null
  }

  login() {
    return this.parts.http.login
  }

  close(): Promise<void> {
    return this.parts.http.settled()
  }

  private stream(name: string): { stream: StreamSpec<unknown>; parts: RequestStream<R> } {
    const stream = this.context.streams.get(name)!
    return { stream: this.parts.prepare?.(stream) ?? stream, parts: this.parts.partsOf(stream) }
  }

  private finder(stream: StreamSpec<unknown>) {
    const { http, caller } = this.parts
    const { nested } = this.parts.partsOf(stream)
    return { stream, caller, nested, settings: this.context.settings, concurrent: http.limits.concurrent }
  }
}
