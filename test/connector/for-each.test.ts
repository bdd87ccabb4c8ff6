import fc from 'fast-check'
import { expect, test } from 'vitest'
import { forEachField } from '../../src/connector/parts/for-each.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { load, open, readAll, restManifest, signal } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

const example = (kind: 'values' | 'parent') => forEachField.variants![kind]!.example!
const manifestOf = (streams: string) => restManifest('read: { path: /things }').replace(/streams:[\s\S]*$/, streams)

type Child = { id: number; parent: number; changed: string }

/** Lists with members, both paged by offset, two a page. */
const lists =
  (parents: number[], children: Child[]) =>
  ({ path, query }: Asked): Reply => {
    if (path === '/lists') return { json: { lists: parents.map((id) => ({ id })) } }
    const list = Number(/^\/lists\/(\d+)\/members$/.exec(path)![1])
    const offset = Number(query.get('offset'))
    const found = children.filter(({ parent, changed }) => parent === list && changed >= (query.get('since') ?? ''))
    return { json: { members: found.slice(offset, offset + 2).map(({ id, changed }) => ({ id, changed })) } }
  }

const time = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`
const idsOf = (children: Child[]): string[] => children.map(({ id, parent }) => `${parent}/${id}`).sort()

test('each parent has a mark of its own: a new member of one list does not hide an older one of another', async () => {
  const children: Child[] = [
    { id: 1, parent: 1, changed: time(50) },
    { id: 2, parent: 2, changed: time(1) },
  ]
  await using server = await serve((asked) => lists([1, 2], children)(asked))
  const session = await open(manifestOf(example('parent')), server)
  const first = await readAll(session, { stream: 'members' })
  expect(first.ids.sort()).toEqual(['1/1', '2/2'])
  expect(first.pages[0]!.records[0]!.body).toMatchObject({ list_id: 1, id: 1 })
  children.push({ id: 3, parent: 2, changed: time(2) })
  server.asked.length = 0
  const next = await readAll(session, { stream: 'members', cursor: first.cursor })
  expect(next.ids).toContain('2/3')
  const sinces = server.asked.filter(({ path, query }) => path.endsWith('members') && query.get('offset') === '0')
  expect(sinces.map(({ query }) => query.get('since'))).toEqual([time(50), time(1)])
})

test('wherever a pull breaks, the next one goes on there: nothing is lost, and no done parent is asked again', async () => {
  const shape = fc.record({
    sizes: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 6 }),
    breaks: fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 }),
    mode: fc.constantFrom('full' as const, 'incremental' as const),
  })
  let children: Child[] = []
  let parents: number[] = []
  await using server = await serve((asked) => lists(parents, children)(asked))
  const session = await open(manifestOf(example('parent')), server)
  await fc.assert(
    fc.asyncProperty(shape, async ({ sizes, breaks, mode }) => {
      parents = sizes.map((_, index) => index + 1)
      let id = 0
      children = sizes.flatMap((size, index) =>
        Array.from({ length: size }, () => ({ id: ++id, parent: index + 1, changed: time(id) })),
      )
      server.asked.length = 0
      const seen = new Set<string>()
      let cursor: JsonObject | null = null
      for (const limit of breaks) {
        const broken = await readAll(session, { stream: 'members', mode, cursor, limit })
        for (const one of broken.ids) seen.add(one)
        cursor = JSON.parse(JSON.stringify(broken.cursor)) as JsonObject
        if (broken.pages.at(-1)!.last) break
      }
      const rest = await readAll(session, { stream: 'members', mode: 'incremental', cursor })
      for (const one of rest.ids) seen.add(one)
      expect([...seen].sort()).toEqual(idsOf(children))
    }),
    { numRuns: 30 },
  )
})

test('a resumed pull starts with the parent it was at', async () => {
  const children = [1, 2, 3].flatMap((parent) => [1, 2, 3].map((id) => ({ id, parent, changed: time(id) })))
  await using server = await serve((asked) => lists([1, 2, 3], children)(asked))
  const session = await open(manifestOf(example('parent')), server)
  // Two pages of list 1, then the first of list 2.
  const broken = await readAll(session, { stream: 'members', mode: 'full', limit: 3 })
  expect(broken.ids).toEqual(['1/1', '1/2', '1/3', '2/1', '2/2'])
  server.asked.length = 0
  const rest = await readAll(session, { stream: 'members', mode: 'full', cursor: broken.cursor })
  expect(rest.ids).toEqual(['2/3', '3/1', '3/2', '3/3'])
  expect(server.asked.some(({ path }) => path === '/lists/1/members')).toBe(false)
})

test('parts of a list of values are read one after the other, each since its own mark', async () => {
  const changed: Record<string, string> = { seller: time(9), buyer: time(4) }
  await using server = await serve(({ query }) => {
    const role = query.get('role')!
    const due = (query.get('changed_since') ?? '') <= changed[role]! && query.get('page') === '1'
    return { json: { invoices: due ? [{ number: `${role}-1`, changed: changed[role] }] : [] } }
  })
  const session = await open(manifestOf(example('values')), server)
  const { ids, pages, cursor } = await readAll(session, { stream: 'invoices' })
  expect(ids).toEqual(['seller-1', 'buyer-1'])
  expect(pages.map(({ last }) => last)).toEqual([false, false, true])
  expect(pages[0]!.records[0]!.body).toMatchObject({ role: 'seller' })
  server.asked.length = 0
  changed.buyer = time(5)
  expect((await readAll(session, { stream: 'invoices', cursor })).ids).toEqual(['seller-1', 'buyer-1'])
  const first = server.asked.filter(({ query }) => query.get('page') === '1')
  expect(first.map(({ query }) => query.get('changed_since'))).toEqual([time(9), time(4)])
})

const embedding = forEachField.variants!.parent!.fields.embedded!.part!.example!

test('what came with the parent is not asked for again, and more is asked for only where there is more', async () => {
  await using server = await serve(({ path, query }) => {
    if (path === '/orders')
      return {
        json: {
          orders: [
            { id: 1, lines: [{ id: 'a' }, { id: 'b' }] },
            { id: 2, lines: [{ id: 'c' }], more_lines: 'c' },
            { id: 3 },
          ],
        },
      }
    return { json: query.get('after') === 'c' ? { lines: [{ id: 'd' }], next: 'd' } : { lines: [{ id: 'e' }] } }
  })
  const session = await open(manifestOf(embedding), server)
  expect((await readAll(session, { stream: 'lines', mode: 'full' })).ids).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(server.asked.map(({ path, query }) => path + (query.get('after') ?? ''))).toEqual([
    '/orders',
    '/orders/2/linesc',
    '/orders/2/linesd',
  ])
})

test('where parents change with their records, an incremental pull looks at changed parents only', async () => {
  const orders = [
    { id: 1, changed: time(1) },
    { id: 2, changed: time(2) },
  ]
  const lines = new Map([
    [1, ['a']],
    [2, ['b']],
  ])
  await using server = await serve(({ path, query }) => {
    const order = /^\/orders\/(\d)\/lines$/.exec(path)?.[1]
    if (order) return { json: lines.get(Number(order))!.map((id) => ({ id })) }
    return { json: orders.filter(({ changed }) => changed > (query.get('after') ?? '')) }
  })
  const session = await open(
    manifestOf(`
