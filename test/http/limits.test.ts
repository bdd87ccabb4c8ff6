import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pino from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { deeperThan } from '../../src/http/json-body.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { seedHub } from './rows.ts'

const PATIENT = { timeout: 60_000, interval: 50 }
let hub: TestHub
beforeAll(async () => {
  hub = await startHub({ limits: { headersMs: 500, requestMs: 1_000, socketsPerAddress: 8, handlerMs: 2_000 } })
  await seedHub(hub.pool)
})
afterAll(() => hub.close())

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(hub.url).port), '127.0.0.1', () => resolve(socket)).once('error', reject)
  })
/** All that comes until the server closes. */
const drain = async (socket: Socket): Promise<string> => {
  let text = ''
  for await (const chunk of socket) text += chunk
  return text
}

const connectionsOf = (server: TestHub['app']['server']): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))))

test('dripping headers and dripping bodies are cut', async () => {
  const [headers, body] = [await open(), await open()]
  headers.write('GET /livez HTTP/1.1\r\nhost: x\r\n')
  body.write(`POST /hooks/crm HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{`)
  const drip = setInterval(() => [headers, body].forEach((socket) => void (socket.writable && socket.write('x'))), 100)
  const started = Date.now()
  const [first] = await Promise.all([drain(headers), drain(body).catch(() => '')])
  clearInterval(drip)
  expect(Date.now() - started).toBeLessThan(60_000)
  expect(first).toMatch(/^HTTP\/1.1 (408|400)/)
  expect(first).toContain('application/problem+json')
})

test('headers beyond 16 kB and broken HTTP get a problem and a closed socket', async () => {
  const [large, broken] = [await open(), await open()]
  large.write(`GET /livez HTTP/1.1\r\nhost: x\r\nx-large: ${'a'.repeat(17_000)}\r\n\r\n`)
  broken.write('NONSENSE\r\n\r\n')
  expect(await drain(large)).toMatch(/^HTTP\/1.1 431/)
  expect(await drain(broken)).toMatch(/^HTTP\/1.1 400[\s\S]*CSW-8003/)
})

test('a sender that goes on with a body beyond the limit hears that it is too large, and is cut off', async () => {
  const sizes = ['content-length: 900000000', 'transfer-encoding: chunked']
  const answers = sizes.map(async (size) => {
    const socket = await open()
    socket.on('error', () => undefined)
    socket.write(`POST /hooks/crm HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${size}\r\n\r\n`)
    const zeros = Buffer.alloc(65_536)
    const piece = size.startsWith('t') ? Buffer.concat([Buffer.from('10000\r\n'), zeros, Buffer.from('\r\n')]) : zeros
    const sending = setInterval(() => socket.writable && socket.write(piece), 1)
    // Deaf for a while: an answer that a reset overtakes is lost.
    socket.pause()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const text = await drain(socket).catch(() => '')
    clearInterval(sending)
    return text
  })
  for (const text of await Promise.all(answers)) expect(text).toMatch(/^HTTP\/1.1 413[\s\S]*CSW-8004/)
})

test('sockets beyond the limit per address are closed, and places become free again', async () => {
  // Sockets of earlier requests are kept alive by fetch; only the surplus counts here.
  const sockets = await Promise.all(Array.from({ length: 20 }, open))
  const alive = () => sockets.filter((socket) => !socket.destroyed && socket.readyState === 'open').length
  await vi.waitFor(() => expect(alive()).toBeLessThanOrEqual(8), PATIENT)
  expect(alive()).toBeGreaterThan(0)
  for (const socket of sockets) socket.destroy()
  await vi.waitFor(async () => expect((await fetch(`${hub.url}/livez`)).status).toBe(200), PATIENT)
})

