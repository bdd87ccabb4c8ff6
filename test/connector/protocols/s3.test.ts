/** The S3 protocol against a store over real sockets. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ContentStream, UploadStore, WriteItem, WriteOperation } from '../../../src/connector/index.ts'
import { s3 } from '../../../src/connector/protocols/s3/index.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import { type Fault, type ObjectStore, startStore } from '../../../src/simulator/index.ts'
import { never, openManifest, readAll, shippedConnector } from './open.ts'

const MIB = 1024 * 1024
let folder: string
let store: ObjectStore
const start = async (more: { versioned?: boolean } = {}) => {
  await store?.close()
  store = await startStore({ folder, accessKey: 'AK', secretKey: 'SK', bucket: 'box', locked: 'locked', ...more })
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-s3-'))
  await start()
})
afterEach(async () => {
  await store.close()
  await rm(folder, { recursive: true, force: true })
})

const manifest = s3.example.replace('streams:', 'part_size: 5242880\nlimits: { attempts: 2 }\nstreams:')
const held = new Map<string, string>()
const uploads: UploadStore = {
  load: async (key) => (held.has(key) ? (JSON.parse(held.get(key)!) as JsonObject) : null),
  save: async (key, state) => void held.set(key, JSON.stringify(state)),
  remove: async (key) => void held.delete(key),
}
const opened = (text = manifest, settings: JsonObject = {}) =>
  openManifest(
    text,
    { endpoint: store.url, bucket: 'box', access_key: 'AK', secret_key: 'SK', ...settings },
    { uploads },
  )

const write = async (operation: WriteOperation, items: Partial<WriteItem>[], text = manifest) =>
  (await opened(text)).write({
    ...{ stream: 'documents', operation, signal: never },
    items: items.map((item, i) => ({ ref: `${i}`, values: {}, idempotencyKey: `k${i}`, ...item })),
  })
const contents = (bytes: Buffer, from = 0): ContentStream => {
  const pieces = []
  for (let at = from; at < bytes.length; at += 300_001) pieces.push(bytes.subarray(at, at + 300_001))
  return { stream: Readable.from(pieces), size: bytes.length, mediaType: 'image/png', validator: '"a"' }
}
const once = (fits: (method: string, query: URLSearchParams) => boolean, fault: Fault): ObjectStore['fault'] => {
  let done = false
  return ({ method, query }) => {
    if (done || !fits(method, query)) return null
    done = true
    return fault
  }
}
const stored = (key: string) => readFileSync(store.objects.get(key)!.file)

test('the example of the protocol: texts and bytes go up, are listed, found, read and deleted', async () => {
  const names = ['a.txt', "zażółć/x y+z&(1)!'*~.txt", 'deep/er/ü.txt']
  const outcomes = await write(
    'upsert',
    names.map((path) => ({ key: { field: 'path', value: path }, values: { path, text: `# ${path}` } })),
  )
  expect(outcomes.map((outcome) => outcome.status === 'written' && outcome.id)).toEqual(names)
  const session = await opened()
  const { records } = await readAll(session, 'documents')
  expect(records.map(({ id }) => id).sort()).toEqual([...names].sort())
  const found = await session.lookup({ stream: 'documents', field: 'path', values: [...names, 'no'], signal: never })
  expect([...found.keys()].sort()).toEqual([...names].sort())
  const reference = records.find(({ id }) => id === names[1])!.content!
  expect(String(await buffer((await session.content({ stream: 'documents', reference, signal: never })).stream))).toBe(
    `# ${names[1]}`,
  )
  const rest = await session.content({ stream: 'documents', reference, signal: never, from: 2 })
  expect(String(await buffer(rest.stream))).toBe(names[1])
  expect(await write('delete', [{ id: 'a.txt' }, { id: 'locked.txt' }])).toMatchObject([
    { status: 'written' },
    { status: 'retry', error: { code: 'CSW-3004' } },
  ])
  expect((await readAll(session, 'documents')).records).toHaveLength(2)
})

test('the connector for buckets finds its documents', async () => {
  await write('upsert', [{ values: { path: 'a.txt', text: 'x' } }])
  const connector = shippedConnector('s3')
  const settings = { endpoint: store.url, bucket: 'box', access_key: 'AK', secret_key: 'SK', prefix: 'papers/' }
  const session = await connector.open({ name: 'b', allow: [store.host], settings })
  expect((await readAll(session, 'documents')).records.map(({ id }) => id)).toEqual(['a.txt'])
})

test('a listing in pages goes on after its last key, in another process too', async () => {
  await write(
    'upsert',
    Array.from({ length: 25 }, (_, i) => ({ key: { field: 'path', value: `f${i} ü` }, values: { text: '' } })),
  )
  const text = manifest.replace('write: true', 'write: true\n    page_size: 10')
  const first = (
    await (
      await opened(text)
    )
      .read({ stream: 'documents', mode: 'full', cursor: null, signal: never })
      [Symbol.asyncIterator]()
      .next()
  ).value
  const { records, pages } = await readAll(await opened(text), 'documents', 'full', first.cursor)
  expect(pages).toHaveLength(2)
  expect(new Set([...first.records, ...records].map(({ id }: { id: string }) => id)).size).toBe(25)
})

test('versions: a deleted object is a tombstone, and content is read in the version that was listed', async () => {
  await start({ versioned: true })
  await write('upsert', [{ values: { path: 'a', text: '1' } }, { values: { path: 'b', text: '1' } }])
  await write('delete', [{ id: 'b' }])
  const { records } = await readAll(
    await opened(manifest.replace('write: true', 'write: true\n    versioned: true')),
    'documents',
  )
  expect(records.map(({ id, deleted }) => [id, deleted ?? false])).toEqual([
    ['a', false],
    ['b', true],
  ])
  expect(records[0]!.content!.locator.version_id).toMatch(/^v/)
})

test('a create does not overwrite; an update of what is gone is missing; a rename keeps the bytes', async () => {
  expect(await write('create', [{ values: { path: 'a', text: 'one' } }])).toMatchObject([{ status: 'written' }])
  expect(await write('create', [{ values: { path: 'a', text: 'two' } }])).toMatchObject([{ status: 'conflict' }])
  expect(await write('update', [{ id: 'x', values: { text: 'y' } }])).toMatchObject([{ status: 'missing' }])
  expect(await write('update', [{ id: 'a', values: { path: 'b/c d' } }])).toMatchObject([
    { status: 'written', id: 'b/c d' },
  ])
  expect([...store.objects.keys()]).toEqual(['papers/b/c d'])
  expect(String(stored('papers/b/c d'))).toBe('one')
  expect(await write('upsert', [{ values: { path: '../up', text: '' } }])).toMatchObject([
    { status: 'refused', error: { code: 'CSW-2056' } },
  ])
})

test('200 with an error document is a failure, SlowDown is throttling, and both are tried again', async () => {
  store.fault = once((method) => method === 'GET', { before: 'error-200' })
  expect((await readAll(await opened(), 'documents')).records).toEqual([])
  store.fault = () => ({ before: 'error-200' })
  await expect(readAll(await opened(), 'documents')).rejects.toMatchObject({ code: 'CSW-3006' })
  store.fault = () => ({ before: 'slow-down' })
  await expect(readAll(await opened(), 'documents')).rejects.toMatchObject({ code: 'CSW-3005' })
  store.fault = () => null
  await expect(readAll(await opened(manifest, { secret_key: 'no' }), 'documents')).rejects.toMatchObject({
    code: 'CSW-3003',
  })
  await expect(readAll(await opened(manifest, { bucket: 'nobox' }), 'documents')).rejects.toMatchObject({
    code: 'CSW-3014',
  })
})

const big = randomBytes(17 * MIB + 3)

test('a large object goes up in parts, checked part by part and as a whole; the way is cut in between', async () => {
  store.fault = once((method, query) => method === 'PUT' && query.get('partNumber') === '2', { after: 'cut' })
  const [outcome] = await write('upsert', [{ values: { path: 'big' }, content: async (from) => contents(big, from) }])
  expect(outcome).toMatchObject({ status: 'written', id: 'big' })
  expect(stored('papers/big').equals(big)).toBe(true)
  expect(store.objects.get('papers/big')).toMatchObject({ type: 'image/png', etag: expect.stringMatching(/-4$/) })
  expect(held.size).toBe(0)
})

test('a killed hub goes on from the last part, and reads the source from there', async () => {
  const opening: number[] = []
  const content =
    (dies: boolean) =>
    async (from = 0) => {
      opening.push(from)
      const whole = contents(big, from)
      if (!dies) return whole
      const cut = async function* () {
        let sent = from
        for await (const chunk of whole.stream) {
          if (sent > 12 * MIB) throw new Error('killed')
          sent += (chunk as Buffer).length
          yield chunk
        }
      }
      return { ...whole, stream: Readable.from(cut()) }
    }
  expect((await write('upsert', [{ values: { path: 'big' }, content: content(true) }]))[0]!.status).not.toBe('written')
  expect(held.size).toBe(1)
  expect(await write('upsert', [{ values: { path: 'big' }, content: content(false) }])).toMatchObject([
    { status: 'written' },
  ])
  expect(opening.at(-1)).toBe(10 * MIB)
  expect(store.asked.filter(({ query }) => query.has('uploads'))).toHaveLength(1)
  expect(stored('papers/big').equals(big)).toBe(true)
})

test('the lost answer to the end of an upload is found out, not repeated', async () => {
  store.fault = once((method, query) => method === 'POST' && query.has('uploadId'), { after: 'cut' })
  const item = { values: { path: 'big' }, content: async (from?: number) => contents(big, from) }
  expect(await write('upsert', [item])).toMatchObject([{ status: 'unknown', error: { code: 'CSW-3012' } }])
  expect(await write('upsert', [item])).toMatchObject([{ status: 'written' }])
  expect(store.asked.filter(({ query }) => query.has('uploads'))).toHaveLength(1)
})

test('an empty file, and a file whose size nobody knows', async () => {
  const empty = Buffer.alloc(0)
  const unsized = async () => ({ stream: Readable.from([big.subarray(0, 6 * MIB)]) })
  expect(
    await write('upsert', [
      { values: { path: 'e' }, content: async () => contents(empty) },
      { values: { path: 'u' }, content: unsized },
    ]),
  ).toMatchObject([{ status: 'written' }, { status: 'written' }])
  expect(stored('papers/e')).toHaveLength(0)
  expect(stored('papers/u').equals(big.subarray(0, 6 * MIB))).toBe(true)
})

test('who lost the right to write sends no object, in one piece or in parts', async () => {
  const session = await opened()
  const big = contents(randomBytes(6 * MIB))
  const items: WriteItem[] = [
    { ref: '0', key: { field: 'path', value: 'a' }, values: { text: 'late' }, idempotencyKey: 'a' },
    { ref: '1', key: { field: 'path', value: 'b' }, values: {}, idempotencyKey: 'b', content: async () => big },
  ]
  const request = { stream: 'documents', operation: 'upsert' as const, items, signal: never, maySend: () => false }
  const late = { status: 'retry', error: { code: 'CSW-3015' } }
  expect(await session.write(request)).toMatchObject([late, late])
  expect([...store.objects.keys(), ...store.uploads.keys()]).toEqual([])
})

test('a bucket that cannot be part of the host name, and an answer that is not the store’s, are told as such', async () => {
  const hosted = manifest.replace('bucket: ${', 'path_style: "false"\nbucket: ${')
  expect(hosted).not.toBe(manifest)
  await expect(opened(hosted)).rejects.toMatchObject({ code: 'CSW-2005' })

  await write('create', [{ values: { path: 'a.txt', text: 'a' } }])
  store.fault = () => ({ before: 'html' })
  const session = await opened()
  await expect(session.fetch({ stream: 'documents', ids: ['a.txt'], signal: never })).rejects.toMatchObject({
    code: 'CSW-3007',
  })
  store.fault = once((method) => method === 'HEAD', { before: 'slow-down' })
  expect(await session.fetch({ stream: 'documents', ids: ['a.txt'], signal: never })).toHaveLength(1)
})
