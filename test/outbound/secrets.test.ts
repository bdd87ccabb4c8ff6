import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import type { Exchange } from '../../src/outbound/index.ts'
import { client, errorOf, httpPeer, rawPeer } from './peer.ts'

const CANARY = 'cänary/+"secret\'& 4711='

/** The forms in which it would give itself away. */
const traces = [
  CANARY,
  encodeURIComponent(CANARY),
  encodeURIComponent(CANARY).replace(/%20/g, '+'),
  JSON.stringify(CANARY).slice(1, -1),
  Buffer.from(CANARY).toString('base64').replace(/=+$/, ''),
  CANARY.replace(/&/g, '&amp;'),
  // Any half of it is too much as well.
  'canary/',
  '4711',
]

function expectClean(...things: unknown[]): void {
  for (const thing of things) {
    const text = `${inspect(thing, { depth: 20, maxStringLength: null, showHidden: true })}${JSON.stringify(thing)}`
    for (const trace of traces) expect(text.includes(trace), trace).toBe(false)
  }
}

test('the secret of a connection is nowhere in exchanges and errors, in no spelling', async () => {
  const exchanges: Exchange[] = []
  const url = await httpPeer(async (request, response) => {
    await request.toArray()
    response.setHeader('x-echo', encodeURIComponent(CANARY)).setHeader('set-cookie', 'sid=abc123cookie')
    response.writeHead(request.url!.startsWith('/bad') ? 500 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ you: { sent: CANARY }, again: CANARY, access_token: 'tok-abc123', code: 'DE' }))
  })
  const outbound = client({ secrets: [CANARY], onExchange: (exchange) => exchanges.push(exchange) })
  const base = Buffer.from(CANARY).toString('base64')
  const ask = {
    query: { api_key: CANARY, note: CANARY },
    headers: { Authorization: `Basic ${base}`, 'X-Plain': encodeURIComponent(CANARY) },
    method: 'POST',
    body: `<login><name>bob</name><password>${CANARY.replace(/&/g, '&amp;')}</password></login>`,
  }
  await outbound.request({ ...ask, url: `${url}/ok` })
  await outbound.request({
    ...ask,
    url: `${url}/ok`,
    body: new URLSearchParams({ a: '1', client_secret: CANARY }).toString(),
  })
  const failure = outbound.failureOf(
    await outbound.request({ ...ask, url: `${url}/bad/${encodeURIComponent(CANARY)}` }),
  )
  expect(failure).toMatchObject({ code: 'CSW-3012' })
  const closed = await rawPeer((socket) => socket.destroy())
  const error = await errorOf(outbound.request({ ...ask, url: `http://127.0.0.1:${closed}/x` }))
  expect(exchanges).toHaveLength(4)
  expectClean(exchanges, failure, error, error.cause, error.stack)
  // Still of use to a reader: names, places and harmless values stand.
  expect(exchanges[0]).toMatchObject({
    url: expect.stringContaining('/ok?api_key=[secret]&note=[secret]'),
    request: '<login><name>bob</name><password>[secret]</password></login>',
    requestHeaders: { Authorization: '[secret]' },
    responseHeaders: { 'set-cookie': '[secret]', 'x-echo': '[secret]' },
    response: '{"you":{"sent":"[secret]"},"again":"[secret]","access_token":"[secret]","code":"DE"}',
  })
  expect(exchanges[1]!.request).toBe('a=1&client_secret=[secret]')
})

test('a token got at run time is a secret from then on', async () => {
  const exchanges: Exchange[] = []
  const url = await httpPeer((_request, response) => response.end('your token was tok-77'))
  const outbound = client({ onExchange: (exchange) => exchanges.push(exchange) })
  outbound.addSecret('tok-77')
  await outbound.request({ url })
  expect(exchanges[0]!.response).toBe('your token was [secret]')
  expect(outbound.redact('tok-77!')).toBe('[secret]!')
})

test('what a login is answered is not shown, whatever it calls its token; a refusal of it is', async () => {
  const exchanges: Exchange[] = []
  const url = await httpPeer((request, response) => {
    response.setHeader('x-ticket', 'tick-4711').writeHead(request.url === '/no' ? 401 : 200)
    response.end(request.url === '/no' ? 'no such user' : '{"result":[2,"4711-key"]}')
  })
  const outbound = client({ onExchange: (exchange) => exchanges.push(exchange) })
  for (const path of ['/yes', '/no']) await outbound.request({ url: `${url}${path}`, method: 'POST', login: true })
  expectClean(exchanges[0])
  expect(exchanges[0]).toMatchObject({ status: 200, responseBytes: 25 })
  expect(exchanges[1]).toMatchObject({ status: 401, response: 'no such user' })
})

test('a body is cut at 8 kB, and a secret across the cut does not leave its first half', async () => {
  const exchanges: Exchange[] = []
  const secret = 'S'.repeat(40)
  const url = await httpPeer((_request, response) => response.end(`${'x'.repeat(7_980)}${secret}${'y'.repeat(9_000)}`))
  const outbound = client({ secrets: [secret], onExchange: (exchange) => exchanges.push(exchange) })
  const { body } = await outbound.request({ url })
  expect(body).toContain(secret)
  const { response = '', responseBytes } = exchanges[0]!
  expect(response).not.toContain('SSS')
  expect(response.length).toBeLessThanOrEqual(8_001)
  expect(responseBytes).toBe(17_020)
})

test('bytes that are no text are counted, not kept; a failed call is an exchange too', async () => {
  const exchanges: Exchange[] = []
  const url = await httpPeer((request, response) => {
    request.resume()
    response.end(Buffer.from([0x89, 0x50, 0, 0, 1]))
  })
  const outbound = client({ onExchange: (exchange) => exchanges.push(exchange) })
  await outbound.request({ url, method: 'PUT', body: Buffer.from([1, 0, 2]), responseType: 'buffer' })
  expect(exchanges[0]).toMatchObject({ method: 'PUT', status: 200, requestBytes: 3, responseBytes: 5 })
  expect(exchanges[0]).not.toHaveProperty('request')
  expect(exchanges[0]).not.toHaveProperty('response')
  const closed = await rawPeer((socket) => socket.destroy())
  await errorOf(outbound.request({ url: `http://127.0.0.1:${closed}/` }))
  expect(exchanges[1]).toMatchObject({ status: null, error: expect.stringContaining('connection broke') })
})
