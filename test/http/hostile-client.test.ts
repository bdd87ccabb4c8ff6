/** A client that sends what no client should, to every route of the API: it is refused in words, and nothing breaks. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { compileSchema } from '../../src/core/index.ts'
import { Problem } from '../../src/http/schemas/basics.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { addDeadLetter, addDelivery, addRecord, addRun, type Seeded, seedHub } from './rows.ts'

const headers = { authorization: `Bearer ${TOKEN}` }

type Parameter = { name: string; in: string; schema?: { examples?: string[]; enum?: string[]; type?: string } }
type Operation = { operationId: string; parameters?: Parameter[]; requestBody?: unknown }
type Route = { path: string; method: string; operation: Operation }

let hub: TestHub
let ids: Seeded
let routes: Route[]
beforeAll(async () => {
  hub = await startHub()
  ids = await seedHub(hub.pool)
  for (let i = 1; i <= 5; i++) {
    await addRecord(hub.pool, ids.contacts, `c${i}`, `{"id":"c${i}"}`, { seq: i, email: `c${i}@example.org` })
    await addDelivery(hub.pool, ids.sync, `c${i}`, 'dead')
    await addDeadLetter(hub.pool, ids.sync, `c${i}`, 'CSW-3008', 'f')
    await addRun(hub.pool, { kind: 'pull', streamId: ids.contacts })
  }
  const { paths } = (await (await get('/openapi.json')).json()) as {
    paths: Record<string, Record<string, Operation>>
  }
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )
})
afterAll(() => hub.close())

/** Streams go on for ever, a login at a provider leads elsewhere, and webhooks are refused without a word. */
const asked = (): Route[] =>
  routes.filter(({ path, operation }) => path.startsWith('/api/') && !/feed|provider/i.test(operation.operationId))
const filled = (path: string, value: string): string => path.replaceAll(/\{\w+\}/g, encodeURIComponent(value))
const get = (path: string, more: Record<string, string> = {}): Promise<Response> =>
  fetch(hub.url + path, { headers: { ...headers, ...more } })

type Request = { what: string; send: () => Promise<Response> }

/** Whether a refusal says what, why and what to do, in the form that clients read. */
function isProblem(answer: Response, text: string): boolean {
  if (answer.headers.get('content-type')?.split(';')[0] !== 'application/problem+json') return false
  const problem = JSON.parse(text) as Record<string, unknown>
  return (
    compileSchema(Problem)(problem).length === 0 &&
    problem.status === answer.status &&
    problem.requestId === answer.headers.get('x-request-id')
  )
}

/** What came of many requests that was no answer in words of ours. */
async function unanswered(requests: Request[]): Promise<string[]> {
  const bad: string[] = []
  const queue = [...requests]
  // Fewer at a time than an address may have sockets.
  const takers = Array.from({ length: 20 }, async () => {
    for (let next = queue.shift(); next; next = queue.shift()) {
      const answer = await next.send()
      const text = await answer.text()
      if (answer.status >= 500 || text.includes('CSW-1001'))
        bad.push(`${next.what}: ${answer.status} ${text.slice(0, 300)}`)
      else if (answer.status >= 400 && !isProblem(answer, text))
        bad.push(`${next.what}: ${answer.status} is no problem: ${text.slice(0, 200)}`)
    }
  })
  await Promise.all(takers)
  return bad
}

const TEXTS = [
  '\u0000',
  'a\u0000b',
  '\ud83d\ude00',
  '\u202e',
  "' or 1=1 --",
  '%',
  '../../etc/passwd',
  'x'.repeat(5_000),
  '-1',
  '1e309',
  '9'.repeat(40),
]

test('limits that are none are refused on every list', async () => {
  const lists = asked().filter(({ operation }) => operation.parameters?.some(({ name }) => name === 'limit'))
  expect(lists.length).toBeGreaterThan(15)
  for (const { path } of lists) {
    const there = filled(path, 'contacts-to-erp')
    for (const limit of ['0', '-1', '501', '1e3', '1.5', 'NaN', '', ' ', '5;drop', '99999999999999999999', '0x10']) {
      const answer = await get(`${there}?limit=${encodeURIComponent(limit)}`)
      expect([there, limit, answer.status]).toEqual([there, limit, 400])
    }
    expect((await get(`${there}?limit=5&limit=6`)).status, `${there} twice`).toBe(400)
  }
})

