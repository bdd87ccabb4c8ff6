/**
 * An object store over a real socket that keeps its objects as files: signatures, payload hashes and checksums are verified by
 * code of its own, so that it cannot agree with the connector by sharing its mistakes.
 */
import { createHash, createHmac } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { copyFile, mkdir, rm, stat } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'

export type StoreOptions = {
  folder: string
  port?: number
  accessKey: string
  secretKey: string
  bucket: string
  versioned?: boolean
}
/** What to do with a request instead of, or after, answering it. */
export type Fault = { before?: 'cut' | 'slow-down' | 'error-200'; after?: 'cut' } | null
type Stored = {
  file: string
  size: number
  etag: string
  crc: number
  type: string
  modified: Date
  version: string
  deleted?: true
}
type Upload = {
  key: string
  type: string
  full: boolean
  parts: Map<number, { file: string; size: number; md5: string }>
}
type Body = { file: string; size: number; md5: string; crc: number; sha256: string }

export type ObjectStore = {
  url: string
  host: string
  asked: { method: string; key: string; query: URLSearchParams; headers: IncomingMessage['headers'] }[]
  objects: Map<string, Stored>
  uploads: Map<string, Upload>
  fault: (request: { method: string; key: string; query: URLSearchParams; count: number }) => Fault
  close(): Promise<void>
}

