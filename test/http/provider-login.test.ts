/** Logging in through an OpenID provider: a certified one from npm, over sockets, with a browser's cookies and redirects. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
// @ts-expect-error it has no types.
import Provider from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHub, type TestHub } from './hub.ts'

const PUBLIC = 'http://hub.test'
const CLIENT_SECRET = 'canary-client-secret-0123456789'
/** What the provider says of people; tests change it. */
const groups: Record<string, string[]> = {
  ada: ['staff', 'integration'],
  eve: ['staff'],
  bob: ['hub-admins', 'integration'],
}

let issuer: string
let server: Server
let hub: TestHub
/** Paths that the provider was asked for by the hub itself. */
const asked: string[] = []

beforeAll(async () => {
  server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'causeway',
        client_secret: CLIENT_SECRET,
        token_endpoint_auth_method: 'client_secret_post',
        redirect_uris: [`${PUBLIC}/api/v1/login/provider/return`],
      },
    ],
    scopes: ['openid', 'profile', 'groups'],
    claims: { openid: ['sub'], profile: ['preferred_username'], groups: ['groups'] },
    cookies: { keys: ['for tests only'] },
    findAccount: (_ctx: unknown, id: string) => ({
      accountId: id,
      claims: async () => ({ sub: `subject-of-${id}`, preferred_username: id, groups: groups[id] }),
    }),
    pkce: { required: () => true },
  })
  const answer = provider.callback()
  server.on('request', (request, response) => {
    if (request.headers['user-agent']?.startsWith('openid-client')) asked.push(request.url!.split('?')[0]!)
    answer(request, response)
  })
  hub = await startHub({
    publicUrl: PUBLIC,
    provider: {
      issuer,
      clientId: 'causeway',
      clientSecret: CLIENT_SECRET,
      label: 'Example SSO',
      scopes: 'openid profile groups',
      roleClaim: 'groups',
      roles: 'hub-admins=admin, integration=editor',
      allow: new URL(issuer).host,
      publicUrl: PUBLIC,
    },
  })
})
afterAll(async () => {
  await hub.close()
  await new Promise((done) => server.close(done))
})

/** Follows redirects by hand, keeps cookies per host, fills in what the provider's forms ask for. */
class Browser {
  readonly #cookies = new Map<string, Map<string, string>>()

  async go(address: string, form?: Record<string, string>): Promise<{ answer: Response; address: string }> {
    const url = new URL(address)
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>()
    this.#cookies.set(url.host, jar)
    const answer = await fetch(address.replace(PUBLIC, hub.url), {
      method: form ? 'POST' : 'GET',
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      body: form ? new URLSearchParams(form) : null,
    })
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
      if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(cookie)) jar.delete(name!)
      else jar.set(name!, value!)
    }
    return { answer, address }
  }

  /** Logs `who` in at the provider, up to the address it sends the browser back to. */
  async toReturn(who: string): Promise<string> {
    let next = await this.go(`${PUBLIC}/api/v1/login/provider`)
    for (let steps = 0; steps < 12; steps++) {
      const location = next.answer.headers.get('location')
      if (location) {
        const to = new URL(location, next.address).href
        if (to.startsWith(PUBLIC)) return to
        next = await this.go(to)
      } else {
        const page = await next.answer.text()
        const [, action] = /action="([^"]+)"/.exec(page) ?? []
        const [, prompt] = /name="prompt" value="(\w+)"/.exec(page) ?? []
        if (!action || !prompt) throw new Error(`${next.answer.status} ${page.slice(0, 500)}`)
        next = await this.go(action, prompt === 'login' ? { prompt, login: who, password: 'x' } : { prompt })
      }
    }
    throw new Error('the provider does not send the browser back')
  }

  async me(): Promise<Record<string, unknown>> {
    return (await (await this.go(`${PUBLIC}/api/v1/me`)).answer.json()) as Record<string, unknown>
  }
}

/** What the browser is sent back to the page with when it is not let in. */
function failureOf(answer: Response): Record<string, unknown> {
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/'])
  const cookie = answer.headers.getSetCookie().find((each) => each.startsWith('causeway-login-failed='))!
  expect(cookie).toMatch(/; Max-Age=60; Path=\/; SameSite=Strict$/)
  expect(answer.headers.getSetCookie().some((each) => each.includes('causeway-session='))).toBe(false)
  return JSON.parse(Buffer.from(cookie.slice(cookie.indexOf('=') + 1).split(';')[0]!, 'base64url').toString())
}
const codeOf = (answer: Response): unknown => failureOf(answer).code
const roleOf = async (name: string) =>
  (await hub.pool.query('select role from hub_user where name = $1', [name])).rows[0]?.role

