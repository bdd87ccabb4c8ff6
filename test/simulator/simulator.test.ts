/** The simulator by itself: what a description says is what a client sees on the socket. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readDescription, Simulator } from '../../src/simulator/index.ts'

const API = `
source: [{ what: invented, url: "https://shop.example", read: "2026-11-25" }]
secrets: { token: "\${ canary }", refresh_token: "\${ canary }" }
settings: { url: "\${ origin }", token: "\${ secrets.token }" }
auth: { headers: { X-Token: "\${ secrets.token }" } }
errors:
  unauthorized: { answer: { code: 401 } }
  not_found: { answer: { code: 404 } }
  invalid: { answer: { code: 400, why: "\${ problem.message }" } }
  throttled: { headers: { Retry-After: "\${ wait }" }, answer: { code: 429 } }
  down: { answer: { code: 500 } }
collections:
  customers:
    count: 12
    id: { field: id, make: "c\${ $string(n) }" }
    updated: { field: updated, as: iso }
    unique: [email]
    required: [email]
    writable: { email: email, note: text<=5, born: date, address: object, address.city: text }
  notes: { count: 2, id: { field: id, make: "n\${ $string(n) }" }, deletes: { how: flag, set: { state: gone, gone_at: "\${ now }" } } }
  files: { count: 3, id: { field: id, make: "f\${ $string(n) }" }, content: { size: size, hash: { field: md5, algorithm: md5 } } }
routes:
  GET /customers:
    list: customers
    query: { limit: 1..5, after: text, q: text, sort: text }
    filter: $odata(query.q)
    order: '\${ $odataOrder(query.sort) }'
    page: { by: cursor, at: query.after, size: query.limit, default: 5, max: 5 }
    answer: { items: "\${ records }", next: "\${ next.cursor }", total: "\${ total }" }
  GET /customers/{id}: { get: customers }
  POST /customers: { create: customers }
  PATCH /customers/{id}: { update: customers }
  DELETE /customers/{id}: { delete: customers }
  PATCH /notes/{id}: { update: notes, with_deleted: true }
  POST /token: { token: true, accept: body.refresh = secrets.refresh_token, rotates: true, answer: { refresh: "\${ refresh }" } }
  GET /query: { list: customers, query: { q: text! }, filter: $select(query.q).filter, order: '\${ $select(query.q).order }', answer: "\${ [records.id] }" }
  GET /changes: { changes: customers, query: { mark: text }, since: query.mark, answer: { ids: "\${ [records.id] }", mark: "\${ mark }" } }
  POST /all-or-nothing: { batch: body, all_or_nothing: true, each: { create: customers, values: item }, failed: { why: "\${ problem.reason }" } }
  POST /many: { calls: body.requests, stops: headers.\`x-stop\` = "yes", answer: { responses: "\${ [answers.{ 'id': id, 'status': status, 'body': body }] }" } }
  POST /$batch: { calls: '$multipartCalls(body, headers.\`content-type\`)', type: multipart/mixed; boundary=batchresponse, answer: "\${ $multipartAnswers(answers) }" }
  POST /graphql:
    graphql:
      schema: schema.graphql
      resolve:
        customers: { list: customers, page: { by: cursor, at: args.after, size: args.first }, answer: { nodes: "\${ records }", endCursor: "\${ next.cursor }" } }
        customerCreate: { create: customers, values: args.input, answer: { customer: "\${ record }" }, failed: { customer: null, userErrors: [{ message: "\${ problem.reason }" }] } }
  POST /files: { create: files, bytes: file, values: '{ "name": body.meta.name }' }
  GET /files/{id}/content: { download: files }
  POST /uploads: { upload: start, answer: { url: "\${ origin }/uploads/\${ upload.id }" } }
  PUT /uploads/{upload}: { upload: part, create: files, open: true, values: '{ "name": upload.given.name }', status: '\${ done ? 201 : 202 }', answer: { id: "\${ record.id }", got: "\${ upload.received }" } }
  POST /jobs: { job: export, values: body.q, answer: { id: "\${ job.id }" } }
  GET /jobs/{id}: { poll: export, polls: 2, answer: { ready: "\${ job.ready }" } }
  GET /jobs/{id}/result: { list: customers, of_job: export, filter: $odata(job.given), type: text/csv, answer: '\${ $csv(records, ["id", "email"]) }' }
`
const SCHEMA = `
type Query { customers(first: Int, after: String): Customers! }
type Mutation { customerCreate(input: CustomerInput!): Created }
input CustomerInput { email: String note: String }
type Customer { id: ID! email: String note: String }
type Customers { nodes: [Customer!]! endCursor: String }
type UserError { message: String! }
type Created { customer: Customer userErrors: [UserError!] }
`

const folder = mkdtempSync(join(tmpdir(), 'causeway-simulator-'))
let simulator: Simulator
beforeAll(async () => {
  writeFileSync(join(folder, 'api.yaml'), API)
  writeFileSync(join(folder, 'schema.graphql'), SCHEMA)
  writeFileSync(
    join(folder, 'customers.json'),
    JSON.stringify([
      { id: 'x', email: "o'neill@shop.example", note: null, updated: '', address: { city: 'Łódź', zip: '1' } },
    ]),
  )
  writeFileSync(join(folder, 'notes.json'), JSON.stringify([{ id: 'n', state: 'new' }]))
  writeFileSync(join(folder, 'files.json'), JSON.stringify([{ id: 'f', name: 'a.pdf', size: 0, md5: '' }]))
  simulator = new Simulator(readDescription(join(folder, 'api.yaml')))
  await simulator.start()
})
afterAll(async () => {
  await simulator.stop()
  rmSync(folder, { recursive: true, force: true })
})

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes
type Reply = { status: number; headers: Headers; json: any; text: string }
async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  const sent =
    body instanceof FormData || body instanceof Uint8Array ? body : body === undefined ? null : JSON.stringify(body)
  const type =
    body === undefined || body instanceof FormData
      ? {}
      : { 'content-type': body instanceof Uint8Array ? 'application/octet-stream' : 'application/json' }
  const response = await fetch(path.startsWith('http') ? path : simulator.origin + path, {
    method,
    headers: { 'x-token': simulator.secrets.token!, ...type, ...headers },
    body: sent as NonNullable<RequestInit['body']> | null,
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: response.headers.get('content-type')?.includes('json') && text ? JSON.parse(text) : undefined,
  }
}
const aliens = () => simulator.served.filter(({ alien }) => alien !== null).length

test('who does not carry what it must is turned away', async () => {
  expect((await ask('GET', '/customers', undefined, { 'x-token': 'wrong' })).status).toBe(401)
})

test('pages follow each other, and what the vendor does not know is refused and noted', async () => {
  const ids: string[] = []
  for (let after = ''; ; ) {
    const { json } = await ask('GET', `/customers?limit=5${after && `&after=${after}`}`)
    ids.push(...json.items.map((one: { id: string }) => one.id))
    if (!json.next) break
    after = json.next
  }
  expect(new Set(ids).size).toBe(12)
  const before = aliens()
  for (const path of [
    '/customers?limit=6',
    '/customers?size=5',
    '/customers?after=nonsense',
    '/kunden',
    '/customers?q=foo(bar)',
  ])
    expect((await ask('GET', path)).status, path).toBeGreaterThanOrEqual(400)
  expect((await ask('PUT', '/customers', {})).status).toBe(404)
  expect(aliens() - before).toBe(6)
})

test('writes are checked as the vendor checks them', async () => {
  const refused = async (body: unknown) => (await ask('POST', '/customers', body)).json.why
  expect(await refused({ note: 'a' })).toContain('email')
  expect(await refused({ email: 'no address' })).toContain('email')
  expect(await refused({ email: 'a@b.example', note: 'too long' })).toContain('note')
  expect(await refused({ email: 'a@b.example', born: '2026-13-01' })).toContain('born')
  expect(await refused({ email: 'a@b.example', colour: 'red' })).toContain('colour')
  expect(await refused({ email: 'a@b.example', address: { planet: 'x' } })).toContain('planet')
  expect(await refused({ email: "O'NEILL@shop.example" })).toContain('email')
  const made = (await ask('POST', '/customers', { email: 'a@b.example', address: { city: 'Gdańsk' } })).json
  const changed = (await ask('PATCH', `/customers/${made.id}`, { note: 'b' })).json
  expect(changed).toMatchObject({ email: 'a@b.example', note: 'b', address: { city: 'Gdańsk' } })
  expect((await ask('DELETE', `/customers/${made.id}`)).status).toBe(204)
  expect((await ask('GET', `/customers/${made.id}`)).status).toBe(404)
})

test('a write that sets the mark of deleted records deletes, and one that takes it back brings back', async () => {
  const gone = () => simulator.table('notes').find('n')!.deleted
  await ask('PATCH', '/notes/n', { state: 'old' })
  expect(gone()).toBe(false)
  await ask('PATCH', '/notes/n', { state: 'gone' })
  expect(gone()).toBe(true)
  await ask('PATCH', '/notes/n', { state: 'new' })
  expect(gone()).toBe(false)
})

test('a refresh token that rotates serves once', async () => {
  const first = simulator.secrets.refresh_token!
  const { json } = await ask('POST', '/token', { refresh: first })
  expect((await ask('POST', '/token', { refresh: first })).status).toBe(401)
  expect((await ask('POST', '/token', { refresh: json.refresh })).status).toBe(200)
})

test('one bad item of an all-or-nothing batch leaves everything as it was', async () => {
  const before = simulator.table('customers').present.length
  expect((await ask('POST', '/all-or-nothing', [{ email: 'n1@b.example' }, { email: 'bad' }])).status).toBe(400)
  expect(simulator.table('customers').present.length).toBe(before)
})

test('requests in the body of one are served like their own, as JSON and in parts', async () => {
  const requests = [
    { id: '1', method: 'POST', url: '/customers', body: { email: 'many@b.example' } },
    { id: '2', method: 'GET', url: '/customers/nobody' },
    { id: '3', method: 'GET', url: '/customers?limit=1' },
  ]
  const told = async (headers = {}) =>
    (await ask('POST', '/many', { requests }, headers)).json.responses.map(
      ({ id, status }: { id: string; status: number }) => `${id}: ${status}`,
    )
  expect(await told()).toEqual(['1: 201', '2: 404', '3: 200'])
  // The address is taken by now, and the rest is not looked at.
  expect(await told({ 'x-stop': 'yes' })).toEqual(['1: 409'])
  const part = (lines: string[], boundary: string) => [`--${boundary}`, ...lines]
  const call = (line: string, body = '') => ['Content-Type: application/http', '', `${line} HTTP/1.1`, '', body]
  const text = [
    ...part(['Content-Type: multipart/mixed; boundary=s', ''], 'b'),
    ...part(call('POST customers', '{"email":"parts@b.example"}'), 's'),
    '--s--',
    ...part(call('GET customers/nobody'), 'b'),
    '--b--',
    '',
  ].join('\r\n')
  const type = { 'content-type': 'multipart/mixed; boundary=b' }
  const { text: answer } = await ask('POST', '/$batch', new TextEncoder().encode(text), type)
  expect(answer.match(/HTTP\/1.1 \d+|changeset\w+/g)).toEqual([
    'changesetresponse_0',
    'changesetresponse_0',
    'HTTP/1.1 201',
    'changesetresponse_0',
    'HTTP/1.1 404',
  ])
  expect(answer).toContain('"email":"parts@b.example"')
  expect((await ask('POST', '/$batch', new TextEncoder().encode(text.replace('--b--', '')), type)).status).toBe(400)
})

test('queries are read in their own languages', async () => {
  const { json } = await ask(
    'GET',
    `/customers?q=${encodeURIComponent("email eq 'o''neill@shop.example' or startswith(email,'nobody')")}`,
  )
  expect(json.items.map((one: { id: string }) => one.id)).toEqual(['x'])
  const select =
    "SELECT id FROM customers WHERE email LIKE '%2@shop.example' AND note IS NULL ORDER BY email DESC LIMIT 5"
  expect((await ask('GET', `/query?q=${encodeURIComponent(select)}`)).json.length).toBe(1)
})

test('the feed of changes gives what changed after a mark, deletions too', async () => {
  const { mark } = (await ask('GET', '/changes')).json
  await simulator.change('customers', ['c1'])
  await simulator.remove('customers', ['c2'])
  expect((await ask('GET', `/changes?mark=${mark}`)).json.ids).toEqual(['c1', 'c2'])
})

test('GraphQL answers what is asked and refuses what the schema lacks', async () => {
  const query = (text: string, variables = {}) => ask('POST', '/graphql', { query: text, variables })
  const first = (await query('{ customers(first: 2) { nodes { id } endCursor } }')).json.data.customers
  const second = (
    await query('query($a: String) { customers(first: 2, after: $a) { nodes { id } } }', { a: first.endCursor })
  ).json.data.customers
  expect(new Set([...first.nodes, ...second.nodes].map(({ id }) => id)).size).toBe(4)
  const create = 'mutation($i: CustomerInput!) { customerCreate(input: $i) { customer { id } userErrors { message } } }'
  expect((await query(create, { i: { email: 'g@b.example' } })).json.data.customerCreate.customer.id).toMatch(/^c/)
  expect((await query(create, { i: { email: 'g@b.example' } })).json.data.customerCreate).toEqual({
    customer: null,
    userErrors: [{ message: 'unique' }],
  })
  const before = aliens()
  expect((await query('{ customers { nodes { colour } } }')).status).toBe(400)
  expect(aliens() - before).toBe(1)
})

test('bytes are kept as they are, whole, in a form, and in parts', async () => {
  const form = new FormData()
  form.set('meta', '{"name":"ż.pdf"}')
  form.set('file', new Blob([new Uint8Array([0, 1, 255])]), 'ż.pdf')
  expect((await ask('POST', '/files', form)).json).toMatchObject({ name: 'ż.pdf', size: 3 })
  const part = await fetch(`${simulator.origin}/files/f/content`, {
    headers: { 'x-token': simulator.secrets.token!, range: 'bytes=10-19' },
  })
  expect([
    part.status,
    Buffer.from(await part.arrayBuffer()).equals(simulator.table('files').find('f')!.bytes!.subarray(10, 20)),
  ]).toEqual([206, true])
  const { url } = (await ask('POST', '/uploads', { name: 'big' })).json
  const put = (from: number, bytes: number[]) =>
    ask('PUT', url, new Uint8Array(bytes), { 'content-range': `bytes ${from}-${from + bytes.length - 1}/6` })
  expect((await put(3, [4])).status).toBe(400)
  expect((await put(0, [1, 2, 3])).json).toEqual({ got: 3 })
  const done = await put(3, [4, 5, 6])
  expect(done.status).toBe(201)
  expect([...simulator.table('files').find(done.json.id)!.bytes!]).toEqual([1, 2, 3, 4, 5, 6])
})

test('a job is ready after a while, and its result is what was asked for', async () => {
  const { id } = (await ask('POST', '/jobs', { q: "id eq 'x'" })).json
  expect((await ask('GET', `/jobs/${id}`)).json.ready).toBe(false)
  expect((await ask('GET', `/jobs/${id}`)).json.ready).toBe(true)
  expect((await ask('GET', `/jobs/${id}/result`)).text).toBe("id,email\nx,o'neill@shop.example\n")
})

test('faults happen once, to the requests that are meant', async () => {
  const before = simulator.table('customers').present.length
  simulator.faults.add({ kind: 'lost', when: ({ write }) => write })
  expect((await ask('GET', '/customers')).status).toBe(200)
  await expect(ask('POST', '/customers', { email: 'lost@b.example' })).rejects.toThrow()
  expect(simulator.table('customers').present.length).toBe(before + 1)
  simulator.faults.add({ kind: 'throttled', ms: 9_000 })
  const throttled = await ask('GET', '/customers')
  expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '9'])
  simulator.faults.add({ kind: 'cut' })
  await expect(ask('GET', '/customers')).rejects.toThrow()
  expect((await ask('GET', '/customers')).status).toBe(200)
})

test('a description with a mistake says where', () => {
  writeFileSync(join(folder, 'wrong.yaml'), API.replace('unique: [email]', 'uniqe: [email]'))
  expect(() => readDescription(join(folder, 'wrong.yaml'))).toThrow(/uniqe/)
})
