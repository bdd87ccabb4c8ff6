/** Uploads in parts as vendors have them, each against a server that keeps what it is sent the way that vendor does. */
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { ConnectorSession, ContentStream, UploadStore } from '../../src/connector/index.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { indented, load, restManifest, signal } from './open.ts'
import { type Reply, serve, type TestServer } from './server.ts'

const PART = 40_000
const bytes = randomBytes(150_001)

/** Opens the bytes from where it is asked to, and counts what was read. */
function source(whole = bytes, mark: { validator?: string } = { validator: '"v1"' }) {
  const opened: number[] = []
  const content = async (from = 0): Promise<ContentStream> => {
    opened.push(from)
    const pieces = []
    for (let at = from; at < whole.length; at += 7_001) pieces.push(whole.subarray(at, at + 7_001))
    return {
      stream: Readable.from(pieces),
      size: whole.length,
      mediaType: 'image/png',
      name: 'a.png',
      ...mark,
    }
  }
  return { opened, content }
}

/** A store as a hub has it: survives the session. */
function keptUploads(): UploadStore & { held: Map<string, string> } {
  const held = new Map<string, string>()
  return {
    held,
    load: async (key) => (held.has(key) ? (JSON.parse(held.get(key)!) as JsonObject) : null),
    save: async (key, state) => void held.set(key, JSON.stringify(state)),
    remove: async (key) => void held.delete(key),
  }
}

const manifest = (content: string, request = '') =>
  restManifest(
    `
  write:
    create:
${indented(request || 'path: /small', 6)}
      id: response.id
      content:
        kind: session
${indented(content, 8)}`,
    `auth: { kind: bearer, token: "\${ settings.token }" }\nlimits: { attempts: 3 }`,
  )

async function opened(text: string, servers: Pick<TestServer, 'url' | 'host'>[], uploads = keptUploads()) {
  const catalogue = load(text)
  expect(catalogue.findings).toEqual([])
  return catalogue.get('test').open({
    name: 'conn',
    settings: { url: servers[0]!.url, token: 't-0' },
    allow: servers.map(({ host }) => host),
    uploads,
  })
}

const write = async (session: ConnectorSession, content: () => Promise<ContentStream>, key = 'k') =>
  (
    await session.write({
      stream: 'things',
      operation: 'create',
      items: [{ ref: 'a', values: { name: 'n' }, idempotencyKey: key, content }],
      signal,
    })
  )[0]!

/** Answers once with what `fault` does, then as it should. */
function ranges(store: { bytes: Buffer }) {
  return (range: string | undefined, sent: Buffer): { first: number; total: number } => {
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range ?? '') ?? []
    expect(Number(last) - Number(first) + 1).toBe(sent.length)
    expect(Number(first)).toBe(store.bytes.length)
    store.bytes = Buffer.concat([store.bytes, sent])
    return { first: Number(first), total: Number(total) }
  }
}

/** Session address on another host that takes no credentials, ranges in order, the item in the last answer. */
async function driveOfRanges(fault: (count: number) => 'cut' | 'lost' | 'gone' | null = () => null) {
  const store = { bytes: Buffer.alloc(0) as Buffer, restarts: false }
  const put = ranges(store)
  let count = 0
  const upload = await serve(({ method, headers, bytes: sent }, response) => {
    expect(headers.authorization).toBeUndefined()
    if (method === 'GET')
      return store.bytes.length === 0 && count > 90
        ? { status: 404 }
        : { json: { nextExpectedRanges: [`${store.bytes.length}-`] } }
    const what = fault(++count)
    if (what === 'gone') {
      store.bytes = Buffer.alloc(0)
      return { status: 404 }
    }
    if (what === 'cut') return void response.destroy()
    const { total } = put(headers['content-range'], sent)
    if (what === 'lost') return void response.destroy()
    if (store.bytes.length < total) return { status: 202, json: { nextExpectedRanges: [`${store.bytes.length}-`] } }
    return { status: 201, json: { id: 'item-1', size: store.bytes.length } }
  })
  const api = await serve(({ path, headers, json }) => {
    expect(headers.authorization).toBe('Bearer t-0')
    if (path === '/small') return { json: { id: 'small-1', size: 0 } }
    expect(json).toEqual({ name: 'n', size: bytes.length })
    if (store.restarts) store.bytes = Buffer.alloc(0)
    return { json: { uploadUrl: `${upload.url}/up?token=abc` } }
  })
  const text = manifest(`
part_size: ${PART}
start:
  path: /sessions
  body: { name: "\${ values.name }", size: "\${ file.size }" }
  keep: { url: "\${ response.uploadUrl }" }
part:
  url: "\${ session.url }"
  signed: true
  headers: { Content-Range: "bytes \${ part.first }-\${ part.last }/\${ file.size }" }
progress: { url: "\${ session.url }", signed: true, offset: '$number($substringBefore(response.nextExpectedRanges[0], "-"))' }
verify: response.size = file.size`)
  return {
    ...{ store, api, upload, text },
    async [Symbol.asyncDispose]() {
      await Promise.all([upload.close(), api.close()])
    },
  }
}

