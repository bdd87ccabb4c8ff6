/** `Idempotency-Key`: what was done is not done again, whoever dies, and no key stands for more than its request. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { RouteOptions } from 'fastify'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { breakGlass, createAccess } from '../../src/access/index.ts'
import { CausewayError, digest } from '../../src/core/index.ts'
import { takesKeys } from '../../src/http/idempotency.ts'
import type { HubServices } from '../../src/http/index.ts'
import { RequestKeyBook } from '../../src/store/request-keys.ts'
import { dropOldRows } from '../../src/store/retention.ts'
import { freshDatabase } from '../postgres.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { addDeadLetter, type Seeded, seedHub } from './rows.ts'
import { HELD_MS, secretsOf } from './secret-store.ts'

type Run = HubServices['runSync']
const RUN = '/api/v1/syncs/contacts-to-erp/run'
const DAY = { runs: 30, deadLetters: 30, formerLinks: 30, configuration: 30 }

let hub: TestHub
let ids: Seeded
let address: string
const routes: RouteOptions[] = []
/** What `run` does, and the requests that it was asked for. */
let run: Run
let runs: Parameters<Run>[1][]
beforeAll(async () => {
  const { pool, url } = await freshDatabase()
  address = url
  hub = await startHub({
    pool,
    services: {
      runSync: (name, request) => {
        runs.push(request)
        return run(name, request)
      },
    },
    onRoute: (route) => routes.push(route),
  })
  ids = await seedHub(pool)
})
afterAll(() => hub.close())
beforeEach(() => {
  runs = []
  run = async (_name, { requestId }) => ({ requestId: requestId ?? 'none' })
})

type Sent = { body?: object; token?: string; headers?: Record<string, string>; url?: string }
const post = (path: string, key: string | null, { body = {}, token = TOKEN, headers = {}, url = hub.url }: Sent = {}) =>
  fetch(url + path, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      ...(key === null ? {} : { 'idempotency-key': key }),
      ...headers,
    },
    body: JSON.stringify(body),
  })
const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code]
const told = async (response: Response) => [
  response.status,
  await response.text(),
  response.headers.get('idempotent-replayed'),
]
const tokenOf = async (name: string) => {
  const wish = { name, role: 'admin', scopes: null, expiresAt: null } as const
  return (await createAccess(hub.pool).tokens.create(wish, breakGlass())).secret
}

test('what was carried out is answered as before, to the byte, and not carried out again', async () => {
  const first = await told(await post(RUN, 'once'))
  expect(first).toEqual([202, JSON.stringify({ requestId: runs[0]!.requestId }), null])
  expect(first[1]).toMatch(/[0-9a-f-]{36}/)
  for (const key of ['once', '"once"']) expect(await told(await post(RUN, key))).toEqual([202, first[1], 'true'])
  expect(runs).toHaveLength(1)
  await post(RUN, null)
  await post(RUN, 'another')
  expect(runs.map(({ requestId }) => typeof requestId)).toEqual(['string', 'undefined', 'string'])
  expect(runs[2]!.requestId).not.toBe(runs[0]!.requestId)
})

test('of forty that come at once one is carried out; the others are told to come back, and get its answer then', async () => {
  let waiting = 0
  const gate = Promise.withResolvers<void>()
  run = async (_name, { requestId }) => {
    await gate.promise
    return { requestId: requestId! }
  }
  const asked = Array.from({ length: 40 }, () => post(RUN, 'forty'))
  const refused = await Promise.all(
    asked.map((one) =>
      one.then(async (answer) => {
        if (answer.status !== 409) return answer
        expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
        expect(await codeOf(answer)).toEqual([409, 'CSW-8031'])
        if (++waiting === 39) gate.resolve()
        return null
      }),
    ),
  )
  const [first, ...more] = refused.filter((answer) => answer !== null)
  expect([more, runs.length]).toEqual([[], 1])
  const [, text] = await told(first!)
  const again = await Promise.all(Array.from({ length: 40 }, async () => told(await post(RUN, 'forty'))))
  for (const one of again) expect(one).toEqual([202, text, 'true'])
  expect(runs).toHaveLength(1)
})

