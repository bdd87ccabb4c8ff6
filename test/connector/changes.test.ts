import fc from 'fast-check'
import { expect, test } from 'vitest'
import { failureOf, load, open, readAll, restManifest } from './open.ts'
import { serve } from './server.ts'

/** A system with a change log, that gives marks into it and forgets old ones. */
async function deltaServer() {
  const state = { log: [] as { id: number; removed?: true }[], forgotten: 0 }
  const server = await serve(({ query }) => {
    const mark = query.get('mark')
    if (mark !== null && Number(mark) < state.forgotten) return { status: 410, json: { error: 'resync' } }
    const from = Number(query.get('skip') ?? mark ?? 0)
    const value = state.log.slice(from, from + 2)
    const next = from + 2
    return {
      json:
        next < state.log.length
          ? { value, next: `${server.url}/delta?skip=${next}` }
          : { value, delta: `/delta?mark=${state.log.length}`, mark: state.log.length },
    }
  })
  return { server, state }
}
const delta = (request: string, cursor: string) =>
  restManifest(`
    deleted: record.removed
    read:
      path: /delta
      ${request}
      records: response.value
      paging: { kind: next-url, next: response.next }
      server_cursor: { ${cursor} }
`)
const ways: [string, string][] = [
  [delta('', 'next: response.delta, as: url'), 'as an address'],
  [delta(`query: { mark: "\${ since }" }`, 'next: response.mark'), 'as a value'],
]
for (const [manifest, name] of ways)
  test(`a mark that the server gives (${name}) tells what changed, also after a break, until it is forgotten`, async () => {
    const { server, state } = await deltaServer()
    state.log = [1, 2, 3, 4, 5].map((id) => ({ id }))
    const session = await open(manifest, server)
    expect(session.streams.get('things')!.abilities).toMatchObject({ incremental: true, deletions: 'tombstones' })
    const broken = await readAll(session, { limit: 1 })
    const rest = await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
    expect([...broken.ids, ...rest.ids]).toEqual(['1', '2', '3', '4', '5'])
    expect((await readAll(session, { cursor: rest.cursor })).ids).toEqual([])
    state.log.push({ id: 6 }, { id: 2, removed: true }, { id: 7 })
    const half = await readAll(session, { cursor: rest.cursor, limit: 1 })
    const more = await readAll(session, { cursor: half.cursor })
    expect([...half.ids, ...more.ids]).toEqual(['6', '2', '7'])
    expect(half.pages[0]!.records[1]).toMatchObject({ id: '2', deleted: true })
    state.forgotten = 100
    const anew = await readAll(session, { cursor: more.cursor })
    expect(anew.ids).toEqual(['1', '2', '3', '4', '5', '6', '2', '7'])
    expect(anew.cursor!.watermark).toBe(more.cursor!.watermark)
    // A full read does not use the mark, and brings a new one.
    expect((await readAll(session, { mode: 'full', cursor: more.cursor })).ids).toHaveLength(8)
    await server.close()
  })

test('where the list gives no mark, one is asked for before it, also when an old one is forgotten', async () => {
  const state = { mark: 7, forgotten: false, listed: 0 }
  await using server = await serve(({ path, query }) => {
    if (path === '/mark') return { json: { mark: state.mark } }
    if (path === '/changes')
      return state.forgotten ? { status: 410 } : { json: { items: [{ id: `after-${query.get('mark')}` }], next: 9 } }
    // Something changes while the list is read.
    state.mark = 100
    return { json: { items: query.get('page') === '1' ? [{ id: 1 }] : [] } }
  })
  const session = await open(
    restManifest(`
    read:
      path: '/\${ $exists(since) ? "changes" : "list" }'
      query: { mark: "\${ since }", page: "\${ page.number }" }
      records: response.items
      paging: { kind: page, stop: $exists(response.next) }
      server_cursor: { next: response.next, begin: { path: /mark, mark: response.mark } }
`),
    server,
  )
  const all = await readAll(session)
  expect(all.cursor).toEqual({ watermark: '7' })
  const next = await readAll(session, { cursor: all.cursor })
  expect(next.ids).toEqual(['after-7'])
  expect(next.cursor).toEqual({ watermark: '9' })
  state.forgotten = true
  const anew = await readAll(session, { cursor: next.cursor })
  expect(anew.ids).toEqual(['1'])
  expect(anew.cursor).toEqual({ watermark: '100' })
})

