/** Files that are objects of a bucket. Nothing in it can be changed in place, so a file is replaced by a conditional upload. */
import { randomUUID } from 'node:crypto'
import { type FileHandle, open, unlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Readable } from 'node:stream'
import { CausewayError } from '../../../../core/index.ts'
import type { ContentStream } from '../../../contract.ts'
import { rangeOf } from '../../../parts/range.ts'
import { uploadInParts } from '../../../parts/upload.ts'
import { MemoryUploads } from '../../../parts/upload-store.ts'
import { crcOf, crcText } from '../../s3/checksum.ts'
import { S3Client, type StoreContext } from '../../s3/client.ts'
import { limitsOf } from '../../s3/fields.ts'
import { MultipartUpload } from '../../s3/upload.ts'
import { inTurn } from '../lock.ts'
import { changedMeanwhile, type Draft, type FilePlace, type OpenedFile, partsOf } from '../place.ts'
import type { StoreSpec } from './fields.ts'

const CHUNK = 256 * 1024
/** Streams of one file that may break one after the other without a byte between them. */
const BREAKS = 3

type Target = { client: S3Client; spec: StoreSpec; key: string; name: string; mediaType: string; signal: AbortSignal }

/** The place of a file of a bucket; `signal` ends its calls. */
export function storePlace(
  context: Omit<StoreContext, 'spec'> & { spec: StoreSpec },
  file: { prefix: string; name: string; mediaType: string },
  signal: AbortSignal,
): FilePlace {
  const { prefix, name, mediaType } = file
  const key = prefix + partsOf(name).join('/')
  return new StoredFile({ client: new S3Client(context), spec: context.spec, key, name, mediaType, signal })
}

class StoredFile implements FilePlace {
  readonly name: string
  readonly shown: string
  private readonly object: Target

  constructor(object: Target) {
    this.object = object
    this.name = object.name
    this.shown = `s3://${object.client.bucket}/${object.key}`
  }

  async open(): Promise<OpenedFile | null> {
    const found = await headOf(this.object)
    return found && new OpenedObject(this.object, found)
  }

  /** In turn within this process; others are kept off by the condition of the upload. */
  alone<T>(_waitMs: number, _signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    return inTurn(this.shown, work)
  }

  async draft(old: OpenedFile | null, { copy }: { copy: boolean }): Promise<Draft> {
    const file = path.join(tmpdir(), `causeway-${randomUUID()}`)
    const draft = new StoreDraft(this.object, file, await open(file, 'wx+', 0o600))
    if (copy && old) await draft.copy(old)
    return draft
  }

  async close(): Promise<void> {}
}

async function headOf({ client, key, signal }: Target): Promise<{ size: number; etag: string } | null> {
  const headers = await client.headers({ method: 'HEAD', key }, { signal })
  return headers && { size: Number(headers['content-length'] ?? 0), etag: String(headers.etag ?? '') }
}

class OpenedObject implements OpenedFile {
  readonly exact = true
  readonly size: number
  private readonly etag: string
  private readonly object: Target
  private stream: { at: number; chunks: AsyncIterator<Buffer>; source: Readable; rest: Buffer } | null = null

  constructor(object: Target, found: { size: number; etag: string }) {
    this.object = object
    this.size = found.size
    this.etag = found.etag
  }

  /** Reads on in one request as long as it is read in a row, and asks for a range where it is not. */
  async read(into: Buffer, at: number): Promise<number> {
    if (at >= this.size || into.length === 0) return 0
    for (let breaks = 0; ; ) {
      try {
        const stream = await this.streamAt(at)
        if (stream.rest.length === 0) {
          const { value, done } = await stream.chunks.next()
          if (done)
            throw new CausewayError('CSW-3001', { what: `${this.shown} ended after ${at} of ${this.size} bytes.` })
          stream.rest = value
        }
        const bytes = stream.rest.copy(into)
        stream.rest = stream.rest.subarray(bytes)
        stream.at += bytes
        return bytes
      } catch (error) {
        this.drop()
        if (error instanceof CausewayError && error.code === 'CSW-3013') throw changedMeanwhile(this.object.name)
        if (++breaks >= BREAKS || this.object.signal.aborted) throw broken(error, this.shown)
      }
    }
  }

