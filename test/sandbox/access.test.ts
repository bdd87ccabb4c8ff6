import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Sandbox, SYSTEMS, type SystemName, startSandbox } from '../../sandbox/index.ts'
import { ANY_PORT, call, client } from './calls.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox({ ports: ANY_PORT, erpSession: { minutes: 5, requests: 3 } })
})
afterAll(() => sandbox.stop())

const LISTS: Record<SystemName, string> = {
  crm: '/crm/v1/contacts',
  helpdesk: '/api/v2/tickets',
  erp: '/api/customers',
  hrm: '/v2/employees',
  documents: '/v1/items',
  directory: '/scim/v2/Users',
}
const WRONG: Record<string, string> = {
  'x-api-key': 'wrong',
  'x-session-token': 'wrong',
  authorization: 'Bearer wrong',
}

test.each(SYSTEMS)('%s refuses missing and wrong credentials and lets the right ones in', async (system) => {
  const url = sandbox[system].url + LISTS[system]
  expect((await call(url)).status).toBe(401)
  expect((await call(url, 'GET', WRONG)).status).toBe(401)
  expect((await (await client(sandbox, system))('GET', LISTS[system])).status).toBe(200)
})

test('erp: a session ends after its requests and a new login goes on', async () => {
  const ask = await client(sandbox, 'erp')
  const statuses: number[] = []
  for (let i = 0; i < 4; i++) statuses.push((await ask('GET', '/api/products?limit=1')).status)
  expect(statuses).toEqual([200, 200, 200, 401])
  expect((await (await client(sandbox, 'erp'))('GET', '/api/products?limit=1')).status).toBe(200)
})

test('erp: a wrong password is no session', async () => {
  const reply = await call(
    `${sandbox.erp.url}/api/session`,
    'POST',
    {},
    { company: 'WISLANA', user: 'integration', password: 'x' },
  )
  expect(reply.status).toBe(401)
  expect(reply.json.error.code).toBe('LOGIN_FAILED')
})

/** Where each system says how long to wait; the ERP says nothing. */
const WAIT: Record<SystemName, (headers: Headers) => boolean> = {
  crm: (headers) => /^\d+$/.test(headers.get('retry-after') ?? ''),
  helpdesk: (headers) => /^\d+$/.test(headers.get('retry-after') ?? ''),
  erp: (headers) => headers.get('retry-after') === null,
  hrm: (headers) => Number(headers.get('x-ratelimit-reset')) * 1000 >= Date.now() - 1000,
  documents: (headers) => Date.parse(headers.get('retry-after') ?? '') > Date.now() - 1000,
  directory: (headers) => /^\d+$/.test(headers.get('retry-after') ?? ''),
}

test.each(SYSTEMS)('%s answers 429 above its limit and recovers', async (system) => {
  const ask = await client(sandbox, system)
  await sandbox[system].door.limit(2, 300)
  const replies = await Promise.all([1, 2, 3, 4, 5].map(() => ask('GET', LISTS[system])))
  const refused = replies.filter((reply) => reply.status === 429)
  expect(refused.length).toBeGreaterThanOrEqual(2)
  for (const reply of refused) expect(WAIT[system](reply.headers)).toBe(true)
  await sandbox[system].door.limit(1000, 1000)
  expect((await (await client(sandbox, system))('GET', LISTS[system])).status).toBe(200)
})

test('the side door needs its own key', async () => {
  expect((await call(`${sandbox.crm.url}/__sandbox/counts`)).status).toBe(401)
  expect(
    (await call(`${sandbox.crm.url}/__sandbox/counts`, 'GET', { 'x-sandbox-token': sandbox.crm.key })).status,
  ).toBe(401)
})

beforeEach(() => sandbox.crm.door.clearFaults())

test('faults: a status is answered as often as asked, without carrying the request out', async () => {
  const ask = await client(sandbox, 'crm')
  await sandbox.crm.door.fault({ kind: 'status', status: 429, retryAfter: '7', times: 2, method: 'POST' })
  const before = await sandbox.crm.door.counts()
  for (const expected of [429, 429]) {
    const reply = await ask('POST', '/crm/v1/contacts', { lastName: 'Żółw' })
    expect([reply.status, reply.headers.get('retry-after')]).toEqual([expected, '7'])
  }
  expect(await sandbox.crm.door.counts()).toEqual(before)
  expect((await ask('POST', '/crm/v1/contacts', { lastName: 'Żółw' })).status).toBe(201)
})

test('faults: a cut answer comes after the work is done', async () => {
  const ask = await client(sandbox, 'crm')
  const before = (await sandbox.crm.door.counts()).contacts!
  await sandbox.crm.door.fault({ kind: 'cut' })
  await expect(ask('POST', '/crm/v1/contacts', { lastName: 'Œuvre' })).rejects.toThrow()
  expect((await sandbox.crm.door.counts()).contacts).toBe(before + 1)
  await sandbox.crm.door.fault({ kind: 'reset' })
  await expect(ask('POST', '/crm/v1/contacts', { lastName: 'Œuvre' })).rejects.toThrow()
  expect((await sandbox.crm.door.counts()).contacts).toBe(before + 1)
})

test('faults: HTML, a delay and a drip', async () => {
  const ask = await client(sandbox, 'crm')
  await sandbox.crm.door.fault({ kind: 'html' })
  const page = await ask('GET', LISTS.crm)
  expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
  await sandbox.crm.door.fault({ kind: 'delay', ms: 120 })
  const asked = performance.now()
  expect((await ask('GET', LISTS.crm)).json.results.length).toBe(50)
  expect(performance.now() - asked).toBeGreaterThanOrEqual(115)
  await sandbox.crm.door.fault({ kind: 'drip', ms: 1, path: '/crm/v1/contacts/' })
  const { results } = (await ask('GET', '/crm/v1/contacts?limit=1')).json
  expect((await ask('GET', `/crm/v1/contacts/${results[0].id}`)).json).toEqual(results[0])
})

test('the journal tells who changed what', async () => {
  const ask = await client(sandbox, 'helpdesk')
  await sandbox.helpdesk.door.clearWrites()
  const { id } = (await ask('GET', '/api/v2/agents?per_page=1')).json.agents[0]
  await ask('PUT', `/api/v2/agents/${id}`, { agent: { title: 'Zastępczyni' } })
  await sandbox.helpdesk.door.change('agents', String(id), { title: null })
  const writes = await sandbox.helpdesk.door.writes()
  expect(writes.map(({ actor, operation, table, id: row }) => [actor, operation, table, row])).toEqual([
    ['api', 'update', 'agents', String(id)],
    ['test', 'update', 'agents', String(id)],
  ])
})
