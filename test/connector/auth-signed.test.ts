import { createHash, createHmac } from 'node:crypto'
import { expect, test } from 'vitest'
import type { ConnectorSession } from '../../src/connector/index.ts'
import { oauth1Header } from '../../src/connector/parts/oauth1.ts'
import { sigv4Headers } from '../../src/connector/parts/sigv4.ts'
import { failureOf, open, readAll, restManifest, signal } from './open.ts'
import { type Asked, serve } from './server.ts'

const READ = `
  read: { path: /things }
  write:
    create: { path: /things, body: "\${ values }", id: response.id }
    delete: { path: "/things/\${ id }" }
`
const create = (session: ConnectorSession, count = 1) =>
  session.write({
    stream: 'things',
    operation: 'create',
    items: Array.from({ length: count }, (_, n) => ({
      ref: `${n}`,
      values: { name: `n${n}` },
      idempotencyKey: `k${n}`,
    })),
    signal,
  })

test('a key goes into JSON bodies and forms', async () => {
  await using server = await serve(({ method }) => ({ json: method === 'GET' ? [] : { id: 1 } }))
  const auth = `auth: { kind: body, name: api_key, value: "\${ settings.token }" }`
  await create(await open(restManifest(READ, auth), server, { token: 'sé"cret' }))
  expect(server.asked[0]!.json).toEqual({ api_key: 'sé"cret', name: 'n0' })
  const form = READ.replace('id: response.id', 'body_as: form, id: response.id')
  await create(await open(restManifest(form, auth), server, { token: 'a&b' }))
  expect(server.asked[1]!.bytes.toString()).toBe('api_key=a%26b&name=n0')
  const list = READ.replace(`body: "\${ values }"`, `body: ["\${ values }"]`)
  const [outcome] = await create(await open(restManifest(list, auth), server, { token: 'x' }))
  expect(outcome).toMatchObject({ error: { code: 'CSW-2007' } })
})

/** A system as SAP Gateway does it: tokens belong to a session that is kept by a cookie. */
async function gateway() {
  const state = { sessions: 0, token: '', cookie: '', writes: 0 }
  const server = await serve(async ({ method, headers }: Asked) => {
    if (headers.authorization !== `Basic ${Buffer.from('hub:pass-word').toString('base64')}`) return { status: 401 }
    if (method === 'GET') {
      if (headers['x-csrf-token'] !== 'Fetch') return { json: [{ id: 1 }] }
      await new Promise((resolve) => setTimeout(resolve, 10))
      state.token = `token-${++state.sessions}`
      state.cookie = `session-${state.sessions}`
      return {
        headers: { 'x-csrf-token': state.token, 'set-cookie': `SAP_SESSION=${state.cookie}; path=/; HttpOnly` },
        text: '<html>a page</html>',
      }
    }
    const right = headers['x-csrf-token'] === state.token && headers.cookie === `SAP_SESSION=${state.cookie}`
    if (!right) return { status: 403, headers: { 'x-csrf-token': 'Required' }, text: 'CSRF token validation failed' }
    return { status: 201, json: { id: ++state.writes } }
  })
  return { server, state }
}
const CSRF = `auth: { kind: basic, user: hub, password: "\${ settings.token }" }\ncsrf: { path: / }`

test('a CSRF token is fetched once for many writes, goes with its cookie, and never with reads', async () => {
  const { server, state } = await gateway()
  const session = await open(restManifest(READ, CSRF), server, { token: 'pass-word' })
  await readAll(session)
  expect(state.sessions).toBe(0)
  const outcomes = await create(session, 5)
  expect(outcomes.map(({ status }) => status)).toEqual(Array(5).fill('written'))
  expect(state).toMatchObject({ sessions: 1, writes: 5 })
  await server.close()
})

test('a CSRF token that ended is fetched anew, and the writes that met it are sent once more', async () => {
  const { server, state } = await gateway()
  const session = await open(restManifest(READ, CSRF), server, { token: 'pass-word' })
  await create(session)
  state.token = 'ended'
  const outcomes = await create(session, 3)
  expect(outcomes.map(({ status }) => status)).toEqual(['written', 'written', 'written'])
  expect(state.writes).toBe(4)
  await server.close()
})