test('a person logs in with the role of their group, which the next login may change', async () => {
  const browser = new Browser()
  const back = await browser.toReturn('ada')
  const { answer } = await browser.go(back)
  expect([answer.status, answer.headers.get('location')]).toEqual([302, '/'])
  const cookies = answer.headers.getSetCookie()
  expect(cookies.find((cookie) => cookie.startsWith('causeway-session='))).toMatch(/HttpOnly; SameSite=Strict/)
  expect(await browser.me()).toMatchObject({ name: 'ada', kind: 'user', role: 'editor' })
  expect(asked).toEqual(expect.arrayContaining(['/.well-known/openid-configuration', '/token', '/jwks', '/me']))

  groups.ada = ['hub-admins']
  const again = new Browser()
  await again.go(await again.toReturn('ada'))
  expect(await again.me()).toMatchObject({ name: 'ada', role: 'admin' })
  expect((await hub.pool.query('select count(*)::int as n from hub_user where name like $1', ['ada%'])).rows[0].n).toBe(
    1,
  )
  groups.ada = ['integration']
})

test('what comes back twice, to another browser, or with another state, opens nothing', async () => {
  const browser = new Browser()
  const back = await browser.toReturn('bob')
  const stranger = new Browser()
  expect(codeOf((await stranger.go(back)).answer)).toBe('CSW-8014')
  // Another browser that has begun a login of its own cannot take this one over either.
  await stranger.go(`${PUBLIC}/api/v1/login/provider`)
  expect(codeOf((await stranger.go(back)).answer)).toBe('CSW-8014')
  expect(await stranger.me()).toMatchObject({ code: 'CSW-8001' })

  const forged = new Browser()
  const own = new URL(await forged.toReturn('bob'))
  own.searchParams.set('state', 'forged')
  expect(codeOf((await forged.go(own.href)).answer)).toBe('CSW-8014')

  expect((await browser.go(back)).answer.status).toBe(302)
  expect(await browser.me()).toMatchObject({ name: 'bob', role: 'admin' })
  // The same once more with the cookie of the login as it was: the ledger knows that it came back.
  const replayed = new Browser()
  const second = await replayed.toReturn('bob')
  await hub.pool.query('delete from pending_login')
  expect(codeOf((await replayed.go(second)).answer)).toBe('CSW-8014')
})

test('who is in no group with a role is not let in, and a disabled person is not either', async () => {
  const eve = new Browser()
  expect(codeOf((await eve.go(await eve.toReturn('eve'))).answer)).toBe('CSW-8014')
  expect(failureOf((await eve.go(await eve.toReturn('eve'))).answer)).toEqual({
    code: 'CSW-8014',
    detail: 'The provider knows the person, but none of their groups has a role.',
    fix: expect.stringContaining('Begin the login again'),
    requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  })
  expect(await roleOf('eve')).toBeUndefined()
  expect((await hub.post('/api/v1/users/ada/disable', {})).status).toBe(200)
  const ada = new Browser()
  expect(codeOf((await ada.go(await ada.toReturn('ada'))).answer)).toBe('CSW-8014')
  expect(await ada.me()).toMatchObject({ code: 'CSW-8001' })
  expect((await hub.post('/api/v1/users/ada/role', { role: 'admin' })).status).toBe(409)
})

test('a local user of the same name stays another person', async () => {
  groups.root = ['integration']
  await hub.post('/api/v1/users', { name: 'root', role: 'admin', password: 'long-enough-password' })
  const browser = new Browser()
  await browser.go(await browser.toReturn('root'))
  const me = await browser.me()
  expect(me).toMatchObject({ role: 'editor' })
  expect(me.name).toMatch(/^root#[0-9a-f]{8}$/)
  expect(await roleOf('root')).toBe('admin')
})

test('the page is told of the provider; the secrets of the logins are in no table', async () => {
  expect(await (await fetch(`${hub.url}/api/v1/login/methods`)).json()).toEqual({
    password: true,
    provider: 'Example SSO',
  })
  const { items } = (await (await hub.get('/api/v1/audit?limit=500')).json()) as {
    items: { action: string; actor: string }[]
  }
  const said = items.map(({ actor, action }) => `${actor} ${action}`)
  expect(said).toEqual(
    expect.arrayContaining([
      'user:ada user.add',
      'user:ada user.set_role',
      'user:ada login',
      'user:unknown login.fail',
    ]),
  )
  expect(JSON.stringify(items)).not.toContain(CLIENT_SECRET)
})

test('a provider at a private address that is not allowed is not dialled', async () => {
  const closed = await startHub({
    publicUrl: PUBLIC,
    provider: {
      issuer,
      clientId: 'causeway',
      clientSecret: CLIENT_SECRET,
      label: 'x',
      scopes: 'openid',
      roleClaim: 'groups',
      roles: 'a=admin',
      allow: null,
      publicUrl: PUBLIC,
    },
  })
  try {
    const before = asked.length
    const answer = await fetch(`${closed.url}/api/v1/login/provider`, { redirect: 'manual' })
    expect(codeOf(answer)).toBe('CSW-3010')
    expect(asked.length).toBe(before)
  } finally {
    await closed.close()
  }
})
