import { parse } from 'graphql'
import { expect, test } from 'vitest'
import { repeated } from '../../src/connector/protocols/graphql/each.ts'
import * as examples from '../../src/connector/protocols/graphql/examples.ts'
import { type Contact, shop } from './graphql-server.ts'
import { failureOf, open, readAll, signal } from './open.ts'

const day = (n: number): string => `2026-01-0${n}T00:00:00.000Z`
const contacts: Contact[] = [
  { id: 'a', name: 'Ann', updatedAt: day(1), tags: ['1', '2', '3', '4', '5'] },
  { id: 'b', name: 'Bo', updatedAt: day(2) },
  { id: 'c', name: 'Cy', updatedAt: day(3), tags: ['6'] },
  { id: 'd', name: 'Di', updatedAt: day(4) },
  { id: 'e', name: 'Ed', updatedAt: day(5), tags: ['7', '8', '9'] },
]
const connect = (server: { url: string; host: string }, manifest = examples.manifest) =>
  open(manifest, server, { token: 'secret-token' }, 'shop-office')
const create = (names: string[]) => ({
  stream: 'contacts',
  operation: 'create' as const,
  items: names.map((name, index) => ({ ref: `r${index}`, values: { name }, idempotencyKey: `k${index}` })),
  signal,
})

test('the example of the reference reads a Relay connection to its end, with nested lists completed', async () => {
  const { server } = await shop(contacts)
  await using _ = server
  const session = await connect(server)
  const { pages, ids, cursor } = await readAll(session, { stream: 'contacts', mode: 'full' })
  expect(ids).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(pages).toHaveLength(3)
  const bodies = pages.flatMap(({ records }) => records.map(({ body }) => body as { tags: { nodes: string[] } }))
  expect(bodies.map(({ tags }) => tags.nodes.join(''))).toEqual(['12345', '', '6', '', '789'])
  const changes = await readAll(session, { stream: 'contacts', cursor })
  expect(changes.ids).toEqual(['e'])
})

test('a throttle inside a 200 is waited for, and the points of an answer hold back the next question', async () => {
  const { server, state } = await shop(contacts)
  await using _ = server
  state.throttled = 1
  const session = await connect(server, examples.manifest.replace('? 1"', '? 0.01"'))
  expect((await readAll(session, { stream: 'contacts', limit: 1 })).ids).toEqual(['a', 'b'])
  state.points = 1
  await readAll(session, { stream: 'contacts', limit: 1 })
  const asked = state.documents.length
  const dear = examples.manifest.replace('cost: 12', 'cost: 900').replace('per: 20', 'per: 40000')
  const poor = await connect(server, dear)
  await readAll(poor, { stream: 'contacts', limit: 1 })
  expect(await failureOf(readAll(poor, { stream: 'contacts' }))).toMatchObject({ code: 'CSW-3005' })
  // Contacts, and the completion of one nested list.
  expect(state.documents.length - asked).toBeLessThanOrEqual(3)
})

test('errors beside data make the answer a failure, unless the manifest says they do no harm', async () => {
  const { server, state } = await shop(contacts)
  await using _ = server
  state.broken = true
  const session = await connect(server)
  expect(await failureOf(readAll(session, { stream: 'contacts' }))).toMatchObject({
    code: 'CSW-3016',
    message: expect.stringContaining('one field could not be loaded'),
  })
  const tolerant = await connect(
    server,
    examples.manifest.replace('errors:\n', 'tolerated: \'$contains(fault.message, "could not be loaded")\'\nerrors:\n'),
  )
  expect((await readAll(tolerant, { stream: 'contacts', limit: 1 })).ids).toEqual(['a', 'b'])
})

test('a query that the server does not understand is a fault of the manifest', async () => {
  const { server } = await shop(contacts)
  await using _ = server
  const session = await connect(
    server,
    examples.manifest.replace('nodes { id name updatedAt tags', 'nodes { id nmae tags'),
  )
  expect(await failureOf(readAll(session, { stream: 'contacts' }))).toMatchObject({
    code: 'CSW-3016',
    message: expect.stringContaining('nmae'),
  })
})

