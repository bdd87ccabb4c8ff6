/** An open connection to a WebDAV server. */
import { CausewayError } from '../../../core/index.ts'
import type {
  ContentRequest,
  LookupRequest,
  LookupResult,
  OpenedContent,
  Page,
  ProbeStep,
  ReadRequest,
  RejectedRecord,
  SourceRecord,
  WriteOutcome,
  WriteRequest,
} from '../../contract.ts'
import { asText } from '../../language/index.ts'
import { isRejected } from '../../manifest/record.ts'
import { rangeHeaders, rangeOf } from '../../parts/range.ts'
import { MemoryUploads } from '../../parts/upload-store.ts'
import type { ProtocolContext, ProtocolSession, StreamSpec } from '../contract.ts'
import { WebDavClient } from './client.ts'
import { limitsOf, type WebDavConnector, type WebDavStream } from './fields.ts'
import { rootOf } from './paths.ts'
import { type Found, type Listing, Tree } from './tree.ts'
import { Writer } from './write.ts'

/** Folders are gathered until a page is worth a transaction. */
const PAGE = 200

type Open = { spec: StreamSpec<WebDavStream>; tree: Tree; writer: Writer }

export class WebDavSession implements ProtocolSession {
  private readonly context: ProtocolContext<WebDavConnector, WebDavStream>
  private readonly client: WebDavClient
  private readonly streams = new Map<string, Open>()

  constructor(context: ProtocolContext<WebDavConnector, WebDavStream>) {
    this.context = context
    this.client = new WebDavClient(context)
    const chunks = this.chunks()
    for (const [name, spec] of context.streams) {
      const folder = spec.spec.folder?.evaluate({ settings: context.settings })
      const root = rootOf(this.client.base, folder === undefined || folder === null ? '' : asText(folder))
      const tree = new Tree(this.client, root, spec.spec.items, spec.spec.identity)
      this.streams.set(name, { spec, tree, writer: new Writer(this.client, tree, chunks) })
    }
  }

  /** Walks the whole tree: WebDAV knows no change feed. Every page but the last is only known to lie within the scan. */
  async *read({ stream, signal }: ReadRequest): AsyncGenerator<Page> {
    const open = this.open(stream)
    let page: Page | null = null
    for await (const listing of open.tree.walk({ signal })) {
      page ??= { records: [], rejected: [], cursor: {}, requestedAt: listing.requestedAt, last: false }
      this.gather(open, listing, page)
      if (page.records.length < PAGE) continue
      yield page
      page = null
    }
    yield { ...(page ?? { records: [], rejected: [], cursor: {}, requestedAt: this.context.clock.now() }), last: true }
  }

  async fetch(request: { stream: string; ids: string[]; signal: AbortSignal }): Promise<SourceRecord[]> {
    const open = this.open(request.stream)
    const found = await open.tree.byId(request.ids, request)
    return [...found.values()].flatMap((item) => this.record(open, item) ?? [])
  }

  async lookup({ stream, field, values, signal }: LookupRequest): Promise<LookupResult> {
    const open = this.open(stream)
    if (field !== 'path' && field !== 'id')
      throw new CausewayError('CSW-2003', { what: `Documents can be looked up by path, not by ${field}.` })
    const found =
      field === 'path' ? await open.tree.byPath(values, { signal }) : await open.tree.byId(values, { signal })
    const result: LookupResult = new Map()
    for (const [value, item] of found) {
      const record = this.record(open, item)
      if (record) result.set(value, [record])
    }
    return result
  }

  write({ stream, operation, items, signal, onExchange, maySend }: WriteRequest): Promise<WriteOutcome[]> {
    return this.open(stream).writer.write(operation, items, { signal, onExchange, maySend })
  }

  async content({ stream, reference, signal, from = 0, validator }: ContentRequest): Promise<OpenedContent> {
    const { tree } = this.open(stream)
    const { path } = reference.locator
    const response = await this.client.get(tree.urlOf(String(path)), rangeHeaders(from, validator), { signal })
    const range = rangeOf(response)
    const { mediaType, name } = reference
    return {
      stream: response.body,
      ...range,
      ...(mediaType ? { mediaType } : {}),
      ...(name ? { name } : {}),
    }
  }

  async probe(signal: AbortSignal): Promise<ProbeStep[]> {
    const steps: ProbeStep[] = []
    for (const [name, { tree }] of this.streams) {
      const step = `list the folder of ${name}`
      try {
        const answer = await this.client.list(tree.root.url, 1, { signal })
        if (!answer) throw new CausewayError('CSW-3014', { what: 'The collection of the stream does not exist.' })
        steps.push({ step, ok: true, detail: `${answer.resources.length - 1} members` })
      } catch (error) {
        if (!(error instanceof CausewayError)) throw error
        steps.push({ step, ok: false, detail: error.message, error })
      }
    }
    return steps
  }

  async close(): Promise<void> {}

  private chunks(): ConstructorParameters<typeof Writer>[2] {
    const { spec, settings, connection, uploads = new MemoryUploads() } = this.context
    const value = spec.chunks?.folder.evaluate({ settings })
    if (!spec.chunks || value === undefined || value === null || value === '') return null
    const url = URL.parse(asText(value))
    if (url?.origin !== new URL(this.client.base).origin)
      throw new CausewayError('CSW-2005', {
        what: `The collection for chunks of connection ${connection} is not on the server of its base URL.`,
      })
    return { folder: url.href, partSize: spec.chunks.part_size, store: uploads, attempts: limitsOf(spec).attempts }
  }

  private gather(open: Open, listing: Listing, page: Page): void {
    // The earliest request of the page: what was observed after it may be newer.
    if (listing.requestedAt < page.requestedAt) page.requestedAt = listing.requestedAt
    for (const item of listing.found) {
      const made = this.make(open, item)
      if (isRejected(made)) page.rejected.push(made)
      else page.records.push(made)
    }
    for (const href of listing.strays) {
      const what = 'A resource has an address that is no path below the folder of the stream.'
      page.rejected.push({ body: { href }, error: new CausewayError('CSW-5001', { what }) })
    }
  }

  private make({ spec }: Open, { body, path }: Found): SourceRecord | RejectedRecord {
    const made = spec.toRecord(body)
    if (isRejected(made) || spec.spec.items === 'folders') return made
    const { size, media_type: mediaType, etag, modified } = body
    if (typeof etag === 'string') made.condition = etag
    made.content = {
      // The ETag finds no bytes; it makes the reference of changed bytes another one.
      locator: { path, state: etag ?? modified ?? null },
      name: String(body.name),
      ...(typeof size === 'number' ? { size } : {}),
      ...(typeof mediaType === 'string' ? { mediaType } : {}),
    }
    return made
  }

  private record(open: Open, item: Found): SourceRecord | null {
    const made = this.make(open, item)
    return isRejected(made) ? null : made
  }

  private open(name: string): Open {
    const open = this.streams.get(name)
    if (!open)
      throw new CausewayError('CSW-2002', { what: `Connector ${this.context.connector} has no stream ${name}.` })
    return open
  }
}
