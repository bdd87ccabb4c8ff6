/** Large objects in parts: an upload that ends with the hub goes on where it was. */
import { createHash } from 'node:crypto'
import { CausewayError, type Json, type JsonObject } from '../../../core/index.ts'
import type { ContentStream } from '../../contract.ts'
import type { State, UploadSummary, UploadTarget } from '../../parts/upload.ts'
import type { UploadPart } from '../../parts/upload-parts.ts'
import { crcOf, crcText } from './checksum.ts'
import type { CallOptions, S3Client } from './client.ts'
import { escaped, nodesOf, textOf } from './xml.ts'

const MOST_PARTS = 10_000

export type Target = { key: string; mediaType: string; condition: Record<string, string> }

export class MultipartUpload implements UploadTarget<{ etag: string }> {
  private readonly client: S3Client
  private readonly target: Target
  private readonly checked: boolean
  private readonly size: number
  private readonly options: CallOptions

  constructor(
    client: S3Client,
    target: Target,
    settings: { checked: boolean; partSize: number },
    options: CallOptions,
  ) {
    this.client = client
    this.target = target
    this.checked = settings.checked
    this.size = settings.partSize
    this.options = options
  }

  partSize(session: JsonObject): number {
    return Number(session.part_size)
  }

  async start({ size }: ContentStream): Promise<JsonObject> {
    const { key, mediaType } = this.target
    const { root } = await this.client.xml(
      {
        ...{ method: 'POST', key, query: { uploads: '' } },
        headers: {
          'Content-Type': mediaType,
          ...(this.checked ? { 'x-amz-checksum-algorithm': 'CRC32', 'x-amz-checksum-type': 'FULL_OBJECT' } : {}),
        },
      },
      this.options,
    )
    const least = size === undefined ? 0 : Math.ceil(size / MOST_PARTS / 65_536) * 65_536
    return { upload_id: textOf(root.UploadId), part_size: Math.max(this.size, least), key }
  }

  async send(session: JsonObject, part: UploadPart) {
    const headers = await this.client.headers(
      {
        ...{ method: 'PUT', key: this.target.key, body: part.bytes },
        query: { partNumber: String(part.number), uploadId: String(session.upload_id) },
        headers: this.checked ? { 'x-amz-checksum-crc32': crcText(crcOf(part.bytes)) } : {},
      },
      this.options,
    )
    if (headers === null) throw new CausewayError('CSW-3021', { what: 'The store knows the upload no more.' })
    return { keep: { number: part.number, etag: String(headers.etag ?? ''), size: part.bytes.length } }
  }

  /** The parts in one row from the first. After the end of an upload whose answer was lost, the object itself tells. */
  async progress(
    session: JsonObject,
    kept: State,
  ): Promise<{ offset: number; parts: Json[]; done?: { etag: string } } | null> {
    if (session.key !== this.target.key) return null
    const parts: { number: number; etag: string; size: number }[] = []
    try {
      for (let after = '0'; ; ) {
        const query = { uploadId: String(session.upload_id), 'part-number-marker': after }
        const { root } = await this.client.xml({ method: 'GET', key: this.target.key, query }, this.options)
        for (const part of nodesOf(root.Part))
          parts.push({ number: Number(part.PartNumber), etag: textOf(part.ETag), size: Number(part.Size) })
        after = textOf(root.NextPartNumberMarker)
        if (textOf(root.IsTruncated) !== 'true' || after === '') break
      }
    } catch (error) {
      if (!(error instanceof CausewayError) || !['CSW-3021', 'CSW-3009'].includes(error.code)) throw error
      return this.finished(kept)
    }
    const gap = parts.findIndex(({ number }, i) => number !== i + 1)
    const row = gap < 0 ? parts : parts.slice(0, gap)
    return { offset: row.reduce((sum, { size }) => sum + size, 0), parts: row }
  }

  async commit(session: JsonObject, parts: Json[], summary: UploadSummary): Promise<{ etag: string }> {
    const list = parts.map((part) => {
      const { number, etag } = part as { number: number; etag: string }
      return `<Part><PartNumber>${number}</PartNumber><ETag>${escaped(etag)}</ETag></Part>`
    })
    const crc = crcText(summary.crc32)
    const { root } = await this.client.xml(
      {
        ...{ method: 'POST', key: this.target.key, query: { uploadId: String(session.upload_id) }, idempotent: false },
        headers: {
          'Content-Type': 'application/xml',
          ...this.target.condition,
          ...(this.checked ? { 'x-amz-checksum-crc32': crc, 'x-amz-checksum-type': 'FULL_OBJECT' } : {}),
        },
        body: `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${list.join('')}</CompleteMultipartUpload>`,
      },
      this.options,
    )
    const told = textOf(root.ChecksumCRC32)
    if (this.checked && told !== '' && told !== crc)
      throw new CausewayError('CSW-3020', { what: 'The checksum of the object is not that of the file.' })
    return { etag: textOf(root.ETag) }
  }

  /** An object made of just these parts has an ETag made of theirs. */
  private async finished(kept: State): Promise<{ offset: number; parts: Json[]; done: { etag: string } } | null> {
    const headers = await this.client.headers({ method: 'HEAD', key: this.target.key }, this.options)
    const etags = kept.parts.map((part) => String((part as JsonObject).etag).replaceAll('"', ''))
    if (headers === null || etags.length === 0 || !etags.every((etag) => /^[0-9a-f]{32}$/.test(etag))) return null
    const whole = createHash('md5')
      .update(Buffer.from(etags.join(''), 'hex'))
      .digest('hex')
    const same = headers.etag === `"${whole}-${etags.length}"` && Number(headers['content-length']) === kept.offset
    return same ? { offset: kept.offset, parts: kept.parts, done: { etag: headers.etag! } } : null
  }
}