test('a key stands for one request of one caller', async () => {
  expect((await post(RUN, 'mine')).status).toBe(202)
  const others: [string, object][] = [
    [RUN, { full: true }],
    ['/api/v1/syncs/contacts-to-erp/pause', {}],
    [`${RUN}?`, {}],
  ]
  for (const [path, body] of others)
    expect(await codeOf(await post(path, 'mine', { body })), path).toEqual([422, 'CSW-8026'])
  expect(runs).toHaveLength(1)
  const somebody = await tokenOf('somebody')
  expect(await told(await post(RUN, 'mine', { token: somebody, body: { full: true } }))).toMatchObject([202, {}, null])
  expect(runs).toHaveLength(2)
  expect(runs[1]!.requestId).not.toBe(runs[0]!.requestId)
  for (const key of ['', ' ', 'x'.repeat(201), 'with blank', '\u00ff'])
    expect((await post(RUN, key)).status, JSON.stringify(key)).toBe(400)
})

test('a refusal leaves the key free, for whatever comes next; before the route as in it', async () => {
  run = async () => {
    throw new CausewayError('CSW-8008', { what: 'not now' })
  }
  expect(await codeOf(await post(RUN, 'refused'))).toEqual([409, 'CSW-8008'])
  run = async () => ({ requestId: 'done' })
  expect(await told(await post(RUN, 'refused', { body: { full: true } }))).toEqual([202, '{"requestId":"done"}', null])
  const pause = '/api/v1/syncs/contacts-to-erp/pause'
  const stale = { headers: { 'if-match': '"stale"' } }
  expect(await codeOf(await post(pause, 'on-condition', stale))).toEqual([412, 'CSW-8029'])
  const tag = (await hub.get('/api/v1/syncs/contacts-to-erp')).headers.get('etag')!
  const fresh = { headers: { 'if-match': tag } }
  const [status, text] = await told(await post(pause, 'on-condition', fresh))
  expect(status).toBe(200)
  // The deed itself has changed what the condition was held against.
  expect(await told(await post(pause, 'on-condition', fresh))).toEqual([200, text, 'true'])
  expect(await codeOf(await post(pause, null, fresh))).toEqual([412, 'CSW-8029'])
})

test('after a failure nobody knows: the same request is carried out, under the same id, and no other one', async () => {
  run = async () => {
    throw new CausewayError('CSW-6001', { what: 'the connection was lost' })
  }
  expect(await codeOf(await post(RUN, 'failed'))).toEqual([503, 'CSW-6001'])
  run = async (_name, { requestId }) => ({ requestId: requestId! })
  expect(await codeOf(await post(RUN, 'failed', { body: { full: true } }))).toEqual([422, 'CSW-8026'])
  expect(await told(await post(RUN, 'failed'))).toEqual([202, JSON.stringify({ requestId: runs[0]!.requestId }), null])
  expect(runs).toHaveLength(2)
})

test('what takes longer than its answer may is under way until it ends, and then answered', async () => {
  const gate = Promise.withResolvers<void>()
  const slow = await startHub({
    pool: hub.pool,
    limits: { handlerMs: 300 },
    services: {
      requestKeys: new RequestKeyBook(hub.pool, secretsOf(hub.pool), HELD_MS),
      runSync: async (_name, { requestId }) => {
        runs.push({} as never)
        await gate.promise
        return { requestId: requestId! }
      },
    },
  })
  onTestFinished(() => slow.close())
  const at = { url: slow.url }
  expect(await codeOf(await post(RUN, 'slow', at))).toEqual([503, 'CSW-8006'])
  // Longer than a key is held without a sign of life.
  await new Promise((done) => setTimeout(done, 1.5 * HELD_MS))
  expect(await codeOf(await post(RUN, 'slow', at))).toEqual([409, 'CSW-8031'])
  gate.resolve()
  await expect.poll(async () => told(await post(RUN, 'slow', at)), { timeout: 30_000 }).toMatchObject([202, {}, 'true'])
  expect(runs).toHaveLength(1)
}, 60_000)

