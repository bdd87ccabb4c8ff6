import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ConnectorSession, WriteItem, WriteOperation } from '../../../src/connector/index.ts'
import { bodyOf } from '../../../src/connector/protocols/webdav/body.ts'
import { webdav } from '../../../src/connector/protocols/webdav/index.ts'
import { parseMultistatus } from '../../../src/connector/protocols/webdav/multistatus.ts'
import { pathOf, rootOf, urlOf } from '../../../src/connector/protocols/webdav/paths.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import { DavServer } from './dav-server.ts'
import { never, openManifest, readAll } from './open.ts'

let server: DavServer
let session: ConnectorSession
const settings = () => ({ url: server.url, user: 'hub', password: 'secret' })
beforeEach(async () => {
  server = await new DavServer().start()
  session = await openManifest(webdav.example, settings())
})
afterEach(() => server.stop())

const withFileIds = () => {
  server.fileIds = true
  return openManifest(webdav.example.replace('write: true', 'write: true\n    identity: fileid'), settings())
}
const item = (values: JsonObject, more: Partial<WriteItem> = {}): WriteItem => ({
  ref: 'r',
  values,
  idempotencyKey: 'k',
  ...more,
})
const write = async (operation: WriteOperation, item: WriteItem, to = session) =>
  (await to.write({ stream: 'documents', operation, items: [item], signal: never }))[0]!
const contentAt = (path: string) => server.entries.get(`/dav/${path}`)?.content?.toString()

test('a walk meets every file once, whatever its name, and no folder', async () => {
  const names = ['a.txt', '50% x.txt', 'q?#;.txt', 'a+b&c.txt', 'é.txt', 'e\u0301.txt', 'x/y/z/deep.txt', 'x/%2F.txt']
  for (const name of names) server.put(name, name)
  const { records, pages } = await readAll(session, 'documents')
  expect(records.map((record) => record.id).sort()).toEqual([...names].sort())
  expect(pages.flatMap((page) => page.rejected)).toEqual([])
  expect(records.find((record) => record.id === 'x/y/z/deep.txt')?.body).toMatchObject({
    name: 'deep.txt',
    folder: 'x/y/z',
    size: 14,
    modified: '2026-01-05T08:00:00Z',
  })
})

test('names hold any number of &amp;: entity limits are for entities of a document, not for these', async () => {
  for (let i = 0; i < 1500; i++) server.put(`a & b & ${i}.txt`, '')
  expect((await readAll(session, 'documents')).records).toHaveLength(1500)
})

test.each(['lp1', 'ns0', 'd'])(
  'the prefix %s means nothing, and properties that were not found do not count',
  async (prefix) => {
    server.prefix = prefix
    server.put('a.txt', 'x')
    const { records } = await readAll(session, 'documents')
    expect(records[0]?.body.etag).toMatch(/^"\d+-\d+"$/)
  },
)

test('the ETag of a fresh file turning strong is no change of the record', async () => {
  server.weakMs = 60_000
  server.put('a.txt', 'x')
  const before = await readAll(session, 'documents')
  server.weakMs = 0
  const after = await readAll(session, 'documents')
  expect(after.records).toEqual(before.records)
})

test('changed bytes give another content reference, even at the same size and second', async () => {
  server.put('a.txt', 'x')
  const before = (await readAll(session, 'documents')).records[0]
  server.put('a.txt', 'y')
  const after = (await readAll(session, 'documents')).records[0]
  expect(after?.content).not.toEqual(before?.content)
  const { stream, name } = await session.content({ stream: 'documents', reference: after!.content!, signal: never })
  expect([await text(stream), name]).toEqual(['y', 'a.txt'])
})

test('a folder that vanishes during the walk ends it: its files may have moved to where the walk has been', async () => {
  server.put('x/a.txt', 'x')
  server.intercept = (request) => {
    if (request.url === '/dav/x/') server.entries.delete('/dav/x/')
    return false
  }
  await expect(readAll(session, 'documents')).rejects.toMatchObject({ code: 'CSW-2055' })
})

test('a moment of 503 is survived, a missing root is not taken for an empty one', async () => {
  server.put('a.txt', 'x')
  let failures = 1
  server.intercept = (_request, response) => {
    if (failures-- <= 0) return false
    response.writeHead(503).end()
    return true
  }
  expect((await readAll(session, 'documents')).records).toHaveLength(1)
  server.entries.clear()
  await expect(readAll(session, 'documents')).rejects.toMatchObject({ code: 'CSW-3014' })
})

test.each([
  ['HTML', 200, '<html></html>'],
  ['a document type', 207, '<!DOCTYPE x [<!ENTITY a "b">]><D:multistatus xmlns:D="DAV:"/>'],
  ['an answer cut in the middle', 207, '<D:multistatus xmlns:D="DAV:"><D:response><D:href>/dav/</D:href>'],
  ['other XML', 207, '<x/>'],
])('%s in place of a listing is CSW-3007', async (_what, status, body) => {
  server.intercept = (_request, response) => {
    response.writeHead(status, { 'Content-Type': 'application/xml' }).end(body)
    return true
  }
  await expect(readAll(session, 'documents')).rejects.toMatchObject({ code: 'CSW-3007' })
})

