import net from 'node:net'
import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import type { FailureContext } from '../../src/outbound/index.ts'
import { client, errorOf, httpPeer, rawPeer } from './peer.ts'

/** Method, status, headers, context → code. */
const STATUSES: [string, number, Record<string, string>, FailureContext, string | null][] = [
  ['GET', 200, {}, {}, null],
  ['POST', 201, {}, {}, null],
  ['GET', 304, {}, {}, null],
  ['GET', 400, {}, {}, 'CSW-3016'],
  ['POST', 400, {}, {}, 'CSW-3008'],
  ['POST', 400, {}, { purpose: 'read' }, 'CSW-3016'],
  ['POST', 422, {}, {}, 'CSW-3008'],
  ['GET', 401, {}, {}, 'CSW-3003'],
  ['POST', 403, {}, {}, 'CSW-3004'],
  ['GET', 404, {}, {}, 'CSW-3014'],
  ['GET', 404, {}, { notFound: 'record' }, 'CSW-3009'],
  ['PATCH', 404, {}, {}, 'CSW-3009'],
  ['DELETE', 410, {}, {}, 'CSW-3009'],
  ['POST', 405, {}, {}, 'CSW-3014'],
  ['POST', 409, {}, {}, 'CSW-3008'],
  ['PUT', 409, {}, { conditional: true }, 'CSW-3013'],
  ['PUT', 412, {}, {}, 'CSW-3013'],
  ['PUT', 414, {}, {}, 'CSW-3008'],
  ['GET', 414, {}, {}, 'CSW-3014'],
  ['PUT', 423, {}, {}, 'CSW-3017'],
  ['GET', 429, { 'retry-after': '0' }, {}, 'CSW-3005'],
  ['POST', 429, {}, {}, 'CSW-3005'],
  ['GET', 500, {}, {}, 'CSW-3006'],
  ['PUT', 500, {}, {}, 'CSW-3006'],
  // Sent, and nobody says whether it was done: look before sending again.
  ['POST', 500, {}, {}, 'CSW-3012'],
  ['POST', 502, {}, {}, 'CSW-3012'],
  ['PATCH', 504, {}, {}, 'CSW-3012'],
  ['POST', 503, {}, {}, 'CSW-3012'],
  ['POST', 503, { 'retry-after': '0' }, {}, 'CSW-3006'],
  ['POST', 500, {}, { purpose: 'read' }, 'CSW-3006'],
  ['GET', 302, { location: '/x' }, {}, 'CSW-3014'],
]

test.each(STATUSES)('%s answered with %i %j %j is %s', async (method, status, headers, context, code) => {
  const url = await httpPeer((_request, response) => response.writeHead(status, headers).end())
  const outbound = client()
  const failure = outbound.failureOf(await outbound.request({ url, method }), context)
  expect(failure?.code ?? null).toBe(code)
  if (failure) expect(failure).toMatchObject({ sent: 'yes', status, data: { status } })
})

test('a write said to be idempotent may be tried again after a 500', async () => {
  const url = await httpPeer((_request, response) => response.writeHead(500).end())
  const outbound = client()
  const response = await outbound.request({ url, method: 'POST', idempotent: true })
  expect(outbound.failureOf(response)).toMatchObject({ code: 'CSW-3006' })
})

test('nobody listens: a write was not sent', async () => {
  const free = await new Promise<number>((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo
      server.close(() => resolve(port))
    })
  })
  const error = await errorOf(client().request({ url: `http://127.0.0.1:${free}/`, method: 'POST', body: '{}' }))
  expect(error).toMatchObject({ code: 'CSW-3001', sent: 'no', data: { cause: 'ECONNREFUSED' } })
})

test('a host name that does not exist: not sent, and said so', async () => {
  const error = await errorOf(client().request({ url: 'http://nowhere.invalid/', method: 'POST', body: '{}' }))
  expect(error).toMatchObject({ code: 'CSW-3001', sent: 'no' })
  expect(error.message).toMatch(/name|DNS/)
})

test('an answer cut before, in or after its head: unknown for a create, retry for a read', async () => {
  const whole = 'HTTP/1.1 201 Created\r\nContent-Length: 20\r\n\r\n{"id": "0123456789"}'
  for (const cut of [0, 5, 30, 45, 60]) {
    const port = await rawPeer((socket) => {
      socket.once('data', () => socket.write(whole.slice(0, cut), () => socket.resetAndDestroy()))
    })
    const url = `http://127.0.0.1:${port}/`
    const write = await errorOf(client().request({ url, method: 'POST', body: '{}' }))
    expect([cut, write]).toMatchObject([cut, { code: 'CSW-3012' }])
    expect(['maybe', 'yes']).toContain((write as { sent?: string }).sent)
    expect([cut, await errorOf(client().request({ url }))]).toMatchObject([cut, { code: 'CSW-3001' }])
  }
})

test('a refusal whose explanation is cut is still a refusal', async () => {
  const port = await rawPeer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 422 No\r\nContent-Length: 500\r\n\r\n{"err', () => setTimeout(() => socket.destroy(), 20))
    })
  })
  const error = await errorOf(client().request({ url: `http://127.0.0.1:${port}/`, method: 'POST', body: '{}' }))
  expect(error).toMatchObject({ code: 'CSW-3008', sent: 'yes', status: 422 })
})