test('a mark that is refused for anything else is no reason to read everything', async () => {
  await using server = await serve(() => ({ status: 400, json: {} }))
  const session = await open(ways[1]![0], server)
  expect((await failureOf(readAll(session, { cursor: { watermark: '5' } }))).code).toBe('CSW-3016')
  expect(server.asked).toHaveLength(1)
})

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().replace('.000', '')
const CAPPED = restManifest(`
  read:
    path: /search
    query: { from: "\${ since }", offset: "\${ page.offset }" }
    page_size: 2
    paging: { kind: offset }
    incremental: { value: record.at, format: iso_seconds, ordered: true, overlap_seconds: 3600, cap: 6 }
`)
test('a system that gives six records to one question gives all of them in the end, whatever ties and breaks', async () => {
  let all: { id: number; at: string }[] = []
  await using server = await serve(({ query }) => {
    const offset = Number(query.get('offset'))
    if (offset >= 6) return { status: 400, json: { message: 'result window is too large' } }
    const found = all.filter((one) => one.at >= (query.get('from') ?? ''))
    return { json: found.slice(offset, offset + 2) }
  })
  const session = await open(CAPPED, server)
  // Up to four share a second, so that a window always gets on.
  const seconds = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 })
  await fc.assert(
    fc.asyncProperty(seconds, fc.integer({ min: 1, max: 6 }), async (ties, limit) => {
      all = ties
        .flatMap((count, second) => Array.from({ length: count }, () => at(second)))
        .map((time, id) => ({ id, at: time }))
      const broken = await readAll(session, { limit })
      const last = broken.pages.at(-1)!.last
      const rest = last ? broken : await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
      expect([...new Set([...broken.ids, ...rest.ids])].map(Number).sort((a, b) => a - b)).toEqual(
        all.map(({ id }) => id),
      )
      expect(rest.cursor).toEqual({ watermark: `${all.at(-1)!.at.slice(0, 19)}.000000000Z` })
    }),
    { numRuns: 30 },
  )
  all = Array.from({ length: 9 }, (_, id) => ({ id, at: at(0) }))
  expect(await failureOf(readAll(session))).toMatchObject({
    code: 'CSW-2006',
    message: expect.stringContaining('6 records'),
  })
})

const REANCHORED = restManifest(`
  read:
    path: /search
    query: { from: "\${ since }", page: "\${ page.number }" }
    page_size: 2
    paging: { kind: page, short_page_ends: true }
    incremental: { value: record.at, format: iso_seconds, ordered: true, initial: 2026-01-01T00:00:00Z, reanchor: true }
`)
test('pages that are asked anew from the last value miss nothing, though records move to the end while they are read', async () => {
  let all: { id: number; at: string }[] = []
  let moves: number[] = []
  await using server = await serve(({ query }) => {
    const from = all.filter((one) => one.at >= query.get('from')!)
    const start = (Number(query.get('page')) - 1) * 2
    const json = from.slice(start, start + 2)
    const moved = moves.shift()
    // The oldest ones, which are read already: with page numbers alone, all others would move up.
    if (moved !== undefined)
      all = [...all.slice(moved), ...all.slice(0, moved).map((one, index) => ({ ...one, at: end(index) }))]
    return { json }
  })
  const end = (index: number) => at((Date.parse(all.at(-1)!.at) - Date.parse(at(0))) / 1000 + 1 + index)
  const session = await open(REANCHORED, server)
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      async (count, moving, limit) => {
        all = Array.from({ length: count }, (_, id) => ({ id, at: at(id) }))
        moves = [...moving]
        const broken = await readAll(session, { limit })
        const last = broken.pages.at(-1)!.last
        const rest = last ? broken : await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
        const seen = new Set([...broken.ids, ...rest.ids])
        expect([...seen].map(Number).sort((a, b) => a - b)).toEqual(all.map(({ id }) => id).sort((a, b) => a - b))
      },
    ),
    { numRuns: 60 },
  )
  // Five of one second are more than a page: there page numbers have to do.
  all = Array.from({ length: 5 }, (_, id) => ({ id, at: at(0) }))
  expect(new Set((await readAll(session)).ids).size).toBe(5)
})

