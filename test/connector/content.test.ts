import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { ContentStream } from '../../src/connector/index.ts'
import { failureOf, open, readAll, restManifest, signal } from './open.ts'
import { serve } from './server.ts'

const bytes = randomBytes(200_000)
const files = restManifest(
  `
  version: { value: record.changed }
  read: { path: /files }
  content:
    when: record.kind = "file"
    locator: { id: "\${ record.id }" }
    size: record.size
    hash: record.sha
    media_type: record.mime
    name: record.name
    download: { path: "/files/\${ locator.id }/content" }
`,
  `auth: { kind: bearer, token: "\${ settings.token }" }`,
)

test('records that are files carry a reference, and their bytes are streamed with the credentials of the connection', async () => {
  const sha = createHash('sha256').update(bytes).digest('hex')
  await using server = await serve(({ path }) =>
    path.endsWith('/content')
      ? { bytes, headers: { 'content-type': 'application/octet-stream', 'content-length': String(bytes.length) } }
      : {
          json: [
            { id: 'a b', kind: 'file', size: bytes.length, sha, mime: 'image/png', name: 'x.png' },
            { id: 'd', kind: 'folder' },
          ],
        },
  )
  const session = await open(files, server, { token: 't-0' })
  expect(session.streams.get('things')!.abilities.content).toBe(true)
  const { pages } = await readAll(session)
  const [file, folder] = pages[0]!.records
  expect(file!.content).toEqual({
    locator: { id: 'a b' },
    size: bytes.length,
    hash: sha,
    mediaType: 'image/png',
    name: 'x.png',
  })
  expect(folder!.content).toBeUndefined()
  const content = await session.content({ stream: 'things', reference: file!.content!, signal })
  expect(content).toMatchObject({ size: bytes.length, hash: sha, mediaType: 'image/png', name: 'x.png' })
  expect((await buffer(content.stream)).equals(bytes)).toBe(true)
  expect(server.asked[1]).toMatchObject({
    path: '/files/a%20b/content',
    headers: { authorization: 'Bearer t-0', accept: '*/*' },
  })
})

test('a host named beside the base URL gets the credentials, any other no request', async () => {
  await using server = await serve(() => ({ json: [] }))
  await using uploads = await serve(() => ({ json: { id: 1 } }))
  const manifest = restManifest(
    `
    write:
      create: { url: "\${ settings.uploads }/files", id: response.id }
`,
    `hosts: ["\${ settings.uploads }"]\nauth: { kind: bearer, token: "\${ settings.token }" }`,
  ).replace('settings:', 'settings:\n  uploads: { type: url }')
  const create = async (text: string) => {
    const session = await open(text, { ...server, also: uploads.host }, { token: 't-0', uploads: uploads.url })
    const item = { ref: 'a', values: { name: 'x' }, idempotencyKey: 'k' }
    return (await session.write({ stream: 'things', operation: 'create', items: [item], signal }))[0]
  }
  expect(await create(manifest)).toMatchObject({ status: 'written', id: '1' })
  expect(uploads.asked[0]).toMatchObject({ path: '/files', headers: { authorization: 'Bearer t-0' } })
  expect(await create(manifest.replace(/^hosts:.*$/m, ''))).toMatchObject({ error: { code: 'CSW-2008' } })
  expect(uploads.asked).toHaveLength(1)
})

test('bytes that are gone, and bytes that are cut', async () => {
  let cut = false
  await using server = await serve((_asked, response) => {
    if (!cut) return { status: 404 }
    response.writeHead(200, { 'content-length': '1000' })
    response.write('half')
    setTimeout(() => response.destroy(), 20)
    return undefined
  })
  const session = await open(files, server)
  const reference = { locator: { id: '1' } }
  expect((await failureOf(session.content({ stream: 'things', reference, signal }))).code).toBe('CSW-3009')
  cut = true
  const content = await session.content({ stream: 'things', reference, signal })
  await expect(buffer(content.stream)).rejects.toMatchObject({ code: expect.stringMatching(/^CSW-3/) })
})