test('an upload session on another origin: ranges in order, no credentials, the last answer names the file', async () => {
  await using drive = await driveOfRanges()
  const uploads = keptUploads()
  const session = await opened(drive.text, [drive.api, drive.upload], uploads)
  expect(await write(session, source().content)).toMatchObject({ status: 'written', id: 'item-1' })
  expect(drive.store.bytes.equals(bytes)).toBe(true)
  expect(drive.upload.asked).toHaveLength(4)
  expect(uploads.held.size).toBe(0)
})

test.each(['cut', 'lost'] as const)('a part that was %s is neither missing nor there twice', async (what) => {
  await using drive = await driveOfRanges((count) => (count === 1 || count === 3 ? what : null))
  const session = await opened(drive.text, [drive.api, drive.upload])
  expect(await write(session, source().content)).toMatchObject({ status: 'written', id: 'item-1' })
  expect(drive.store.bytes.equals(bytes)).toBe(true)
  expect(drive.api.asked).toHaveLength(1)
})

test('a lost answer to the last part leaves the outcome unknown: the file may be there', async () => {
  await using drive = await driveOfRanges((count) => (count === 4 ? 'lost' : null))
  const uploads = keptUploads()
  const session = await opened(drive.text, [drive.api, drive.upload], uploads)
  expect(await write(session, source().content)).toMatchObject({ status: 'unknown', error: { code: 'CSW-3012' } })
  expect(drive.api.asked).toHaveLength(1)
  expect(uploads.held.size).toBe(0)
  expect(drive.store.bytes.equals(bytes)).toBe(true)
})

test('another process goes on from the last part that arrived, and reads the source from there only', async () => {
  let dead = false
  await using drive = await driveOfRanges((count) => (count >= 3 && !dead ? 'cut' : null))
  const uploads = keptUploads()
  const first = await opened(drive.text, [drive.api, drive.upload], uploads)
  expect(await write(first, source().content)).toMatchObject({ status: 'retry', error: { code: 'CSW-3001' } })
  expect(drive.store.bytes).toHaveLength(2 * PART)
  dead = true
  const second = await opened(drive.text, [drive.api, drive.upload], uploads)
  const again = source()
  expect(await write(second, again.content)).toMatchObject({ status: 'written', id: 'item-1' })
  expect(again.opened).toEqual([0, 2 * PART])
  expect(drive.store.bytes.equals(bytes)).toBe(true)
  expect(drive.api.asked).toHaveLength(1)
})

test.each(['the same', 'another'] as const)(
  'without any mark of the file its first bytes are read again: it is %s one',
  async (which) => {
    let dead = false
    await using drive = await driveOfRanges((count) => (count >= 3 && !dead ? 'cut' : null))
    const uploads = keptUploads()
    const first = await opened(drive.text, [drive.api, drive.upload], uploads)
    expect(await write(first, source(bytes, {}).content)).toMatchObject({
      status: 'retry',
      error: { code: 'CSW-3001' },
    })
    dead = true
    const now = Buffer.from(bytes)
    if (which === 'another') {
      now.writeUInt8(now[10]! ^ 1, 10)
      drive.store.restarts = true
    }
    const second = await opened(drive.text, [drive.api, drive.upload], uploads)
    expect(await write(second, source(now, {}).content)).toMatchObject({ status: 'written', id: 'item-1' })
    expect(drive.store.bytes.equals(now)).toBe(true)
    expect(drive.api.asked).toHaveLength(which === 'another' ? 2 : 1)
  },
)

