import { expect, test } from 'vitest'
import { failureOf, load, open, restManifest, signal } from './open.ts'
import { serve } from './server.ts'

const people = [
  { id: 1, email: 'Ann@x.y', phones: ['11', '12'] },
  { id: 2, email: 'bob@x.y', phones: ['21'] },
  { id: 3, email: 'bob@x.y', phones: [] },
]

const manifest = restManifest(
  `
  lookup:
    email:
      method: POST
      path: /search
      body: { email: { in: "\${ values }" } }
      records: response.hits
      batch: 2
      ignore_case: true
    phones:
      path: /by-phone/\${ value }
  fetch:
    path: /people
    query: { ids: "\${ $join(ids, ',') }" }
    records: response
    batch: 2
`,
  'limits: { concurrent: 2, attempts: 1 }',
)

const directory = () =>
  serve(({ path, json, query }) => {
    if (path === '/search') {
      const wanted = json.email.in.map((value: string) => value.toLowerCase())
      // A fuzzy search: gives more than was asked.
      return {
        json: {
          hits: people.filter(({ email }) =>
            wanted.some((value: string) => email.toLowerCase().startsWith(value.slice(0, 2))),
          ),
        },
      }
    }
    if (path.startsWith('/by-phone/')) {
      const found = people.find(({ phones }) => phones.includes(decodeURIComponent(path.slice(10))))
      return found ? { json: found } : { status: 404, json: { message: 'nobody' } }
    }
    return { json: people.filter(({ id }) => query.get('ids')!.split(',').includes(String(id))) }
  })

test('a batched look-up finds all records per value, asks in batches, and drops what does not hold the value', async () => {
  await using server = await directory()
  const session = await open(manifest, server)
  const found = await session.lookup({
    stream: 'things',
    field: 'email',
    values: ['ann@x.y', 'bob@x.y', 'bobby@x.y', 'ANN@x.y'],
    signal,
  })
  expect([...found].map(([value, records]) => [value, records.map(({ id }) => id)])).toEqual([
    ['ANN@x.y', ['1']],
    ['bob@x.y', ['2', '3']],
    ['ann@x.y', ['1']],
  ])
  expect(server.asked.map(({ json }) => json.email.in.length)).toEqual([2, 1])
})

test('one request per value, 404 meaning nobody, lists holding the value', async () => {
  await using server = await directory()
  const session = await open(manifest, server)
  const found = await session.lookup({ stream: 'things', field: 'phones', values: ['12', '99', '21'], signal })
  expect([...found].map(([value, [record]]) => [value, record!.id])).toEqual([
    ['12', '1'],
    ['21', '2'],
  ])
})

test('a look-up by a field that is not declared is refused', async () => {
  await using server = await directory()
  const session = await open(manifest, server)
  expect(session.streams.get('things')!.abilities.lookup).toEqual(['email', 'phones'])
  await expect(session.lookup({ stream: 'things', field: 'name', values: ['x'], signal })).rejects.toMatchObject({
    code: 'CSW-2003',
  })
})

test('a look-up that fails is an error, not "not found"', async () => {
  await using server = await serve(() => ({ status: 500 }))
  const session = await open(manifest, server)
  expect((await failureOf(session.lookup({ stream: 'things', field: 'phones', values: ['1'], signal }))).code).toBe(
    'CSW-3006',
  )
  await using broken = await serve(() => ({ json: [{ email: 'no id' }] }))
  const other = await open(manifest, broken)
  expect((await failureOf(other.fetch({ stream: 'things', ids: ['1'], signal }))).code).toBe('CSW-5001')
})

test('fetch by ids in batches; those that do not exist are missing', async () => {
  await using server = await directory()
  const session = await open(manifest, server)
  const found = await session.fetch({ stream: 'things', ids: ['3', '1', '9', '1'], signal })
  expect(found.map(({ id }) => id).sort()).toEqual(['1', '3'])
  expect(server.asked.map(({ query }) => query.get('ids'))).toEqual(['3,1', '9'])
})

test('a stream without `fetch` says so', async () => {
  await using server = await directory()
  const session = await open(restManifest('read: { path: / }'), server)
  expect((await failureOf(session.fetch({ stream: 'things', ids: ['1'], signal }))).code).toBe('CSW-2003')
})

test('a search that shows less than the record only says which records to read', async () => {
  await using server = await serve(({ path, query }) => {
    const term = query.get('term')
    // The search shows an old address of 1, as searches with a late index do.
    const shown = [{ id: 1, mail: 'old@x.y' }, { id: 2 }, { id: 9 }]
    if (path === '/search')
      return { json: term === 'nobody' ? { items: [] } : { items: shown.map((item) => ({ item })) } }
    const ids = query.get('ids')!.split(',')
    return { json: people.filter(({ id }) => ids.includes(String(id))) }
  })
  const brief = (fetch: string) =>
    restManifest(`
  lookup:
    email:
      path: /search
      query: { term: "\${ value }" }
      records: response.items.item
      fetch_ids: record.id
${fetch}`)
  const fetch = `  fetch: { path: /people, query: { ids: "\${ $join(ids, ',') }" }, batch: 5 }`
  const session = await open(brief(fetch), server)
  const found = await session.lookup({
    stream: 'things',
    field: 'email',
    values: ['bob@x.y', 'old@x.y', 'nobody'],
    signal,
  })
  expect([...found].map(([value, records]) => [value, records.map(({ body }) => body)])).toEqual([
    ['bob@x.y', [people[1]]],
  ])
  expect(load(brief('')).findings.map(({ message }) => message)).toEqual([
    expect.stringContaining('cannot be read by id'),
  ])
})