test('behind a trusted proxy each client is counted for itself, and the proxy may open any number of sockets', async () => {
  const behind = await startHub({
    pool: hub.pool,
    trustedProxies: ['127.0.0.0/8'],
    limits: { wrongTokensPerMinute: 2, socketsPerAddress: 3 },
  })
  const guess = async (client: string, url = behind.url): Promise<number> => {
    const headers = { authorization: 'Bearer wrong', 'x-forwarded-for': client }
    return (await fetch(`${url}/api/v1/runs`, { headers })).status
  }
  const port = Number(new URL(behind.url).port)
  const sockets = Array.from({ length: 10 }, () => connect(port, '127.0.0.1'))
  await Promise.all(sockets.map((socket) => new Promise((done) => socket.once('connect', done))))
  for (let n = 0; n < 3; n++) await guess('192.0.2.1')
  expect(await guess('192.0.2.1')).toBe(429)
  expect(await guess('192.0.2.2')).toBe(401)
  // One network of IPv6 is one client.
  for (let n = 0; n < 3; n++) await guess(`2001:db8:0:7::${n}`)
  expect(await guess('2001:db8:0:7:ffff::1')).toBe(429)
  expect(await guess('2001:db8:0:8::1')).toBe(401)
  expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
  for (const socket of sockets) socket.destroy()
  // Whoever is no proxy of ours only says so.
  const alone = await startHub({ pool: hub.pool, limits: { wrongTokensPerMinute: 2 } })
  for (let n = 0; n < 3; n++) await guess(`192.0.2.${n}`, alone.url)
  expect(await guess('192.0.2.77', alone.url)).toBe(429)
  await behind.close()
  await alone.close()
})

test('bodies: size, depth, encoding, media type, prototype', async () => {
  const url = `${hub.url}/api/v1/dead-letters/preview`
  const post = (body: string | Buffer<ArrayBuffer>, type = 'application/json') =>
    fetch(url, { method: 'POST', body, headers: { authorization: `Bearer ${TOKEN}`, 'content-type': type } })
  const cases: [string | Buffer<ArrayBuffer>, string | undefined, number, string][] = [
    [Buffer.alloc(1024 * 1024 + 1, 0x20), undefined, 413, 'CSW-8004'],
    ['['.repeat(100_000), undefined, 413, 'CSW-8004'],
    [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), undefined, 400, 'CSW-8003'],
    ['{"filter":', undefined, 400, 'CSW-8003'],
    ['{"filter":{"__proto__":{"a":1}}}', undefined, 400, 'CSW-8003'],
    ['{}', 'text/plain', 415, 'CSW-8009'],
    ['{"filter":{"cod":"x"}}', undefined, 400, 'CSW-8003'],
  ]
  for (const [body, type, status, code] of cases) {
    const response = await post(body, type)
    expect(response.headers.get('content-type')).toContain('application/problem+json')
    expect(await response.json()).toMatchObject({ status, code })
  }
})

test('depth counts brackets, not brackets in strings', () => {
  expect(deeperThan('[[[]]]', 3)).toBe(false)
  expect(deeperThan('[[[[]]]]', 3)).toBe(true)
  expect(deeperThan('["[[[[\\"[[[", {"a":"}{{{{"}]', 2)).toBe(false)
  expect(deeperThan('[[],[],[[]]]', 3)).toBe(false)
})

test('a handler that hangs is answered 503 in time', async () => {
  const never = () => new Promise<never>(() => {})
  const slow = await startHub({
    pool: hub.pool,
    limits: { handlerMs: 300 },
    services: { readiness: never, runSync: never },
  })
  try {
    const response = await fetch(`${slow.url}/readyz`)
    expect(response.status).toBe(503)
    expect(await response.json()).toMatchObject({ code: 'CSW-8006' })
    for (const body of ['{}', '{"full":true}']) {
      const acted = await fetch(`${slow.url}/api/v1/syncs/contacts-to-erp/run`, {
        method: 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        body,
      })
      expect([acted.status, acted.headers.get('retry-after')]).toEqual([503, '5'])
      expect(await acted.json()).toMatchObject({ code: 'CSW-8006' })
    }
  } finally {
    await slow.close()
  }
})

