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
