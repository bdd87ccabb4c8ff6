import { expect, test } from 'vitest'
import type { Exchange } from '../../src/connector/index.ts'
import { failureOf, load, open, readAll, restManifest, signal } from './open.ts'
import { type Reply, serve } from './server.ts'

const html = { text: '<html><body>Sign in</body></html>', headers: { 'content-type': 'text/html' } }
const reading = (top = 'limits: { attempts: 1 }') =>
  restManifest(`read: { path: /things }\nfetch: { path: "/things/\${ id }" }`, top)

const answers: [name: string, reply: Reply, code: string][] = [
  ['401', { status: 401 }, 'CSW-3003'],
  ['403', { status: 403, json: { message: 'scope missing' } }, 'CSW-3004'],
  ['404', { status: 404 }, 'CSW-3014'],
  ['400', { status: 400, json: { error: 'bad filter' } }, 'CSW-3016'],
  ['429', { status: 429 }, 'CSW-3005'],
  ['500', { status: 500, ...html }, 'CSW-3006'],
  ['502', { status: 502, ...html }, 'CSW-3006'],
  ['302', { status: 302, headers: { location: 'http://example.org/login' } }, 'CSW-3014'],
  ['HTML with 200', html, 'CSW-3007'],
  ['broken JSON with 200', { text: '{"data": [' }, 'CSW-3007'],
  ['text with 200', { text: 'OK' }, 'CSW-3007'],
]
test.each(answers)('reading: %s is its own kind of failure', async (_name, reply, code) => {
  await using server = await serve(() => reply)
  const session = await open(reading(), server)
  expect((await failureOf(readAll(session))).code).toBe(code)
  expect(server.asked).toHaveLength(1)
})

const rules = `
limits: { attempts: 1 }
errors:
  failed: $exists(response.error)
  message: response.error.reason
  retry_after: [X-Wait]
  classes:
    - { when: response.error.code = "EXPIRED", is: auth }
    - { when: response.error.code = "LIMIT", is: throttled }
    - { when: status = 403 and response.error.code = "BUSY", is: down }
    - { when: status = 418, is: ok }
`
const classed: [name: string, reply: Reply, expected: object | null][] = [
  [
    'a failure inside a 200',
    { json: { error: { code: 'X', reason: 'no such field' } } },
    { code: 'CSW-3016', message: expect.stringContaining('no such field') },
  ],
  ['credentials inside a 200', { json: { error: { code: 'EXPIRED' } } }, { code: 'CSW-3003' }],
  [
    'a throttle inside a 200',
    { json: { error: { code: 'LIMIT' } }, headers: { 'X-Wait': '25' } },
    { code: 'CSW-3005', retryAfterMs: 25_000 },
  ],
  [
    'a throttle with a usual header',
    { status: 429, headers: { 'Retry-After': '30' } },
    { code: 'CSW-3005', retryAfterMs: 30_000 },
  ],
  ['a 403 that means busy', { status: 403, json: { error: { code: 'BUSY' } } }, { code: 'CSW-3006' }],
  ['a 403 that means 403', { status: 403, json: { error: { code: 'NO' } } }, { code: 'CSW-3004' }],
  ['a status that means success', { status: 418, json: [{ id: 1 }] }, null],
]
test.each(classed)('declared classes: %s', async (_name, reply, expected) => {
  await using server = await serve(() => reply)
  const session = await open(reading(rules), server)
  if (expected) expect(await failureOf(readAll(session))).toMatchObject(expected)
  else expect((await readAll(session)).ids).toEqual(['1'])
})

test('what passes by itself is tried again, what does not is not', async () => {
  let calls = 0
  await using server = await serve(() => (++calls < 3 ? { status: 503 } : { json: [{ id: 1 }] }))
  const session = await open(reading('limits: { attempts: 3 }'), server)
  expect((await readAll(session)).ids).toEqual(['1'])
  expect(calls).toBe(3)
  calls = 0
  const strict = await open(
    reading('limits: { attempts: 3 }\nerrors: { classes: [{ when: status = 503, is: forbidden }] }'),
    server,
  )
  expect((await failureOf(readAll(strict))).code).toBe('CSW-3004')
  expect(calls).toBe(1)
})

test('a question whose answer is lost is asked again, also when it is a POST', async () => {
  let calls = 0
  await using server = await serve((_asked, response) => {
    if (++calls > 1) return { json: [{ id: 1 }] }
    response.destroy()
    return undefined
  })
  const session = await open(restManifest('read: { method: POST, path: /search, body: { all: true } }'), server)
  expect((await readAll(session)).ids).toEqual(['1'])
  expect(calls).toBe(2)
})