test('a session that the system forgot is begun anew', async () => {
  await using drive = await driveOfRanges((count) => (count === 3 ? 'gone' : null))
  const session = await opened(drive.text, [drive.api, drive.upload])
  expect(await write(session, source().content)).toMatchObject({ status: 'written', id: 'item-1' })
  expect(drive.api.asked).toHaveLength(2)
  expect(drive.store.bytes.equals(bytes)).toBe(true)
})

test('an empty file goes by the request of the operation itself', async () => {
  await using drive = await driveOfRanges()
  const session = await opened(drive.text, [drive.api, drive.upload])
  expect(await write(session, source(Buffer.alloc(0)).content)).toMatchObject({ status: 'written', id: 'small-1' })
  expect(drive.upload.asked).toHaveLength(0)
})

test('a file that does not arrive whole is sent again, and reported when it never does', async () => {
  await using drive = await driveOfRanges()
  const session = await opened(drive.text.replace('response.size = file.size', 'response.size = 1'), [
    drive.api,
    drive.upload,
  ])
  expect(await write(session, source().content)).toMatchObject({ status: 'retry', error: { code: 'CSW-3020' } })
})

test('a server that answers 308 and may take less than it was sent', async () => {
  const store = { bytes: Buffer.alloc(0) as Buffer }
  await using server = await serve(({ path, headers, bytes: sent, method }): Reply => {
    if (path === '/upload' && method === 'POST') return { headers: { location: `${server.url}/up/7` } }
    const [, first, total] = /^bytes (?:(\d+)-\d+|\*)\/(\d+)$/.exec(headers['content-range'] ?? '') ?? []
    if (first !== undefined) {
      expect(Number(first)).toBe(store.bytes.length)
      // Half of the second part is dropped.
      store.bytes = Buffer.concat([store.bytes, Number(first) === PART ? sent.subarray(0, 10_000) : sent])
    }
    return store.bytes.length === Number(total)
      ? { status: 200, json: { id: 'f-7' } }
      : { status: 308, headers: store.bytes.length ? { range: `bytes=0-${store.bytes.length - 1}` } : {} }
  })
  const text = manifest(`
part_size: ${PART}
start: { path: /upload, keep: { url: "\${ headers.location }" } }
part:
  url: "\${ session.url }"
  accepted: status = 308
  headers: { Content-Range: "bytes \${ part.first }-\${ part.last }/\${ file.size }" }
  offset: $number($substringAfter(headers.range, "-")) + 1
progress:
  method: PUT
  url: "\${ session.url }"
  accepted: status = 308
  headers: { Content-Range: "bytes */\${ file.size }" }
  offset: '$exists(headers.range) ? $number($substringAfter(headers.range, "-")) + 1 : 0'
  finished: status = 200`)
  const session = await opened(text, [server])
  expect(await write(session, source().content)).toMatchObject({ status: 'written', id: 'f-7' })
  expect(store.bytes.equals(bytes)).toBe(true)
})

