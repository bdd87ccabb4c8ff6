/**
 * Every operation through every status that it promises: each of these pairs is asked for and must be answered just so. A promise that
 * nothing can keep fails here, and so does an operation that nobody gave a request (valid-requests.ts).
 */
import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { breakGlass, createAccess, SCOPE_NAMES, type Scope } from '../../src/access/index.ts'
import { createPool } from '../../src/store/index.ts'
import { RequestKeyBook } from '../../src/store/request-keys.ts'
import { freshDatabase } from '../postgres.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { addressOf, type Operation, readOperations } from './operations.ts'
import { seedHub } from './rows.ts'
import { secretsOf } from './secret-store.ts'
import { type Asked, fill, knowing, NOBODY, validRequests } from './valid-requests.ts'

let hub: TestHub
/** Takes one request of a caller in a minute. */
let tight: TestHub
/** Has lost its database. */
let away: TestHub
let pool: pg.Pool
let operations: Operation[]
let table: ReturnType<typeof validRequests>
/** Tokens that may do anything but one thing, by that. */
const without = new Map<Scope, string>()

beforeAll(async () => {
  pool = (await freshDatabase({ max: 10 })).pool
  const bare = await startHub({ pool })
  await bare.close()
  hub = await startHub({
    pool,
    services: knowing(bare.services),
    metrics: { contentType: 'text/plain', text: async () => '' },
  })
  const ids = await seedHub(pool)
  await fill(hub, ids)
  tight = await startHub({ pool, limits: { requestsPerMinute: 1 } })
  away = await startHub({
    pool: createPool('postgres://nobody@127.0.0.1:1/none'),
    services: { readiness: async () => [{ name: 'database', ok: false }] },
  })
  const { tokens } = createAccess(pool)
  for (const scope of SCOPE_NAMES) {
    const scopes = SCOPE_NAMES.filter((one) => one !== scope)
    const wish = { name: `without ${scope}`, role: 'admin', scopes, expiresAt: null } as const
    without.set(scope, (await tokens.create(wish, breakGlass())).secret)
  }
  operations = await readOperations(hub)
  table = validRequests(hub, ids)
}, 120_000)
afterAll(async () => {
  await Promise.all([hub, tight, away].map((one) => one?.close()))
})

type Send = Asked & { token?: string | null; type?: string; text?: string; at?: TestHub }

async function send(operation: Operation, asked: Send): Promise<number> {
  const { token = TOKEN, type = 'application/json', body, text, headers, at = hub } = asked
  const payload = text ?? (body === undefined ? undefined : JSON.stringify(body))
  const cut = new AbortController()
  const answer = await fetch(at.url + addressOf(operation, asked), {
    method: operation.method,
    redirect: 'manual',
    signal: cut.signal,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(payload === undefined ? {} : { 'content-type': type }),
      ...headers,
    },
    ...(payload === undefined ? {} : { body: payload }),
  })
  // A stream of events goes on for ever.
  if (answer.headers.get('content-type')?.startsWith('text/event-stream')) cut.abort()
  else await answer.arrayBuffer()
  return answer.status
}

const valid = async ({ id }: Operation): Promise<Asked> => {
  const entry = table[id]
  if (entry === undefined) throw new Error(`valid-requests.ts has no request for ${id}`)
  return typeof entry === 'function' ? entry() : entry
}

const unknownTo = (asked: Asked): Asked => ({
  ...asked,
  params: (asked.params ?? []).map((given) => (/^\d+$/.test(given) ? '999999999' : NOBODY)),
})

/** Says that the first request with this key is under way; of the same request, or of another one. */
async function claim(operation: Operation, asked: Asked, other: boolean): Promise<Asked> {
  const key = crypto.randomUUID()
  const said = JSON.stringify([operation.method, addressOf(operation, asked), other ? 'other' : (asked.body ?? {})])
  const book = new RequestKeyBook(pool, secretsOf(pool), 600_000)
  await book.claim({ actor: 'admin', key, operation: operation.id, said })
  return { ...asked, headers: { ...asked.headers, 'idempotency-key': key } }
}

/** More than a minute may take; a minute that ends in between begins anew. */
async function untilTooMany(operation: Operation, asked: Send): Promise<number> {
  let got = 0
  for (let tries = 0; got !== 429 && tries < 30; tries++) got = await send(operation, asked)
  return got
}

