import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { MemoryTokens } from '../../src/connector/index.ts'
import { failureOf, load, readAll, restManifest } from './open.ts'
import { type Asked, serve } from './server.ts'

const auth = `
auth:
  kind: oauth2
  grant: authorization_code
  authorize_url: \${ settings.url }/authorize
  authorize_extra: { access_type: offline }
  token_url: /token
  client_id: our-client
  client_auth: none
  scope: contacts.read
  redirect_keeps: [realm]
headers: { X-Realm: "\${ token.realm }" }`
const manifest = restManifest('read: { path: /things }', auth)

/** A system that gives codes to a person, tokens to whoever proves the challenge, and things to whoever has a token. */
async function system() {
  const state = { challenge: '', refreshes: 0 }
  const server = await serve(({ path, bytes, headers }: Asked) => {
    if (path === '/token') {
      const form = new URLSearchParams(bytes.toString())
      if (form.get('grant_type') === 'refresh_token') {
        state.refreshes++
        return form.get('refresh_token') === 'refresh-1'
          ? { json: { access_token: 'access-token-2', expires_in: 3600 } }
          : { status: 400, json: { error: 'invalid_grant' } }
      }
      const proof = createHash('sha256')
        .update(form.get('code_verifier') ?? '')
        .digest('base64url')
      if (form.get('code') !== 'the-code' || proof !== state.challenge)
        return { status: 400, json: { error: 'invalid_grant' } }
      return { json: { access_token: 'access-token-1', refresh_token: 'refresh-1', expires_in: 1 } }
    }
    if (!headers.authorization) return { status: 401 }
    return { json: [{ id: headers['x-realm'] }] }
  })
  return { server, state }
}

const connect = (server: { url: string; host: string }, tokens = new MemoryTokens()) =>
  load(manifest)
    .get('test')
    .open({ name: 'conn', settings: { url: server.url }, allow: [server.host], tokens })

test('a person allows the connection once; from then on tokens renew themselves, in other processes too', async () => {
  const { server, state } = await system()
  await using _ = server
  const tokens = new MemoryTokens()
  const session = await connect(server, tokens)
  expect(await failureOf(readAll(session))).toMatchObject({
    code: 'CSW-3003',
    fix: expect.stringContaining('causeway auth login'),
  })
  const { url, pending } = session.login!().begin('http://127.0.0.1:8765/callback')
  const query = new URL(url).searchParams
  expect(Object.fromEntries(query)).toMatchObject({
    response_type: 'code',
    client_id: 'our-client',
    redirect_uri: 'http://127.0.0.1:8765/callback',
    scope: 'contacts.read',
    access_type: 'offline',
    code_challenge_method: 'S256',
  })
  state.challenge = query.get('code_challenge')!
  await session.login!().finish(pending, { code: 'the-code', state: query.get('state')!, realm: '77' })
  expect((await readAll(session)).ids).toEqual(['77'])
  // Half of its one second has passed when another process asks: it renews, and knows the realm.
  await new Promise((resolve) => setTimeout(resolve, 600))
  expect((await readAll(await connect(server, tokens))).ids).toEqual(['77'])
  expect(state.refreshes).toBe(1)
})

test('an answer that belongs to another login, or a refusal by the person, stores nothing', async () => {
  const { server } = await system()
  await using _ = server
  const tokens = new MemoryTokens()
  const session = await connect(server, tokens)
  const { url, pending } = session.login!().begin('http://127.0.0.1:1/callback')
  const state = new URL(url).searchParams.get('state')!
  expect(await failureOf(session.login!().finish(pending, { code: 'the-code', state: 'other' }))).toMatchObject({
    code: 'CSW-3003',
    message: expect.stringContaining('another login'),
  })
  expect(await failureOf(session.login!().finish(pending, { error: 'access_denied', state }))).toMatchObject({
    message: expect.stringContaining('access_denied'),
  })
  // The challenge of nobody: the code was stolen.
  expect(await failureOf(session.login!().finish(pending, { code: 'the-code', state }))).toMatchObject({
    code: 'CSW-3003',
  })
  expect(await tokens.load()).toBeNull()
})

test('what a connection learns after the login is asked once, and makes base URL and headers', async () => {
  await using server = await serve(({ path, headers }) => {
    if (path === '/userinfo') {
      const accounts = [
        { id: 'a1', name: 'First' },
        { id: 'b2', name: 'Second' },
      ]
      return headers.authorization === 'Bearer secret-token' ? { json: { accounts } } : { status: 401 }
    }
    return { json: [{ id: path, account: headers['x-account'] }] }
  })
  const discovering = (value: string) =>
    restManifest(
      'read: { path: /things }',
      `
auth: { kind: bearer, token: "\${ settings.token }" }
headers: { X-Account: "\${ discovered.account.name }" }
discover:
  account: { url: "\${ settings.url }/userinfo", value: ${JSON.stringify(value)}, missing: Name one of your accounts. }`,
    ).replace('base_url: ${ settings.url }', 'base_url: ${ settings.url }/accounts/${ discovered.account.id }')
  const at = (value: string) =>
    load(discovering(value))
      .get('test')
      .open({
        name: 'conn',
        settings: { url: server.url, token: 'secret-token', old_token: 'Second' },
        allow: [server.host],
      })
  const session = await at('response.accounts[name = $$.settings.old_token][0]')
  const [one, two] = await Promise.all([readAll(session), readAll(session)])
  expect([one.ids, two.ids]).toEqual([['/accounts/b2/things'], ['/accounts/b2/things']])
  expect(one.pages[0]!.records[0]!.body).toMatchObject({ account: 'Second' })
  expect(server.asked.filter(({ path }) => path === '/userinfo')).toHaveLength(1)
  expect(await failureOf(readAll(await at('response.accounts[name = "Third"][0]')))).toMatchObject({
    code: 'CSW-2005',
    fix: 'Name one of your accounts.',
  })
})
