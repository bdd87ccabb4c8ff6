import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { MemoryTokens, type TokenStore } from '../../src/connector/index.ts'
import type { Exchange } from '../../src/outbound/index.ts'
import { failureOf, load, readAll, restManifest } from './open.ts'
import { type Asked, type Reply, serve, type TestServer } from './server.ts'

const AUTH = `
limits: { attempts: 1, concurrent: 8 }
auth:
  kind: steps
  steps:
    - { name: challenge, method: POST, path: /challenge }
    - name: login
      method: POST
      path: /login
      body: { challenge: "\${ steps.challenge.id }", proof: "\${ $sha256Base64($toBase64(settings.token & steps.challenge.id)) }" }
    - name: tokens
      path: /login/\${ steps.login.id }
      headers: { Authorization: "Bearer \${ steps.login.operationToken }" }
      until: response.state != "pending"
      failed: response.state = "refused"
      message: response.reason
      every_seconds: 0.01
  refresh: { method: POST, path: /refresh, body: { with: "\${ refresh_token }" } }
  token: steps.tokens
  access_token: token.access.token
  refresh_token: token.refresh.token
  expires_in: token.access.lasts
`
const MANIFEST = restManifest('read: { path: /things }', AUTH)

/** A system that asks for a proof and takes a while to judge it; every token is another one. */
function register(options: { refreshes?: boolean } = {}) {
  const state = {
    given: 0,
    access: 'none',
    refresh: 'none',
    logins: 0,
    challenges: 0,
    refreshed: 0,
    right: true,
    asked: 0,
  }
  const tokens = (): Reply => {
    state.given++
    state.access = `access-token-${state.given}`
    state.refresh = `refresh-token-${state.given}`
    return { json: { state: 'done', access: { token: state.access, lasts: 900 }, refresh: { token: state.refresh } } }
  }
  const handler = ({ path, json, headers }: Asked): Reply => {
    if (path === '/challenge') return { json: { id: `c${++state.challenges}` } }
    if (path === '/login') {
      const wanted = createHash('sha256').update(`s3cret-of-mine${json.challenge}`).digest('base64')
      state.right = json.proof === wanted && json.challenge === `c${state.challenges}`
      state.asked = 0
      return { status: 202, json: { id: `l${++state.logins}`, operationToken: `operation-${state.logins}` } }
    }
    if (path.startsWith('/login/')) {
      if (headers.authorization !== `Bearer operation-${state.logins}`) return { status: 401 }
      if (++state.asked < 3) return { json: { state: 'pending' } }
      return state.right ? tokens() : { json: { state: 'refused', reason: 'wrong proof' } }
    }
    if (path === '/refresh') {
      if (!(options.refreshes ?? true) || json.with !== state.refresh) return { status: 401 }
      state.refreshed++
      return tokens()
    }
    return headers.authorization === `Bearer ${state.access}` ? { json: [{ id: 1 }] } : { status: 401 }
  }
  return { state, handler }
}

function open(server: TestServer, token = 's3cret-of-mine', tokens?: TokenStore, seen: Exchange[] = []) {
  const catalogue = load(MANIFEST)
  expect(catalogue.findings).toEqual([])
  return catalogue.get('test').open({
    name: 'conn',
    settings: { url: server.url, token },
    allow: [server.host],
    onExchange: (exchange) => seen.push(exchange),
    ...(tokens ? { tokens } : {}),
  })
}

test('one login for all requests at once, and for the next process', async () => {
  const { state, handler } = register()
  await using server = await serve(handler)
  const tokens = new MemoryTokens()
  const seen: Exchange[] = []
  const session = await open(server, undefined, tokens, seen)
  const reads = await Promise.all([1, 2, 3].map(() => readAll(session)))
  expect(reads.map(({ ids }) => ids)).toEqual([['1'], ['1'], ['1']])
  expect((await readAll(await open(server, undefined, tokens))).ids).toEqual(['1'])
  expect(state.logins).toBe(1)
  const shown = JSON.stringify(seen)
  for (const secret of ['s3cret-of-mine', 'access-token-1', 'refresh-token-1', 'operation-1'])
    expect(shown.includes(secret), secret).toBe(false)
})

test('a token that ends is renewed; where that is refused, the steps are gone through again', async () => {
  for (const refreshes of [true, false]) {
    const { state, handler } = register({ refreshes })
    await using server = await serve(handler)
    const session = await open(server)
    await readAll(session)
    state.access = 'revoked'
    expect((await readAll(session)).ids).toEqual(['1'])
    expect([state.logins, state.refreshed]).toEqual(refreshes ? [1, 1] : [2, 0])
  }
})

test('tokens of other credentials are not used', async () => {
  const { state, handler } = register()
  await using server = await serve(handler)
  const tokens = new MemoryTokens()
  await readAll(await open(server, 's3cret-of-mine', tokens))
  const failure = await failureOf(readAll(await open(server, 'another-secret', tokens)))
  expect(failure.code).toBe('CSW-3003')
  expect(failure.message).toContain('wrong proof')
  expect(state.logins).toBe(2)
})

test('a refusal stands for a while: nothing is tried again and again', async () => {
  const { state, handler } = register()
  await using server = await serve(handler)
  const session = await open(server, 'another-secret')
  for (const _ of [1, 2, 3]) expect((await failureOf(readAll(session))).code).toBe('CSW-3003')
  expect(state.logins).toBe(1)
})

test('a system that is down is no refusal', async () => {
  await using server = await serve(({ path }) => (path === '/challenge' ? { status: 503 } : { json: [] }))
  const failure = await failureOf(readAll(await open(server)))
  expect(failure.code).toBe('CSW-3006')
})

test('two steps of one name are refused', () => {
  const twice = MANIFEST.replace('name: login\n', 'name: challenge\n').replaceAll('steps.login.', 'steps.challenge.')
  expect(load(twice).findings.map(({ message }) => message)).toEqual(['auth.steps: two steps have the name challenge'])
})
