import fc from 'fast-check'
import { expect, test } from 'vitest'
import { failureOf, open, readAll, restManifest } from './open.ts'
import { type Asked, type Reply, serve } from './server.ts'

type Style = { read: string; answer(asked: Asked, all: { id: number }[], size: number, url: string): Reply }

const slice = (all: { id: number }[], from: number, size: number) => all.slice(from, from + size)
const after = (text: string | null): number => (text === null ? 0 : Number(Buffer.from(text, 'base64').toString()))
const mark = (position: number): string => Buffer.from(String(position)).toString('base64')

/** Every way of paging, as a manifest says it and as a system does it. */
const styles: Record<string, Style> = {
  'cursor in the query': {
    read: `
      query: { limit: "\${ page.size }", after: "\${ cursor }" }
      records: response.data
      paging: { kind: cursor, next: response.paging.next }`,
    answer: ({ query }, all, size) => {
      const from = after(query.get('after'))
      const next = from + size < all.length ? mark(from + size) : null
      return { json: { data: slice(all, from, size), paging: { next } } }
    },
  },
  'cursor in a POST body, end said by a flag': {
    read: `
      method: POST
      body: { page: { size: "\${ page.size }", after: "\${ cursor }" } }
      records: response.items
      paging: { kind: cursor, next: response.cursor, stop: $not(response.has_more) }`,
    answer: ({ json }, all, size) => {
      const from = after(json.page.after ?? null)
      // Like several vendors, this one goes on giving cursors at the end.
      return { json: { items: slice(all, from, size), cursor: mark(from + size), has_more: from + size < all.length } }
    },
  },
  'cursor from a header into a header': {
    read: `
      headers: { X-After: "\${ cursor }" }
      paging: { kind: cursor, next: headers.\`x-next\` }`,
    answer: ({ headers }, all, size) => {
      const from = after((headers['x-after'] as string) ?? null)
      return {
        json: slice(all, from, size),
        headers: from + size < all.length ? { 'X-Next': mark(from + size) } : {},
      }
    },
  },
  'a cursor made of the one before': {
    read: `
      query: { limit: "\${ page.size }", at: "\${ cursor }" }
      records: response.data
      paging: { kind: cursor, next: 'response.more ? ($exists(cursor) ? cursor : 0) + $count(response.data)' }`,
    answer: ({ query }, all, size) => {
      const from = Number(query.get('at') ?? 0)
      return { json: { data: slice(all, from, size), more: from + size < all.length } }
    },
  },
  'a scroll whose cursor never changes': {
    read: `
      query: { scroll: "\${ cursor }" }
      records: response.data
      paging: { kind: cursor, next: response.scroll, constant: true }`,
    answer: () => {
      throw new Error('has state: answered in its own test')
    },
  },
  keyset: {
    read: `
      query: { limit: "\${ page.size }", id_after: "\${ cursor }" }
      paging: { kind: keyset, key: record.id }`,
    answer: ({ query }, all, size) => ({
      json: all.filter(({ id }) => id > Number(query.get('id_after') ?? -1)).slice(0, size),
    }),
  },
  offset: {
    read: `
      query: { limit: "\${ page.size }", offset: "\${ page.offset }" }
      records: response.data
      paging: { kind: offset }`,
    answer: ({ query }, all, size) => ({ json: { data: slice(all, Number(query.get('offset')), size) } }),
  },
  'offset from 1 with a total': {
    read: `
      query: { start: "\${ page.offset }" }
      records: response.data
      paging: { kind: offset, first: 1, total: response.total }`,
    answer: ({ query }, all, size) => ({
      json: { data: slice(all, Number(query.get('start')) - 1, size), total: String(all.length) },
    }),
  },
  'page from 1': {
    read: `
      query: { page: "\${ page.number }", per_page: "\${ page.size }" }
      paging: { kind: page }`,
    answer: ({ query }, all, size) => ({ json: slice(all, (Number(query.get('page')) - 1) * size, size) }),
  },
  'page from 0, 404 behind the last': {
    read: `
      query: { page: "\${ page.number }" }
      empty: status = 404
      paging: { kind: page, first: 0 }`,
    answer: ({ query }, all, size) => {
      const found = slice(all, Number(query.get('page')) * size, size)
      return found.length ? { json: found } : { status: 404, json: { error: 'no records' } }
    },
  },
  'page, clamped to the last': {
    read: `
      query: { page: "\${ page.number }" }
      records: response.items
      paging: { kind: page, clamped: true }`,
    answer: ({ query }, all, size) => {
      const last = Math.max(1, Math.ceil(all.length / size))
      return { json: { items: slice(all, (Math.min(Number(query.get('page')), last) - 1) * size, size) } }
    },
  },
  'short page ends': {
    read: `
      query: { page: "\${ page.number }" }
      paging: { kind: page, short_page_ends: true }`,
    answer: ({ query }, all, size) => {
      const from = (Number(query.get('page')) - 1) * size
      if (from > all.length) throw new Error('asked beyond the end')
      return { json: slice(all, from, size) }
    },
  },
  'link header': {
    read: `
      paging: { kind: link-header }`,
    answer: ({ query }, all, size, url) => {
      const from = Number(query.get('at') ?? 0)
      const next = `<${url}/things?at=${from + size}&x=a,b>; title="a, b"; rel="last next"`
      const first = `<${url}/things>; rel=first`
      return {
        json: slice(all, from, size),
        headers: { link: from + size < all.length ? `${first}, ${next}` : first },
      }
    },
  },
  'next URL, absolute': {
    read: `
      query: { limit: "\${ page.size }" }
      records: response.data
      paging: { kind: next-url, next: response.links.next }`,
    answer: ({ query }, all, size, url) => {
      const from = Number(query.get('at') ?? 0)
      // A request for a later page carries the link's own query and nothing of ours.
      if (from > 0 && query.has('limit')) throw new Error('query sent twice')
      const next = from + size < all.length ? `${url}/things?at=${from + size}` : null
      return { json: { data: slice(all, from, size), links: { next } } }
    },
  },
  'next URL, relative': {
    read: `
      records: response.data
      paging: { kind: next-url, next: response.next }`,
    answer: ({ query }, all, size) => {
      const from = Number(query.get('at') ?? 0)
      return {
        json: { data: slice(all, from, size), ...(from + size < all.length ? { next: `?at=${from + size}` } : {}) },
      }
    },
  },
}