  async fingerprint(): Promise<string> {
    return (await headOf(this.object))?.etag ?? ''
  }

  async close(): Promise<void> {
    this.drop()
  }

  private async streamAt(at: number) {
    if (this.stream?.at === at) return this.stream
    this.drop()
    const { client, key, signal } = this.object
    const headers = { 'If-Match': this.etag, ...(at > 0 ? { Range: `bytes=${at}-` } : {}) }
    const response = await client.stream({ method: 'GET', key, headers }, { signal })
    if (rangeOf(response).from !== at) {
      response.body.destroy()
      throw new CausewayError('CSW-3007', {
        what: `${this.shown} was asked for from byte ${at}, and another part came.`,
      })
    }
    this.stream = { at, chunks: response.body[Symbol.asyncIterator](), source: response.body, rest: Buffer.alloc(0) }
    return this.stream
  }

  private drop(): void {
    this.stream?.source.on('error', () => {}).destroy()
    this.stream = null
  }

  private get shown(): string {
    return `s3://${this.object.client.bucket}/${this.object.key}`
  }
}

const broken = (error: unknown, shown: string): CausewayError =>
  error instanceof CausewayError
    ? error
    : new CausewayError('CSW-3001', { what: `The answer with ${shown} was cut.`, cause: error })

/** Collected in a temporary file of this machine, then sent in one piece, or in parts where it is large. */
class StoreDraft implements Draft {
  private readonly object: Target
  private readonly file: string
  private readonly handle: FileHandle
  private size = 0

  constructor(object: Target, file: string, handle: FileHandle) {
    this.object = object
    this.file = file
    this.handle = handle
  }

  async write(text: string): Promise<void> {
    await this.put(Buffer.from(text, 'utf8'))
  }

  async copy(old: OpenedFile): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK)
    for (;;) {
      const bytes = await old.read(buffer, this.size)
      if (bytes === 0) return
      await this.put(buffer.subarray(0, bytes))
    }
  }

  async publish(before: string | null): Promise<void> {
    const { spec } = this.object
    const condition: Record<string, string> = before === null ? { 'If-None-Match': '*' } : { 'If-Match': before }
    if (!spec.conditional && ((await headOf(this.object))?.etag ?? null) !== before)
      throw changedMeanwhile(this.object.name)
    try {
      await this.send(spec.conditional ? condition : {})
    } catch (error) {
      if (error instanceof CausewayError && error.code === 'CSW-3013') throw changedMeanwhile(this.object.name)
      throw error
    }
    await this.discard()
  }

  async discard(): Promise<void> {
    await this.handle.close()
    await unlink(this.file).catch(() => {})
  }

  private async put(bytes: Buffer): Promise<void> {
    await this.handle.write(bytes, 0, bytes.length, this.size)
    this.size += bytes.length
  }

  private async send(condition: Record<string, string>): Promise<void> {
    const { client, key, spec, mediaType, signal } = this.object
    const checked = spec.checksum === 'crc32'
    if (this.size <= spec.part_size) {
      const body = Buffer.alloc(this.size)
      await this.handle.read(body, 0, this.size, 0)
      const headers = {
        'Content-Type': mediaType,
        ...condition,
        ...(checked ? { 'x-amz-checksum-crc32': crcText(crcOf(body)) } : {}),
      }
      // Sent again after a lost answer, it would meet its own result.
      const done = await client.headers({ method: 'PUT', key, headers, body, idempotent: false }, { signal })
      // A condition on an object that is gone is answered with "not found".
      if (done === null) throw changedMeanwhile(this.object.name)
      return
    }
    const from = (start = 0): Promise<ContentStream> =>
      Promise.resolve({
        ...{ stream: this.handle.createReadStream({ start, autoClose: false }), size: this.size, mediaType },
      })
    const target = new MultipartUpload(
      client,
      { key, mediaType, condition },
      { checked, partSize: spec.part_size },
      { signal },
    )
    const { attempts } = limitsOf(spec)
    await uploadInParts(from, target, { key: randomUUID(), store: new MemoryUploads(), attempts, signal })
  }
}
