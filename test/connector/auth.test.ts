import { expect, test } from 'vitest'
import { type JsonObject, parseExact } from '../../src/core/index.ts'
import { failureOf, open, readAll, restManifest } from './open.ts'
import { type Asked, serve } from './server.ts'

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const kinds: [auth: string, seen: (asked: Asked) => unknown, expected: unknown][] = [
  ['{ kind: none }', ({ headers }) => headers.authorization, undefined],
  [`{ kind: header, name: X-Key, value: "\${ settings.token }" }`, ({ headers }) => headers['x-key'], 'tök'],
  [`{ kind: query, name: key, value: "\${ settings.token }" }`, ({ query }) => query.get('key'), 'tök'],
  [`{ kind: bearer, token: "\${ settings.old_token }" }`, ({ headers }) => headers.authorization, 'Bearer old'],
  [
    `{ kind: basic, user: "\${ settings.old_token }/token", password: "\${ settings.token }" }`,
    ({ headers }) => headers.authorization,
    basic('old/token:tök'),
  ],
  [`{ kind: basic, user: "\${ settings.token }" }`, ({ headers }) => headers.authorization, basic('tök:')],
]
test.each(kinds)('%s', async (auth, seen, expected) => {
  await using server = await serve(() => ({ json: [] }))
  const session = await open(restManifest('read: { path: /things }', `auth: ${auth}`), server, {
    token: 'tök',
    old_token: 'old',
  })
  await readAll(session)
  expect(seen(server.asked[0]!)).toBe(expected)
})

const sessionManifest = restManifest(
  `read: { path: /things, query: { offset: "\${ page.offset }" }, records: response.data, paging: { kind: offset } }`,
  `
limits: { attempts: 1, concurrent: 8 }
errors: { classes: [{ when: response.code = "SESSION", is: auth }] }
auth:
  kind: session
  login: { method: POST, path: /login, body: { key: "\${ settings.token }" } }
  token: response.session
  headers: { Authorization: "Session \${ $base64encode(token.id) }" }
  query: { tenant: "\${ token.tenant }" }
`,
)

/** A system with sessions: `valid` holds the one that counts. */
async function sessionServer(end: 'status' | 'body' = 'status') {
  const state = { logins: 0, valid: '', password: 'right' }
  const server = await serve(async ({ path, json, headers, query }) => {
    if (path === '/login') {
      await new Promise((resolve) => setTimeout(resolve, 10))
      if (json.key !== state.password) return { status: 400, json: { message: 'bad key' } }
      state.valid = `s${++state.logins}`
      return { json: { session: { id: state.valid, tenant: 't1' } } }
    }
    const expected = `Session ${Buffer.from(state.valid).toString('base64')}`
    if (headers.authorization !== expected) return end === 'status' ? { status: 401 } : { json: { code: 'SESSION' } }
    const from = Number(query.get('offset'))
    return { json: { data: from < 4 ? [{ id: from }, { id: from + 1 }] : [], tenant: query.get('tenant') } }
  })
  return { state, server }
}

test('a session logs in once for many concurrent calls', async () => {
  const { server, state } = await sessionServer()
  const session = await open(sessionManifest, server, { token: 'right' })
  const all = await Promise.all(Array.from({ length: 6 }, () => readAll(session)))
  for (const { ids } of all) expect(ids).toEqual(['0', '1', '2', '3'])
  expect(state.logins).toBe(1)
  expect(server.asked.find(({ path }) => path === '/things')!.query.get('tenant')).toBe('t1')
  await server.close()
})

for (const end of ['status', 'body'] as const)
  test(`a session that ended in the middle (told by ${end}) is renewed once, and the read goes on`, async () => {
    const { server, state } = await sessionServer(end)
    const session = await open(sessionManifest, server, { token: 'right' })
    const readers = Array.from({ length: 4 }, async () => {
      const ids: string[] = []
      const { pages } = await readAll(session, { limit: 1 })
      ids.push(...pages[0]!.records.map(({ id }) => id))
      return { ids, cursor: pages[0]!.cursor }
    })
    const begun = await Promise.all(readers)
    state.valid = 'ended by the system'
    const rest = await Promise.all(begun.map(({ cursor }) => readAll(session, { cursor })))
    for (const { ids } of rest) expect(ids).toEqual(['2', '3'])
    expect(state.logins).toBe(2)
    await server.close()
  })

test('a refused login is a matter of credentials, and is not tried again and again', async () => {
  const { server } = await sessionServer()
  const session = await open(sessionManifest, server, { token: 'wrong' })
  const errors = await Promise.all([failureOf(readAll(session)), failureOf(readAll(session))])
  errors.push(await failureOf(readAll(session)))
  expect(errors.map(({ code }) => code)).toEqual(['CSW-3003', 'CSW-3003', 'CSW-3003'])
  // Systems lock accounts after a few wrong passwords.
  expect(server.asked.filter(({ path }) => path === '/login')).toHaveLength(1)
  await server.close()
})

test('a system that refuses fresh sessions too gets two tries, not a storm', async () => {
  await using server = await serve(({ path }) =>
    path === '/login' ? { json: { session: { id: 'x' } } } : { status: 401 },
  )
  const session = await open(sessionManifest, server, { token: 'right' })
  expect((await failureOf(readAll(session))).code).toBe('CSW-3003')
  expect(server.asked.map(({ path }) => path)).toEqual(['/login', '/things', '/login', '/things'])
})

test('a login that cannot be reached is tried again by the next call', async () => {
  let down = true
  await using server = await serve(({ path }) => {
    if (path !== '/login') return { json: { data: [] } }
    return down ? { status: 503 } : { json: { session: { id: 'x' } } }
  })
  const session = await open(sessionManifest, server, { token: 'right' })
  expect((await failureOf(readAll(session))).code).toBe('CSW-3006')
  down = false
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect((await readAll(session)).ids).toEqual([])
})

test('a session can wrap every body into what the system wants, digit by digit; a login answered with no is refused', async () => {
  const manifest = (token: string) =>
    restManifest(
      `
    read: { path: /things, records: response.data }
    write: { create: { path: /things, body: "\${ values }", id: response.id } }`,
      `
auth:
  kind: session
  login: { method: POST, path: /login, body: { key: "\${ settings.token }" } }
  token: ${token}
  body: { user: "\${ token }", key: "\${ settings.token }", asked: "\${ body }" }
`,
    )
  await using server = await serve(({ path }) => ({ json: path === '/login' ? { user: 7 } : { id: 1, data: [] } }))
  const session = await open(manifest('response.user'), server, { token: 'pass-word' })
  const values = parseExact('{"big":12345678901234567890}') as JsonObject
  const items = [{ ref: 'a', values, idempotencyKey: 'k' }]
  const { signal } = new AbortController()
  const outcomes = await session.write({ stream: 'things', operation: 'create', items, signal })
  expect(outcomes).toMatchObject([{ status: 'written' }])
  expect(server.asked[0]!.json).toEqual({ key: 'pass-word' })
  expect(server.asked[1]!.bytes.toString()).toBe('{"user":7,"key":"pass-word","asked":{"big":12345678901234567890}}')
  const refused = await open(manifest('response.user = 8'), server, { token: 'pass-word' })
  expect((await failureOf(readAll(refused))).code).toBe('CSW-3003')
})

test('an answer to the login without the token is named', async () => {
  await using server = await serve(() => ({ json: {} }))
  const session = await open(sessionManifest, server, { token: 'right' })
  expect(await failureOf(readAll(session))).toMatchObject({
    code: 'CSW-3007',
    message: expect.stringContaining('response.session'),
  })
})