test('hrefs outside the folder, or with a slash inside a name, are rejected by themselves', async () => {
  server.put('a.txt', 'x')
  server.intercept = (_request, response) => {
    const entry = (href: string) =>
      `<r:response><r:href>${href}</r:href><r:propstat><r:prop><r:resourcetype/></r:prop><r:status>HTTP/1.1 200 OK</r:status></r:propstat></r:response>`
    const hrefs = ['/dav/', `${server.url}/ok.txt`, '/other/x.txt', '/dav/a%2Fb.txt', '/dav/%FF.txt']
    response.writeHead(207).end(`<r:multistatus xmlns:r="DAV:">${hrefs.map(entry).join('')}</r:multistatus>`)
    return true
  }
  const { records, pages } = await readAll(session, 'documents')
  expect(records.map((record) => record.id)).toEqual(['ok.txt'])
  expect(pages[0]?.rejected).toHaveLength(3)
})

test('create makes the folders on the way and never overwrites; upsert does', async () => {
  expect(await write('create', item({ path: 'a b/c#/d.txt', text: 'Größe' }))).toMatchObject({
    status: 'written',
    id: 'a b/c#/d.txt',
  })
  expect(contentAt('a b/c#/d.txt')).toBe('Größe')
  expect(await write('create', item({ path: 'a b/c#/d.txt', text: 'other' }))).toMatchObject({ status: 'conflict' })
  expect(contentAt('a b/c#/d.txt')).toBe('Größe')
  const before = server.requests.length
  await write('upsert', item({ text: 'new' }, { key: { field: 'path', value: 'a b/c#/d.txt' } }))
  expect(contentAt('a b/c#/d.txt')).toBe('new')
  // The folders are known by now.
  expect(server.requests.slice(before)).toEqual(['PUT /dav/a b/c#/d.txt'])
})

test('documents that need the same new folder share one request for it; one made by somebody else meanwhile will do', async () => {
  const items = [0, 1, 2, 3].map((n) => item({ path: `new/${n}.txt`, text: 'x' }, { ref: String(n) }))
  const outcomes = await session.write({ stream: 'documents', operation: 'create', items, signal: never })
  expect(outcomes.map((outcome) => outcome.status)).toEqual(Array(4).fill('written'))
  expect(server.requests.filter((request) => request.startsWith('MKCOL'))).toEqual(['MKCOL /dav/new/'])
  server.intercept = (request, response) => {
    if (request.method !== 'MKCOL') return false
    // What Apache answers when another request made the folder between its look and its mkdir.
    server.put('other/there.txt', 'x')
    response.writeHead(403).end()
    return true
  }
  expect(await write('create', item({ path: 'other/a.txt', text: 'x' }))).toMatchObject({ status: 'written' })
  server.intercept = (request, response) => request.method === 'MKCOL' && Boolean(response.writeHead(403).end())
  expect(await write('create', item({ path: 'denied/a.txt', text: 'x' }))).toMatchObject({
    error: { code: 'CSW-3004' },
  })
})

test('bytes are streamed from the source, and their stream is closed', async () => {
  const stream = Readable.from(['one ', 'two'])
  const content = async () => ({ stream, mediaType: 'text/plain' })
  expect(await write('create', item({ path: 's.txt' }, { content }))).toMatchObject({ status: 'written' })
  expect(contentAt('s.txt')).toBe('one two')
  expect(stream.destroyed).toBe(true)
})

test('update uploads, renames where the path changes, and says when the document is gone', async () => {
  server.put('a.txt', 'old')
  expect(await write('update', item({ text: 'new' }, { id: 'a.txt' }))).toMatchObject({
    status: 'written',
    id: 'a.txt',
  })
  expect(await write('update', item({ path: 'b/c.txt' }, { id: 'a.txt' }))).toMatchObject({
    status: 'written',
    id: 'b/c.txt',
  })
  expect([contentAt('a.txt'), contentAt('b/c.txt')]).toEqual([undefined, 'new'])
  expect(await write('update', item({ text: 'x' }, { id: 'a.txt' }))).toMatchObject({ status: 'missing' })
  expect(contentAt('a.txt')).toBeUndefined()
  server.put('d.txt', 'other')
  expect(await write('update', item({ path: 'd.txt' }, { id: 'b/c.txt' }))).toMatchObject({ status: 'conflict' })
  expect(contentAt('d.txt')).toBe('other')
})

test('a conditional update waits until the ETag of a fresh file is strong, and notices a change', async () => {
  server.weakMs = 600
  server.put('a.txt', 'old')
  const { records } = await readAll(session, 'documents')
  const ifVersion = records[0]!.condition!
  expect(await write('update', item({ text: 'new' }, { id: 'a.txt', ifVersion }))).toMatchObject({ status: 'written' })
  expect(await write('update', item({ text: 'x' }, { id: 'a.txt', ifVersion }))).toMatchObject({ status: 'conflict' })
  expect(contentAt('a.txt')).toBe('new')
})

