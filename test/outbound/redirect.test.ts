import type { IncomingHttpHeaders } from 'node:http'
import { expect, test } from 'vitest'
import { certificate, client, errorOf, httpPeer, httpsPeer } from './peer.ts'

const CREDENTIALS = { Authorization: 'Bearer t0ken', 'X-Odd-Key': 'k3y', Cookie: 'sid=1', Accept: 'application/json' }

type Seen = { url: string; method: string; headers: IncomingHttpHeaders }

/** A server that redirects `/from` to `to` and remembers what else it is asked. */
async function redirecting(status: number, to: (base: string) => string) {
  const seen: Seen[] = []
  let base = ''
  base = await httpPeer((request, response) => {
    if (request.url === '/from') return response.writeHead(status, { location: to(base) }).end('moved')
    seen.push({ url: request.url!, method: request.method!, headers: request.headers })
    response.end('arrived')
  })
  return { base, seen }
}

test.each([301, 302, 303, 307, 308])('a %i answer to a write is not followed but named', async (status) => {
  const { base, seen } = await redirecting(status, () => '/to')
  const outbound = client()
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const response = await outbound.request({ url: `${base}/from`, method, body: '{}', redirects: 5 })
    expect(response.status).toBe(status)
    expect(outbound.failureOf(response)).toMatchObject({ code: 'CSW-3014', sent: 'yes' })
  }
  expect(seen).toEqual([])
})

test('a GET is not redirected unless the caller opts in', async () => {
  const { base, seen } = await redirecting(302, () => '/to')
  const outbound = client()
  const response = await outbound.request({ url: `${base}/from` })
  expect(outbound.failureOf(response)).toMatchObject({ code: 'CSW-3014' })
  expect(seen).toEqual([])
})

test('the same origin keeps the credentials', async () => {
  const { base, seen } = await redirecting(302, () => '/to?page=2')
  const response = await client().request({ url: `${base}/from`, headers: CREDENTIALS, redirects: 1 })
  expect(response).toMatchObject({ status: 200, body: 'arrived', url: `${base}/to?page=2` })
  expect(seen[0]!.headers).toMatchObject({ authorization: 'Bearer t0ken', 'x-odd-key': 'k3y', cookie: 'sid=1' })
})

test('another origin gets no header that could hold a credential', async () => {
  const seen: IncomingHttpHeaders[] = []
  const elsewhere = await httpPeer((request, response) => {
    seen.push(request.headers)
    response.end('file')
  })
  // User info in the location must not become a credential either.
  const { base } = await redirecting(302, () => elsewhere.replace('//', '//user:pass@'))
  const response = await client().request({ url: `${base}/from`, headers: CREDENTIALS, redirects: 1 })
  expect(response.body).toBe('file')
  expect(Object.keys(seen[0]!).sort()).toEqual(['accept', 'accept-encoding', 'connection', 'host', 'user-agent'])
})

test('every hop is checked: a public-looking answer cannot send us to a private address', async () => {
  let hits = 0
  const inner = await httpPeer((_request, response) => response.end(String(++hits)), '127.0.0.2')
  const { base } = await redirecting(302, () => `${inner}/latest/meta-data`)
  const error = await errorOf(client().request({ url: `${base}/from`, redirects: 3 }))
  expect(error).toMatchObject({ code: 'CSW-3010', message: expect.stringContaining('127.0.0.2') })
  expect(hits).toBe(0)
})

test('a loop ends after the hops that were granted', async () => {
  const { base } = await redirecting(302, (origin) => `${origin}/from`)
  const error = await errorOf(client().request({ url: `${base}/from`, redirects: 4 }))
  expect(error).toMatchObject({ code: 'CSW-3014', message: expect.stringContaining('4 times') })
})

test('https is never left for http', async () => {
  const base = await httpsPeer((_request, response) => response.writeHead(302, { location: 'http://localhost/' }).end())
  const error = await errorOf(client({ tls: { ca: certificate } }).request({ url: base, redirects: 1 }))
  expect(error).toMatchObject({ code: 'CSW-3014', message: expect.stringContaining('plain http') })
})

test.each(['file:///etc/passwd', 'javascript:1', 'http://', 'ftp://127.0.0.1/'])(
  'a redirect to %s is refused',
  async (to) => {
    const { base } = await redirecting(302, () => to)
    expect(await errorOf(client().request({ url: `${base}/from`, redirects: 1 }))).toMatchObject({ code: 'CSW-3014' })
  },
)

test('a redirect without a location is an answer like any other', async () => {
  const base = await httpPeer((_request, response) => response.writeHead(302).end())
  expect(await errorOf(client().request({ url: base, redirects: 1 }))).toMatchObject({ code: 'CSW-3014' })
})