test('records are fetched by id; those that are gone are left out', async () => {
  const { server } = await shop(contacts)
  await using _ = server
  const session = await connect(server)
  const found = await session.fetch({ stream: 'contacts', ids: ['b', 'nobody', 'd'], signal })
  expect(found.map(({ id }) => id)).toEqual(['b', 'd'])
})

test('one mutation says by userErrors that a record was refused', async () => {
  const { server } = await shop([])
  await using _ = server
  const session = await connect(server)
  expect(await session.write(create(['Ann']))).toMatchObject([{ status: 'written', id: 'new-Ann' }])
  expect(await session.write(create(['refused']))).toMatchObject([
    { status: 'refused', error: { code: 'CSW-3008', message: expect.stringContaining('is not wanted') } },
  ])
})

test('many records travel as aliases of one document, each with an outcome of its own', async () => {
  const { server, state } = await shop([])
  await using _ = server
  const session = await connect(server)
  const names = ['a "quoted" $input', 'refused', 'c']
  expect(await session.write(create(names))).toMatchObject([
    { ref: 'r0', status: 'written', id: `new-${names[0]}` },
    { ref: 'r1', status: 'refused', error: { message: expect.stringContaining('is not wanted') } },
    { ref: 'r2', status: 'written', id: 'new-c' },
  ])
  expect(state.documents).toHaveLength(1)
  expect(state.names).toEqual(names)
})

test('where a failure takes the data of its neighbours with it, their outcome is unknown', async () => {
  const { server } = await shop([])
  await using _ = server
  const session = await connect(server)
  // The payload may not be null, so one failed field leaves no data at all.
  expect(await session.write(create(['a', 'broken', 'c']))).toMatchObject([
    { status: 'unknown', error: { code: 'CSW-3012' } },
    { status: 'refused', error: { message: expect.stringContaining('the storage failed') } },
    { status: 'unknown', error: { code: 'CSW-3012' } },
  ])
})

test('a repeated mutation is a document that GraphQL parses, whatever its texts hold', () => {
  const { query, variables } = repeated(
    'pay(id: $id, note: "costs $id \\" $input", input: $input) { ok }',
    '$id: ID!, $input: [PayInput!]!',
    [
      { id: 1, input: [] },
      { id: 2, input: [{ amount: 3 }] },
    ],
  )
  expect(() => parse(query)).not.toThrow()
  expect(query).toBe(
    'mutation ($id_0: ID!, $input_0: [PayInput!]!, $id_1: ID!, $input_1: [PayInput!]!) { ' +
      'i0: pay(id: $id_0, note: "costs $id \\" $input", input: $input_0) { ok } ' +
      'i1: pay(id: $id_1, note: "costs $id \\" $input", input: $input_1) { ok } }',
  )
  expect(variables).toEqual({ id_0: 1, input_0: [], id_1: 2, input_1: [{ amount: 3 }] })
})

test('the session of the reference logs in by a mutation', async () => {
  const { server, state } = await shop(contacts)
  await using _ = server
  const manifest = examples.manifest
    .replace(/auth: .*\n/, `${examples.session.trim()}\n`)
    .replace('token: { secret: true, required: true }', 'user: {}\n  password: { secret: true }')
  const login = (password: string) => open(manifest, server, { user: 'ann', password }, 'shop-office')
  expect((await readAll(await login('right'), { stream: 'contacts', limit: 1 })).ids).toEqual(['a', 'b'])
  expect(state.credentials.slice(0, 2)).toEqual(['', 'Bearer session-token'])
  expect(await failureOf(readAll(await login('wrong'), { stream: 'contacts' }))).toMatchObject({ code: 'CSW-3007' })
})
