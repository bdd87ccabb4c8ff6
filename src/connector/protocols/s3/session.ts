/** An open connection to one bucket. */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
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
import { inPool } from '../../parts/pool.ts'
import { rangeHeaders, rangeOf } from '../../parts/range.ts'
import { MemoryUploads } from '../../parts/upload-store.ts'
import type { ProtocolContext, ProtocolSession, StreamSpec } from '../contract.ts'
import { S3Client } from './client.ts'
import { limitsOf, type S3Connector, type S3Stream } from './fields.ts'
import { Writer } from './write.ts'
import { type Node, nodesOf, textOf } from './xml.ts'

type Open = { stream: StreamSpec<S3Stream>; prefix: string; writer: Writer }
type Headers = { [name: string]: string | string[] | undefined }

export class S3Session implements ProtocolSession {
  private readonly context: ProtocolContext<S3Connector, S3Stream>
  private readonly client: S3Client
  private readonly streams = new Map<string, Open>()

  constructor(context: ProtocolContext<S3Connector, S3Stream>) {
    this.context = context
    this.client = new S3Client(context)
    const { spec, settings } = context
    const uploads = context.uploads ?? new MemoryUploads()
    for (const [name, stream] of context.streams) {
      const value = stream.spec.prefix?.evaluate({ settings })
      const prefix = value === undefined || value === null ? '' : asText(value)
      const writer = new Writer(
        this.client,
        {
          ...{ checked: spec.checksum === 'crc32', conditional: spec.conditional, partSize: spec.part_size, prefix },
          attempts: limitsOf(spec).attempts,
        },
        uploads,
      )
      this.streams.set(name, { stream, prefix, writer })
    }
  }

  /** Lists all keys; there is no change feed. A listing that was broken off goes on after its last key. */
  async *read({ stream: name, mode, cursor, signal }: ReadRequest): AsyncGenerator<Page> {
    const open = this.open(name)
    const { page_size, versioned } = open.stream.spec
    let after = cursor?.mode === mode && typeof cursor.after === 'string' ? cursor.after : null
    for (;;) {
      const query = versioned ? this.versionsQuery(open, after) : this.keysQuery(open, after)
      const call = {
        method: 'GET',
        key: null,
        query: { ...query, 'max-keys': String(page_size), 'encoding-type': 'url' },
      }
      const { root, requestedAt } = await this.client.xml(call, { signal })
      const page: Page = {
        records: [],
        rejected: [],
        cursor: {},
        requestedAt,
        last: textOf(root.IsTruncated) !== 'true',
      }
      const entries = versioned ? versionsIn(root) : nodesOf(root.Contents)
      for (const entry of entries) this.gather(open, entry, page)
      const before: string | null = after
      after = page.last
        ? null
        : versioned
          ? unquoted(textOf(root.NextKeyMarker))
          : unquoted(textOf(entries.at(-1)?.Key))
      if (after !== null && (after === '' || after === before))
        throw new CausewayError('CSW-2006', { what: 'The listing of the bucket does not go on.' })
      yield { ...page, cursor: after === null ? {} : { mode, after } }
      if (page.last) return
    }
  }

  async fetch({
    stream,
    ids,
    signal,
  }: {
    stream: string
    ids: string[]
    signal: AbortSignal
  }): Promise<SourceRecord[]> {
    const open = this.open(stream)
    const found = await inPool([...new Set(ids)], this.client.concurrent, async (path) => this.head(open, path, signal))
    return found.flatMap((record) => record ?? [])
  }

  async lookup({ stream, values, signal }: LookupRequest): Promise<LookupResult> {
    const records = await this.fetch({ stream, ids: values, signal })
    return new Map(records.map((record) => [record.id, [record]]))
  }

  write({ stream, operation, items, signal, onExchange, maySend }: WriteRequest): Promise<WriteOutcome[]> {
    return this.open(stream).writer.write(operation, items, { signal, onExchange, maySend })
  }

  async content({ stream, reference, signal, from = 0, validator }: ContentRequest): Promise<OpenedContent> {
    const { prefix } = this.open(stream)
    const { path, version_id: version } = reference.locator
    const response = await this.client.stream(
      {
        ...{ method: 'GET', key: prefix + String(path), headers: rangeHeaders(from, validator) },
        ...(typeof version === 'string' ? { query: { versionId: version } } : {}),
      },
      { signal },
    )
    const { mediaType, name } = reference
    const type = mediaType ?? response.headers['content-type']
    return {
      stream: response.body,
      ...rangeOf(response),
      ...(type ? { mediaType: type } : {}),
      ...(name ? { name } : {}),
    }
  }

