/** Uploads, renames and deletions of one stream. */
import { createHash, randomUUID } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { asCausewayError, CausewayError } from '../../../core/index.ts'
import type { ContentStream, WriteItem, WriteOperation, WriteOutcome } from '../../contract.ts'
import { failedOutcome } from '../../parts/outcome.ts'
import { chunksOf, inPool } from '../../parts/pool.ts'
import { strictlyCoded } from '../../parts/request.ts'
import { uploadInParts } from '../../parts/upload.ts'
import type { UploadStore } from '../../parts/upload-store.ts'
import { crcOf, crcText } from './checksum.ts'
import type { CallOptions, S3Client } from './client.ts'
import { storeFailure } from './failure.ts'
import { MultipartUpload, type Target } from './upload.ts'
import { escaped, nodesOf, textOf } from './xml.ts'

const DELETED_AT_ONCE = 1000

export type WriterSettings = {
  checked: boolean
  conditional: boolean
  partSize: number
  attempts: number
  prefix: string
}

export class Writer {
  private readonly client: S3Client
  private readonly settings: WriterSettings
  private readonly uploads: UploadStore

  constructor(client: S3Client, settings: WriterSettings, uploads: UploadStore) {
    this.client = client
    this.settings = settings
    this.uploads = uploads
  }

  async write(operation: WriteOperation, items: WriteItem[], options: CallOptions): Promise<WriteOutcome[]> {
    if (operation === 'delete') return this.remove(items, options)
    return inPool(items, this.client.concurrent, (item) =>
      this.one(operation, item, options).catch((error) => failedOutcome(item.ref, asCausewayError(error))),
    )
  }

  private async one(operation: WriteOperation, item: WriteItem, options: CallOptions): Promise<WriteOutcome> {
    const path = item.key?.value ?? textValue(item, 'path') ?? item.id ?? null
    if (path === null) throw unfit('the mapping gives no `path`')
    const current = operation === 'update' ? (item.id ?? path) : path
    if (operation === 'update') {
      const found = await this.client.headers({ method: 'HEAD', key: this.keyOf(current) }, options)
      if (found === null) return missing(item)
    }
    const text = textValue(item, 'text')
    if (item.content || text !== null) await this.upload(path, operation, item, text, options)
    else if (operation !== 'update') throw unfit('the mapping gives neither `text` nor content')
    else if (path !== current) await this.copy(current, path, options)
    // The new name holds the bytes by now, so the old one may go.
    if (path !== current) await this.client.headers({ method: 'DELETE', key: this.keyOf(current) }, options)
    return { ref: item.ref, status: 'written', id: path }
  }

  private async upload(
    path: string,
    operation: WriteOperation,
    item: WriteItem,
    text: string | null,
    options: CallOptions,
  ) {
    const { checked, partSize, attempts } = this.settings
    const condition = this.condition(operation, item)
    const given = textValue(item, 'media_type')
    const target = (mediaType: string | undefined): Target => ({
      key: this.keyOf(path),
      condition,
      mediaType: given ?? mediaType ?? 'application/octet-stream',
    })
    if (!item.content) return this.put(target('text/plain; charset=utf-8'), Buffer.from(text ?? '', 'utf8'), options)
    let opened: ContentStream | null = await item.content()
    try {
      if (opened.size !== undefined && opened.size <= partSize) {
        const bytes = await buffer(opened.stream)
        if (bytes.length !== opened.size)
          throw new CausewayError('CSW-3001', { what: `The file ended after ${bytes.length} of ${opened.size} bytes.` })
        return await this.put(target(opened.mediaType), bytes, options)
      }
      const open = (from: number): Promise<ContentStream> => {
        const ready = opened
        opened = null
        if (ready && from === 0) return Promise.resolve(ready)
        ready?.stream.destroy()
        return item.content!(from)
      }
      await uploadInParts(
        open,
        new MultipartUpload(this.client, target(opened.mediaType), { checked, partSize }, options),
        {
          ...{ key: item.idempotencyKey || randomUUID(), store: this.uploads, attempts, signal: options.signal },
        },
      )
    } finally {
      opened?.stream.destroy()
    }
  }

  private async put({ key, mediaType, condition }: Target, body: Buffer, options: CallOptions): Promise<void> {
    const headers = {
      'Content-Type': mediaType,
      ...condition,
      ...(this.settings.checked ? { 'x-amz-checksum-crc32': crcText(crcOf(body)) } : {}),
    }
    // Sent again after a lost answer, a conditional PUT would meet its own result.
    await this.client.headers(
      { method: 'PUT', key, headers, body, idempotent: Object.keys(condition).length === 0 },
      options,
    )
  }

  private condition(operation: WriteOperation, item: WriteItem): Record<string, string> {
    if (!this.settings.conditional) return {}
    if (operation === 'create') return { 'If-None-Match': '*' }
    return item.ifVersion === undefined ? {} : { 'If-Match': item.ifVersion }
  }

  private async copy(from: string, to: string, options: CallOptions): Promise<void> {
    const source = `/${this.client.bucket}/${this.keyOf(from)}`.split('/').map(strictlyCoded).join('/')
    await this.client.xml({ method: 'PUT', key: this.keyOf(to), headers: { 'x-amz-copy-source': source } }, options)
  }

  /** Many keys in one call, with an outcome for each. A key that is not there counts as deleted. */
  private async remove(items: WriteItem[], options: CallOptions): Promise<WriteOutcome[]> {
    const outcomes = await inPool(chunksOf(items, DELETED_AT_ONCE), this.client.concurrent, async (chunk) => {
      const keys = chunk.map(({ id }) => `<Object><Key>${escaped(this.keyOf(id ?? ''))}</Key></Object>`)
      const body = Buffer.from(
        `<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${keys.join('')}</Delete>`,
      )
      const headers = {
        'Content-Type': 'application/xml',
        'Content-MD5': createHash('md5').update(body).digest('base64'),
      }
      try {
        const { root } = await this.client.xml(
          { method: 'POST', key: null, query: { delete: '' }, headers, body },
          options,
        )
        const failed = new Map(nodesOf(root.Error).map((error) => [textOf(error.Key), error]))
        return chunk.map((item): WriteOutcome => {
          const error = failed.get(this.keyOf(item.id ?? ''))
          return error
            ? failedOutcome(item.ref, storeFailure(error, 'DELETE of an object', 'CSW-3006'))
            : { ref: item.ref, status: 'written', id: item.id ?? '' }
        })
      } catch (error) {
        return chunk.map(({ ref }) => failedOutcome(ref, asCausewayError(error)))
      }
    })
    return outcomes.flat()
  }

  private keyOf(path: string): string {
    return this.settings.prefix + path
  }
}

const textValue = (item: WriteItem, field: string): string | null => {
  const value = item.values[field]
  return typeof value === 'string' ? value : null
}

const unfit = (why: string): CausewayError =>
  new CausewayError('CSW-2056', { what: `The object cannot be written: ${why}.` })

const missing = (item: WriteItem): WriteOutcome => ({
  ref: item.ref,
  status: 'missing',
  error: new CausewayError('CSW-3009', { what: 'The object does not exist there any more.' }),
})