test('after a throttle all calls of the connection wait as long as they were told', async () => {
  let first = 0
  await using server = await serve(() => {
    if (first === 0) {
      first = Date.now()
      return { status: 429, headers: { 'Retry-After': '1' } }
    }
    return { json: [{ id: 1, waited: Date.now() - first }] }
  })
  const session = await open(reading('limits: { attempts: 2 }'), server)
  const reading1 = readAll(session)
  while (first === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  await new Promise((resolve) => setTimeout(resolve, 50))
  const [one, two] = await Promise.all([reading1, readAll(session)])
  for (const { pages } of [one, two]) expect(Number(pages[0]!.records[0]!.body.waited)).toBeGreaterThan(950)
})

test('messages of the other side come through on one line, without secrets and addresses of people', async () => {
  await using server = await serve(() => ({
    status: 422,
    json: { errors: [{ detail: 'Contact jane.doe@example.org exists\r\n\u001b[31mtoken tok-very-secret-1 \u202e' }] },
  }))
  const session = await open(reading(), server, { token: 'tok-very-secret-1' })
  const { message } = await failureOf(readAll(session))
  expect(message).toMatch(/Contact \*\*\*@\*\*\* exists \[31mtoken \S+$/)
  expect(message).not.toContain('very-secret')
})

test('no credential shows in what is kept of an exchange', async () => {
  await using server = await serve(() => ({ json: [] }))
  const manifest = restManifest(
    'read: { path: /things, query: { q: "1" } }',
    `auth: { kind: query, name: api_key, value: "\${ settings.token }" }`,
  )
  const exchanges: Exchange[] = []
  const session = await load(manifest)
    .get('test')
    .open({
      name: 'conn',
      settings: { url: server.url, token: 'tok-very-secret-1' },
      allow: [server.host],
      onExchange: (exchange) => exchanges.push(exchange),
    })
  await readAll(session)
  expect(server.asked[0]!.query.get('api_key')).toBe('tok-very-secret-1')
  expect(exchanges).toHaveLength(1)
  expect(JSON.stringify(exchanges)).not.toContain('very-secret')
})

test('an expression that fails names its place in the manifest', async () => {
  await using server = await serve(() => ({ json: { data: { a: 1 } } }))
  const session = await open(restManifest('read:\n  path: /things\n  records: $number(response.data)'), server)
  const error = await failureOf(readAll(session))
  expect(error).toMatchObject({ code: 'CSW-2011', place: { line: 18, column: expect.any(Number) } })
  expect(error.place!.file).toContain('connector.yaml')
})

test('an address that is not allowed is not dialled', async () => {
  await using server = await serve(() => ({ json: [] }))
  const session = await load(reading())
    .get('test')
    .open({ name: 'conn', settings: { url: server.url } })
  expect((await failureOf(readAll(session))).code).toBe('CSW-3010')
  expect(server.asked).toHaveLength(0)
})

test('the steps of a probe stop where it fails', async () => {
  let status = 200
  await using server = await serve(() => ({ status, json: [{ id: 1 }] }))
  const session = await open(reading(), server)
  expect((await session.probe(signal)).map(({ step, ok }) => [step, ok])).toEqual([
    ['address', true],
    ['connection', true],
    ['first page', true],
  ])
  status = 401
  const steps = await session.probe(signal)
  expect(steps.at(-1)).toMatchObject({ step: 'first page', ok: false, error: { code: 'CSW-3003' } })
  await server.close()
  expect((await session.probe(signal)).map(({ step, ok }) => [step, ok])).toEqual([
    ['address', true],
    ['connection', false],
  ])
})

const listed = restManifest(
  `
  read:
    path: /things
    query: { page: "\${ page.number }" }
    records: response.data
    page_size: 2
    paging: { kind: page }
  lookup: { email: { path: /search, query: { email: "\${ value }" }, records: response.data } }
  fetch: { path: "/things/\${ id }", records: response.thing }
  write:
    create: { path: /things, body: "\${ values }", id: response.id }
    update: { path: "/things/\${ id }", body: "\${ values }" }
    delete: { path: "/things/\${ id }" }
`,
  'limits: { attempts: 1 }',
)
const errorBodies: [name: string, json: object][] = [
  ['error as an object', { error: { message: 'the index is being rebuilt' } }],
  ['error as a text', { error: 'the index is being rebuilt', data: [] }],
  ['errors as a list', { errors: [{ message: 'the index is being rebuilt' }], data: null }],
  ['success: false', { success: false, message: 'the index is being rebuilt' }],
  ['other capitals', { Success: false, Message: 'x', Errors: [{ message: 'the index is being rebuilt' }] }],
  ['a code', { error_code: 1042, msg: 'the index is being rebuilt' }],
  ['a message', { errorMessage: 'the index is being rebuilt', data: [] }],
  ['isError: true', { isError: true, description: 'the index is being rebuilt' }],
]
/** Words that a record may have in its fields too: they tell of answers to questions only. */
const errorLists: typeof errorBodies = [
  ['status: error', { status: 'error', message: 'the index is being rebuilt', data: null }],
  ['fault', { Fault: { detail: 'the index is being rebuilt' } }],
]

test('a 207 tells of each record by itself: errors beside an empty list mean that there are none', async () => {
  await using server = await serve(() => ({ status: 207, json: { data: [], errors: [{ message: 'no such thing' }] } }))
  const session = await open(listed, server)
  expect(await session.lookup({ stream: 'things', field: 'email', values: ['a'], signal })).toEqual(new Map())
})

test.each([...errorBodies, ...errorLists])(
  'an error under a 200 is neither the end of a read nor "not found": %s',
  async (_name, json) => {
    await using server = await serve(({ query }) =>
      query.get('page') === '1' ? { json: { data: [{ id: 1 }, { id: 2 }] } } : { json },
    )
    const session = await open(listed, server)
    const failure = { code: 'CSW-3007', message: expect.stringContaining('the index is being rebuilt') }
    expect(await failureOf(readAll(session))).toMatchObject(failure)
    expect(await failureOf(session.lookup({ stream: 'things', field: 'email', values: ['a'], signal }))).toMatchObject(
      failure,
    )
    expect(await failureOf(session.fetch({ stream: 'things', ids: ['1'], signal }))).toMatchObject(failure)
  },
)

test('a 200 without a body is neither the end of a read nor "not found"; a 204 is', async () => {
  let status = 200
  await using server = await serve(({ query }) =>
    query.get('page') === '1' ? { json: { data: [{ id: 1 }, { id: 2 }] } } : { status, text: '' },
  )
  const session = await open(listed, server)
  const lookup = () => session.lookup({ stream: 'things', field: 'email', values: ['a'], signal })
  expect((await failureOf(readAll(session))).code).toBe('CSW-3007')
  expect((await failureOf(lookup())).code).toBe('CSW-3007')
  expect((await failureOf(session.fetch({ stream: 'things', ids: ['1'], signal }))).code).toBe('CSW-3007')
  status = 204
  expect((await readAll(session)).ids).toEqual(['1', '2'])
  expect((await lookup()).size).toBe(0)
})

test.each(errorBodies)('an error under a 200 is no success of a write: %s', async (_name, json) => {
  await using server = await serve(() => ({ json }))
  const session = await open(listed, server)
  for (const operation of ['create', 'update', 'delete'] as const) {
    const one = { ref: 'r', values: { a: 1 }, idempotencyKey: 'k', ...(operation === 'create' ? {} : { id: '1' }) }
    expect(await session.write({ stream: 'things', operation, items: [one], signal })).toMatchObject([
      {
        status: 'unknown',
        error: { code: 'CSW-3012', message: expect.stringContaining('the index is being rebuilt') },
      },
    ])
  }
})

test('members that say "no error" are none, nor is an error beside records', async () => {
  await using server = await serve(({ method, query }) => {
    // The record itself, as many systems answer an update.
    if (method !== 'GET')
      return {
        json: { id: 1, status: 'failed', fault: 'wheel', error: null, errors: [], success: true, errorCode: '00' },
      }
    if (query.get('page') !== '1')
      return { json: { data: [], error: '', errors: {}, ok: true, errcode: 0, errorMessage: 'OK', status: 'success' } }
    return { json: { data: [{ id: 1 }], error: 'one warning', errors: ['another'] } }
  })
  const session = await open(listed, server)
  expect((await readAll(session)).ids).toEqual(['1'])
  const one = { ref: 'r', id: '1', values: { a: 1 }, idempotencyKey: 'k' }
  expect(await session.write({ stream: 'things', operation: 'update', items: [one], signal })).toMatchObject([
    { status: 'written' },
  ])
})