test('newest first is read until what is known', async () => {
  let all = [1, 2, 3, 4, 5, 6].map((id) => ({ id, at: at(id) }))
  await using server = await serve(({ query }) => {
    const offset = Number(query.get('offset'))
    return { json: all.toReversed().slice(offset, offset + 2) }
  })
  const manifest = restManifest(`
    read:
      path: /things
      query: { offset: "\${ page.offset }" }
      page_size: 2
      paging: { kind: offset }
      incremental: { value: record.at, newest_first: true }`)
  const session = await open(manifest, server)
  const first = await readAll(session)
  expect(first.ids).toEqual(['6', '5', '4', '3', '2', '1'])
  all = [...all, { id: 7, at: at(6) }]
  const second = await readAll(session, { cursor: first.cursor })
  // 7 shares the second of the watermark, so the page must end before that second.
  expect(second.ids).toEqual(['7', '6', '5', '4'].slice(0, second.ids.length))
  expect(second.ids).toContain('7')
  expect(second.pages.at(-1)!.last).toBe(true)
  expect(second.ids.length).toBeLessThan(6)
  // A broken pass keeps the old watermark: what lies between is not lost.
  all = [...all, ...[8, 9, 10].map((id) => ({ id, at: at(id) }))]
  const broken = await readAll(session, { cursor: second.cursor, limit: 1 })
  const rest = await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
  expect([...broken.ids, ...rest.ids]).toEqual(expect.arrayContaining(['10', '9', '8', '7']))
  expect(String(rest.cursor!.watermark)).toContain('00:00:10')
})

test('a list that only names what changed is read by id, in batches', async () => {
  await using server = await serve(({ path, query }) => {
    if (path === '/changed') {
      const ids = [1, 2, 3].filter((id) => at(id) >= (query.get('since') ?? ''))
      return { json: { changed: ids.map((id) => ({ ref: id, at: at(id) })) } }
    }
    // 2 is gone by now.
    const ids = query
      .get('ids')!
      .split(',')
      .filter((id) => id !== '2')
    return { json: ids.map((id) => ({ id: Number(id), name: `n${id}` })) }
  })
  const manifest = restManifest(`
    read:
      path: /changed
      query: { since: "\${ since }" }
      records: response.changed
      fetch_ids: record.ref
      incremental: { value: record.at, format: iso_seconds }
    fetch: { path: /things, query: { ids: "\${ $join(ids, ',') }" }, batch: 2 }`)
  const session = await open(manifest, server)
  const { pages, cursor } = await readAll(session)
  expect(pages[0]!.records.map(({ body }) => body)).toEqual([
    { id: 1, name: 'n1' },
    { id: 3, name: 'n3' },
  ])
  expect((await readAll(session, { cursor })).ids).toEqual(['3'])
})

test('what cannot work is refused at load', () => {
  const faults = (stream: string) => load(restManifest(stream)).findings.map(({ message }) => message)
  const since = `query: { since: "\${ since }" }`
  expect(faults(`read: { path: /, ${since}, incremental: { value: record.at, cap: 5 } }`)[0]).toContain('no order')
  expect(faults(`read: { path: /, ${since}, incremental: { value: record.at, reanchor: true } }`)[0]).toContain(
    'no order',
  )
  expect(
    faults(`read: { path: /, ${since}, incremental: { value: record.at, ordered: true, newest_first: true } }`)[0],
  ).toContain('both')
  expect(faults('read: { path: /, fetch_ids: record.id }')[0]).toContain('read.fetch_ids')
  expect(faults('read: { path: /, paging: { kind: keyset, key: record.id } }')[0]).toContain('`cursor`')
  expect(
    faults(`read: { path: /, ${since}, incremental: { value: record.at }, server_cursor: { next: response.x } }`)[0],
  ).toContain('server_cursor')
})