test('parts with digests, a list of them at the end, and an end that takes its time', async () => {
  const parts = new Map<number, Buffer>()
  let failed = false
  let looks = 0
  const sha1 = (data: Buffer) => createHash('sha1').update(data).digest('base64')
  await using server = await serve(({ path, headers, bytes: sent, method, json }, response): Reply | undefined => {
    if (path === '/sessions') return { json: { id: 'S' } }
    if (method === 'PUT') {
      const [, first] = /^bytes (\d+)-/.exec(headers['content-range'] ?? '') ?? []
      if (Number(first) === 2 * PART && !failed) {
        failed = true
        return void response.destroy()
      }
      expect(headers.digest).toBe(`sha=${sha1(sent)}`)
      parts.set(Number(first), sent)
      return { json: { part: { offset: Number(first), size: sent.length } } }
    }
    if (method === 'GET')
      return { json: { entries: [...parts].map(([offset, { length }]) => ({ offset, size: length })) } }
    expect(headers.digest).toBe(`sha=${sha1(bytes)}`)
    expect(json.parts).toEqual([...parts].map(([offset, { length }]) => ({ offset, size: length })))
    return ++looks < 2
      ? { status: 202, headers: { 'retry-after': '1' } }
      : { status: 201, json: { entries: [{ id: 9 }] } }
  })
  const text = manifest(`
part_size: ${PART}
part_digest: sha1
digest: sha1
start: { path: /sessions, keep: { id: "\${ response.id }" } }
part:
  path: "/sessions/\${ session.id }"
  headers: { Content-Range: "bytes \${ part.first }-\${ part.last }/\${ file.size }", Digest: "sha=\${ part.digest }" }
  keep: response.part
progress: { path: "/sessions/\${ session.id }", offset: $sum(response.entries.size), parts: response.entries }
commit:
  path: "/sessions/\${ session.id }/commit"
  headers: { Digest: "sha=\${ file.digest }" }
  body: { parts: "\${ parts }" }
  again: status = 202`).replace('id: response.id', 'id: response.entries[0].id')
  const session = await opened(text, [server])
  expect(await write(session, source().content)).toMatchObject({ status: 'written', id: '9' })
  expect(Buffer.concat([...parts.values()]).equals(bytes)).toBe(true)
})

test('three steps: an address is asked for, gets all bytes as a stream, and is reported', async () => {
  let stored: Buffer | null = null
  await using bucket = await serve(({ headers, bytes: sent }) => {
    expect(headers.authorization).toBeUndefined()
    expect(headers['content-length']).toBe(String(bytes.length))
    stored = sent
    return { headers: { etag: '"e1"' } }
  })
  await using api = await serve(({ path, json }) => {
    if (path === '/slots') return { json: { id: 'slot', url: `${bucket.url}/b/x?sig=1` } }
    expect(json).toEqual({ etag: '"e1"' })
    return { json: { id: 'doc-3' } }
  })
  const text = manifest(`
start: { path: /slots, keep: { id: "\${ response.id }", url: "\${ response.url }" } }
part: { url: "\${ session.url }", signed: true, keep: headers.etag }
commit: { path: "/slots/\${ session.id }/done", body: { etag: "\${ parts[0] }" } }`)
  const session = await opened(text, [api, bucket])
  expect(await write(session, source().content)).toMatchObject({ status: 'written', id: 'doc-3' })
  expect(stored!.equals(bytes)).toBe(true)
})

test('small contents go in a form, large ones in parts of the size that the system asks for', async () => {
  const sizes: number[] = []
  let form = ''
  let stored = Buffer.alloc(0) as Buffer
  await using server = await serve(({ path, headers, bytes: sent }) => {
    if (path === '/small') {
      form = `${headers['content-type']}\n${sent.toString('latin1')}`
      return { json: { id: 'small-1' } }
    }
    if (path === '/sessions') return { json: { id: 's-1', part_size: 30_000 } }
    if (path === '/sessions/s-1/end') return { json: { id: 'item-1' } }
    sizes.push(sent.length)
    stored = Buffer.concat([stored, sent])
    return { json: {} }
  })
  const text = manifest(`
whole_up_to: 1000
form: { file: data, fields: { about: { name: "\${ values.name }" } }, name: "\${ values.name }.png" }
part_size: ${PART}
part_size_from: session.part_size
start: { path: /sessions, keep: { id: "\${ response.id }", part_size: "\${ response.part_size }" } }
part: { path: "/sessions/\${ session.id }" }
commit: { path: "/sessions/\${ session.id }/end" }`)
  const session = await opened(text, [server])
  expect(await write(session, source(bytes.subarray(0, 1000)).content)).toMatchObject({ id: 'small-1' })
  expect(form).toMatch(/^multipart\/form-data/)
  expect(form.indexOf('name="about"')).toBeLessThan(form.indexOf('name="data"; filename="n.png"'))
  expect(form).toContain(bytes.subarray(0, 1000).toString('latin1'))
  expect(await write(session, source().content, 'k2')).toMatchObject({ id: 'item-1' })
  expect(sizes).toEqual([30_000, 30_000, 30_000, 30_000, 30_000, 1])
  expect(stored.equals(bytes)).toBe(true)
})
