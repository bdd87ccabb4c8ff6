import { createHmac, createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { expect, test } from 'vitest'
import { MemoryTokens, type TokenStore } from '../../src/connector/index.ts'
import { failureOf, load, readAll, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve, type TestServer } from './server.ts'

const READ = 'read: { path: /things }'
const manifest = (auth: string, read = READ, top = '') =>
  restManifest(read, `limits: { attempts: 1, concurrent: 8 }\n${top}\nauth:\n  kind: oauth2\n${auth}`)

type Extra = { tokens?: TokenStore; clock?: { now(): Date; monotonic(): number } }
function open(text: string, server: TestServer, settings: Record<string, string> = {}, extra: Extra = {}) {
  const catalogue = load(text)
  expect(catalogue.findings).toEqual([])
  return catalogue
    .get('test')
    .open({ name: 'conn', settings: { url: server.url, ...settings }, allow: [server.host], ...extra })
}
const form = ({ bytes }: Asked) => Object.fromEntries(new URLSearchParams(bytes.toString()))
const tokenCalls = (server: TestServer) => server.asked.filter(({ path }) => path === '/token')

/** A system whose refresh tokens serve once: using one twice ends the whole grant, as several vendors do. */
async function rotating(expiresIn = 3600) {
  const state = { refresh: 'refresh-0', access: '', issued: 0, revoked: false, slow: 5 }
  const server = await serve(async (asked): Promise<Reply> => {
    if (asked.path !== '/token')
      return asked.headers.authorization === `Bearer ${state.access}`
        ? { json: [{ id: 1 }] }
        : { status: 401, json: { error: 'invalid_token' } }
    const given = form(asked)
    await new Promise((resolve) => setTimeout(resolve, state.slow))
    if (state.revoked || given.refresh_token !== state.refresh) {
      state.revoked = true
      return { status: 400, json: { error: 'invalid_grant' } }
    }
    state.issued++
    state.refresh = `refresh-${state.issued}`
    state.access = `access-${state.issued}`
    return { json: { access_token: state.access, refresh_token: state.refresh, expires_in: expiresIn } }
  })
  return { server, state }
}
const ROTATING = `
  grant: refresh_token
  token_url: \${ settings.url }/token
  client_id: hub
  client_secret: \${ settings.old_token }
  refresh_token: \${ settings.token }`
const SETTINGS = { token: 'refresh-0', old_token: 's:e+c%t' }

test('a session that is closed while tokens are renewed waits for them: a refresh token that serves once is not lost', async () => {
  const { server, state } = await rotating()
  await using _ = server
  state.slow = 300
  const tokens = new MemoryTokens()
  const session = await open(manifest(ROTATING), server, SETTINGS, { tokens })
  const read = failureOf(readAll(session, { signal: AbortSignal.timeout(100) }))
  expect((await read).code).toBe('CSW-3015')
  await session.close()
  expect(await tokens.load()).toMatchObject({ refresh_token: 'refresh-1' })

  const next = await open(manifest(ROTATING), server, SETTINGS, { tokens })
  expect((await readAll(next)).ids).toEqual(['1'])
  expect(state.revoked).toBe(false)
})

test('client credentials in a Basic header, form-encoded before, with scope, audience and extra parameters', async () => {
  await using server = await serve(({ path }) =>
    path === '/token' ? { json: { access_token: 'abcdefg' } } : { json: [{ id: 1 }] },
  )
  const auth = `
  grant: client_credentials
  token_url: /token
  client_id: hub
  client_secret: \${ settings.token }
  scope: a b
  audience: api
  extra: { resource: r1 }`
  const session = await open(manifest(auth), server, { token: 's:e+c%t' })
  expect((await readAll(session)).ids).toEqual(['1'])
  const [asked] = tokenCalls(server)
  expect(form(asked!)).toEqual({
    grant_type: 'client_credentials',
    scope: 'a b',
    audience: 'api',
    resource: 'r1',
  })
  expect(asked!.headers.authorization).toBe(`Basic ${Buffer.from('hub:s%3Ae%2Bc%25t').toString('base64')}`)
  expect(server.asked[1]!.headers.authorization).toBe('Bearer abcdefg')
})

test('a JSON body with the client in it, a token inside an envelope, and headers of its own', async () => {
  await using server = await serve(({ path }) =>
    path === '/token' ? { json: { data: { token: 'abcdefg', tenant: 't1' } } } : { json: [] },
  )
  const auth = `
  grant: password
  token_url: \${ settings.url }/token
  client_auth: body
  body_as: json
  client_id: hub
  client_secret: \${ settings.token }
  username: ada
  password: \${ settings.old_token }
  answer: response.data
  access_token: token.token
  headers: { X-Token: "\${ access_token }", X-Tenant: "\${ token.tenant }" }`
  const session = await open(manifest(auth), server, { token: 'client-secret', old_token: 'pass-word' })
  await readAll(session)
  expect(tokenCalls(server)[0]!.json).toEqual({
    grant_type: 'password',
    username: 'ada',
    password: 'pass-word',
    client_id: 'hub',
    client_secret: 'client-secret',
  })
  expect(server.asked[1]!.headers).toMatchObject({ 'x-token': 'abcdefg', 'x-tenant': 't1' })
  expect(server.asked[1]!.headers.authorization).toBeUndefined()
})

test('the base URL and headers may come from the token answer', async () => {
  await using api = await serve(() => ({ json: [{ id: 7 }] }))
  await using login = await serve(() => ({
    json: { access_token: 'abcdefg', instance_url: api.url, org: 'o1' },
  }))
  const text = manifest(
    `  grant: client_credentials\n  token_url: \${ settings.url }/token\n  client_id: hub\n`,
    READ,
    `headers: { X-Org: "\${ token.org }" }`,
  ).replace(`base_url: \${ settings.url }`, `base_url: \${ token.instance_url }/v1`)
  const session = await load(text)
    .get('test')
    .open({ name: 'conn', settings: { url: login.url }, allow: [login.host, api.host] })
  expect((await readAll(session)).ids).toEqual(['7'])
  expect(api.asked[0]).toMatchObject({ path: '/v1/things', headers: { 'x-org': 'o1' } })
  expect((await session.probe(signal)).map(({ ok }) => ok)).toEqual([true, true, true])
})

const pairs = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  PS256: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
}
const signatureHolds = (algorithm: string, jwt: string): boolean => {
  const at = jwt.lastIndexOf('.')
  const [signed, signature] = [Buffer.from(jwt.slice(0, at)), Buffer.from(jwt.slice(at + 1), 'base64url')]
  if (algorithm === 'HS256') return createHmac('sha256', 'shared').update(signed).digest().equals(signature)
  const key = createPublicKey(pairs[algorithm as 'RS256'].publicKey.export({ type: 'spki', format: 'pem' }))
  if (algorithm === 'ES256') return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, signature)
  return verify('sha256', signed, algorithm === 'PS256' ? { key, padding: 6, saltLength: 32 } : key, signature)
}
test.each(['RS256', 'PS256', 'ES256', 'HS256'])('a JWT signed with %s is given for a token', async (algorithm) => {
  await using server = await serve(({ path }) =>
    path === '/token' ? { json: { access_token: 'abcdefg' } } : { json: [] },
  )
  const auth = `
  grant: jwt_bearer
  token_url: \${ settings.url }/token
  client_auth: none
  jwt: { algorithm: ${algorithm}, key: "\${ settings.token }", key_id: k1, issuer: hub, subject: ada, claims: { scope: x } }`
  const pem =
    algorithm === 'HS256'
      ? 'shared'
      : pairs[algorithm as 'RS256'].privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  // As environment variables carry it.
  const session = await open(manifest(auth), server, { token: pem.replaceAll('\n', '\\n') })
  await readAll(session)
  const { grant_type, assertion } = form(tokenCalls(server)[0]!)
  expect(grant_type).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer')
  expect(signatureHolds(algorithm, assertion!)).toBe(true)
  const [head, claims] = assertion!.split('.', 2).map((text) => JSON.parse(Buffer.from(text, 'base64url').toString()))
  expect(head).toEqual({ alg: algorithm, typ: 'JWT', kid: 'k1' })
  expect(claims).toMatchObject({ iss: 'hub', sub: 'ada', aud: `${server.url}/token`, scope: 'x' })
  expect(claims.exp - claims.iat).toBe(180)
})

