import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/index.ts'
import { ANY_PORT, call, client, credentials } from './calls.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ ports: ANY_PORT })
})
afterAll(() => sandbox.stop())

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

test('a file of several megabytes goes up, comes down whole and in parts, unchanged', async () => {
  const ask = await client(sandbox, 'documents')
  const bytes = randomBytes(7 * 1024 * 1024 + 3)
  const path = encodeURIComponent('/Rechnungen/2026/Żółć.bin')
  const up = await ask('PUT', `/v1/files?path=${path}&external_id=inv-1`, bytes, { 'x-content-sha256': sha256(bytes) })
  expect([up.status, up.json.size, up.json.sha256]).toEqual([201, bytes.length, sha256(bytes)])
  expect(up.json.path).toBe('/Rechnungen/2026/Żółć.bin')
  const url = `${sandbox.documents.url}/v1/items/${up.json.id}/content`
  const headers = await credentials(sandbox, 'documents')
  const whole = new Uint8Array(await (await fetch(url, { headers })).arrayBuffer())
  expect(sha256(whole)).toBe(sha256(bytes))
  const rest = await fetch(url, { headers: { ...headers, range: 'bytes=5000000-' } })
  expect([rest.status, rest.headers.get('content-range')]).toEqual([
    206,
    `bytes 5000000-${bytes.length - 1}/${bytes.length}`,
  ])
  expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(5_000_000))).toBe(true)
  expect(
    (await ask('GET', '/v1/items?external_id=inv-1,other')).json.items.map((one: { id: string }) => one.id),
  ).toEqual([up.json.id])
})

test('a write with an old ETag, a wrong hash or a taken name changes nothing', async () => {
  const ask = await client(sandbox, 'documents')
  const made = await ask('POST', '/v1/items', { name: 'Notiz.txt', parent_id: 'root' })
  const content = `/v1/items/${made.json.id}/content`
  const filled = await ask('PUT', content, Buffer.from('eins'), { 'if-match': made.headers.get('etag')! })
  expect(filled.status).toBe(200)
  expect((await ask('PUT', content, Buffer.from('zwei'), { 'if-match': made.headers.get('etag')! })).status).toBe(412)
  expect(
    (await ask('PUT', content, Buffer.from('zwei'), { 'x-content-sha256': sha256(Buffer.from('drei')) })).status,
  ).toBe(400)
  expect((await ask('GET', content)).text).toBe('eins')
  const twin = await ask('POST', '/v1/items', { name: 'Notiz.txt', parent_id: 'root' })
  expect([twin.status, twin.json.existing_id]).toEqual([409, made.json.id])
  const replace = await ask('PUT', '/v1/files?path=/Notiz.txt', Buffer.from('vier'), { 'if-none-match': '*' })
  expect([replace.status, replace.json.existing_id]).toEqual([412, made.json.id])
})

test('an upload that breaks off leaves the file as it was', async () => {
  const ask = await client(sandbox, 'documents')
  const made = await ask('PUT', '/v1/files?path=/abgebrochen.txt', Buffer.from('heil'))
  const headers = { ...(await credentials(sandbox, 'documents')), 'content-type': 'text/plain' }
  const stop = new AbortController()
  const body = new ReadableStream({
    start: (controller) => {
      controller.enqueue(Buffer.from('halb'))
      setTimeout(() => stop.abort(), 50)
    },
  })
  const url = `${sandbox.documents.url}/v1/items/${made.json.id}/content`
  await expect(
    fetch(url, { method: 'PUT', headers, body, duplex: 'half', signal: stop.signal } as RequestInit),
  ).rejects.toThrow()
  expect((await call(url, 'GET', headers)).text).toBe('heil')
})

test('a rename keeps the id, a removal shows in the bin', async () => {
  const ask = await client(sandbox, 'documents')
  const made = await ask('PUT', '/v1/files?path=/Ordner/alt.txt', Buffer.from('x'))
  const renamed = await ask('PATCH', `/v1/items/${made.json.id}`, {
    name: 'neu.txt',
    properties: { status: 'geprüft' },
  })
  expect([renamed.json.id, renamed.json.path]).toEqual([made.json.id, '/Ordner/neu.txt'])
  const moved = await ask('PATCH', `/v1/items/${made.json.id}`, { path: '/Anders/ganz neu.txt' })
  expect([moved.json.id, moved.json.path, moved.json.properties]).toEqual([
    made.json.id,
    '/Anders/ganz neu.txt',
    { status: 'geprüft' },
  ])
  await ask('PATCH', `/v1/items/${made.json.id}`, { path: '/Ordner/neu.txt' })
  expect((await ask('DELETE', `/v1/items/${made.json.parent_id}`)).status).toBe(409)
  const since = new Date(Date.now() - 1).toISOString()
  expect((await ask('DELETE', `/v1/items/${made.json.id}`)).status).toBe(204)
  expect((await ask('GET', `/v1/items/${made.json.id}`)).status).toBe(404)
  expect((await ask('GET', `/v1/bin?since=${since}`)).json.items).toMatchObject([{ id: made.json.id, name: 'neu.txt' }])
})
