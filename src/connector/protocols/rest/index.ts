/** REST: JSON over HTTP, one address per kind of record. */
import type { ContentReference, ContentStream, Page, ReadRequest } from '../../contract.ts'
import { type CompiledPart, section } from '../../language/index.ts'
import { isRejected } from '../../manifest/record.ts'
import { authField } from '../../parts/auth.ts'
import { contentPart, uploadField, withContent } from '../../parts/content.ts'
import { HttpConnection, httpFields } from '../../parts/http.ts'
import { fetchPart, fetchRecords, lookupField, lookupRecords } from '../../parts/lookup.ts'
import { probeHttp } from '../../parts/probe.ts'
import { type ReaderContext, readPages, readPart } from '../../parts/read.ts'
import { type RequestSpec, requestFields } from '../../parts/request.ts'
import { Writer } from '../../parts/write.ts'
import { type WriteSpec, writePart } from '../../parts/write-fields.ts'
import { defineProtocol, type ProtocolContext, type ProtocolSession, type StreamSpec } from '../contract.ts'
import { RestCaller, restAuthoriser } from './caller.ts'
import { contentSender, download } from './content.ts'
import * as examples from './examples.ts'

const connectorFields = { ...httpFields(), auth: authField(requestFields, examples.session) }

const streamFields = {
  read: section(readPart(requestFields, examples.read), { sense: 'How the records of the stream are read.' }),
  fetch: section(fetchPart(requestFields, examples.fetch), { sense: 'How single records are read by id.' }),
  lookup: lookupField(requestFields),
  write: section(writePart(requestFields, examples.write, uploadField), { sense: 'How records are written.' }),
  content: section(contentPart, { sense: 'For streams whose records are files.' }),
}

type Connector = CompiledPart<typeof connectorFields>
type Stream = CompiledPart<typeof streamFields>

export const rest = defineProtocol({
  name: 'rest',
  title: 'REST',
  sense: 'JSON over HTTP.',
  connector: connectorFields,
  stream: streamFields,
  example: examples.manifest,
  abilities: ({ read, write, lookup, content }) => ({
    read: read !== undefined,
    incremental: read?.incremental !== undefined,
    deletions: read?.deletions ? 'tombstones' : read ? 'scan' : 'none',
    create: write?.create !== undefined,
    update: write?.update !== undefined,
    upsert: write?.upsert !== undefined,
    upsertBy: write?.upsert?.key ?? [],
    delete: write?.delete !== undefined,
    lookup: Object.keys(lookup ?? {}),
    partialUpdate: write?.update?.partial ?? false,
    content: content !== undefined,
  }),
  check: ({ read, fetch, write, lookup, content }) => [
    ...(read || write || lookup || fetch
      ? []
      : [{ message: 'the stream can do nothing', fix: 'Add `read`, `fetch`, `lookup` or `write`.' }]),
    ...(content && !read && !fetch
      ? [{ field: 'content', message: 'no record is ever read that could have content', fix: 'Add `read` or `fetch`.' }]
      : []),
  ],
  open: async (context) => new RestSession(context),
})

class RestSession implements ProtocolSession {
  private readonly context: ProtocolContext<Connector, Stream>
  private readonly http: HttpConnection
  private readonly caller: RestCaller

  constructor(context: ProtocolContext<Connector, Stream>) {
    this.context = context
    this.http = new HttpConnection(context)
    this.caller = new RestCaller(this.http)
    this.http.authorise(restAuthoriser(context.spec.auth, this.caller, context))
  }

  read(request: ReadRequest): AsyncIterable<Page> {
    const { stream, spec } = this.stream(request.stream)
    return readPages({ ...this.finder(stream), read: spec.read! as ReaderContext<RequestSpec>['read'] }, request)
  }

  fetch({ stream: name, ids, signal }: { stream: string; ids: string[]; signal: AbortSignal }) {
    const { stream, spec } = this.stream(name)
    return fetchRecords(this.finder(stream), spec.fetch!, ids, signal)
  }

  lookup(request: Parameters<ProtocolSession['lookup']>[0]) {
    const { stream, spec } = this.stream(request.stream)
    return lookupRecords(this.finder(stream), spec.lookup![request.field]!, request)
  }

  write(request: Parameters<ProtocolSession['write']>[0]) {
    const { stream, spec } = this.stream(request.stream)
    const writer = new Writer<RequestSpec>({
      stream: stream.name,
      write: spec.write! as WriteSpec<RequestSpec>,
      caller: this.caller,
      settings: this.context.settings,
      concurrent: this.http.limits.concurrent,
      sendContent: contentSender(this.http, this.caller),
    })
    return writer.write(request)
  }

  content(request: { stream: string; reference: ContentReference; signal: AbortSignal }): Promise<ContentStream> {
    return download(this.http, this.stream(request.stream).spec.content!, request.reference, request.signal)
  }

  probe(signal: AbortSignal) {
    const readable = [...this.context.streams.values()].find(({ spec }) => spec.read)
    return probeHttp(this.http.base, this.context.outbound, signal, async () => {
      if (!readable) return 'no stream can be read; nothing to ask for'
      for await (const page of this.read({ stream: readable.name, mode: 'full', cursor: null, signal }))
        return `${page.records.length} ${readable.name} on the first page`
      return `no ${readable.name}`
    })
  }

  async close(): Promise<void> {}

  /** A stream whose records carry a reference to their bytes, where it has any. */
  private stream(name: string): { stream: StreamSpec<Stream>; spec: Stream } {
    const stream = this.context.streams.get(name)!
    const { content } = stream.spec
    if (!content) return { stream, spec: stream.spec }
    const toRecord: typeof stream.toRecord = (body) => {
      const made = stream.toRecord(body)
      return isRejected(made) ? made : withContent(content, made, this.context.settings)
    }
    return { stream: { ...stream, toRecord }, spec: stream.spec }
  }

  private finder(stream: StreamSpec<Stream>) {
    return { stream, caller: this.caller, settings: this.context.settings, concurrent: this.http.limits.concurrent }
  }
}