test('what an address does not know how to do is refused in words', async () => {
  const known = new Set(routes.map(({ path, method }) => `${method} ${path}`))
  const requests = [...new Set(asked().map(({ path }) => path))].flatMap((path) =>
    ['get', 'post', 'put', 'patch', 'delete', 'options', 'query', 'propfind']
      .filter((method) => !known.has(`${method} ${path}`))
      .map((method) => {
        const there = filled(path, '1')
        return {
          what: `${method} ${there}`,
          send: async () => {
            const answer = await fetch(hub.url + there, { method: method.toUpperCase(), headers })
            // Some are places of an item that nothing can be called.
            expect([400, 404], `${method} ${there}`).toContain(answer.status)
            return answer
          },
        }
      }),
  )
  expect(requests.length).toBeGreaterThan(400)
  expect(await unanswered(requests)).toEqual([])
})

test('a refusal names what was wrong and what would be accepted, in the words that people are shown', async () => {
  for (const [path, detail, fix] of [
    ['/api/v1/runs?limit=-1', 'limit: must be >= 1.', 'Give a number from 1 to 500.'],
    ['/api/v1/runs/yesterday', 'id: must match', 'Write it like "17".'],
    ['/api/v1/audit?since=yesterday', 'since: must match', 'Write it like "2026-01-31T08:00:00Z".'],
    ['/api/v1/runs?outcome=faild', 'outcome: "faild" is not one of', 'Did you mean "failed"?'],
    ['/api/v1/runs?outcom=failed', 'unknown key "outcom".', 'Did you mean "outcome"?'],
  ] as const) {
    const problem = (await (await get(path)).json()) as { detail: string; fix: string }
    expect(problem.detail, path).toContain(detail)
    expect(problem.fix, path).toBe(fix)
  }
  const nested = await post('/api/v1/dead-letters/preview', { filter: { code: 7 } })
  expect(((await nested.json()) as { detail: string }).detail).toBe('filter.code: must be string.')
})

test('a cursor of another list, or of nobody, goes on nowhere: it is refused, or a place of this list too', async () => {
  const lists = asked().filter(
    ({ method, operation }) => method === 'get' && operation.parameters?.some(({ name }) => name === 'cursor'),
  )
  const given: string[] = []
  for (const { path } of lists) {
    const answer = await get(`${filled(path, 'contacts-to-erp')}?limit=1`)
    if (answer.status === 200) given.push(((await answer.json()) as { next: string | null }).next ?? '')
  }
  const cursors = [...new Set(given.filter(Boolean))]
  expect(cursors.length).toBeGreaterThan(3)
  const made = [
    null,
    [],
    [null],
    [{}],
    ['\u0000'],
    [1e300],
    ['2026-99-99T00:00:00.000000Z 1'],
    ['2026-02-30T00:00:00.000000Z 1'],
    ['2026-02-27T24:00:00.000001Z 1'],
    [2 ** 31],
    [Number.MAX_SAFE_INTEGER],
    [Number.MIN_SAFE_INTEGER],
    ['\ud800'],
    ['x'.repeat(900)],
    [-1],
    [[1]],
  ]
  for (const value of made) cursors.push(Buffer.from(JSON.stringify(value)).toString('base64url'))
  cursors.push('%%%', 'null', 'W10', '=', '😀')
  expect(
    await unanswered(
      lists.flatMap(({ path }) =>
        cursors.map((cursor) => {
          const what = `${filled(path, 'contacts-to-erp')}?cursor=${encodeURIComponent(cursor)}`
          return { what, send: () => get(what) }
        }),
      ),
    ),
  ).toEqual([])
})

test('whatever stands in an address is refused in words or found nowhere', { timeout: 300_000 }, async () => {
  const gets = asked().filter(({ method }) => method === 'get')
  expect(gets.length).toBeGreaterThan(40)
  for (const { path, operation } of gets) {
    const own = (operation.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name)
    const requests = TEXTS.flatMap((text) => {
      const addresses = own.map((name) => `${filled(path, '1')}?${name}=${encodeURIComponent(text)}`)
      if (path.includes('{')) addresses.push(filled(path, text))
      return addresses
    })
    // Bytes that are no UTF-8.
    requests.push(
      path.includes('{') ? path.replaceAll(/\{\w+\}/g, '%ED%A0%80') : `${path}?q=%ff`,
      `${filled(path, '1')}?constructor=1`,
    )
    expect(await unanswered(requests.map((what) => ({ what, send: () => get(what) })))).toEqual([])
  }
})

