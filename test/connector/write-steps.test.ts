import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { open, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

const item = (ref: string, values: JsonObject, more: JsonObject = {}) => ({ ref, values, idempotencyKey: ref, ...more })
const request = (operation: 'create' | 'update', ...items: ReturnType<typeof item>[]) => ({
  stream: 'things',
  operation,
  items,
  signal,
})

const fresh = `
write:
  update:
    before: { path: "/things/\${ id }", current: response.thing, version: current.token }
    method: POST
    path: /things
    body: { id: "\${ id }", token: "\${ current.token }", changes: "\${ values }" }`

/** A system that wants its latest mark with every change; somebody else changes the record between the first two calls. */
function guarded(meddle: number) {
  let token = 1
  let left = meddle
  return ({ method, json }: Asked): Reply => {
    if (method === 'GET') return { json: { thing: { id: 9, token: String(token) } } }
    if (left-- > 0) token++
    if (json.token !== String(token)) return { status: 409, json: { message: 'stale' } }
    token++
    return { json: {} }
  }
}

test('a record is read just before it is written, and once more where it changed between the two', async () => {
  for (const [meddle, status, calls] of [
    [0, 'written', 2],
    [1, 'written', 4],
    [2, 'conflict', 4],
  ] as const) {
    await using server = await serve(guarded(meddle))
    const session = await open(restManifest(fresh), server)
    expect(await session.write(request('update', item('a', { x: 1 }, { id: '9' })))).toMatchObject([{ status }])
    expect(server.asked).toHaveLength(calls)
  }
})

test('a write that was meant for another version is a conflict, and is not sent', async () => {
  await using server = await serve(guarded(0))
  const session = await open(restManifest(fresh), server)
  const outcomes = await session.write(request('update', item('a', { x: 1 }, { id: '9', ifVersion: '0' })))
  expect(outcomes).toMatchObject([{ status: 'conflict', error: { code: 'CSW-3013' } }])
  expect(server.asked.every(({ method }) => method === 'GET')).toBe(true)
})

const together = `
write:
  update: &write
    before: { path: /things, query: { ids: "\${ $join(ids, ',') }" }, batch: 2, current: response.things, id: current.id, version: current.token }
    batch:
      size: 10
      path: /things/batch
      item: { id: "\${ id }", token: "\${ current.token }" }
      body: { items: "\${ items }" }
  delete: *write`

test('the records of a batch are read together before it is sent; what is gone or changed is told apart', async () => {
  for (const operation of ['update', 'delete'] as const) {
    await using server = await serve(({ method, query }) =>
      method === 'GET'
        ? {
            json: {
              things: query
                .get('ids')!
                .split(',')
                .flatMap((id) => (id === '3' ? [] : [{ id, token: `t${id}` }])),
            },
          }
        : { json: {} },
    )
    const session = await open(restManifest(together), server)
    const items = ['1', '2', '3', '4'].map((id) => item(id, {}, id === '4' ? { id, ifVersion: 'old' } : { id }))
    const outcomes = await session.write({ ...request('update', ...items), operation })
    expect(outcomes.map(({ status }) => status)).toEqual(['written', 'written', 'missing', 'conflict'])
    expect(server.asked.filter(({ method }) => method === 'GET')).toHaveLength(2)
    expect(server.asked.at(-1)!.json).toEqual({
      items: [
        { id: '1', token: 't1' },
        { id: '2', token: 't2' },
      ],
    })
  }
})

test('records of a batch that changed since they were read are read and sent once more, the others are not', async () => {
  for (const [meddle, status] of [
    [1, 'written'],
    [2, 'conflict'],
  ] as const) {
    let token = 1
    let left = meddle
    const sent: string[] = []
    await using server = await serve(({ method, json, query }) => {
      if (method === 'GET')
        return {
          json: {
            things: query
              .get('ids')!
              .split(',')
              .map((id) => ({ id, token: id === '1' ? token : 1 })),
          },
        }
      if (left-- > 0) token++
      sent.push(json.items.map(({ id }: JsonObject) => id).join())
      return {
        json: { results: json.items.map((one: JsonObject) => ({ stale: one.id === '1' && one.token !== token })) },
      }
    })
    const told = `${together.split('  delete')[0]}
      results: response.results
      conflict: result.stale`
    const session = await open(restManifest(told), server)
    const outcomes = await session.write(request('update', ...['1', '2'].map((id) => item(id, {}, { id }))))
    expect(outcomes).toMatchObject([{ status }, { status: 'written' }])
    expect(sent).toEqual(['1,2', '1'])
  }
})

const linking = `
write:
  create: &write
    path: /things
    body: \${ values }
    id: response.id
    apart: [company, tags]
    after:
      - { when: $exists(values.company), path: "/things/\${ id }/company/\${ values.company }" }
      - { each: values.tags, method: POST, path: "/things/\${ id }/tags", body: { tag: "\${ item }" } }
    batch: { size: 10, path: /things/batch, body: { items: "\${ items }" }, results: response.results, id: result.id }
  update: { path: "/things/\${ id }", body: "\${ values }", apart: [company, tags], after: [{ each: values.tags, method: POST, path: "/things/\${ id }/tags", body: { tag: "\${ item }" } }] }`.replace(
  '&write',
  '',
)

function linked(fail?: string) {
  return ({ path, json }: Asked): Reply => {
    if (fail && path.endsWith(fail)) return { status: 422, json: { message: 'no such company' } }
    if (path === '/things/batch')
      return { json: { results: json.items.map((_: unknown, index: number) => ({ id: `n${index}` })) } }
    return { json: { id: 'n' } }
  }
}
const shown = ({ method, path, json }: Asked): string => `${method} ${path} ${JSON.stringify(json)}`

test('links follow the record, alone and in batches, and their fields do not travel with it', async () => {
  await using server = await serve(linked())
  const session = await open(restManifest(linking, 'limits: { concurrent: 1 }'), server)
  await session.write(request('create', item('a', { name: 'A', company: 'c1', tags: ['x', 'y'] })))
  expect(server.asked.map(shown)).toEqual([
    'POST /things {"name":"A"}',
    'PUT /things/n/company/c1 null',
    'POST /things/n/tags {"tag":"x"}',
    'POST /things/n/tags {"tag":"y"}',
  ])
  server.asked.length = 0
  await session.write(request('create', item('a', { name: 'A', company: 'c1' }), item('b', { name: 'B' })))
  expect(server.asked.map(shown)).toEqual([
    'POST /things/batch {"items":[{"name":"A"},{"name":"B"}]}',
    'PUT /things/n0/company/c1 null',
  ])
  server.asked.length = 0
  const [only] = await session.write(request('update', item('a', { tags: ['z'] }, { id: '5' })))
  expect(only).toMatchObject({ status: 'written', id: '5' })
  expect(server.asked.map(shown)).toEqual(['POST /things/5/tags {"tag":"z"}'])
})

test('a link that fails leaves a created record to be looked up, and an update to be tried again or refused', async () => {
  await using server = await serve(linked('/company/c1'))
  const session = await open(restManifest(linking), server)
  expect(await session.write(request('create', item('a', { name: 'A', company: 'c1' })))).toMatchObject([
    { status: 'unknown', error: { message: expect.stringContaining('no such company') } },
  ])
  await using tags = await serve(linked('/tags'))
  const other = await open(restManifest(linking), tags)
  expect(await other.write(request('update', item('a', { tags: ['z'] }, { id: '5' })))).toMatchObject([
    { status: 'refused' },
  ])
})