test('a key that was got too late for the answer is free for the next try, and nothing was done', async () => {
  const quick = await startHub({
    pool: hub.pool,
    limits: { handlerMs: 300 },
    services: {
      runSync: (name, request) => {
        runs.push(request)
        return run(name, request)
      },
    },
  })
  onTestFinished(() => quick.close())
  const at = { url: quick.url }
  const holder = await hub.pool.connect()
  try {
    await holder.query('begin; lock table request_key in access exclusive mode')
    expect(await codeOf(await post(RUN, 'late', at))).toEqual([503, 'CSW-8006'])
  } finally {
    await holder.query('commit')
    holder.release()
  }
  // Sooner than a key is held of which nobody hears anything any more.
  await expect.poll(async () => (await post(RUN, 'late', at)).status, { timeout: 15_000 }).toBe(202)
  expect(runs).toHaveLength(1)
}, 60_000)

test('one that was killed holds a key for a while only; what it had begun is not begun twice', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'dying-hub.ts'), address], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  const dying = String(line).trim()
  await addDeadLetter(hub.pool, ids.sync, 'killed', 'CSW-3008', 'killed')
  const filter = { fingerprint: 'killed' }
  const { token } = (await (await post('/api/v1/dead-letters/preview', null, { body: { filter } })).json()) as {
    token: string
  }
  const requeue = '/api/v1/dead-letters/requeue'
  const body = { filter, token }
  const cut = [post(RUN, 'killed', { url: dying }), post(requeue, 'killed-bulk', { url: dying, body })]
  const ends = Promise.allSettled(cut)
  const actions = () => hub.pool.query<{ id: number }>(`select id from bulk_action where filter like '%killed%'`)
  await expect.poll(async () => (await actions()).rowCount, { timeout: 20_000 }).toBe(1)
  await expect
    .poll(async () => (await hub.pool.query(`select from request_key where key like 'killed%'`)).rowCount, {
      timeout: 20_000,
    })
    .toBe(2)
  expect(await codeOf(await post(RUN, 'killed'))).toEqual([409, 'CSW-8031'])
  child.kill('SIGKILL')
  expect((await ends).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  expect(runs).toHaveLength(0)
  await expect.poll(async () => (await post(RUN, 'killed')).status, { timeout: 30_000 }).toBe(202)
  await expect.poll(async () => (await post(requeue, 'killed-bulk', { body })).status, { timeout: 30_000 }).toBe(202)
  const done = (await (await post(requeue, 'killed-bulk', { body })).json()) as { id: number }
  expect((await actions()).rows).toEqual([{ id: done.id }])
  expect(await codeOf(await post(RUN, 'killed', { body: { full: true } }))).toEqual([422, 'CSW-8026'])
}, 90_000)

test('after a day a key is as one that never came, and is swept; younger ones stay', async () => {
  for (const key of ['old', 'swept', 'young']) await post(RUN, key)
  await hub.pool.query(`update request_key set at = at - interval '25 hours' where key in ('old', 'swept')`)
  expect(await told(await post(RUN, 'old', { body: { full: true } }))).toMatchObject([202, {}, null])
  expect(runs).toHaveLength(4)
  expect(runs[3]!.requestId).not.toBe(runs[0]!.requestId)
  expect(await dropOldRows(hub.pool, DAY)).toMatchObject({ request_key: 1 })
  const { rows } = await hub.pool.query(
    `select key from request_key where key in ('old', 'swept', 'young') order by key`,
  )
  expect(rows).toEqual([{ key: 'old' }, { key: 'young' }])
  expect((await post(RUN, 'swept', { body: { full: true } })).status).toBe(202)
})