test('a probe of an address that does not exist fails, though browsers get the page there', async () => {
  const pageFolder = await mkdtemp(join(tmpdir(), 'causeway-page-'))
  onTestFinished(() => rm(pageFolder, { recursive: true }))
  for (const file of ['index.html', 'board.html']) await writeFile(join(pageFolder, file), `<title>${file}</title>`)
  const served = await startHub({ pageFolder })
  onTestFinished(() => served.close())
  const status = async (path: string, accept?: string): Promise<number> =>
    (await fetch(served.url + path, { headers: accept ? { accept } : {} })).status
  for (const path of ['/healthz', '/health', '/readyz/', '/ready', '/livez/database', '/status', '/syncs']) {
    expect([path, await status(path)]).toEqual([path, 404])
    expect([path, await status(path, 'text/html,application/xhtml+xml,*/*;q=0.8')]).toEqual([path, 200])
  }
  for (const path of ['/', '/docs']) expect([path, await status(path)]).toEqual([path, 200])
})

test('readyz says no when a check fails or the hub drains, livez does not care', async () => {
  let draining = false
  const sick = await startHub({
    isDraining: () => draining,
    services: {
      readiness: async () => [{ name: 'database', ok: !draining, detail: 'postgres://secret@host', code: 'CSW-6001' }],
    },
  })
  try {
    expect((await fetch(`${sick.url}/readyz`)).status).toBe(200)
    draining = true
    const response = await fetch(`${sick.url}/readyz?verbose`)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    const text = await response.text()
    expect(JSON.parse(text)).toEqual({
      status: 'not ready',
      checks: [
        { name: 'serving', ok: false },
        { name: 'database', ok: false, code: 'CSW-6001' },
      ],
    })
    expect(await (await fetch(`${sick.url}/readyz?verbose&exclude=database`)).json()).toMatchObject({
      checks: [{ name: 'serving', ok: false }],
    })
    expect((await fetch(`${sick.url}/readyz?exclude=database&exclude=serving`)).status).toBe(200)
    for (const probe of ['readyz', 'livez']) {
      const wrong = await fetch(`${sick.url}/${probe}?exclude=datebase`)
      expect([wrong.status, ((await wrong.json()) as { code: string }).code]).toEqual([400, 'CSW-8003'])
    }
    expect((await fetch(`${sick.url}/livez`)).status).toBe(200)
    expect(await (await fetch(`${sick.url}/livez?verbose`)).json()).toMatchObject({ checks: [{ name: 'process' }] })
  } finally {
    await sick.close()
  }
})

test('an unknown failure shows its id and nothing internal; the log has the rest under that id, and no query', async () => {
  let log = ''
  const broken = await startHub({
    logger: pino(
      {},
      {
        write: (line: string) => {
          log += line
        },
      },
    ),
    services: {
      connectors: () => {
        throw new Error('the cause at /srv/inner')
      },
    },
  })
  try {
    const response = await broken.get('/api/v1/connectors')
    const text = await response.text()
    const requestId = response.headers.get('x-request-id')
    expect(response.status).toBe(500)
    expect(text).not.toContain('inner')
    expect(JSON.parse(text)).toMatchObject({ code: 'CSW-1001', requestId })
    expect(log).toContain('the cause at /srv/inner')
    await fetch(`${broken.url}/hooks/crm?key=very-secret`, { method: 'POST', body: '{}' })
    expect(log.split('\n').filter((line) => line.includes(requestId!))).toHaveLength(2)
    expect(log).toContain('"route":"/hooks/:connection"')
    expect(log).not.toContain('very-secret')
    expect(log).not.toContain(TOKEN)
  } finally {
    await broken.close()
  }
})

test('sockets over which nothing came yet do not hold up a stop; a request that is on its way is answered', async () => {
  const stopping = await startHub()
  const port = Number(new URL(stopping.url).port)
  const unused = connect(port, '127.0.0.1').on('error', () => undefined)
  const late = connect(port, '127.0.0.1')
  await expect.poll(() => connectionsOf(stopping.app.server), PATIENT).toBe(2)
  const answer = drain(late)
  late.write('GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  const began = performance.now()
  await stopping.close()
  expect(performance.now() - began).toBeLessThan(20_000)
  expect(await answer).toMatch(/^HTTP\/1.1 \d{3}/)
  expect(await drain(unused)).toBe('')
})