export async function startStore(options: StoreOptions): Promise<ObjectStore> {
  await mkdir(options.folder, { recursive: true })
  let files = 0
  const store: ObjectStore = {
    ...{ url: '', host: '', asked: [], objects: new Map(), uploads: new Map(), fault: () => null },
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      if (error instanceof Refusal) error.send(response)
      else response.destroy()
    })
  })
  const newFile = () => join(options.folder, `${++files}`)

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://x')
    const [bucket = '', ...rest] = url.pathname.slice(1).split('/')
    const key = rest.map(decodeURIComponent).join('/')
    const { method = '' } = request
    const query = url.searchParams
    store.asked.push({ method, key, query, headers: request.headers })
    const fault = store.fault({ method, key, query, count: store.asked.length })
    if (fault?.before === 'cut') return void request.socket.destroy()
    verifySignature(request, url, options)
    const body = await received(request, newFile())
    if (request.headers['x-amz-content-sha256'] !== body.sha256) throw new Refusal(400, 'XAmzContentSHA256Mismatch')
    const crc = request.headers['x-amz-checksum-crc32']
    const isEnd = method === 'POST' && query.has('uploadId')
    if (crc !== undefined && !isEnd && crc !== base64(body.crc)) throw new Refusal(400, 'BadDigest')
    if (fault?.before === 'slow-down') throw new Refusal(503, 'SlowDown')
    if (fault?.before === 'error-200') throw new Refusal(200, 'InternalError')
    if (bucket !== options.bucket) throw new Refusal(404, 'NoSuchBucket')
    const reply =
      key === '' ? await ofBucket(method, query, body, request) : await ofObject(method, key, query, body, request)
    if (fault?.after === 'cut') return void request.socket.destroy()
    await reply(response)
  }

  async function ofBucket(
    method: string,
    query: URLSearchParams,
    body: Body,
    request: IncomingMessage,
  ): Promise<Reply> {
    if (method === 'POST' && query.has('delete')) {
      if (request.headers['content-md5'] !== Buffer.from(body.md5, 'hex').toString('base64'))
        throw new Refusal(400, 'InvalidDigest')
      const errors: string[] = []
      for (const [, escaped = ''] of (await textOf(body.file)).matchAll(/<Key>(.*?)<\/Key>/g)) {
        const key = unescaped(escaped)
        if (key.includes('locked')) errors.push(`<Error><Key>${quoted(key)}</Key><Code>AccessDenied</Code></Error>`)
        else remove(key)
      }
      return xml(`<DeleteResult>${errors.join('')}</DeleteResult>`)
    }
    const most = Number(query.get('max-keys') ?? 1000)
    const prefix = query.get('prefix') ?? ''
    const after = query.get('start-after') ?? query.get('key-marker') ?? ''
    const all = [...store.objects]
      .filter(([key]) => key.startsWith(prefix) && key > after)
      .sort(([a], [b]) => (a < b ? -1 : 1))
    const some = all.slice(0, most)
    const coded = (key: string) => encodeURIComponent(key).replaceAll('%20', '+').replaceAll('%2F', '/')
    const truncated = `<IsTruncated>${all.length > most}</IsTruncated>`
    if (query.has('versions')) {
      const entries = some.map(([key, object]) => {
        const common = `<Key>${coded(key)}</Key><VersionId>${object.version}</VersionId><IsLatest>true</IsLatest><LastModified>${object.modified.toISOString()}</LastModified>`
        return object.deleted
          ? `<DeleteMarker>${common}</DeleteMarker>`
          : `<Version>${common}<ETag>&quot;${object.etag}&quot;</ETag><Size>${object.size}</Size></Version>`
      })
      const next = all.length > most ? `<NextKeyMarker>${coded(some.at(-1)![0])}</NextKeyMarker>` : ''
      return xml(`<ListVersionsResult>${truncated}${next}${entries.join('')}</ListVersionsResult>`)
    }
    const entries = some
      .filter(([, object]) => !object.deleted)
      .map(
        ([key, object]) =>
          `<Contents><Key>${coded(key)}</Key><LastModified>${object.modified.toISOString()}</LastModified><ETag>&quot;${object.etag}&quot;</ETag><Size>${object.size}</Size></Contents>`,
      )
    return xml(
      `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${truncated}${entries.join('')}</ListBucketResult>`,
    )
  }

  async function ofObject(
    method: string,
    key: string,
    query: URLSearchParams,
    body: Body,
    request: IncomingMessage,
  ): Promise<Reply> {
    const { headers } = request
    if (query.has('uploads')) {
      const id = `u${store.asked.length}`
      const full = headers['x-amz-checksum-type'] === 'FULL_OBJECT'
      store.uploads.set(id, { key, type: headers['content-type'] ?? '', full, parts: new Map() })
      return xml(`<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`)
    }
    if (query.has('uploadId')) return ofUpload(method, key, query, body, request)
    const found = store.objects.get(key)
    const object = found?.deleted ? undefined : found
    if (method === 'DELETE') {
      remove(key)
      return empty(204, {})
    }
    if (method === 'PUT') {
      const source = headers['x-amz-copy-source']
      if (source !== undefined) {
        const from = store.objects.get(decodeURIComponent(String(source)).slice(options.bucket.length + 2))
        if (!from) throw new Refusal(404, 'NoSuchKey')
        const file = newFile()
        await copyFile(from.file, file)
        put(key, { ...from, file })
        return xml(`<CopyObjectResult><ETag>&quot;${from.etag}&quot;</ETag></CopyObjectResult>`)
      }
      unlessThere(headers, object)
      put(key, { ...body, etag: body.md5, type: headers['content-type'] ?? '' })
      return empty(200, { ETag: `"${body.md5}"` })
    }
    if (!object) throw new Refusal(404, 'NoSuchKey')
    return contentOf(method, object, headers.range)
  }

  async function ofUpload(
    method: string,
    key: string,
    query: URLSearchParams,
    body: Body,
    request: IncomingMessage,
  ): Promise<Reply> {
    const id = query.get('uploadId')!
    const upload = store.uploads.get(id)
    if (!upload || upload.key !== key) throw new Refusal(404, 'NoSuchUpload')
    if (method === 'PUT') {
      upload.parts.set(Number(query.get('partNumber')), body)
      return empty(200, { ETag: `"${body.md5}"` })
    }
    if (method === 'GET') {
      const after = Number(query.get('part-number-marker') ?? 0)
      const all = [...upload.parts].filter(([number]) => number > after).sort(([a], [b]) => a - b)
      // Small pages, so that their end is met.
      const some = all.slice(0, 3)
      const parts = some.map(
        ([number, { size, md5 }]) =>
          `<Part><PartNumber>${number}</PartNumber><ETag>&quot;${md5}&quot;</ETag><Size>${size}</Size></Part>`,
      )
      return xml(
        `<ListPartsResult><NextPartNumberMarker>${some.at(-1)?.[0] ?? 0}</NextPartNumberMarker><IsTruncated>${all.length > some.length}</IsTruncated>${parts.join('')}</ListPartsResult>`,
      )
    }
    const given = [...(await textOf(body.file)).matchAll(/<PartNumber>(\d+)<\/PartNumber><ETag>(.*?)<\/ETag>/g)]
    const parts = given.map(([, number, etag]) => {
      const part = upload.parts.get(Number(number))
      if (!part || unescaped(etag!) !== `"${part.md5}"`) throw new Refusal(400, 'InvalidPart')
      return part
    })
    if (parts.some(({ size }, i) => size < 5_242_880 && i < parts.length - 1)) throw new Refusal(400, 'EntityTooSmall')
    unlessThere(request.headers, store.objects.get(key))
    const file = newFile()
    let crc = 0
    for (const part of parts) {
      const read = createReadStream(part.file)
      read.on('data', (chunk) => {
        crc = crc32(chunk as Buffer, crc)
      })
      await pipeline(read, createWriteStream(file, { flags: 'a' }))
      await rm(part.file)
    }
    if (upload.full && request.headers['x-amz-checksum-crc32'] !== base64(crc)) throw new Refusal(400, 'BadDigest')
    const etag = `${createHash('md5')
      .update(Buffer.from(parts.map(({ md5 }) => md5).join(''), 'hex'))
      .digest('hex')}-${parts.length}`
    store.uploads.delete(id)
    put(key, { file, size: (await stat(file)).size, etag, crc, type: upload.type })
    return xml(
      `<CompleteMultipartUploadResult><ETag>&quot;${etag}&quot;</ETag><ChecksumCRC32>${base64(crc)}</ChecksumCRC32></CompleteMultipartUploadResult>`,
    )
  }

  const put = (key: string, object: Omit<Stored, 'modified' | 'version'>) =>
    store.objects.set(key, { ...object, modified: new Date(), version: `v${store.asked.length}` })
  const remove = (key: string) => {
    const object = store.objects.get(key)
    if (options.versioned && object)
      store.objects.set(key, { ...object, deleted: true, version: `v${store.asked.length}`, modified: new Date() })
    else store.objects.delete(key)
  }

  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  store.url = `http://127.0.0.1:${port}`
  store.host = `127.0.0.1:${port}`
  return store
}

