import { afterAll, beforeAll, expect, test } from 'vitest'
import { CausewayError } from '../../src/core/index.ts'
import { startHub, type TestHub } from './hub.ts'
import { seedHub } from './rows.ts'

let hub: TestHub
beforeAll(async () => {
  hub = await startHub()
  await seedHub(hub.pool)
})
afterAll(() => hub.close())

const send = (body: string | Buffer<ArrayBuffer>, headers: Record<string, string> = {}, path = '/hooks/crm') =>
  fetch(hub.url + path, { method: 'POST', body, headers: { 'x-signature': 'valid', ...headers } })
const stored = async (eventId: string): Promise<{ body: Buffer; stream: string | null; headers: string }[]> =>
  (await hub.pool.query('select body, stream, headers from inbox where event_id = $1', [eventId])).rows

test('the raw bytes reach the inbox, whatever the media type says', async () => {
  const bytes = Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x80, 0x0a])
  for (const type of [
    'application/json',
    'application/xml',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    undefined,
  ]) {
    const id = `raw ${type}`
    const response = await send(bytes, { ...(type ? { 'content-type': type } : {}), 'x-event-id': id })
    expect(response.status, type).toBe(202)
    expect(await response.text()).toBe('')
    expect((await stored(id)).map((row) => row.body)).toEqual([bytes])
  }
})

test('the stream of the path and the headers are kept', async () => {
  expect((await send('{}', { 'x-event-id': 's1' }, '/hooks/crm/contacts')).status).toBe(202)
  const [row] = await stored('s1')
  expect(row?.stream).toBe('contacts')
  expect(JSON.parse(row!.headers)).toMatchObject({ 'x-event-id': 's1', 'x-signature': 'valid' })
})

test('a wrong signature and an unknown connection give the same empty 401 and no row', async () => {
  const wrong = await send('{}', { 'x-signature': 'forged', 'x-event-id': 'w1' })
  const unknown = await send('{}', { 'x-event-id': 'w1' }, '/hooks/nosuch')
  for (const response of [wrong, unknown]) {
    expect(response.status).toBe(401)
    expect(await response.text()).toBe('')
  }
  expect(await stored('w1')).toEqual([])
})

test('plain deliveries, which pass Fastify by, are answered as all others are', async () => {
  const cases: [body: string, headers: Record<string, string>, path: string][] = [
    ['{}', { 'x-event-id': 'plain' }, '/hooks/crm'],
    ['{}', { 'x-event-id': 'plain' }, '/hooks/crm/contacts'],
    ['', {}, '/hooks/crm'],
    ['{}', { 'x-signature': 'forged' }, '/hooks/crm'],
    ['{}', {}, '/hooks/nosuch'],
  ]
  for (const [body, headers, path] of cases) {
    await hub.pool.query('truncate inbox, inbox_seen')
    const plain = await send(body, headers, path)
    const plainRows = (await hub.pool.query('select event_id, stream, body from inbox')).rows
    await hub.pool.query('truncate inbox, inbox_seen')
    const whole = await send(body, headers, `${path}?x=1`)
    const wholeRows = (await hub.pool.query('select event_id, stream, body from inbox')).rows
    expect([plain.status, await plain.text()], path).toEqual([whole.status, await whole.text()])
    expect(plainRows.length).toBe(wholeRows.length)
    if (headers['x-event-id']) expect(plainRows).toEqual(wholeRows)
  }
})

test('the same delivery 50 times at once gives one row and 50 times 2xx', async () => {
  const responses = await Promise.all(Array.from({ length: 50 }, () => send('{"n":1}', { 'x-event-id': 'same' })))
  expect(responses.map((response) => response.status)).toEqual(Array(50).fill(202))
  expect(await stored('same')).toHaveLength(1)
})

test('a handshake over GET or POST is answered and nothing is stored', async () => {
  const before = (await hub.pool.query('select count(*)::int as n from inbox')).rows[0].n
  const answered = await fetch(`${hub.url}/hooks/crm?challenge=abc`)
  expect([answered.status, await answered.text()]).toEqual([200, 'abc'])
  expect(await (await send('', {}, '/hooks/crm?challenge=def')).text()).toBe('def')
  expect((await hub.pool.query('select count(*)::int as n from inbox')).rows[0].n).toBe(before)
})

test('too large and compressed bodies are refused', async () => {
  expect((await send(Buffer.alloc(1024 * 1024 + 1))).status).toBe(413)
  expect((await send('x', { 'content-encoding': 'gzip' })).status).toBe(415)
})

test('while the inbox is locked the sender is told to come back, and afterwards it works again', async () => {
  const client = await hub.pool.connect()
  try {
    await client.query('begin; lock table inbox in access exclusive mode')
    const started = Date.now()
    const blocked = await send('{}', { 'x-event-id': 'locked' })
    expect(blocked.status).toBe(503)
    expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Date.now() - started).toBeLessThan(60_000)
    await client.query('rollback')
  } finally {
    client.release()
  }
  expect((await send('{}', { 'x-event-id': 'locked' })).status).toBe(202)
  expect(await stored('locked')).toHaveLength(1)
})

test('a store that is down gives 503 with Retry-After, a defect 500; neither says more', async () => {
  for (const [error, status] of [
    [new CausewayError('CSW-6001', { what: 'secret detail' }), 503],
    [new Error('secret detail'), 500],
  ] as const) {
    const broken = await startHub({ services: { acceptWebhook: () => Promise.reject(error) } })
    try {
      const response = await fetch(`${broken.url}/hooks/crm`, { method: 'POST', body: '{}' })
      expect(response.status).toBe(status)
      expect(response.headers.get('retry-after')).toBe('5')
      expect(await response.text()).toBe('')
    } finally {
      await broken.close()
    }
  }
})