test('delete says what is gone already', async () => {
  server.put('a.txt', 'x')
  expect(await write('delete', item({}, { id: 'a.txt' }))).toMatchObject({ status: 'written' })
  expect(await write('delete', item({}, { id: 'a.txt' }))).toMatchObject({ status: 'missing' })
})

test('a create whose answer is lost has an unknown outcome', async () => {
  server.intercept = (request, response) => {
    if (request.method !== 'PUT') return false
    response.destroy()
    return true
  }
  expect(await write('create', item({ path: 'a.txt', text: 'x' }))).toMatchObject({
    status: 'unknown',
    error: { code: 'CSW-3012' },
  })
})

test.each(['../a.txt', 'a/../../b', '/a', 'a//b', '.', 'a\0', '\ud83d'])(
  'the path %j is refused before anything is sent',
  async (path) => {
    expect(await write('create', item({ path, text: 'x' }))).toMatchObject({
      status: 'refused',
      error: { code: 'CSW-2056' },
    })
    expect(server.requests).toEqual([])
  },
)

test('file ids survive a rename; a remembered path that now is another file is not written to', async () => {
  const byId = await withFileIds()
  server.put('a.txt', 'first')
  const id = (await readAll(byId, 'documents')).records[0]!.id
  expect(id).toMatch(/^\d+$/)
  const moved = server.entries.get('/dav/a.txt')!
  server.entries.delete('/dav/a.txt')
  server.put('f/other.txt', 'x')
  server.entries.set('/dav/f/b.txt', moved)
  server.put('a.txt', 'a stranger')
  expect(await write('update', item({ text: 'new' }, { id, known: { path: 'a.txt' } }), byId)).toMatchObject({
    status: 'written',
    id,
  })
  expect([contentAt('a.txt'), contentAt('f/b.txt')]).toEqual(['a stranger', 'new'])
  const created = await write('create', item({ path: 'c.txt', text: 'x' }), byId)
  expect(created).toMatchObject({ status: 'written', id: String(server.entries.get('/dav/c.txt')!.id) })
})

test('look-ups ask for single paths, or list a folder once for many', async () => {
  for (let i = 0; i < 6; i++) server.put(`f/${i}.txt`, 'x')
  const values = [...Array(6).keys()].map((i) => `f/${i}.txt`)
  const found = await session.lookup({
    stream: 'documents',
    field: 'path',
    values: [...values, 'g/no.txt', 'f'],
    signal: never,
  })
  expect([...found.keys()].sort()).toEqual(values)
  expect(server.requests.filter((request) => request.startsWith('PROPFIND'))).toHaveLength(3)
})

test('property: any path goes to a URL and comes back as itself', () => {
  const segment = fc
    .string({ unit: 'binary', minLength: 1 })
    .filter((name) => !/[/\0]/.test(name) && name !== '.' && name !== '..' && name.isWellFormed())
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 4 }),
      fc.array(segment, { maxLength: 2 }),
      (parts, folder) => {
        const root = rootOf('https://dav.example/x%20y', folder.join('/'))
        const path = parts.join('/')
        const url = urlOf(root, path, 'file')
        expect(pathOf(root, url)).toBe(path)
        expect(pathOf(root, new URL(url).pathname)).toBe(path)
      },
    ),
  )
})

test('an empty multistatus is an empty list', () => {
  expect(parseMultistatus('<D:multistatus xmlns:D="DAV:"/>', 'x')).toEqual([])
})

test('an address that stays with a resource wherever it is moved is shown, and only where the server has one', () => {
  const listing = (prop: string): string =>
    `<D:multistatus xmlns:D="DAV:"><D:response><D:href>/dav/a.txt</D:href><D:propstat><D:prop><D:resourcetype/>${prop}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>`
  const id = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
  const bodies = [`<D:resource-id><D:href>${id}</D:href></D:resource-id>`, ''].map((prop) =>
    bodyOf(parseMultistatus(listing(prop), '')[0]!, 'a.txt', 'path'),
  )
  expect(bodies[0]).toMatchObject({ resource_id: id })
  expect(bodies[1]).not.toHaveProperty('resource_id')
})

test('a moved file keeps what the manifest says that it keeps, and a changed one does not', async () => {
  const manifest = webdav.example.replace('write: true', 'write: true\n    moved_by: record.etag')
  const moved = await openManifest(manifest, settings())
  const marks = async () => (await readAll(moved, 'documents')).records.map(({ id, movedBy }) => [id, movedBy])
  server.put('a.txt', 'x')
  const [[, before]] = (await marks()) as [[string, string]]
  await write('update', item({ path: 'b/moved.txt' }, { id: 'a.txt' }), moved)
  expect(await marks()).toEqual([['b/moved.txt', before]])
  server.put('b/moved.txt', 'changed')
  expect((await marks())[0]![1]).not.toBe(before)
})