test.each(['ranges', 'no ranges'] as const)('bytes that are cut go on where they ended (%s)', async (kind) => {
  let cuts = 3
  await using server = await serve(({ headers }, response) => {
    const [, first] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
    const from = kind === 'ranges' ? Number(first ?? 0) : 0
    if (first !== undefined && first !== '150000') expect(headers['if-range']).toBe('"v1"')
    response.writeHead(from ? 206 : 200, {
      etag: '"v1"',
      'content-length': String(bytes.length - from),
      ...(from ? { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {}),
    })
    if (cuts-- <= 0) response.end(bytes.subarray(from))
    else response.write(bytes.subarray(from, from + 60_000), () => setTimeout(() => response.destroy(), 20))
    return undefined
  })
  const session = await open(files, server)
  const reference = { locator: { id: '1' } }
  const content = await session.content({ stream: 'things', reference, signal })
  expect(content.size).toBe(bytes.length)
  expect((await buffer(content.stream)).equals(bytes)).toBe(true)
  cuts = 0
  const rest = await session.content({ stream: 'things', reference, signal, from: 150_000 })
  expect(rest.size).toBe(bytes.length)
  expect((await buffer(rest.stream)).equals(bytes.subarray(150_000))).toBe(true)
})

test('two halves of different files are never joined', async () => {
  let version = 0
  await using server = await serve((_asked, response) => {
    version++
    response.writeHead(200, { etag: `"v${version}"`, 'content-length': '100000' })
    if (version > 1) response.end(bytes.subarray(0, 100_000))
    else response.write(bytes.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20))
    return undefined
  })
  const session = await open(files, server)
  const content = await session.content({ stream: 'things', reference: { locator: { id: '1' } }, signal })
  await expect(buffer(content.stream)).rejects.toMatchObject({ code: 'CSW-2055' })
})

/** A server without ETags whose file was replaced by one of the same size between a cut and the rest. */
const replacing = (
  mark: 'date' | 'ETag' | 'none',
  { shift = 0, other = bytes }: { shift?: number; other?: Buffer } = {},
) => {
  let asked = 0
  return serve(({ headers }, response) => {
    asked++
    const [, first] = /^bytes=(\d+)-$/.exec(headers.range ?? '') ?? []
    const from = first === undefined ? 0 : Number(first) + shift
    response.writeHead(from ? 206 : 200, {
      ...(mark === 'date' ? { 'last-modified': new Date(asked * 60_000).toUTCString() } : {}),
      ...(mark === 'ETag' ? { etag: 'W/"1"' } : {}),
      ...(mark === 'none' ? { 'content-length': String(bytes.length - from) } : {}),
      ...(from ? { 'content-range': `bytes ${from}-${bytes.length - 1}/*` } : {}),
    })
    if (asked > 1) response.end(other.subarray(from))
    else response.write(bytes.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20))
    return undefined
  })
}

test('two halves of files with different dates are never joined', async () => {
  await using server = await replacing('date')
  const session = await open(files, server)
  const content = await session.content({ stream: 'things', reference: { locator: { id: '1' } }, signal })
  await expect(buffer(content.stream)).rejects.toMatchObject({ code: 'CSW-2055' })
})

test('without any mark the first bytes are read again after a cut: of the same file it goes on, of another it ends', async () => {
  const opened = async (other: Buffer) => {
    const server = await replacing('none', { other })
    onTestFinished(() => server.close())
    const session = await open(files, server)
    return session.content({ stream: 'things', reference: { locator: { id: '1' } }, signal })
  }
  expect((await buffer((await opened(bytes)).stream)).equals(bytes)).toBe(true)
  const replaced = Buffer.from(bytes)
  replaced.writeUInt8(replaced[10]! ^ 1, 10)
  await expect(buffer((await opened(replaced)).stream)).rejects.toMatchObject({ code: 'CSW-2055' })
})

