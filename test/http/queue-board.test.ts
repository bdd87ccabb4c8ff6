/** bull-board within the hub: over real sockets, before a real queue. */
import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { breakGlass, createAccess, ROLES } from '../../src/access/index.ts'
import { openBoardHub, type QueueHub } from './queue-hub.ts'

let hub: QueueHub
const secrets = new Map<string, string>()

beforeAll(async () => {
  hub = await openBoardHub()
  const { tokens } = createAccess(hub.pool)
  for (const role of ROLES)
    secrets.set(role, (await tokens.create({ name: role, role, scopes: null, expiresAt: null }, breakGlass())).secret)
})
afterAll(() => hub.close())

const ask = (method: string, path: string, secret?: string): Promise<Response> =>
  fetch(`${hub.url}/admin/queues${path}`, {
    method,
    headers: {
      ...(secret ? { authorization: `Bearer ${secret}` } : {}),
      ...(method === 'GET' ? {} : { 'content-type': 'application/json' }),
    },
    ...(method === 'GET' ? {} : { body: '{}' }),
  })

/** All that bull-board itself would take, as its own table has it. */
const { appRoutes } = createRequire(import.meta.url)('@bull-board/api/dist/routes.js') as {
  appRoutes: { api: { method: string | string[]; route: string | string[] }[] }
}
const changing = appRoutes.api.flatMap(({ method, route }) =>
  [method]
    .flat()
    .filter((one) => one !== 'get')
    .flatMap((one) => [route].flat().map((path) => [one.toUpperCase(), path.replace(':queueName', 'push')] as const)),
)

test('whoever may read the hub may look, nobody else', async () => {
  for (const role of ROLES) {
    const answer = await ask(
      'GET',
      '/api/queues?activeQueue=push&status=failed&page=1&jobsPerPage=10',
      secrets.get(role),
    )
    expect(answer.status, role).toBe(200)
    const { queues } = (await answer.json()) as { queues: { name: string; jobs: { failedReason: string }[] }[] }
    expect(queues.find(({ name }) => name === 'push')?.jobs.map(({ failedReason }) => failedReason)).toEqual([
      'CSW-1001',
    ])
  }
  expect((await ask('GET', '/api/queues')).status).toBe(401)
  expect((await ask('GET', '/api/nothing', secrets.get('admin'))).status).toBe(404)
})

test('nothing that bull-board could change is changed by any role', async () => {
  expect(changing.length).toBeGreaterThan(15)
  const failed = await hub.failedJob()
  const everywhere = ['POST', 'PUT', 'PATCH', 'DELETE'].flatMap((method) =>
    ['', '/', '/api', '/api/queues', `/api/queues/push/${failed}`, '/static/js/main.js'].map(
      (path) => [method, path] as const,
    ),
  )
  for (const [who, secret] of [['nobody', undefined] as const, ...secrets])
    for (const [method, route] of [...changing, ...everywhere]) {
      const path = route.replace(':jobId', failed).replaceAll(/:\w+/g, 'failed')
      const { status } = await ask(method, path, secret)
      expect(status, `${who}: ${method} ${path}`).toBe(secret === undefined ? 401 : 404)
    }
  expect(await hub.queue.backlog('push')).toMatchObject({ active: 1, failed: 1 })
  expect(await hub.failedJob()).toBe(failed)
})

test('what others put into a job is not shown', async () => {
  const failed = await hub.failedJob()
  const shown = async (): Promise<unknown> => {
    const answer = await ask('GET', `/api/queues/push/${failed}`, secrets.get('viewer'))
    return ((await answer.json()) as { job: { data: unknown } }).job.data
  }
  const put = (data: object) =>
    hub.jobs.query(`update causeway_queue.job set data = $1 where data->>'id' = 'broken' or data ? 'mark'`, [data])
  // An answer serves for some seconds.
  const soon = { timeout: 60_000, interval: 500 }
  await put({ mark: 1, body: 'ada@example.org' })
  await expect.poll(shown, soon).toBe('(not shown)')
  await put({ id: 'broken', mark: 1, body: 'ada@example.org' })
  await expect.poll(shown, soon).toEqual({ id: 'broken' })
})

test('fifty pages that are open ask the queue what one asks, and see what is new within seconds', async () => {
  const ONE_ASKS_EVERY_MS = 5_000
  const ask50 = async (path: string): Promise<string[]> => {
    const [before, began] = [hub.reads(), performance.now()]
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) => ask('GET', path, secrets.get(ROLES[i % ROLES.length]!))),
    )
    for (const answer of all) {
      expect(answer.status).toBe(200)
      expect(answer.headers.get('content-type')).toContain('application/json')
      expect(answer.headers.get('cache-control')).toBe('no-store')
    }
    expect(hub.reads() - before).toBeLessThanOrEqual(1 + (performance.now() - began) / ONE_ASKS_EVERY_MS)
    return Promise.all(all.map((answer) => answer.text()))
  }
  const before = hub.reads()
  const path = '/api/queues?activeQueue=push&status=failed&page=1&jobsPerPage=11'
  for (const text of await ask50(path)) expect(text).toContain('CSW-1001')
  for (const text of await ask50(path.replace('failed', 'active'))) expect(text).toContain('busy')
  expect(hub.reads() - before).toBeGreaterThanOrEqual(2)
  await hub.jobs.query(
    `update causeway_queue.job set data = '{"id":"mended"}' where data->>'id' = 'broken' or data ? 'mark'`,
  )
  await expect.poll(async () => (await ask50(path))[0], { timeout: 60_000, interval: 500 }).toContain('mended')
  // Who may not look gets nothing of what others were told.
  expect((await ask('GET', path)).status).toBe(401)
})
