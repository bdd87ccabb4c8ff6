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
import { type FilePlace, fileFailure, type OpenedFile } from './place.ts'
import { placeOf } from './places.ts'
import { writeItems } from './write.ts'

const PAGE = 500
/** How long a write waits for another writer of the same file before the records are tried again later. */
const LOCK_WAIT_MS = 30_000
/** Longer than the second that a coarse fingerprint counts in. */
const COARSE_MS = 2_000

export class FilesSession implements ProtocolSession {
  private readonly context: ProtocolContext<FilesConnector, FilesStream>

  constructor(context: ProtocolContext<FilesConnector, FilesStream>) {
    this.context = context
  }

  /**
   * Reads the whole file; nothing in a file says what changed. An incremental read of a file that is byte for byte the one
   * read last (same inode, size and time; same ETag) ends at once.
   */
  async *read({ stream, mode, cursor, signal }: ReadRequest): AsyncGenerator<Page> {
    const spec = this.stream(stream)
    const { place, format } = await this.target(spec, signal)
    try {
      const handle = await place.open()
      // No file is not an empty file: taking it for one would delete everything that was ever read from it.
      if (!handle) throw fileFailure({ code: 'ENOENT' }, place.name)
      try {
        const requestedAt = this.context.clock.now()
        const state = await stateOf(handle, cursor, requestedAt)
        if (mode === 'incremental' && cursor && cursor.fingerprint === state.fingerprint && cursor.settled !== false) {
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
        if ((await handle.fingerprint()) !== state.fingerprint)
          throw new CausewayError('CSW-2055', { what: `File ${JSON.stringify(place.name)} changed while it was read.` })
        yield { ...page, cursor: state, last: true }
      } finally {
        await handle.close()
      }
    } finally {
      await place.close()
    }
  }

  async fetch(request: { stream: string; ids: string[]; signal: AbortSignal }): Promise<SourceRecord[]> {
    const wanted = new Set(request.ids)
    const found: SourceRecord[] = []
    await this.records(this.stream(request.stream), request.signal, (record) => {
      if (wanted.has(record.id)) found.push(record)
    })
    return found
  }

  async lookup({ stream, field, values, signal }: LookupRequest): Promise<LookupResult> {
    const wanted = new Set(values)
    const found: LookupResult = new Map()
    await this.records(this.stream(stream), signal, (record) => {
      const value = record.body[field]
      const text =
        value === null || value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value)
      if (text === null || !wanted.has(text)) return
      const same = found.get(text)
      if (same) same.push(record)
      else found.set(text, [record])
    })
    return found
  }

  async write({ stream, operation, items, signal, onExchange, maySend }: WriteRequest): Promise<WriteOutcome[]> {
    const spec = this.stream(stream)
    const began = performance.now()
    let place: FilePlace | null = null
    try {
      this.refuseOtherEncodings()
      const target = await this.target(spec, signal, true)
      place = target.place
      const { readOnly } = target.format
      if (readOnly) throw new CausewayError('CSW-2003', { what: readOnly })
      const keyField = this.keyField(spec)
      const keyOf = (body: JsonObject) => {
        const made = spec.toRecord(body)
        return isRejected(made) ? null : made.id
      }
      const outcomes = await place.alone(LOCK_WAIT_MS, signal, () =>
        writeItems({ ...target, keyField, keyOf, maySend }, operation, items),
      )
      onExchange?.({
        ...{ at: this.context.clock.now().toISOString(), method: `${operation} rows`, url: place.shown },
        ...{ status: null, ms: Math.round(performance.now() - began), requestBytes: 0, responseBytes: 0 },
      })
      return outcomes
    } catch (error) {
      const failure = fileFailure(error, 'of the connection')
      // The file is replaced as a whole or not at all; only a lost answer leaves open which.
      const status = failure.code === 'CSW-3012' ? 'unknown' : 'retry'
      return items.map((item) => ({ ref: item.ref, status, error: failure }))
    } finally {
      await place?.close()
    }
  }

  content(): Promise<never> {
    return Promise.reject(new CausewayError('CSW-2003', { what: 'Rows of a file have no content to download.' }))
  }

  async probe(signal: AbortSignal): Promise<ProbeStep[]> {
    const steps: ProbeStep[] = []
    for (const spec of this.context.streams.values()) steps.push(await this.probeStream(spec, signal))
    return steps
  }

  async close(): Promise<void> {}

  private async probeStream(spec: StreamSpec<FilesStream>, signal: AbortSignal): Promise<ProbeStep> {
    const step = `file of ${spec.name}`
    try {
      return { step, ok: true, detail: await this.opened(spec, signal, shapeOf) }
    } catch (error) {
      const failure = fileFailure(error, spec.name)
      return { step, ok: false, detail: failure.message, error: failure }
    }
  }

  private async opened<T>(
    spec: StreamSpec<FilesStream>,
    signal: AbortSignal,
    look: (handle: OpenedFile | null, format: FileFormat, name: string) => Promise<T>,
  ): Promise<T> {
    const { place, format } = await this.target(spec, signal)
    try {
      const handle = await place.open()
      try {
        return await look(handle, format, place.name)
      } finally {
        await handle?.close()
      }
    } finally {
      await place.close()
    }
  }

  /** Shows all records of a file to `each`; none where there is no file. */
  private records(
    spec: StreamSpec<FilesStream>,
    signal: AbortSignal,
    each: (record: SourceRecord) => void,
  ): Promise<void> {
    return this.opened(spec, signal, async (handle, format, name) => {
      if (!handle) return
      for await (const row of format.rows({ handle, name })) {
        signal.throwIfAborted()
        const made = row.body === null ? null : spec.toRecord(row.body)
        if (made && !isRejected(made)) each(made)
      }
    })
  }

  private async target(
    spec: StreamSpec<FilesStream>,
    signal: AbortSignal,
    create = false,
  ): Promise<{ place: FilePlace; format: FileFormat }> {
    const scope = { settings: this.context.settings }
    const format = formatOf(this.context.spec, spec.spec, scope)
    const name = asText(spec.spec.file.evaluate(scope)) ?? ''
    return { place: await placeOf(this.context, name, { create, signal }), format }
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

/** In words what a file holds. */
async function shapeOf(handle: OpenedFile | null, format: FileFormat, name: string): Promise<string> {
  if (!handle) return `${name} does not exist yet; a write will make it`
  const columns = await format.columns({ handle, name })
  return columns ? `${columns.length} columns: ${columns.join(', ')}` : 'can be opened'
}

/**
 * The state of a file, as it goes into the cursor. Where a fingerprint counts whole seconds, it is believed only when the
 * read began that long after the fingerprint was first seen (by this machine's clock): what is written later has another one.
 */
async function stateOf(handle: OpenedFile, cursor: JsonObject | null, now: Date): Promise<JsonObject> {
  const fingerprint = await handle.fingerprint()
  if (handle.exact) return { fingerprint }
  const seen = cursor?.fingerprint === fingerprint && typeof cursor.seen === 'string' ? cursor.seen : now.toISOString()
  return { fingerprint, seen, settled: now.getTime() - Date.parse(seen) >= COARSE_MS }
}