const things = (count: number) => Array.from({ length: count }, (_, i) => ({ id: i + 1 }))
const expected = (count: number) => things(count).map(({ id }) => String(id))
const manifestOf = (style: Style, size: number) =>
  restManifest(`
    read:
      path: /things
      page_size: ${size}
${style.read}`)

for (const [name, style] of Object.entries(styles)) {
  if (name.startsWith('a scroll')) continue
  test(`${name}: reads everything once, for any count and page size, from any page on`, async () => {
    let all = things(0)
    let size = 1
    const server = await serve((asked) => style.answer(asked, all, size, server.url))
    try {
      for (const pageSize of [1, 3]) {
        size = pageSize
        const session = await open(manifestOf(style, pageSize), server)
        await fc.assert(
          fc.asyncProperty(fc.integer({ min: 0, max: 8 }), async (count) => {
            all = things(count)
            const { pages, ids } = await readAll(session, { mode: 'full' })
            expect(ids).toEqual(expected(count))
            expect(pages.map(({ last }) => last)).toEqual(pages.map((_, i) => i === pages.length - 1))
            let before = 0
            for (const page of pages.slice(0, -1)) {
              before += page.records.length
              const stored = JSON.parse(JSON.stringify(page.cursor))
              const rest = await readAll(session, { mode: 'full', cursor: stored })
              expect(rest.ids).toEqual(expected(count).slice(before))
            }
          }),
          { numRuns: 5 },
        )
        await session.close()
      }
    } finally {
      await server.close()
    }
  })
}

test('a scroll with one cursor for all pages ends at an empty page', async () => {
  let at = 0
  await using server = await serve(({ query }) => {
    at = query.get('scroll') === null ? 0 : at + 2
    return { json: { data: slice(things(5), at, 2), scroll: 'S1' } }
  })
  const session = await open(manifestOf(styles['a scroll whose cursor never changes']!, 2), server)
  expect((await readAll(session)).ids).toEqual(expected(5))
})