test('a create whose answer is too large to read may have taken effect', async () => {
  const url = await httpPeer((_request, response) => response.writeHead(201).end(Buffer.alloc(5000)))
  const error = await errorOf(client().request({ url, method: 'POST', body: '{}', maxResponseBytes: 100 }))
  expect(error).toMatchObject({ code: 'CSW-3012', sent: 'yes', status: 201 })
})

test('something that is not HTTP is named as such', async () => {
  const port = await rawPeer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n'))
  expect(await errorOf(client().request({ url: `http://127.0.0.1:${port}/` }))).toMatchObject({ code: 'CSW-3007' })
})

test('a kept-alive socket that the server closed is replaced for reads, and makes a create unknown, not doubled', async () => {
  const bodies: string[] = []
  const port = await rawPeer((socket) => {
    let requests = 0
    socket.on('data', (data) => {
      bodies.push(String(data).split(' ')[0]!)
      // Every second request on one socket is met by a closed door.
      if (++requests === 2) socket.resetAndDestroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  const url = `http://127.0.0.1:${port}/`
  const outbound = client()
  await outbound.request({ url })
  expect((await outbound.request({ url })).body).toBe('ok')
  expect(await errorOf(outbound.request({ url, method: 'POST', body: 'x' }))).toMatchObject({ code: 'CSW-3012' })
  expect(bodies.filter((method) => method === 'POST')).toHaveLength(1)
})

test('a body stream that breaks fails the call and is not repeated', async () => {
  let whole = false
  const url = await httpPeer((request, response) => {
    request.resume().on('end', () => {
      whole = true
      response.end()
    })
  })
  const body = Readable.from(
    (async function* () {
      yield 'begin'
      throw new Error('disk gone')
    })(),
  )
  expect(await errorOf(client().request({ url, method: 'PUT', body }))).toMatchObject({ code: 'CSW-3001' })
  expect(whole).toBe(false)
})

test('a streamed body arrives byte for byte', async () => {
  const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251))
  const url = await httpPeer(async (request, response) => response.end(Buffer.concat(await request.toArray())))
  const body = Readable.from([bytes.subarray(0, 70_000), bytes.subarray(70_000)])
  const response = await client().request({ url, method: 'PUT', body, responseType: 'buffer' })
  expect(response.body.equals(bytes)).toBe(true)
})

test('what was asked for is what is sent: query, headers, body, and no defaults of the library', async () => {
  const url = await httpPeer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    response.end(JSON.stringify({ url: request.url, method: request.method, headers: request.headers, body }))
  })
  const response = await client().request({
    method: 'post',
    url: `${url}/a%2Fb?$filter=x%20eq%201`,
    query: { q: 'a b&c=ü', ids: [1, 2], none: undefined, off: null, on: true },
    headers: { 'X-Name': 'Zo\xeb', 'If-Match': undefined },
    body: '{"broken json',
  })
  const seen = JSON.parse(response.body)
  expect(seen.url).toBe('/a%2Fb?$filter=x%20eq%201&q=a%20b%26c%3D%C3%BC&ids=1&ids=2&on=true')
  expect(seen).toMatchObject({
    method: 'POST',
    body: '{"broken json',
    headers: { 'x-name': 'Zo\xeb', 'user-agent': 'Causeway' },
  })
  expect(Object.keys(seen.headers)).not.toEqual(expect.arrayContaining(['content-type', 'if-match']))
})

test.each(['a\r\nX-Admin: 1', 'a\nb', 'a\0b', 'Ω', 'x\x7f'])(
  'the header value %j is refused, not sanitised',
  async (value) => {
    let hits = 0
    const url = await httpPeer((_request, response) => response.end(String(++hits)))
    const error = await errorOf(client().request({ url, headers: { 'X-Record': value } }))
    expect(error).toMatchObject({ code: 'CSW-3019', message: expect.stringContaining('X-Record') })
    expect(hits).toBe(0)
  },
)

test('text is decoded by its character set, and bytes that were replaced are reported', async () => {
  const answers: Record<string, [string, Buffer]> = {
    '/utf8': ['application/json', Buffer.from('"Zoë"')],
    '/bom': ['application/json', Buffer.from('\uFEFF"Zoë"')],
    '/latin1': ['text/plain; charset=ISO-8859-1', Buffer.from('"Zoë"', 'latin1')],
    '/utf16': ['text/plain; charset="utf-16le"', Buffer.from('"Zoë"', 'utf16le')],
    '/wrong': ['application/json', Buffer.from('"Zoë"', 'latin1')],
  }
  const url = await httpPeer((request, response) => {
    const [type, bytes] = answers[request.url!]!
    response.setHeader('content-type', type).end(bytes)
  })
  for (const path of ['/utf8', '/bom', '/latin1', '/utf16']) {
    expect(await client().request({ url: url + path })).toMatchObject({ body: '"Zoë"', malformedText: false })
  }
  expect(await client().request({ url: `${url}/wrong` })).toMatchObject({ body: '"Zo\uFFFD"', malformedText: true })
})