  async probe(signal: AbortSignal): Promise<ProbeStep[]> {
    const steps: ProbeStep[] = []
    for (const [name, open] of this.streams) {
      const step = `list the keys of ${name}`
      try {
        const query = { ...this.keysQuery(open, null), 'max-keys': '1' }
        const { root } = await this.client.xml({ method: 'GET', key: null, query }, { signal })
        steps.push({ step, ok: true, detail: nodesOf(root.Contents).length ? 'there are objects' : 'no object yet' })
      } catch (error) {
        if (!(error instanceof CausewayError)) throw error
        steps.push({ step, ok: false, detail: error.message, error })
      }
    }
    return steps
  }

  async close(): Promise<void> {}

  private keysQuery({ prefix }: Open, after: string | null): Record<string, string> {
    return { 'list-type': '2', ...(prefix ? { prefix } : {}), ...(after === null ? {} : { 'start-after': after }) }
  }

  private versionsQuery({ prefix }: Open, after: string | null): Record<string, string> {
    return { versions: '', ...(prefix ? { prefix } : {}), ...(after === null ? {} : { 'key-marker': after }) }
  }

  private async head(open: Open, path: string, signal: AbortSignal): Promise<SourceRecord | null> {
    const headers = (await this.client.headers(
      { method: 'HEAD', key: open.prefix + path },
      { signal },
    )) as Headers | null
    if (headers === null) return null
    const modified = new Date(String(headers['last-modified'] ?? ''))
    const made = this.make(open, {
      ...{ Key: open.prefix + path, Size: headers['content-length'], ETag: headers.etag },
      LastModified: Number.isNaN(modified.getTime()) ? '' : modified.toISOString(),
      ...(open.stream.spec.versioned ? { VersionId: headers['x-amz-version-id'] } : {}),
    })
    return made === null || isRejected(made) ? null : made
  }

  private gather(open: Open, entry: Node, page: Page): void {
    const made = this.make(open, { ...entry, Key: unquoted(textOf(entry.Key)) })
    if (made === null) return
    if (isRejected(made)) page.rejected.push(made)
    else page.records.push(made)
  }

  /** Null for the empty objects that stand for folders. */
  private make({ stream, prefix }: Open, entry: Node): SourceRecord | RejectedRecord | null {
    const path = textOf(entry.Key).slice(prefix.length)
    if (path === '' || path.endsWith('/')) return null
    const size = Number(entry.Size)
    const version = textOf(entry.VersionId)
    const etag = textOf(entry.ETag) || null
    const body: JsonObject = {
      ...{ id: path, path, name: path.slice(path.lastIndexOf('/') + 1) },
      folder: path.slice(0, Math.max(0, path.lastIndexOf('/'))),
      ...{ size: Number.isSafeInteger(size) ? size : null, etag },
      modified: textOf(entry.LastModified).replace(/\.000Z$/, 'Z') || null,
      ...(version ? { version_id: version } : {}),
      ...(entry.deleted === true ? { deleted: true } : {}),
    }
    const made = stream.toRecord(body)
    if (isRejected(made)) return made
    if (entry.deleted === true) return { id: made.id, version: made.version, body: {}, deleted: true }
    made.content = {
      locator: { path, state: etag, ...(version ? { version_id: version } : {}) },
      name: String(body.name),
      ...(Number.isSafeInteger(size) ? { size } : {}),
    }
    return made
  }

  private open(name: string): Open {
    const open = this.streams.get(name)
    if (!open)
      throw new CausewayError('CSW-2002', { what: `Connector ${this.context.connector} has no stream ${name}.` })
    return open
  }
}

/** The newest state of each key: a version, or a mark that it is deleted. */
const versionsIn = (root: Node): Node[] => [
  ...nodesOf(root.Version).filter(({ IsLatest }) => IsLatest === 'true'),
  ...nodesOf(root.DeleteMarker).flatMap((mark) => (mark.IsLatest === 'true' ? [{ ...mark, deleted: true }] : [])),
]

/** Keys may hold what XML cannot, so they are asked for percent-encoded, with + for a space. */
function unquoted(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', '%20'))
  } catch {
    return key
  }
}