/** How any operation is brought to a status. */
const GENERIC: Record<string, (operation: Operation) => Promise<Send | number>> = {
  200: valid,
  202: valid,
  302: valid,
  304: async (operation) => ({ ...(await valid(operation)), headers: { 'if-none-match': '*' } }),
  400: async (operation) => {
    const asked = await valid(operation)
    if (operation.sends.query) return { ...asked, query: 'there-is-no-such=1' }
    if (operation.sends.body) return { ...asked, body: { 'there is no such': 1 } }
    return { ...asked, params: (asked.params ?? []).map(() => 'x'.repeat(1_001)) }
  },
  401: async (operation) => ({ ...(await valid(operation)), token: null }),
  403: async (operation) => ({ ...(await valid(operation)), token: without.get(operation.scope!)! }),
  404: async (operation) => unknownTo(await valid(operation)),
  409: async (operation) => claim(operation, await valid(operation), false),
  412: async (operation) => ({ ...(await valid(operation)), headers: { 'if-match': '"stale"' } }),
  413: async (operation) => ({ ...(await valid(operation)), text: `${'['.repeat(100)}${']'.repeat(100)}` }),
  415: async (operation) => ({ ...(await valid(operation)), type: 'text/plain' }),
  422: async (operation) => claim(operation, await valid(operation), true),
  429: async (operation) => untilTooMany(operation, { ...(await valid(operation)), at: tight }),
  // Who holds a token cannot be looked up.
  503: async (operation) => ({ ...(await valid(operation)), at: away, token: `csw_${'x'.repeat(43)}` }),
}

const from = (headers: Record<string, string>) => async (operation: Operation) => ({
  ...(await valid(operation)),
  headers,
})
const WEBHOOK = {
  200: from({ 'x-says': 'handshake' }),
  202: from({ 'x-says': 'event' }),
  204: from({ 'x-says': 'nothing' }),
  // Longer than a name may be, and with a query, so that it is the route that answers.
  400: async () => ({ params: ['x'.repeat(1_001), 'x'], query: 'q' }),
  401: from({ 'x-says': 'refused' }),
  413: async (operation: Operation) => ({ ...(await valid(operation)), text: 'x'.repeat(2 ** 20 + 1) }),
  415: from({ 'content-encoding': 'gzip' }),
  503: from({ 'x-says': 'failed' }),
}

/** The sync through which events are to go is named in the body. */
const throughNobody = async (operation: Operation): Promise<Send> => {
  const asked = await valid(operation)
  return { ...asked, body: { ...asked.body, sync: NOBODY } }
}

/** Operations whose way to a status is their own. */
const OWN: Record<string, Record<string, (operation: Operation) => Promise<Send | number>>> = {
  receiveWebhook: WEBHOOK,
  answerWebhookHandshake: WEBHOOK,
  receiveWebhookOfStream: WEBHOOK,
  answerWebhookHandshakeOfStream: WEBHOOK,
  logout: {
    400: async () => ({ text: '{' }),
    415: async () => ({ text: 'x', type: 'text/plain' }),
  },
  ready: { 503: async () => ({ at: away }) },
  followFeed: { 400: async () => ({ headers: { 'last-event-id': 'x' } }) },
  login: {
    200: async (operation) => {
      await pool.query('delete from login_failure')
      return valid(operation)
    },
    429: async (operation) =>
      untilTooMany(operation, { token: null, body: { name: NOBODY, password: 'no such password' } }),
    401: async () => ({ token: null, body: { name: NOBODY, password: 'no such password' } }),
    403: async (operation) => ({ ...(await valid(operation)), headers: { origin: 'https://elsewhere.example' } }),
    503: async () => ({ at: away, token: null, body: { name: 'ada', password: 'no such password' } }),
  },
  showRecord: { 404: async () => ({ query: `stream=crm:contacts&id=${NOBODY}` }) },
  explainTarget: { 404: async () => ({ query: `stream=erp:customers&id=${NOBODY}` }) },
  replayEvents: { 404: throughNobody },
  replayAllEvents: { 404: throughNobody },
  readMetrics: { 404: async () => ({ at: away }) },
  tryMapping: { 409: async (operation) => ({ ...(await valid(operation)), body: { record: 'shrunk' } }) },
  saveTest: { 409: async (operation) => ({ ...(await valid(operation)), body: { record: 'shrunk' } }) },
}

test('each operation answers each status that it promises', async () => {
  expect(operations.length).toBeGreaterThan(120)
  expect(Object.keys(table).sort()).toEqual(operations.map(({ id }) => id).sort())
  const wrong: string[] = []
  const pairs = operations.flatMap((operation) => operation.promised.map((status) => [operation, status] as const))
  expect(pairs.length).toBeGreaterThan(900)
  for (const [operation, status] of pairs) {
    const way = OWN[operation.id]?.[status] ?? GENERIC[status]
    if (!way) wrong.push(`${operation.id} ${status}: nobody knows how to bring it there`)
    else {
      const got = await way(operation).then(
        (asked) => (typeof asked === 'number' ? asked : send(operation, asked)),
        String,
      )
      if (String(got) !== status) wrong.push(`${operation.id} promises ${status} and answered ${got}`)
    }
  }
  expect(wrong).toEqual([])
}, 600_000)
