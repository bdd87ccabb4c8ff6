/** An open connection to files: reads rows as records, writes them back. */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import type {
  LookupRequest,
  LookupResult,
  Page,
  ProbeStep,
  ReadRequest,
  SourceRecord,
  WriteOutcome,
  WriteRequest,
} from '../../contract.ts'
import { asText } from '../../language/index.ts'
import { isRejected } from '../../manifest/record.ts'
import type { ProtocolContext, ProtocolSession, StreamSpec } from '../contract.ts'
import type { FilesConnector, FilesStream } from './fields.ts'
import { formatOf } from './fields.ts'
import type { FileFormat } from './format.ts'
import { withLock } from './lock.ts'
import { type FilePlace, fileFailure, fingerprintOf, openFile, placeOf } from './place.ts'
import { writeItems } from './write.ts'

const PAGE = 500
/** How long a write waits for another writer of the same file before the records are tried again later. */
const LOCK_WAIT_MS = 30_000

export class FilesSession implements ProtocolSession {
  private readonly context: ProtocolContext<FilesConnector, FilesStream>

  constructor(context: ProtocolContext<FilesConnector, FilesStream>) {
    this.context = context
  }

  /**
   * Reads the whole file; nothing in a file says what changed. An incremental read of a file that is byte for byte the one
   * read last (same inode, size and time) ends at once.
   */
  async *read({ stream, mode, cursor, signal }: ReadRequest): AsyncGenerator<Page> {
    const spec = this.stream(stream)
    const { place, format } = await this.target(spec)
    const handle = await openFile(place)
    // No file is not an empty file: taking it for one would delete everything that was ever read from it.
    if (!handle) throw fileFailure({ code: 'ENOENT' }, place.name)
    try {
      const requestedAt = this.context.clock.now()
      const fingerprint = await fingerprintOf(handle)
      if (mode === 'incremental' && cursor?.fingerprint === fingerprint) {
        yield { records: [], rejected: [], cursor, requestedAt, last: true }
        return
      }
      let page: Page = { records: [], rejected: [], cursor: {}, requestedAt, last: false }
      for await (const row of format.rows({ handle, name: place.name })) {
        signal.throwIfAborted()
        const made = row.body === null ? { body: row.text, error: row.error } : spec.toRecord(row.body)
        if (isRejected(made)) page.rejected.push(made)
        else page.records.push(made)
        if (page.records.length + page.rejected.length < PAGE) continue
        yield page
        page = { records: [], rejected: [], cursor: {}, requestedAt, last: false }
      }
      if ((await fingerprintOf(handle)) !== fingerprint)
        throw new CausewayError('CSW-2055', { what: `File ${JSON.stringify(place.name)} changed while it was read.` })
      yield { ...page, cursor: { fingerprint }, last: true }
    } finally {
      await handle.close()
    }
  }

  async fetch(request: { stream: string; ids: string[]; signal: AbortSignal }): Promise<SourceRecord[]> {
    const wanted = new Set(request.ids)
    const found: SourceRecord[] = []
    for await (const record of this.records(this.stream(request.stream), request.signal))
      if (wanted.has(record.id)) found.push(record)
    return found
  }

  async lookup({ stream, field, values, signal }: LookupRequest): Promise<LookupResult> {
    const wanted = new Set(values)
    const found: LookupResult = new Map()
    for await (const record of this.records(this.stream(stream), signal)) {
      const value = record.body[field]
      const text =
        value === null || value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value)
      if (text === null || !wanted.has(text)) continue
      const same = found.get(text)
      if (same) same.push(record)
      else found.set(text, [record])
    }
    return found
  }

  async write({ stream, operation, items, signal, onExchange }: WriteRequest): Promise<WriteOutcome[]> {
    const spec = this.stream(stream)
    const began = performance.now()
    try {
      this.refuseOtherEncodings()
      const { place, format } = await this.target(spec, true)
      const keyField = this.keyField(spec)
      const keyOf = (body: JsonObject) => {
        const made = spec.toRecord(body)
        return isRejected(made) ? null : made.id
      }
      const outcomes = await withLock(place, LOCK_WAIT_MS, signal, () =>
        writeItems({ place, format, keyField, keyOf }, operation, items),
      )
      onExchange?.({
        ...{ at: this.context.clock.now().toISOString(), method: `${operation} rows`, url: `file:${place.name}` },
        ...{ status: null, ms: Math.round(performance.now() - began), requestBytes: 0, responseBytes: 0 },
      })
      return outcomes
    } catch (error) {
      // The file is replaced as a whole or not at all, so nothing of the batch has been done.
      const failure = fileFailure(error, 'of the connection')
      return items.map((item) => ({ ref: item.ref, status: 'retry', error: failure }))
    }
  }

  content(): Promise<never> {
    return Promise.reject(new CausewayError('CSW-2003', { what: 'Rows of a file have no content to download.' }))
  }

  async probe(): Promise<ProbeStep[]> {
    const steps: ProbeStep[] = []
    for (const spec of this.context.streams.values()) steps.push(await this.probeStream(spec))
    return steps
  }

  async close(): Promise<void> {}

  private async probeStream(spec: StreamSpec<FilesStream>): Promise<ProbeStep> {
    const step = `file of ${spec.name}`
    try {
      const { place, format } = await this.target(spec)
      const handle = await openFile(place)
      if (!handle) return { step, ok: true, detail: `${place.name} does not exist yet; a write will make it` }
      try {
        const columns = await format.columns({ handle, name: place.name })
        return {
          step,
          ok: true,
          detail: columns ? `${columns.length} columns: ${columns.join(', ')}` : 'can be opened',
        }
      } finally {
        await handle.close()
      }
    } catch (error) {
      const failure = fileFailure(error, spec.name)
      return { step, ok: false, detail: failure.message, error: failure }
    }
  }

  private async *records(spec: StreamSpec<FilesStream>, signal: AbortSignal): AsyncGenerator<SourceRecord> {
    const { place, format } = await this.target(spec)
    const handle = await openFile(place)
    if (!handle) return
    try {
      for await (const row of format.rows({ handle, name: place.name })) {
        signal.throwIfAborted()
        const made = row.body === null ? null : spec.toRecord(row.body)
        if (made && !isRejected(made)) yield made
      }
    } finally {
      await handle.close()
    }
  }

  private async target(
    spec: StreamSpec<FilesStream>,
    create = false,
  ): Promise<{ place: FilePlace; format: FileFormat }> {
    const scope = { settings: this.context.settings }
    const folder = asText(this.context.spec.folder.evaluate(scope)) ?? ''
    const name = asText(spec.spec.file.evaluate(scope)) ?? ''
    return { place: await placeOf(folder, name, { create }), format: formatOf(this.context.spec, scope) }
  }

  /** Appended or rewritten in UTF-8, the file would hold two encodings, or another one than the connection says. */
  private refuseOtherEncodings(): void {
    const encoding = asText(this.context.spec.encoding.evaluate({ settings: this.context.settings })) ?? 'utf-8'
    if (encoding !== 'utf-8')
      throw new CausewayError('CSW-2003', { what: `Files in ${encoding} are read only; they are written in utf-8.` })
  }

  private keyField(spec: StreamSpec<FilesStream>): string {
    return asText(spec.spec.write?.key_field.evaluate({ settings: this.context.settings })) ?? ''
  }

  private stream(name: string): StreamSpec<FilesStream> {
    const spec = this.context.streams.get(name)
    if (!spec)
      throw new CausewayError('CSW-2002', { what: `Connector ${this.context.connector} has no stream ${name}.` })
    return spec
  }
}
