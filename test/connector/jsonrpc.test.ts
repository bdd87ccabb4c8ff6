import { expect, test } from 'vitest'
import * as examples from '../../src/connector/protocols/jsonrpc/examples.ts'
import { type JsonObject, parseExact, rawNumber } from '../../src/core/index.ts'
import { failureOf, load, open, readAll, signal } from './open.ts'
import { type Reply, serve } from './server.ts'

const when = (minute: number) => ({
  __class__: 'datetime',
  year: 2026,
  month: 11,
  day: 23,
  hour: 4,
  minute,
  second: 5,
  microsecond: 678,
})
type Party = { id: number; name: string; write_date: unknown; limit?: unknown; since?: unknown }

/** A server that wraps values into objects with a class name, and reports errors with HTTP 200. */
async function office(parties: Party[] = []) {
  const state = { logins: 0, key: '', fault: null as unknown }
  const server = await serve(({ json, headers }): Reply => {
    const { method, params } = json
    if (method === 'common.login') {
      if (params[1].password !== 'right') return { json: { id: json.id, result: null } }
      state.key = `key${++state.logins}`
      return { json: { id: json.id, result: [7, state.key] } }
    }
    if (headers.authorization !== `Session ${Buffer.from(`ann:${state.key}`).toString('base64')}`)
      return { status: 401 }
    if (state.fault) return { json: { id: json.id, error: state.fault } }
    const result = answer(method, params, parties)
    return { json: { id: json.id, result } }
  })
  return { server, state }
}

// biome-ignore lint/suspicious/noExplicitAny: the parameters of a call are of any shape.
function answer(method: string, params: any[], parties: Party[]): unknown {
  switch (method) {
    case 'model.party.search_read': {
      const [domain, offset, limit] = params
      const [field, operator, value] = domain[0] ?? []
      const found = parties.filter((party) => operator !== 'in' || value.includes(party[field as 'name']))
      return found.slice(offset, offset + limit)
    }
    case 'model.party.read':
      return parties.filter(({ id }) => params[0].includes(id))
    case 'model.party.create':
      return params[0].map((_: unknown, i: number) => 100 + i)
    default:
      return null
  }
}

const settings = { user: 'ann', password: 'right' }
const connect = (server: { url: string; host: string }) => open(examples.manifest, server, settings, 'party-office')
const parties: Party[] = [
  { id: 1, name: 'Émile', write_date: when(1), limit: { __class__: 'Decimal', decimal: '1082.70' } },
  { id: 2, name: 'Bo', write_date: null, since: { __class__: 'date', year: 2026, month: 1, day: 2 } },
  {
    id: 3,
    name: 'Cy',
    write_date: when(3),
    limit: { __class__: 'Decimal', decimal: '12345678901234567890.123456789' },
  },
]

test('the example reads page by page; typed values become plain ones, decimals to the last digit', async () => {
  const { server } = await office(parties)
  const session = await connect(server)
  const { pages, ids, cursor } = await readAll(session, { stream: 'parties' })
  expect(ids).toEqual(['1', '2', '3'])
  expect(pages.flatMap(({ records }) => records.map(({ version }) => version))).toEqual([
    '2026-11-23T04:01:05.000678000Z',
    null,
    '2026-11-23T04:03:05.000678000Z',
  ])
  const bodies = pages.flatMap(({ records }) => records.map(({ body }) => JSON.stringify(body)))
  expect(bodies[0]).toBe('{"id":1,"name":"Émile","write_date":"2026-11-23T04:01:05.000678Z","limit":1082.70}')
  expect(bodies[1]).toContain('"since":"2026-01-02"')
  expect(bodies[2]).toContain('"limit":12345678901234567890.123456789')
  await readAll(session, { stream: 'parties', cursor })
  const [domain, offset, limit] = server.asked.at(-1)!.json.params
  expect(domain).toEqual([['write_date', '>=', { ...when(3) }]])
  expect([offset, limit]).toEqual([expect.any(Number), 2])
  await server.close()
})

test('values are written as the write schema says', async () => {
  const { server } = await office()
  const session = await connect(server)
  const values = parseExact('{"name":"N","limit":0.10,"since":"2026-05-06","other":"2026-05-06","none":null}')
  const outcomes = await session.write({
    stream: 'parties',
    operation: 'create',
    items: [
      { ref: 'a', values: values as JsonObject, idempotencyKey: 'a' },
      { ref: 'b', values: { name: 'M', limit: 'much' }, idempotencyKey: 'b' },
      { ref: 'c', values: { limit: rawNumber('1e2') }, idempotencyKey: 'c' },
    ],
    signal,
  })
  expect(outcomes).toMatchObject([
    { ref: 'a', status: 'written', id: '100' },
    { ref: 'b', status: 'refused', error: { code: 'CSW-2007' } },
    { ref: 'c', status: 'written', id: '101' },
  ])
  expect(server.asked.at(-1)!.json).toMatchObject({
    jsonrpc: '2.0',
    method: 'model.party.create',
    params: [
      [
        {
          name: 'N',
          limit: { __class__: 'Decimal', decimal: '0.10' },
          since: { __class__: 'date', year: 2026, month: 5, day: 6 },
          other: '2026-05-06',
          none: null,
        },
        { limit: { __class__: 'Decimal', decimal: '1e2' } },
      ],
    ],
  })
  await server.close()
})