streams:
  orders:
    title: Orders
    key: record.id
    read:
      path: /orders
      query: { after: "\${ since }" }
      incremental: { value: record.changed, bound: inclusive }
  lines:
    title: Lines
    key: record.id
    read:
      for_each: { kind: parent, stream: orders, changed: true }
      path: /orders/\${ parent.id }/lines
`),
    server,
  )
  const first = await readAll(session, { stream: 'lines' })
  expect(first.ids).toEqual(['a', 'b'])
  lines.set(2, ['b', 'c'])
  orders[1]!.changed = time(3)
  server.asked.length = 0
  expect((await readAll(session, { stream: 'lines', cursor: first.cursor })).ids).toEqual(['b', 'c'])
  expect(server.asked.map(({ path }) => path)).toEqual(['/orders', '/orders/2/lines'])
})

test('parents may have parents', async () => {
  await using server = await serve(({ path }) => {
    const depth = path.split('/').length - 2
    return { json: depth < 3 ? [{ id: `${path.slice(1)}.1` }, { id: `${path.slice(1)}.2` }] : [] }
  })
  const level = (name: string, from: string | null) => `
  ${name}:
    title: Level
    key: record.id
    read: { path: "/${name}${from ? `/\${ parent.id }` : ''}"${from ? `, for_each: { kind: parent, stream: ${from} }` : ''} }`
  const session = await open(manifestOf(`streams:${level('a', null)}${level('b', 'a')}${level('c', 'b')}`), server)
  const { ids } = await readAll(session, { stream: 'c', mode: 'full' })
  expect(ids).toHaveLength(8)
})

test('a part that the request does not name, a parent that is not there and a circle are found at load', () => {
  const findings = (streams: string) => load(manifestOf(streams)).findings.map(({ message }) => message)
  const stream = (name: string, each: string, path = `/x/\${ parent.id }`) =>
    `\n  ${name}: { title: T, key: record.id, read: { path: "${path}", for_each: ${each} } }`
  expect(findings(`streams:${stream('a', '{ kind: parent, stream: b }')}`)).toEqual([
    expect.stringContaining('there is no stream "b"'),
  ])
  expect(
    findings(`streams:${stream('a', '{ kind: parent, stream: b }')}${stream('b', '{ kind: parent, stream: a }')}`),
  ).toEqual([expect.stringContaining('a → b → a'), expect.stringContaining('b → a → b')])
  expect(findings(`streams:${stream('a', '{ kind: values, values: "[1]" }', '/x')}`)).toEqual([
    expect.stringContaining('never sends `partition`'),
  ])
})

test('thousands of parents leave a cursor of a size that can be stored', async () => {
  const parents = Array.from({ length: 6_000 }, (_, index) => ({
    id: index,
    lines: [{ id: `${index}`, changed: time(1) }],
  }))
  await using server = await serve(() => ({ json: { orders: parents } }))
  const session = await open(
    manifestOf(
      embedding
        .replace('paging: { kind: cursor, next: response.next }', 'incremental: { value: record.changed }')
        .replace('query: { after: "${ cursor }" }', 'query: { since: "${ since }" }'),
    ),
    server,
  )
  let pages = 0
  let size = 0
  for await (const page of session.read({ stream: 'lines', mode: 'full', cursor: null, signal })) {
    pages++
    if (page.last) size = JSON.stringify(page.cursor).length
  }
  expect(pages).toBe(6_001)
  expect(size).toBeLessThan(300_000)
})
