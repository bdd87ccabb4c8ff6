/** Every route × role × scope over real sockets. A route that is forgotten fails here, for the server itself names them all. */
import { Agent, request } from 'node:http'
import fastify from 'fastify'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { breakGlass, createAccess, ROLES, SCOPE_NAMES, SCOPES, type Scope, scopesOf } from '../../src/access/index.ts'
import { authorise } from '../../src/http/authorise.ts'
import { startHub, type TestHub } from './hub.ts'

type Route = { method: string; url: string; access: string | undefined }

/** What answers say before a handler runs: who are you, you may not. */
const CLOSED = new Set([401, 403])
/** Written by hand from what the roles are for, not from the table: a change of the table has to change it here too. */
const RANKS: Record<string, string> = {
  'hub:read': 'viewer',
  'records:read': 'viewer',
  'metrics:read': 'viewer',
  'syncs:operate': 'operator',
  'alerts:operate': 'operator',
  'letters:operate': 'operator',
  'plans:make': 'operator',
  'records:write': 'editor',
  'records:reveal': 'editor',
  'entities:decide': 'editor',
  'configuration:read': 'editor',
  'configuration:apply': 'editor',
  'connections:authorise': 'editor',
  'persons:erase': 'admin',
  'audit:read': 'admin',
  'support:read': 'admin',
  'secrets:rotate': 'admin',
  'access:manage': 'admin',
}

let hub: TestHub
const routes: Route[] = []
const secrets = new Map<string, string>()

beforeAll(async () => {
  hub = await startHub({
    onRoute: ({ method, url, config }) => {
      for (const each of [method].flat()) routes.push({ method: each, url, access: config?.access })
    },
  })
  const { tokens } = createAccess(hub.pool)
  const make = async (name: string, role: (typeof ROLES)[number], scopes: Scope[] | null) =>
    secrets.set(name, (await tokens.create({ name, role, scopes, expiresAt: null }, breakGlass())).secret)
  for (const role of ROLES) {
    await make(role, role, null)
    for (const scope of SCOPE_NAMES) await make(`${role}_${scope.replace(':', '.')}`, role, [scope])
  }
})
afterAll(() => {
  agent.destroy()
  return hub.close()
})

/** No body that any route takes, so that nothing is done where the door is open. */
const ask = ({ method, url }: Route, headers: Record<string, string> = {}): Promise<number> =>
  new Promise((done, failed) => {
    const body = method === 'POST' ? '{"there is no such field":1}' : ''
    const type = body ? { 'content-type': 'application/json', 'content-length': body.length } : {}
    request(
      hub.url + url.replaceAll(/:\w+/g, '1').replace('*', 'x'),
      { method, agent, headers: { ...headers, ...type } },
      (answer) => {
        // A stream of events lasts.
        if (answer.headers['content-type']?.startsWith('text/event-stream')) answer.destroy()
        answer.resume().on('close', () => done(answer.statusCode!))
      },
    )
      .on('error', failed)
      .end(body)
  })
// Thousands of requests; `fetch` would cost more than the hub does.
const agent = new Agent({ keepAlive: true, maxSockets: 8 })

test('the roles have the scopes they are meant to have', () => {
  expect(Object.fromEntries(SCOPE_NAMES.map((scope) => [scope, SCOPES[scope].role]))).toEqual(RANKS)
  expect(scopesOf('nobody').size).toBe(0)
  expect([...scopesOf('viewer', ['access:manage', 'hub:read'])]).toEqual(['hub:read'])
})

test('every route says what it needs, and only these are public', () => {
  expect(routes.length).toBeGreaterThan(50)
  const open = routes.filter(({ access }) => access === 'public').map(({ method, url }) => `${method} ${url}`)
  expect(open.filter((route) => !route.startsWith('HEAD ')).sort()).toEqual([
    'GET /api/v1/login/methods',
    'GET /api/v1/login/provider',
    'GET /api/v1/login/provider/return',
    'GET /hooks/:connection',
    'GET /hooks/:connection/:stream',
    'GET /livez',
    'GET /readyz',
    'POST /api/v1/login',
    'POST /hooks/:connection',
    'POST /hooks/:connection/:stream',
  ])
  for (const { url, access } of routes.filter(({ method }) => method === 'HEAD'))
    expect(access, url).toBe(routes.find((route) => route.method === 'GET' && route.url === url)?.access)
  // What changes something is nothing a mere reader may do; an error here is a wrong declaration.
  for (const route of routes.filter(
    ({ method, access }) => method !== 'GET' && method !== 'HEAD' && access !== 'public',
  ))
    expect(['hub:read', 'records:read', 'metrics:read', 'audit:read'], route.url).not.toContain(route.access)
})

test('every route is open to exactly the roles and scopes it declares', async () => {
  const wrong: string[] = []
  const judge = (who: string, route: Route, status: number, isOpen: boolean) => {
    const asWanted = isOpen ? !CLOSED.has(status) : status === (who === 'nobody' ? 401 : 403)
    if (!asWanted) wrong.push(`${who}: ${route.method} ${route.url} answered ${status}`)
  }
  for (const route of routes) {
    const { access } = route
    // Those of GET, which Fastify adds with the same declaration; the test before holds that.
    if (access === 'public' || route.method === 'HEAD') continue
    judge('nobody', route, await ask(route), false)
    const asks = [...secrets].map(async ([who, secret]) => {
      const [role, dotted] = who.split('_')
      const scope = dotted?.replace('.', ':')
      const hasRole = access === 'signed-in' || ROLES.indexOf(role as never) >= ROLES.indexOf(RANKS[access!] as never)
      const isOpen = hasRole && (scope === undefined || access === 'signed-in' || scope === access)
      judge(who, route, await ask(route, { authorization: `Bearer ${secret}` }), isOpen)
    })
    await Promise.all(asks)
  }
  expect(wrong).toEqual([])
  // Thousands of requests, on a machine that may be slow.
}, 300_000)

test('a route that declares nothing does not start', async () => {
  const app = fastify()
  app.register(async (inner) => {
    await authorise(inner, {
      access: createAccess(hub.pool),
      adminToken: 'x',
      publicOrigin: null,
      wrongTokensPerMinute: 1,
      requestsPerMinute: 1,
      loginsPerMinute: 1,
    })
    inner.get('/forgotten', async () => 'open')
  })
  await expect(app.ready()).rejects.toThrow('GET /forgotten does not declare what access it needs')
})