type Reply = (response: ServerResponse) => Promise<void>

const xml =
  (text: string): Reply =>
  async (response) => {
    response.writeHead(200, { 'content-type': 'application/xml' }).end(text)
  }
const empty =
  (status: number, headers: Record<string, string>): Reply =>
  async (response) => {
    response.writeHead(status, headers).end()
  }

function contentOf(method: string, object: Stored, range: string | undefined): Reply {
  const [, first] = /^bytes=(\d+)-$/.exec(range ?? '') ?? []
  const from = Number(first ?? 0)
  if (from > 0 && from >= object.size) throw new Refusal(416, 'InvalidRange')
  return async (response) => {
    response.writeHead(from ? 206 : 200, {
      ...{ etag: `"${object.etag}"`, 'last-modified': object.modified.toUTCString(), 'content-type': object.type },
      ...{ 'content-length': String(object.size - from), 'x-amz-version-id': object.version },
      ...(from ? { 'content-range': `bytes ${from}-${object.size - 1}/${object.size}` } : {}),
    })
    if (method === 'HEAD') return void response.end()
    await pipeline(createReadStream(object.file, { start: from }), response).catch(() => {})
  }
}

class Refusal extends Error {
  private readonly status: number
  private readonly code: string
  constructor(status: number, code: string) {
    super(code)
    this.status = status
    this.code = code
  }
  send(response: ServerResponse): void {
    response.writeHead(this.status, { 'content-type': 'application/xml' })
    response.end(
      response.req.method === 'HEAD'
        ? undefined
        : `<?xml version="1.0"?><Error><Code>${this.code}</Code><Message>No.</Message></Error>`,
    )
  }
}

function unlessThere(headers: IncomingMessage['headers'], object: Stored | undefined): void {
  if (headers['if-none-match'] === '*' && object && !object.deleted) throw new Refusal(412, 'PreconditionFailed')
  if (headers['if-match'] !== undefined && headers['if-match'] !== `"${object?.etag}"`)
    throw new Refusal(412, 'PreconditionFailed')
}

async function received(request: IncomingMessage, file: string): Promise<Body> {
  const [md5, sha256] = [createHash('md5'), createHash('sha256')]
  let [crc, size] = [0, 0]
  await pipeline(
    request,
    async function* (chunks: AsyncIterable<Buffer>) {
      for await (const chunk of chunks) {
        md5.update(chunk)
        sha256.update(chunk)
        crc = crc32(chunk, crc)
        size += chunk.length
        yield chunk
      }
    },
    createWriteStream(file),
  )
  return { file, size, crc, md5: md5.digest('hex'), sha256: sha256.digest('hex') }
}

/** Signature Version 4 as the store computes it: from the request as it arrived. */
function verifySignature(request: IncomingMessage, url: URL, { accessKey, secretKey }: StoreOptions): void {
  const [, key, day, region, service, names = '', given] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? '',
    ) ?? []
  if (key !== accessKey) throw new Refusal(403, 'InvalidAccessKeyId')
  const code = (text: string) =>
    encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
  const query = [...url.searchParams]
    .map(([name, value]) => `${code(name)}=${code(value)}`)
    .sort()
    .join('&')
  const headers = names
    .split(';')
    .map((name) => `${name}:${String(request.headers[name]).trim()}\n`)
    .join('')
  const canonical = [request.method, url.pathname, query, headers, names, request.headers['x-amz-content-sha256']].join(
    '\n',
  )
  const scope = `${day}/${region}/${service}/aws4_request`
  const hash = createHash('sha256').update(canonical).digest('hex')
  const hmac = (by: string | Buffer, text: string) => createHmac('sha256', by).update(text).digest()
  const signing = hmac(hmac(hmac(hmac(`AWS4${secretKey}`, day!), region!), service!), 'aws4_request')
  const wanted = hmac(signing, `AWS4-HMAC-SHA256\n${request.headers['x-amz-date']}\n${scope}\n${hash}`).toString('hex')
  if (wanted !== given) throw new Refusal(403, 'SignatureDoesNotMatch')
}

const base64 = (crc: number): string => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc >>> 0)
  return bytes.toString('base64')
}
const quoted = (text: string): string => text.replace(/[<>&"']/g, (char) => `&#${char.charCodeAt(0)};`)
const unescaped = (text: string): string => text.replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))

async function textOf(file: string): Promise<string> {
  let text = ''
  for await (const chunk of createReadStream(file, 'utf8')) text += chunk
  return text
}