test('one page only', async () => {
  await using server = await serve(() => ({ json: things(3) }))
  const session = await open(restManifest('read: { path: /things }'), server)
  expect((await readAll(session)).ids).toEqual(expected(3))
  expect(server.asked).toHaveLength(1)
})

test('a cursor that comes a second time is an error, not an endless loop', async () => {
  let calls = 0
  await using server = await serve(() => {
    calls++
    return { json: { data: [{ id: calls }], next: calls % 2 ? 'a' : 'b' } }
  })
  const session = await open(
    restManifest(
      `read: { path: /, query: { c: "\${ cursor }" }, records: response.data, paging: { kind: cursor, next: response.next } }`,
    ),
    server,
  )
  const error = await failureOf(readAll(session))
  expect(error.code).toBe('CSW-2006')
  expect(calls).toBe(3)
})

test('a system that ignores the page number is an error, not an endless loop', async () => {
  await using server = await serve(() => ({ json: things(2) }))
  const session = await open(
    restManifest(`read: { path: /, query: { p: "\${ page.number }" }, paging: { kind: page } }`),
    server,
  )
  expect((await failureOf(readAll(session))).code).toBe('CSW-2006')
})

test('a next URL on another origin is not followed, and no credential goes there', async () => {
  await using other = await serve(() => ({ json: { data: [] } }))
  await using server = await serve(() => ({ json: { data: things(1), next: `${other.url}/steal` } }))
  const manifest = restManifest(
    'read: { path: /, records: response.data, paging: { kind: next-url, next: response.next } }',
    `auth: { kind: bearer, token: "\${ settings.token }" }`,
  )
  const session = await open(manifest, server, { token: 'secret-token' })
  const { pages } = await readAll(session, { limit: 1 })
  expect(pages[0]!.records).toHaveLength(1)
  expect((await failureOf(readAll(session))).code).toBe('CSW-2008')
  expect(other.asked).toHaveLength(0)
})

test('a stored position that the system has forgotten begins anew, once', async () => {
  let forgotten = false
  await using server = await serve(({ query }) => {
    const cursor = query.get('c')
    if (forgotten && cursor !== null) return { status: 410, json: { error: 'cursor expired' } }
    const from = after(cursor)
    return { json: { data: slice(things(5), from, 2), next: from + 2 < 5 ? mark(from + 2) : null } }
  })
  const session = await open(
    restManifest(
      `read: { path: /, query: { c: "\${ cursor }" }, records: response.data, expired: status = 410, paging: { kind: cursor, next: response.next } }`,
    ),
    server,
  )
  const { cursor } = await readAll(session, { limit: 1 })
  forgotten = true
  const error = await failureOf(readAll(session, { cursor }))
  // The second page is refused again, and this time it is no stored cursor.
  expect(error.data.status).toBe(410)
  expect(server.asked.filter(({ query }) => query.get('c') === null)).toHaveLength(2)
})

test('numbers keep their spelling on the way through a page', async () => {
  await using server = await serve(() => ({
    headers: { 'content-type': 'application/json' },
    text: '[{"id":9223372036854775807,"price":0.10,"huge":1e400,"list":[1],"none":null}]',
  }))
  const session = await open(restManifest('read: { path: / }'), server)
  const { pages } = await readAll(session)
  expect(pages[0]!.records[0]!.id).toBe('9223372036854775807')
  expect(JSON.stringify(pages[0]!.records[0]!.body)).toBe(
    '{"id":9223372036854775807,"price":0.10,"huge":1e400,"list":[1],"none":null}',
  )
})

test('what has no usable id is rejected, and the others go on', async () => {
  await using server = await serve(() => ({
    json: [{ id: 1 }, { id: null }, 'text', { id: 'a\u0000b' }, { id: '' }, { id: 2 }],
  }))
  const session = await open(restManifest('read: { path: / }'), server)
  const { pages, ids } = await readAll(session)
  expect(ids).toEqual(['1', '2'])
  expect(pages[0]!.rejected.map(({ error }) => error.code)).toEqual(Array(4).fill('CSW-5001'))
})