const cutOff = restManifest(
  `
  lookup:
    email:
      path: /search
      query: { any: "\${ $join(values, ',') }" }
      records: response
      batch: 20
  fetch:
    path: /people
    query: { ids: "\${ $join(ids, ',') }" }
    records: response
    batch: 20
`,
  'limits: { attempts: 1 }',
)
const crowd = Array.from({ length: 8 }, (_, i) => ({ id: i, email: `p${i}@x.y` }))

/** Shows at most three records of what was asked; and says 404 where there is none of them. */
const shortening = (atNone: 'empty' | 'refused') =>
  serve(({ query }) => {
    const wanted = (query.get('ids') ?? query.get('any'))!.split(',')
    const found = crowd.filter(({ id, email }) => wanted.includes(String(id)) || wanted.includes(email))
    return found.length || atNone === 'empty' ? { json: found.slice(0, 3) } : { status: 404, json: {} }
  })

test.for(['empty', 'refused'] as const)(
  'records that an answer of several leaves out are asked for again before they count as absent (%s at the end)',
  async (atNone) => {
    await using server = await shortening(atNone)
    const session = await open(cutOff, server)
    const ids = [...crowd.map(({ id }) => String(id)), '98', '99']
    const found = await session.fetch({ stream: 'things', ids, signal })
    expect(found.map(({ id }) => id)).toEqual(crowd.map(({ id }) => String(id)))
    expect(server.asked).toHaveLength(4)
  },
)

test('values that an answer of several leaves out are asked for again before they count as unknown', async () => {
  await using server = await shortening('empty')
  const session = await open(cutOff, server)
  const values = ['nobody@x.y', ...crowd.map(({ email }) => email)]
  const found = await session.lookup({ stream: 'things', field: 'email', values, signal })
  expect([...found.keys()].sort()).toEqual(crowd.map(({ email }) => email))
  const none = await session.lookup({ stream: 'things', field: 'email', values: ['a@x.y', 'b@x.y'], signal })
  expect(none.size).toBe(0)
  // What nobody has is asked for once.
  expect(server.asked).toHaveLength(5)
})

test('a value is found however its accents are spelled', async () => {
  await using server = await serve(() => ({ json: [{ id: 1, email: 'Ren\u00e9@x.y' }] }))
  const session = await open(cutOff, server)
  const asked = 'Rene\u0301@x.y'
  const found = await session.lookup({ stream: 'things', field: 'email', values: [asked], signal })
  expect(found.get(asked)?.map(({ id }) => id)).toEqual(['1'])
})

const searchByPages = `
  lookup:
    email:
      path: /search
      query: { term: "\${ $substringBefore(value, '@') }", page: "\${ page.number }" }
      records: response.hits
      paging: { kind: page }
`

test('a search that finds by parts of texts is asked on until its last page: the record that is meant may stand there', async () => {
  const all = [...Array(5).keys()].map((i) => ({ id: i + 1, email: `ann${i}@x.y` })).concat({ id: 9, email: 'ann@x.y' })
  await using server = await serve(({ query }) => {
    const page = Number(query.get('page'))
    const found = all.filter(({ email }) => email.includes(query.get('term')!))
    return { json: { hits: found.slice(2 * page - 2, 2 * page) } }
  })
  const session = await open(restManifest(searchByPages, 'limits: { concurrent: 2, attempts: 1 }'), server)
  const values = ['ann@x.y', 'nobody@x.y']
  const found = await session.lookup({ stream: 'things', field: 'email', values, signal })
  expect([...found].map(([value, records]) => [value, records.map(({ id }) => id)])).toEqual([['ann@x.y', ['9']]])
  expect(server.asked.map(({ query }) => `${query.get('term')} ${query.get('page')}`).sort()).toEqual([
    'ann 1',
    'ann 2',
    'ann 3',
    'ann 4',
    'nobody 1',
  ])
})

test('a search without an end is an error and not "not found", unless it has shown what was asked for', async () => {
  await using server = await serve(({ query }) => {
    const page = Number(query.get('page'))
    const hits = [{ id: page, email: `a${page}@x.y` }]
    return { json: { hits: query.get('term') === 'ann' && page === 3 ? [{ id: 77, email: 'ann@x.y' }] : hits } }
  })
  const session = await open(restManifest(searchByPages, 'limits: { concurrent: 1, attempts: 1 }'), server)
  const found = await session.lookup({ stream: 'things', field: 'email', values: ['ann@x.y'], signal })
  expect(found.get('ann@x.y')?.map(({ id }) => id)).toEqual(['77'])
  const asked = session.lookup({ stream: 'things', field: 'email', values: ['bob@x.y'], signal })
  expect((await failureOf(asked)).code).toBe('CSW-2013')
})

test('nor is a part of the records with one value all of them: a list that goes on with them is an error', async () => {
  await using server = await serve(({ query }) => ({ json: { hits: [{ id: query.get('page'), email: 'ann@x.y' }] } }))
  const session = await open(restManifest(searchByPages, 'limits: { concurrent: 1, attempts: 1 }'), server)
  const asked = session.lookup({ stream: 'things', field: 'email', values: ['ann@x.y'], signal })
  expect((await failureOf(asked)).code).toBe('CSW-2013')
})

test('a look-up with pages whose request never says which one is refused when the connector is read', async () => {
  const wrong = searchByPages.replace(', page: "${ page.number }"', '')
  expect(
    load(restManifest(wrong))
      .findings.map(({ message }) => message)
      .join(),
  ).toContain('never sends `page`')
})
