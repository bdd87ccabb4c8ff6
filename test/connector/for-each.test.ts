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

/** Folders with files, both in one list that is paged by a marker; `tree` names what lies below each folder. */
const folders =
  (tree: Record<string, string[]>, events: () => { id: string; folder: string }[] = () => []) =>
  ({ path, query }: Asked): Reply => {
    if (path === '/events') {
      const at = query.get('position') === 'now' ? events().length : Number(query.get('position'))
      return { json: { entries: events().slice(at), next_position: events().length } }
    }
    const folder = /^\/folders\/(\w+)\/items$/.exec(path)![1]!
    const below = tree[folder]
    if (!below) return { status: 404 }
    const all = [
      ...below.map((id) => ({ type: 'folder', id })),
      ...['a', 'b', 'c'].map((name) => ({ type: 'file', id: `${folder}-${name}` })),
    ]
    const at = Number(query.get('marker') ?? 0)
    return { json: { entries: all.slice(at, at + 2), ...(at + 2 < all.length ? { next: String(at + 2) } : {}) } }
  }
const treeExample = () => forEachField.variants!.tree!.example!
const filesOf = (tree: Record<string, string[]>) =>
  Object.keys(tree)
    .flatMap((folder) => ['a', 'b', 'c'].map((name) => `${folder}-${name}`))
    .sort()

test('a tree is read folder by folder, each once, wherever it leads and wherever a pull breaks', async () => {
  // Any edges at all: diamonds, circles, folders that are gone by the time they are read.
  const edges = fc.array(fc.tuple(fc.nat(6), fc.nat(7)), { maxLength: 14 })
  let tree: Record<string, string[]> = {}
  await using server = await serve((asked) => folders(tree)(asked))
  const session = await open(manifestOf(treeExample()), server)
  await fc.assert(
    fc.asyncProperty(edges, fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }), async (pairs, breaks) => {
      const whole: Record<string, string[]> = { 0: [] }
      for (const [from, to] of pairs) whole[from] = [...(whole[from] ?? []), String(to)]
      const reached = new Set(['0'])
      for (const id of reached) for (const below of whole[id] ?? []) reached.add(below)
      tree = Object.fromEntries([...reached].filter((id) => whole[id]).map((id) => [id, whole[id]!]))
      server.asked.length = 0
      const seen: string[] = []
      let cursor: JsonObject | null = null
      for (const pages of [...breaks, Infinity]) {
        let left = pages
        for await (const page of session.read({ stream: 'files', mode: 'full', cursor, signal })) {
          seen.push(...page.records.map(({ id }) => id))
          cursor = JSON.parse(JSON.stringify(page.cursor)) as JsonObject
          if (page.last || --left === 0) break
        }
        if (cursor && !('walk' in cursor)) break
      }
      expect([...new Set(seen)].sort()).toEqual(filesOf(tree))
      if (breaks.length === 0) expect(seen.length).toBe(new Set(seen).size)
    }),
    { numRuns: 60 },
  )
})

test('changes in a tree are asked for once, from a mark that is older than the walk; an old mark means a new walk', async () => {
  const tree = { 0: ['1', '2'], 1: [], 2: ['1'] }
  const happened: { id: string; folder: string }[] = [{ id: 'before', folder: '0' }]
  let expired = false
  await using server = await serve((asked) => {
    if (expired && asked.path === '/events' && asked.query.get('position') !== 'now') return { status: 410 }
    const reply = folders(tree, () => happened)(asked)
    if (asked.path === '/folders/2/items' && happened.length === 1) happened.push({ id: '1-d', folder: '1' })
    return reply
  })
  const session = await open(
    manifestOf(`
streams:
  files:
    title: Files
    key: record.id
    read:
      for_each: { kind: tree, roots: '["0"]', children: 'response.entries[type = "folder"].id' }
      url: '/\${ $exists(since) ? "events" : "folders/" & partition & "/items" }'
      query: { marker: "\${ $exists(since) ? null : cursor }", position: "\${ $exists(since) ? ($exists(cursor) ? cursor : since) }" }
      records: response.entries[type = "file" or $exists(folder)]
      paging: { kind: cursor, next: '$exists(response.next_position) ? ($count(response.entries) > 0 ? $string(response.next_position)) : response.next' }
      server_cursor: { next: response.next_position, begin: { path: /events, query: { position: now }, mark: response.next_position } }
`),
    server,
  )
  const first = await readAll(session, { stream: 'files' })
  expect(first.ids.sort()).toEqual(filesOf(tree))
  expect(server.asked.filter(({ path }) => path === '/events')).toHaveLength(1)
  server.asked.length = 0
  // It happened while the tree was read.
  const second = await readAll(session, { stream: 'files', cursor: first.cursor, mode: 'incremental' })
  expect(second.ids).toEqual(['1-d'])
  expect(server.asked.every(({ path }) => path === '/events')).toBe(true)
  expired = true
  const third = await readAll(session, { stream: 'files', cursor: second.cursor, mode: 'incremental' })
  expect(third.ids.sort()).toEqual(filesOf(tree))
})

test('a tree that is larger than allowed is refused, a root that is not there too', async () => {
  await using server = await serve((asked) => folders({ 0: ['1', '2'], 1: [], 2: [] })(asked))
  const small = manifestOf(treeExample().replace(`roots: '["0"]'`, `roots: '["0"]', most: 2`))
  await expect(readAll(await open(small, server), { stream: 'files' })).rejects.toMatchObject({ code: 'CSW-2006' })
  const lost = manifestOf(treeExample().replace(`'["0"]'`, `'["9"]'`))
  await expect(readAll(await open(lost, server), { stream: 'files' })).rejects.toMatchObject({ code: 'CSW-3014' })
})