test('a rest that begins behind where the bytes ended leaves no gap', async () => {
  await using server = await replacing('ETag', { shift: 10_000 })
  const session = await open(files, server)
  const content = await session.content({ stream: 'things', reference: { locator: { id: '1' } }, signal })
  // Tried a few times like any cut, it ends with that.
  await expect(buffer(content.stream)).rejects.toMatchObject({ code: 'CSW-3001' })
})

const source =
  (size?: number): (() => Promise<ContentStream>) =>
  async () => ({
    stream: Readable.from([bytes.subarray(0, 100_000), bytes.subarray(100_000)]),
    mediaType: 'image/png',
    name: 'zdjęcie "1".png',
    ...(size === undefined ? {} : { size }),
  })
const create = (content: string, request: string) =>
  restManifest(`
  write:
    create:
      ${request}
      id: response.id
      content: ${content}`)
const item = { ref: 'a', values: { name: 'n' }, idempotencyKey: 'k' }

test('the bytes as body of the request', async () => {
  await using server = await serve(() => ({ json: { id: 'f1' } }))
  const session = await open(create('{ kind: body }', `path: "/files/\${ values.name }"\n      method: PUT`), server)
  const [outcome] = await session.write({
    stream: 'things',
    operation: 'create',
    items: [{ ...item, content: source(bytes.length) }],
    signal,
  })
  expect(outcome).toMatchObject({ status: 'written', id: 'f1' })
  expect(server.asked[0]).toMatchObject({
    method: 'PUT',
    path: '/files/n',
    headers: { 'content-type': 'image/png', 'content-length': String(bytes.length) },
  })
  expect(server.asked[0]!.bytes.equals(bytes)).toBe(true)
})

test.each([bytes.length, undefined])('the bytes in a multipart form, fields first (size %s)', async (size) => {
  await using server = await serve(() => ({ json: { id: 'f1' } }))
  const manifest = create(
    `{ kind: multipart, file: upload, fields: { attributes: { name: "\${ values.name }" }, note: "\${ file.media_type }" } }`,
    'path: /files',
  )
  const session = await open(manifest, server)
  await session.write({ stream: 'things', operation: 'create', items: [{ ...item, content: source(size) }], signal })
  const { headers, bytes: sent } = server.asked[0]!
  if (size) expect(headers['content-length']).toBe(String(sent.length))
  const form = await new Response(sent, { headers: { 'content-type': headers['content-type']! } }).formData()
  expect([...form.keys()]).toEqual(['attributes', 'note', 'upload'])
  const attributes = form.get('attributes') as string | File
  expect(JSON.parse(typeof attributes === 'string' ? attributes : await attributes.text())).toEqual({ name: 'n' })
  expect(form.get('note')).toBe('image/png')
  const upload = form.get('upload') as File
  expect(upload.type).toBe('image/png')
  expect(Buffer.from(await upload.arrayBuffer()).equals(bytes)).toBe(true)
})

test('the bytes in a second request, and a record whose bytes did not arrive is not created again', async () => {
  let fails = false
  await using server = await serve(({ method }) =>
    method === 'POST' ? { json: { id: 7 } } : fails ? { status: 507 } : { status: 204 },
  )
  const manifest = create(
    `{ kind: follow-up, path: "/files/\${ id }/content" }`,
    `path: /files\n      body: "\${ values }"`,
  )
  const session = await open(manifest.replace('streams:', 'limits: { attempts: 1 }\nstreams:'), server)
  const write = () =>
    session.write({ stream: 'things', operation: 'create', items: [{ ...item, content: source() }], signal })
  expect(await write()).toMatchObject([{ status: 'written', id: '7' }])
  expect(server.asked.map(({ method, path }) => [method, path])).toEqual([
    ['POST', '/files'],
    ['PUT', '/files/7/content'],
  ])
  expect(server.asked[1]!.bytes.equals(bytes)).toBe(true)
  fails = true
  expect(await write()).toMatchObject([{ status: 'unknown', error: { code: 'CSW-3012' } }])
})