test('whatever stands in a body is refused in words', { timeout: 300_000 }, async () => {
  const posts = asked().filter(({ method }) => method === 'post')
  expect(posts.length).toBeGreaterThan(40)
  const bodies = [
    'null',
    '[]',
    '"x"',
    '1',
    'true',
    '{',
    '',
    '{"__proto__":{"x":1}}',
    '{"reason":null}',
    '{"reason":"\\u0000"}',
    '{"filter":{"sync":null}}',
    '{"ids":[null]}',
    '{"ids":[1e400]}',
    '{"filter":[],"token":{}}',
    `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
  ]
  for (const { path } of posts) {
    const requests = bodies.flatMap((body) =>
      ['contacts-to-erp', '1', '\u0000'].map((name) => ({
        what: `${filled(path, name)} ${body.slice(0, 40)}`,
        send: () =>
          fetch(hub.url + filled(path, name), {
            method: 'POST',
            headers: { ...headers, 'content-type': 'application/json' },
            body,
          }),
      })),
    )
    expect(await unanswered(requests)).toEqual([])
  }
})

const post = (
  path: string,
  body: unknown,
  more: Record<string, string> = {},
  signal?: AbortSignal,
): Promise<Response> =>
  fetch(hub.url + path, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', ...more },
    body: JSON.stringify(body),
    ...(signal ? { signal } : {}),
  })

test('one key sent forty times at once begins one action, and stands for nothing else afterwards', async () => {
  const filter = { sync: 'contacts-to-erp' }
  const { token, count } = (await (await post('/api/v1/dead-letters/preview', { filter })).json()) as {
    token: string
    count: number
  }
  expect(count).toBeGreaterThan(0)
  const requeue = (key: string, body: object = { filter, token }) =>
    post('/api/v1/dead-letters/requeue', body, { 'idempotency-key': key })
  const untilDone = async (): Promise<Response> => {
    for (;;) {
      const answer = await requeue('once')
      if (answer.status !== 409) return answer
      expect(await answer.json()).toMatchObject({ code: 'CSW-8031' })
      await sleep(Number(answer.headers.get('retry-after')) * 1_000)
    }
  }
  const answers = await Promise.all(Array.from({ length: 40 }, untilDone))
  const said = await Promise.all(
    answers.map(async (one) => `${one.status} ${((await one.json()) as { id: number }).id}`),
  )
  expect(new Set(said).size).toBe(1)
  expect(said[0]).toMatch(/^202 \d+$/)
  const { rows } = await hub.pool.query('select count(*)::int as n from bulk_action')
  expect(rows).toEqual([{ n: 1 }])
  const other = await post(
    '/api/v1/dead-letters/discard',
    { filter, token, reason: 'x' },
    { 'idempotency-key': 'once' },
  )
  expect([other.status, ((await other.json()) as { code: string }).code]).toEqual([422, 'CSW-8026'])
  for (const key of ['', ' ', 'x'.repeat(201), 'with blank', '\u00ff'])
    expect((await requeue(key)).status, JSON.stringify(key)).toBe(400)
})

test('conditions that are none, stale or of something else do nothing; who breaks off holds nobody up', async () => {
  const id = await addDeadLetter(hub.pool, ids.sync, 'c9', 'CSW-3008', 'g')
  const [thing, assign] = [`/api/v1/dead-letters/${id}`, `/api/v1/dead-letters/${id}/assign`]
  const tag = (await get(thing)).headers.get('etag')!
  const elsewhere = (await get('/api/v1/dead-letters/1')).headers.get('etag')!
  for (const condition of ['', '"', '""', 'x', `W/${tag}`, elsewhere, tag.slice(1, -1), '"a", "b"', '\u00ff'])
    expect((await post(assign, { assignee: 'eve' }, { 'if-match': condition })).status, condition).toBe(412)
  expect(((await (await get(thing)).json()) as { assignee: unknown }).assignee).toBeNull()
  // Of forty with the right tag one acts, whatever becomes of those who do not wait for their answer.
  const answers = await Promise.allSettled(
    Array.from({ length: 40 }, (_, i) =>
      post(assign, { assignee: `p${i}` }, { 'if-match': tag }, i % 2 ? AbortSignal.timeout(5) : undefined),
    ),
  )
  const done = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value.status] : []))
  expect(done.filter((status) => status === 200).length).toBeLessThanOrEqual(1)
  expect(done.filter((status) => status !== 200 && status !== 412)).toEqual([])
  const after = await post(assign, { assignee: 'ada' }, {}, AbortSignal.timeout(60_000))
  expect([after.status, ((await after.json()) as { assignee: string }).assignee]).toEqual([200, 'ada'])
  expect((await post(assign, { assignee: 'bob' }, { 'if-match': '*' })).status).toBe(200)
})
