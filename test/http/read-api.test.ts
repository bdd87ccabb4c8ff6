import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectDocumented } from './contract.ts'
import { startHub, type TestHub } from './hub.ts'
import { addDeadLetter, addDelivery, addRecord, addRun, type Seeded, seedHub } from './rows.ts'

let hub: TestHub
let ids: Seeded

beforeAll(async () => {
  hub = await startHub()
  ids = await seedHub(hub.pool)
  await addRecord(hub.pool, ids.contacts, 'c1', '{"email":"ada@example.org"}', { email: 'ada@example.org', seq: 7 })
  await addDelivery(hub.pool, ids.sync, 'c1', 'delivered', { delivered: '{"name":"Ada"}' })
  await hub.pool.query(`insert into link (stream_id, record_id, entity_id) values ($1, 'c1', 9), ($2, '4711', 9)`, [
    ids.contacts,
    ids.customers,
  ])
  await addRun(hub.pool, { kind: 'push', syncId: ids.sync, requestId: 'r1', counts: { created: 1 } })
})
afterAll(() => hub.close())

type Page = { items: Record<string, unknown>[]; next: string | null }

test('every list and item answers as its OpenAPI operation promises', async () => {
  await hub.pool.query(
    `insert into alert_message (id, route, change, content, error) values ('m1', 'ops', 'digest', '{"total":2}', '{"what":"no"}')`,
  )
  const deadLetter = await addDeadLetter(hub.pool, ids.sync, 'c9', 'CSW-3008', 'fp')
  const run = await addRun(hub.pool, { kind: 'pull', streamId: ids.contacts })
  const answers: [string, string][] = [
    ['listConnections', '/api/v1/connections'],
    ['showConnection', '/api/v1/connections/crm'],
    ['listStreams', '/api/v1/streams?connection=crm'],
    ['showStream', '/api/v1/streams/crm:contacts'],
    ['listSyncs', '/api/v1/syncs?connection=erp'],
    ['showSync', '/api/v1/syncs/contacts-to-erp'],
    ['listRuns', '/api/v1/runs'],
    ['showRun', `/api/v1/runs/${run}`],
    ['searchRecords', '/api/v1/records?key=ada%40example.org'],
    ['showRecord', '/api/v1/record?stream=crm:contacts&id=c1'],
    ['listDeadLetters', '/api/v1/dead-letters'],
    ['showDeadLetter', `/api/v1/dead-letters/${deadLetter}`],
    ['listProblems', '/api/v1/problems'],
    ['listQueues', '/api/v1/queues'],
    ['listSchedules', '/api/v1/schedules'],
    ['listConnectors', '/api/v1/connectors'],
    ['showConnector', '/api/v1/connectors/demo-crm'],
    ['listAlertMessages', '/api/v1/alerts/messages?route=ops'],
    ['showSystem', '/api/v1/system'],
    ['showMasterKeys', '/api/v1/secrets/keys'],
    ['live', '/livez'],
    ['ready', '/readyz?verbose'],
  ]
  for (const [operation, path] of answers) {
    const response = await hub.get(path)
    expect(response.status, path).toBe(200)
    const body = (await expectDocumented(hub, operation, response)) as Page
    if (operation.startsWith('list') || operation === 'searchRecords')
      expect(body.items.length, path).toBeGreaterThan(0)
  }
})

test('the record page holds last state, delivery and the linked target', async () => {
  const record = (await (await hub.get('/api/v1/record?stream=crm:contacts&id=c1')).json()) as {
    log: { seq: number; body: unknown }
    deliveries: { sync: string; state: string; delivered: unknown }[]
    links: { stream: string; id: string }[]
  }
  expect(record.log).toMatchObject({ seq: 7, body: { email: 'ada@example.org' } })
  expect(record.deliveries).toMatchObject([{ sync: 'contacts-to-erp', state: 'delivered', delivered: { name: 'Ada' } }])
  expect(record.links.map((link) => `${link.stream} ${link.id}`)).toEqual(['crm:contacts c1', 'erp:customers 4711'])
})

test('a record is found by its match field, its id and the id of its target', async () => {
  for (const [key, stream, matched] of [
    ['ada@example.org', 'crm:contacts', 'email'],
    ['c1', 'crm:contacts', 'id'],
    ['4711', 'erp:customers', 'link'],
  ] as const) {
    const found = (await (await hub.get(`/api/v1/records?key=${encodeURIComponent(key)}`)).json()) as Page
    expect(found.items).toMatchObject([{ stream, matched }])
  }
  expect(await (await hub.get('/api/v1/records?key=nobody')).json()).toEqual({ items: [] })
})