test('a key that is none is named before anything is sent', async () => {
  await using server = await serve(() => ({ json: {} }))
  const auth = `
  grant: client_credentials
  token_url: /token
  client_auth: assertion
  jwt: { key: "\${ settings.token }", issuer: hub }`
  const session = await open(manifest(auth), server, { token: 'no key' })
  expect(await failureOf(readAll(session))).toMatchObject({ code: 'CSW-2005', place: { line: expect.any(Number) } })
  expect(server.asked).toEqual([])
})

test('refresh tokens that serve once are used once, by many calls and across restarts', async () => {
  const { server, state } = await rotating()
  const tokens = new MemoryTokens()
  const first = await open(manifest(ROTATING), server, SETTINGS, { tokens })
  await Promise.all(Array.from({ length: 6 }, () => readAll(first)))
  expect(state.issued).toBe(1)
  expect(await tokens.load()).toMatchObject({ access_token: 'access-1', refresh_token: 'refresh-1' })
  const second = await open(manifest(ROTATING), server, SETTINGS, { tokens })
  await readAll(second)
  expect(state.issued).toBe(1)
  state.access = 'ended by the system'
  await Promise.all([first, second, first, second].map((session) => readAll(session)))
  expect(state).toMatchObject({ issued: 2, revoked: false })
  await server.close()
})