test('a system that gives no CSRF token is named, and nothing is written', async () => {
  await using server = await serve(() => ({ json: {} }))
  const session = await open(restManifest(READ, `csrf: { path: /metadata }`), server)
  const [outcome] = await create(session)
  expect(outcome).toMatchObject({ error: { code: 'CSW-3007', message: expect.stringContaining('X-CSRF-Token') } })
  expect(server.asked.every(({ method, path }) => method === 'GET' && path === '/metadata')).toBe(true)
})

test('cookies are sent back until the system ends them', async () => {
  let n = 0
  await using server = await serve(() => ({
    json: [],
    headers: { 'set-cookie': n++ === 1 ? 'a=; Max-Age=0' : `a=value-${n}` },
  }))
  const session = await open(restManifest(READ, 'cookies: true'), server)
  for (let i = 0; i < 4; i++) await readAll(session)
  expect(server.asked.map(({ headers }) => headers.cookie)).toEqual([undefined, 'a=value-1', undefined, 'a=value-3'])
})

const constant = (value: string) => ({ evaluate: () => value }) as never
test('the signature of OAuth 1.0 is that of the example in RFC 5849', () => {
  // Section 3.4.1.1; its signature is not printed there, so the base string is signed here by hand.
  const header = oauth1Header(
    {
      algorithm: 'HMAC-SHA1',
      consumer_key: constant('9djdj82h48djs9d2'),
      consumer_secret: constant('j49sk3j29djd'),
      token: constant('kkk9d7dh3k39sjv7'),
      token_secret: constant('dh893hdasih9'),
      realm: constant('Example'),
    },
    {},
    {
      method: 'POST',
      url: 'http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: 'c2&a3=2+q',
    },
    { now: new Date(137_131_201_000), nonce: '7d8f3e4a' },
  )
  const base =
    'POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7%26oauth_version%3D1.0'
  const signature = createHmac('sha1', 'j49sk3j29djd&dh893hdasih9').update(base).digest('base64')
  expect(header).toContain(`oauth_signature="${encodeURIComponent(signature)}"`)
  expect(header).toMatch(/^OAuth realm="Example", /)
})

test('the AWS signature is that of the published test suite', () => {
  const spec = {
    access_key: constant('AKIDEXAMPLE'),
    secret_key: constant('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'),
    session_token: undefined,
    region: constant('us-east-1'),
    service: constant('service'),
  }
  const at = new Date('2015-08-30T12:36:00Z')
  const signatureOf = (url: string, query = {}) =>
    /Signature=(\w+)/.exec(sigv4Headers(spec, {}, { method: 'GET', url, query, headers: {} }, at).Authorization!)![1]
  // Cases get-vanilla and get-vanilla-query-order-key-case.
  expect(signatureOf('https://example.amazonaws.com/')).toBe(
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  )
  expect(signatureOf('https://example.amazonaws.com/', { Param2: 'value2', Param1: 'value1' })).toBe(
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  )
})

test('a signed S3 request names the hash of its body', async () => {
  await using server = await serve(() => ({ json: { id: 1 } }))
  const auth = `auth: { kind: sigv4, access_key: ak, secret_key: "\${ settings.token }", region: eu-central-1 }`
  await create(await open(restManifest(READ, auth), server, { token: 'secret-key' }))
  const { headers, bytes } = server.asked[0]!
  expect(headers['x-amz-content-sha256']).toBe(createHash('sha256').update(bytes).digest('hex'))
  expect(headers.authorization).toMatch(
    /^AWS4-HMAC-SHA256 Credential=ak\/\d{8}\/eu-central-1\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, /,
  )
})

test('every request carries a signature of its own', async () => {
  await using server = await serve(() => ({ json: [] }))
  const auth = `auth: { kind: oauth1, consumer_key: ck, consumer_secret: "\${ settings.token }", token: tk, token_secret: "\${ settings.old_token }" }`
  const session = await open(restManifest(READ, auth), server, { token: 'one', old_token: 'two' })
  await readAll(session)
  await readAll(session)
  const nonces = server.asked.map(({ headers }) => /oauth_nonce="(\w+)"/.exec(headers.authorization!)![1])
  expect(new Set(nonces).size).toBe(2)
  await server.close()
  expect((await failureOf(readAll(session))).message).not.toContain('two')
})
