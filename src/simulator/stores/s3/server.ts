/**
 * An object store over a real socket that keeps its objects as files: signatures, payload hashes and checksums are verified by
 * code of its own, so that it cannot agree with the connector by sharing its mistakes.
 */
import { copyFile, mkdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { deletions, listing } from './bucket.ts'
import { base64, contentOf, received } from './bytes.ts'
import {
  type Asked,
  type Fault,
  type Received,
  type Reply,
  type Stored,
  StoreError,
  type StoreOptions,
  type Upload,
} from './contract.ts'
import { begun, completed, completionOf, listed, namedParts, taken } from './multipart.ts'
import { verifySignature } from './signature.ts'
import { empty, xml } from './xml.ts'

/** Parameters of the calls this store knows; a request with another one is wrong. */
const KNOWN = new Set(
  (
    'list-type prefix max-keys encoding-type start-after versions key-marker version-id-marker delete uploads uploadId partNumber ' +
    'part-number-marker max-parts versionId'
  ).split(' '),
)

export async function startStore(options: StoreOptions): Promise<ObjectStore> {
  const store = new ObjectStore(options)
  await store.open()
  return store
}

export class ObjectStore {
  readonly asked: Asked[] = []
  readonly objects = new Map<string, Stored>()
  readonly uploads = new Map<string, Upload>()
  fault: (request: { method: string; key: string; query: URLSearchParams; count: number }) => Fault = () => null
  /** Called when a request was answered, or cut. */
  onAsked: (asked: Asked) => void = () => {}
  private readonly options: StoreOptions
  private files = 0
  private port = 0
  private readonly server = createServer((request, response) => {
    this.answer(request, response).catch((error) => {
      if (error instanceof StoreError) error.send(response)
      else response.destroy()
    })
  })

  constructor(options: StoreOptions) {
    this.options = options
  }

  async open(): Promise<void> {
    await mkdir(this.options.folder, { recursive: true })
    await new Promise<void>((done) => this.server.listen(this.options.port ?? 0, '127.0.0.1', done))
    this.port = (this.server.address() as AddressInfo).port
  }

  get host(): string {
    return `127.0.0.1:${this.port}`
  }

  get url(): string {
    return `http://${this.host}`
  }

  close(): Promise<void> {
    return new Promise((done) => {
      this.server.close(() => done())
      this.server.closeAllConnections()
    })
  }

  newFile(): string {
    return join(this.options.folder, `${++this.files}`)
  }

  put(key: string, object: Omit<Stored, 'modified' | 'version'>, modified = new Date()): void {
    this.objects.set(key, { ...object, modified, version: `v${this.asked.length}` })
  }

  remove(key: string): void {
    const object = this.objects.get(key)
    if (!this.options.versioned || !object) this.objects.delete(key)
    else this.objects.set(key, { ...object, deleted: true, version: `v${this.asked.length}`, modified: new Date() })
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://x')
    const [bucket = '', ...rest] = url.pathname.slice(1).split('/')
    const key = rest.map(decodeURIComponent).join('/')
    const { method = '', headers } = request
    const query = url.searchParams
    const asked: Asked = { method, key, query, headers, status: 0, alien: null }
    this.asked.push(asked)
    response.on('close', () => {
      if (response.writableEnded) asked.status = response.statusCode
      this.onAsked(asked)
    })
    const strange = [...query.keys()].find((name) => !KNOWN.has(name))
    if (strange !== undefined) asked.alien = `no call of an object store has the parameter ${strange}`
    const fault = this.fault({ method, key, query, count: this.asked.length })
    if (fault?.before === 'cut') return void request.socket.destroy()
    verifySignature(request, url, this.options)
    const body = await received(request, this.newFile())
    this.check({ method, key, query, headers, body }, bucket, fault)
    if (fault?.before === 'html')
      return void response
        .writeHead(200, { 'content-type': 'text/html' })
        .end('<!doctype html><title>Back soon</title>')
    const reply = await this.done({ method, key, query, headers, body })
    if (fault?.after === 'cut') return void request.socket.destroy()
    await reply(response, fault?.after === 'half')
  }

  private check({ method, query, headers, body }: Received, bucket: string, fault: Fault): void {
    if (headers['x-amz-content-sha256'] !== body.sha256) throw new StoreError(400, 'XAmzContentSHA256Mismatch')
    const crc = headers['x-amz-checksum-crc32']
    const isEnd = method === 'POST' && query.has('uploadId')
    if (crc !== undefined && !isEnd && crc !== base64(body.crc)) throw new StoreError(400, 'BadDigest')
    if (fault?.before === 'down') throw new StoreError(500, 'InternalError')
    if (fault?.before === 'slow-down') throw new StoreError(503, 'SlowDown')
    if (fault?.before === 'error-200') throw new StoreError(200, 'InternalError')
    if (bucket !== this.options.bucket) throw new StoreError(404, 'NoSuchBucket')
  }

  private done(call: Received): Promise<Reply> | Reply {
    const { method, key, query } = call
    if (key === '')
      return method === 'POST' && query.has('delete')
        ? deletions(call, this.options, (one) => this.remove(one))
        : listing(this.objects, query, this.options.page)
    if (query.has('uploads')) return begun(this.uploads, call, `u${this.asked.length}`)
    if (query.has('uploadId')) return this.ofUpload(call)
    return this.ofObject(call)
  }

  private async ofObject({ method, key, headers, body }: Received): Promise<Reply> {
    const found = this.objects.get(key)
    const object = found?.deleted ? undefined : found
    if (method === 'DELETE') {
      this.remove(key)
      return empty(204, {})
    }
    if (method === 'PUT') {
      if (headers['x-amz-copy-source'] !== undefined) return this.copy(String(headers['x-amz-copy-source']), key)
      unlessThere(headers, object)
      this.put(key, { ...body, etag: body.md5, type: headers['content-type'] ?? '' })
      return empty(200, { ETag: `"${body.md5}"` })
    }
    if (!object) throw new StoreError(404, 'NoSuchKey')
    return contentOf(method, object, headers.range)
  }

  private async copy(source: string, key: string): Promise<Reply> {
    const from = this.objects.get(decodeURIComponent(source).slice(this.options.bucket.length + 2))
    if (!from) throw new StoreError(404, 'NoSuchKey')
    const file = this.newFile()
    await copyFile(from.file, file)
    this.put(key, { ...from, file })
    return xml(`<CopyObjectResult><ETag>&quot;${from.etag}&quot;</ETag></CopyObjectResult>`)
  }

  private async ofUpload(call: Received): Promise<Reply> {
    const { method, key, query, headers, body } = call
    const id = query.get('uploadId')!
    const upload = this.uploads.get(id)
    if (!upload || upload.key !== key) throw new StoreError(404, 'NoSuchUpload')
    if (method === 'PUT') return taken(upload, call)
    if (method === 'DELETE') {
      this.uploads.delete(id)
      return empty(204, {})
    }
    if (method === 'GET') return listed(upload, query)
    const parts = await namedParts(upload, body.file)
    unlessThere(headers, this.objects.get(key))
    const object = await completed(upload, parts, this.newFile(), headers['x-amz-checksum-crc32'])
    this.uploads.delete(id)
    this.put(key, object)
    return completionOf(object)
  }
}

function unlessThere(headers: Received['headers'], object: Stored | undefined): void {
  if (headers['if-none-match'] === '*' && object && !object.deleted) throw new StoreError(412, 'PreconditionFailed')
  if (headers['if-match'] !== undefined && headers['if-match'] !== `"${object?.etag}"`)
    throw new StoreError(412, 'PreconditionFailed')
}