test('a process that slept over a renewal whose token is dead as well asks for another one', async () => {
  const { server, state } = await rotating()
  const tokens = new MemoryTokens()
  const sleeper = await open(manifest(ROTATING), server, SETTINGS, { tokens })
  const other = await open(manifest(ROTATING), server, SETTINGS, { tokens })
  await readAll(sleeper)
  state.access = 'ended by the system'
  await readAll(other)
  state.access = 'ended once more'
  expect((await readAll(sleeper)).ids).toEqual(['1'])
  expect(state).toMatchObject({ issued: 3, revoked: false })
  await server.close()
})

test('a refresh token is stored before its access token is used; a store that fails loses nothing', async () => {
  const { server, state } = await rotating()
  const memory = new MemoryTokens()
  let broken = true
  const tokens: TokenStore = {
    load: () => memory.load(),
    save: async (given, before) => {
      if (broken && given.refresh_token === 'refresh-1') throw new Error('the database is away')
      return memory.save(given, before)
    },
  }
  const session = await open(manifest(ROTATING), server, SETTINGS, { tokens })
  await expect(readAll(session)).rejects.toThrow('the database is away')
  expect(server.asked.map(({ path }) => path)).toEqual(['/token'])
  broken = false
  expect((await readAll(session)).ids).toEqual(['1'])
  expect(state).toMatchObject({ issued: 1, revoked: false })
  expect(await memory.load()).toMatchObject({ refresh_token: 'refresh-1' })
  await server.close()
})

test('two processes that start at once spend one refresh token', async () => {
  const { server, state } = await rotating()
  const tokens = new MemoryTokens()
  const sessions = await Promise.all([1, 2, 3].map(() => open(manifest(ROTATING), server, SETTINGS, { tokens })))
  const all = await Promise.all(sessions.map((session) => readAll(session)))
  expect(all.map(({ ids }) => ids)).toEqual([['1'], ['1'], ['1']])
  expect(state).toMatchObject({ issued: 1, revoked: false })
  await server.close()
})

test('a base URL that the token answer does not give is named with its place', async () => {
  await using server = await serve(() => ({ json: { access_token: 'abcdefg' } }))
  const text = manifest(`  grant: client_credentials\n  token_url: \${ settings.url }/token\n  client_id: hub\n`)
  const session = await open(text.replace(`base_url: \${ settings.url }`, `base_url: \${ token.instance_url }`), server)
  expect(await failureOf(readAll(session))).toMatchObject({
    code: 'CSW-2005',
    fix: expect.stringContaining('token answer'),
    place: { line: expect.any(Number) },
  })
  const steps = await session.probe(signal)
  expect(steps).toMatchObject([{ step: 'credentials', ok: false }])
})

test('tokens are renewed ahead of their end, without a 401', async () => {
  const { server, state } = await rotating(600)
  let ms = Date.now()
  const clock = { now: () => new Date(ms), monotonic: () => performance.now() }
  const session = await open(manifest(ROTATING), server, SETTINGS, { clock })
  await readAll(session)
  ms += 530_000
  await readAll(session)
  expect(state.issued).toBe(1)
  ms += 20_000
  await readAll(session)
  expect(state.issued).toBe(2)
  // The times of requests come from the same clock, so no call met an expired token.
  expect(server.asked.map(({ path }) => path)).toEqual(['/token', '/things', '/things', '/token', '/things'])
  await server.close()
})

test('a grant that is gone is a matter of credentials, told in at most three calls', async () => {
  const { server, state } = await rotating()
  const session = await open(manifest(ROTATING), server, SETTINGS)
  await readAll(session)
  state.access = 'ended by the system'
  state.revoked = true
  const before = server.asked.length
  const errors = await Promise.all([failureOf(readAll(session)), failureOf(readAll(session))])
  errors.push(await failureOf(readAll(session)))
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'CSW-3003', message: expect.stringContaining('invalid_grant') })
    expect(error.fix).toContain('new refresh token')
  }
  expect(server.asked.length - before).toBeLessThanOrEqual(3)
  expect(tokenCalls(server)).toHaveLength(2)
  await server.close()
})

test('a new refresh token in the settings replaces what was stored for the old one', async () => {
  const { server, state } = await rotating()
  const tokens = new MemoryTokens()
  await readAll(await open(manifest(ROTATING), server, SETTINGS, { tokens }))
  state.refresh = 'allowed-anew'
  const session = await open(manifest(ROTATING), server, { ...SETTINGS, token: 'allowed-anew' }, { tokens })
  expect((await readAll(session)).ids).toEqual(['1'])
  expect(state).toMatchObject({ issued: 2, revoked: false })
  await server.close()
})

test('what a grant needs is asked for at load', () => {
  const { findings } = load(manifest('  grant: jwt_bearer\n  token_url: /token\n'))
  expect(findings.map(({ message }) => message)).toEqual([
    expect.stringContaining('`jwt` is missing'),
    expect.stringContaining('`client_id` is missing'),
  ])
})
