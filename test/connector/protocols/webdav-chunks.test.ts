/** Uploads in chunks over WebDAV, against a server that puts them together as Nextcloud does. */
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ContentStream, UploadStore } from '../../../src/connector/index.ts'
import { CausewayError, type JsonObject } from '../../../src/core/index.ts'
import { type DavStore, startDav } from '../../standins/dav.ts'
import { never, shippedConnector } from './open.ts'

const connector = shippedConnector('webdav')
const bytes = randomBytes(12 * 1024 * 1024 + 7)
let folder: string
let server: DavStore
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-chunks-'))
  await mkdir(join(folder, 'files'))
  server = await startDav(folder)
})
afterEach(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

const held = new Map<string, string>()
const uploads: UploadStore = {
  load: async (key) => (held.has(key) ? (JSON.parse(held.get(key)!) as JsonObject) : null),
  save: async (key, state) => void held.set(key, JSON.stringify(state)),
  remove: async (key) => void held.delete(key),
}
const upload = async (content: (from?: number) => Promise<ContentStream>, path = 'a/b.bin') => {
  const settings = { url: `${server.url}/files`, user: 'u', password: 'p', uploads: `${server.url}/uploads` }
  const session = await connector.open({ name: 'dav', allow: [server.host], settings, uploads })
  return session.write({
    ...{ stream: 'documents', operation: 'upsert', signal: never },
    items: [{ ref: '0', key: { field: 'path', value: path }, values: { path }, idempotencyKey: 'k', content }],
  })
}
const source =
  (whole: Buffer, endsAt = Number.POSITIVE_INFINITY) =>
  async (from = 0): Promise<ContentStream> => ({
    size: whole.length,
    stream: Readable.from(
      (async function* () {
        for (let at = from; at < whole.length; at += 500_000) {
          if (at > endsAt) throw new CausewayError('CSW-5008', { what: 'killed' })
          yield whole.subarray(at, at + 500_000)
        }
      })(),
    ),
  })

test('a large file goes up in chunks and is put together; a small one goes in one piece', async () => {
  expect(await upload(source(bytes))).toMatchObject([{ status: 'written', id: 'a/b.bin' }])
  expect(readFileSync(join(folder, 'files/a/b.bin')).equals(bytes)).toBe(true)
  expect(server.asked.filter((line) => line.startsWith('PUT /uploads/'))).toHaveLength(2)
  expect(readdirSync(join(folder, 'uploads'))).toEqual([])
  expect(await upload(source(bytes.subarray(0, 1000)), 'c.bin')).toMatchObject([{ status: 'written' }])
  expect(server.asked.at(-1)).toBe('PUT /files/c.bin')
})

test('a killed hub goes on after the last whole chunk; chunks that were swept away are sent anew', async () => {
  expect((await upload(source(bytes, 11_500_000)))[0]!.status).not.toBe('written')
  expect(existsSync(join(folder, 'files/a/b.bin'))).toBe(false)
  expect(held.size).toBe(1)
  expect(await upload(source(bytes))).toMatchObject([{ status: 'written' }])
  expect(server.asked.filter((line) => line.startsWith('PUT /uploads/'))).toHaveLength(2)
  expect((await upload(source(bytes, 11_500_000), 'd.bin'))[0]!.status).not.toBe('written')
  for (const name of readdirSync(join(folder, 'uploads'))) await rm(join(folder, 'uploads', name), { recursive: true })
  expect(await upload(source(bytes), 'd.bin')).toMatchObject([{ status: 'written' }])
  expect(readFileSync(join(folder, 'files/d.bin')).equals(bytes)).toBe(true)
})