test('secrets are told once: a second try is refused, and nothing of what was sent or told stands in the book', async () => {
  const body = { name: 'shown-once', role: 'viewer' }
  const made = (await (await post('/api/v1/tokens', 'token', { body })).json()) as { secret: string }
  expect(made.secret).toMatch(/^csw_/)
  expect(await codeOf(await post('/api/v1/tokens', 'token', { body }))).toEqual([409, 'CSW-8032'])
  const password = 'correct horse battery staple'
  const user = { name: 'ada', role: 'viewer', password }
  const answers = [
    await post('/api/v1/users', 'user', { body: user }),
    await post('/api/v1/users', 'user', { body: user }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  const { rows } = await hub.pool.query<{ operation: string; request: string; body: string | null }>(
    `select operation, request, body from request_key where key in ('token', 'user') order by key`,
  )
  expect(rows.map(({ operation, body }) => [operation, body === null])).toEqual([
    ['createToken', true],
    ['addUser', false],
  ])
  for (const secret of [made.secret, password]) expect(JSON.stringify(rows)).not.toContain(secret)
  // Whoever has the ledger could try all passwords against a hash that has no key.
  const said = JSON.stringify(['POST', '/api/v1/users', user])
  const other = await freshDatabase()
  const book = new RequestKeyBook(other.pool, secretsOf(other.pool))
  await book.claim({ actor: 'admin', key: 'user', operation: 'addUser', said })
  const elsewhere = await other.pool.query<{ request: string }>('select request from request_key')
  expect(elsewhere.rows[0]!.request).not.toBe(rows[1]!.request)
  expect(rows[1]!.request).not.toContain(digest(said))
})

test('a hash key that nobody can open any more costs what it was good for, and not the API', async () => {
  const { pool } = await freshDatabase()
  const asked = { actor: 'admin', key: 'k', operation: 'runSync', said: 'x' }
  const lost = secretsOf(pool)
  expect(await new RequestKeyBook(pool, lost).claim(asked)).toMatchObject({ as: 'mine' })
  await pool.query(`update secret set key_id = 'gone' where field = 'request-keys'`)
  const books = [new RequestKeyBook(pool, lost), new RequestKeyBook(pool, lost)]
  const claimed = await Promise.all(books.map((book, i) => book.claim({ ...asked, key: `k${i}` })))
  expect(claimed.map(({ as }) => as)).toEqual(['mine', 'mine'])
  expect(await books[0]!.claim({ ...asked, key: 'k1' })).toEqual({ as: 'under-way' })
})

/** By hand, from what the routes do: a new one has to be thought about here. */
const ANEW = [
  'beginConnectionLogin compareMapping completeMapping logout planSync previewConflicts previewDeadLetters previewEvents',
  'saveTest testConnection tryMapping verifySync',
].join(' ')
const REFUSED = 'applyPlan assignDeadLetter createToken undoRun'
/** Never in an answer that is kept. */
const SECRET = /"(secret|pending|csrf|input|output|exchange|before|wrote|value|password|recordId|record)":/

test('each route that does something takes keys, and none keeps an answer with secrets or records', () => {
  const posts = routes.filter(
    ({ method, url, config }) => method === 'POST' && url.startsWith('/api/') && config?.access !== 'public',
  )
  const idOf = ({ schema }: RouteOptions) => String(schema?.operationId)
  const named = (which: (route: RouteOptions) => boolean) => posts.filter(which).map(idOf).sort().join(' ')
  expect(posts.length).toBeGreaterThan(45)
  expect(named((route) => !takesKeys(route))).toBe(ANEW)
  expect(named(({ config }) => config?.repeat === 'refused')).toBe(REFUSED)
  for (const route of posts.filter((one) => takesKeys(one) && one.config?.repeat === undefined))
    expect(JSON.stringify(route.schema?.response), idOf(route)).not.toMatch(SECRET)
  for (const route of posts.filter(takesKeys))
    expect(
      Object.keys(route.schema?.response as object).filter((status) => status.startsWith('2')),
      idOf(route),
    ).toHaveLength(1)
})

test('a route that changes nothing does its work anew, whatever key it is sent', async () => {
  const plan = '/api/v1/syncs/contacts-to-erp/plan'
  for (const body of [{}, { all: true }])
    expect(await told(await post(plan, 'once', { body }))).toMatchObject([200, {}, null])
})