test('update, delete, fetch and look-up with numeric ids', async () => {
  const { server } = await office(parties)
  const session = await connect(server)
  const item = { ref: 'a', id: '2', values: { name: 'Z' }, idempotencyKey: 'k' }
  expect(await session.write({ stream: 'parties', operation: 'update', items: [item], signal })).toMatchObject([
    { status: 'written', id: '2' },
  ])
  expect(server.asked.at(-1)!.json.params).toEqual([[2], { name: 'Z' }])
  await session.write({ stream: 'parties', operation: 'delete', items: [item, { ...item, ref: 'b', id: '3' }], signal })
  expect(server.asked.at(-1)!.json).toMatchObject({ method: 'model.party.delete', params: [[2, 3]] })
  await session.write({ stream: 'parties', operation: 'delete', items: [item], signal })
  expect(server.asked.at(-1)!.json.params).toEqual([[2]])
  expect((await session.fetch({ stream: 'parties', ids: ['1', '9'], signal })).map(({ id }) => id)).toEqual(['1'])
  const found = await session.lookup({ stream: 'parties', field: 'name', values: ['Bo', 'Nobody'], signal })
  expect([...found].map(([name, [party]]) => [name, party!.id])).toEqual([['Bo', '2']])
  await server.close()
})

test('errors with HTTP 200 are failures, with their own classes and words', async () => {
  const { server, state } = await office()
  const session = await connect(server)
  const update = () =>
    session.write({
      stream: 'parties',
      operation: 'update',
      items: [{ ref: 'a', id: '1', values: {}, idempotencyKey: 'k' }],
      signal,
    })
  state.fault = ['UserError', ['A value is required for field "Name".', '', null]]
  expect(await update()).toMatchObject([
    { status: 'refused', error: { code: 'CSW-3008', message: expect.stringContaining('A value is required') } },
  ])
  state.fault = ['ConcurrencyException', 'Records were modified in the meanwhile']
  expect(await update()).toMatchObject([{ status: 'conflict' }])
  expect(await failureOf(readAll(session, { stream: 'parties' }))).toMatchObject({ code: 'CSW-3013' })
  state.fault = ["'nofield'", '']
  expect(await failureOf(readAll(session, { stream: 'parties' }))).toMatchObject({ code: 'CSW-3016' })
  await server.close()
})

test('an all-or-nothing create is split until the bad record stands alone', async () => {
  const created: string[] = []
  await using server = await serve(({ json }) => {
    if (json.method === 'common.login') return { json: { result: [1, 'k'] } }
    const rows: { name: string }[] = json.params[0]
    if (rows.some(({ name }) => name === 'bad')) return { json: { error: ['UserError', ['no', '', null]] } }
    created.push(...rows.map(({ name }) => name))
    return { json: { result: rows.map(({ name }) => `id-${name}`) } }
  })
  const session = await connect(server)
  const names = ['a', 'b', 'c', 'bad', 'd', 'e', 'f', 'g']
  const items = names.map((name) => ({ ref: name, values: { name }, idempotencyKey: name }))
  const outcomes = await session.write({ stream: 'parties', operation: 'create', items, signal })
  expect(outcomes.filter(({ status }) => status === 'written')).toHaveLength(7)
  expect(outcomes[3]).toMatchObject({ ref: 'bad', status: 'refused' })
  expect(outcomes[6]).toEqual({ ref: 'f', status: 'written', id: 'id-f' })
  expect(created.sort()).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g'])
})

test('the session ends and is renewed; a refused login stops', async () => {
  const { server, state } = await office(parties)
  const session = await connect(server)
  await readAll(session, { stream: 'parties' })
  state.key = 'ended'
  expect((await readAll(session, { stream: 'parties' })).ids).toEqual(['1', '2', '3'])
  expect(state.logins).toBe(2)
  const other = await open(examples.manifest, server, { user: 'ann', password: 'wrong' }, 'party-office')
  expect((await failureOf(readAll(other, { stream: 'parties' }))).code).toBe('CSW-3007')
  await server.close()
})

const broken: [string, Reply][] = [
  ['neither result nor error', { json: { id: 1 } }],
  ['a list', { json: [] }],
  ['HTML', { text: '<html>' }],
  ['nothing', { text: '' }],
]
test.each(broken)('an answer that is %s is no answer', async (_name, reply) => {
  await using server = await serve(({ json }) =>
    json.method === 'common.login' ? { json: { result: [1, 'k'] } } : reply,
  )
  const catalogue = load(examples.manifest.replace('streams:', 'limits: { attempts: 1 }\nstreams:'), {}, 'party-office')
  const session = await catalogue
    .get('party-office')
    .open({ name: 'c', settings: { ...settings, url: server.url }, allow: [server.host] })
  expect((await failureOf(readAll(session, { stream: 'parties' }))).code).toBe('CSW-3007')
  const [outcome] = await session.write({
    stream: 'parties',
    operation: 'create',
    items: [{ ref: 'a', values: {}, idempotencyKey: 'k' }],
    signal,
  })
  expect(outcome!.status).toBe('unknown')
})