test('runs page by cursor without gap or repeat while new ones arrive', async () => {
  for (let i = 0; i < 7; i++) await addRun(hub.pool, { kind: 'inbox', streamId: ids.contacts })
  const seen: unknown[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page = (await (
      await hub.get(`/api/v1/runs?kind=inbox&limit=3${cursor ? `&cursor=${cursor}` : ''}`)
    ).json()) as Page
    expect(page.items.length).toBeLessThanOrEqual(3)
    seen.push(...page.items.map((run) => run.id))
    cursor = page.next
    await addRun(hub.pool, { kind: 'inbox', streamId: ids.contacts })
  }
  expect(seen).toHaveLength(7)
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => Number(b) - Number(a)))
})

test.each([
  ['dead letters', '/api/v1/dead-letters?state=resolved', 'dead_letter'],
  ['runs of some time', '/api/v1/runs?kind=inbox&since=2001-01-01T00:00:00Z', 'run'],
])('a page of %s goes on behind a row that was removed meanwhile', async (_, path, table) => {
  for (let i = 0; i < 4; i++) {
    if (table === 'run') await addRun(hub.pool, { kind: 'inbox', streamId: ids.contacts })
    else await addDeadLetter(hub.pool, ids.sync, `gone-${i}`, 'CSW-3008', 'gone')
  }
  await hub.pool.query(`update dead_letter set state = 'resolved' where fingerprint = 'gone'`)
  const ask = async (more: string) => (await (await hub.get(`${path}&${more}`)).json()) as Page
  const whole = (await ask('limit=500')).items.map(({ id }) => id)
  const first = await ask('limit=2')
  await hub.pool.query(`delete from ${table} where id = $1`, [first.items[1]!.id])
  const second = await ask(`limit=500&cursor=${first.next}`)
  expect(second.items.map(({ id }) => id)).toEqual(whole.slice(2))
  expect(second.items.length).toBeGreaterThan(1)
  const number = Buffer.from('[7]').toString('base64url')
  expect((await hub.get(`${path}&cursor=${number}`)).status, 'a cursor of another list').toBe(400)
})

test('run filters narrow by sync, outcome, request and time', async () => {
  const old = await addRun(hub.pool, {
    kind: 'push',
    syncId: ids.sync,
    outcome: 'failed',
    requestId: 'r-old',
    startedAt: new Date('2020-01-01T00:00:00Z'),
  })
  const idsOf = async (query: string): Promise<unknown[]> =>
    ((await (await hub.get(`/api/v1/runs?${query}`)).json()) as Page).items.map((run) => run.id)
  expect(await idsOf('sync=contacts-to-erp&outcome=failed')).toEqual([old])
  expect(await idsOf('requestId=r-old')).toEqual([old])
  expect(await idsOf('until=2021-01-01T00:00:00Z')).toEqual([old])
  expect(await idsOf('since=2021-01-01T00:00:00Z')).not.toContain(old)
  expect(await idsOf('sync=nosuch')).toEqual([])
})

test('a wrong parameter is refused with its pointer and the nearest name', async () => {
  const response = await hub.get('/api/v1/runs?outcom=failed')
  expect(response.status).toBe(400)
  const problem = (await expectDocumented(hub, 'listRuns', response)) as {
    code: string
    errors: { pointer: string; message: string }[]
  }
  expect(problem.code).toBe('CSW-8003')
  expect(problem.errors).toEqual([
    { pointer: '/querystring/outcom', message: 'unknown key "outcom". Did you mean "outcome"?' },
  ])
  for (const query of [
    'limit=0',
    'limit=x',
    'limit=501',
    'outcome=bad',
    'cursor=%00',
    'cursor=WyJhIl0',
    'since=yesterday',
  ])
    expect((await hub.get(`/api/v1/runs?${query}`)).status, query).toBe(400)
})

test('unknown things are 404 with the nearest known name', async () => {
  const missing = (await (await hub.get('/api/v1/connections/crn')).json()) as {
    status: number
    fix: string
    code: string
  }
  expect(missing).toMatchObject({ status: 404, code: 'CSW-8002', fix: 'Did you mean "crm"?' })
  for (const path of [
    'runs/999999',
    'dead-letters/999999',
    'streams/crm:nosuch',
    'streams/nocolon',
    'record?stream=crm:contacts&id=nosuch',
    'nosuch',
  ])
    expect((await hub.get(`/api/v1/${path}`)).status, path).toBe(404)
})

test('U+0000 in a parameter never reaches Postgres', async () => {
  for (const path of [
    'records?key=%00',
    'record?stream=crm:contacts&id=a%00b',
    'connections/a%00b',
    'streams/a:%00b',
  ]) {
    const { status } = await hub.get(`/api/v1/${path}`)
    expect(status, path).toBe(400)
  }
})
