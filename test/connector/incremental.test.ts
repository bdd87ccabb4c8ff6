import fc from 'fast-check'
import { expect, test } from 'vitest'
import { failureOf, open, readAll, restManifest } from './open.ts'
import { serve } from './server.ts'

type Thing = { id: number; at: string | null }

const byTime = (all: Thing[], since: string | null, exclusive = false) =>
  all
    .filter(({ at }) => since === null || (at !== null && (exclusive ? at > since : at >= since)))
    .sort((a, b) => (a.at ?? '').localeCompare(b.at ?? '') || a.id - b.id)

const incremental = (options = '', request = `query: { since: "\${ since }", offset: "\${ page.offset }" }`) => `
  read:
    path: /things
    ${request}
    page_size: 2
    paging: { kind: offset }
    incremental: { value: record.at${options && `, ${options}`} }
`

test('records that share the watermark are never lost, whenever they appear and wherever the pass breaks', async () => {
  let all: Thing[] = []
  await using server = await serve(({ query }) => {
    const offset = Number(query.get('offset'))
    return { json: byTime(all, query.get('since')).slice(offset, offset + 2) }
  })
  const session = await open(restManifest(incremental('format: iso_seconds')), server)
  // Few distinct seconds, so that ties at the watermark are the rule; each round adds records, never before the watermark.
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          added: fc.array(fc.integer({ min: 0, max: 1 }), { maxLength: 4 }),
          breakAfter: fc.integer({ min: 1, max: 3 }),
        }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
      async (rounds) => {
        all = []
        let second = 0
        let cursor: Awaited<ReturnType<typeof readAll>>['cursor'] = null
        const seen = new Set<string>()
        for (const { added, breakAfter } of rounds) {
          for (const step of added) {
            second += step
            all.push({ id: all.length + 1, at: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z` })
          }
          const broken = await readAll(session, { cursor, limit: breakAfter })
          const rest = await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
          for (const id of [...broken.ids, ...rest.ids]) seen.add(id)
          cursor = rest.cursor
          expect([...seen].map(Number).sort((a, b) => a - b)).toEqual(all.map(({ id }) => id))
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('the watermark is the newest value of a whole pass, however the pages are ordered', async () => {
  const all: Thing[] = [3, 1, 5, 2, 4].map((id) => ({ id, at: `2026-01-0${id}T00:00:00Z` }))
  await using server = await serve(({ query }) => {
    const offset = Number(query.get('offset'))
    return { json: all.filter(({ at }) => at! >= (query.get('since') ?? '')).slice(offset, offset + 2) }
  })
  const session = await open(restManifest(incremental('format: iso_seconds')), server)
  const half = await readAll(session, { limit: 2 })
  expect(half.cursor).toMatchObject({ watermark: null, pass: { newest: '2026-01-05T00:00:00.000000000Z' } })
  const rest = await readAll(session, { cursor: half.cursor })
  expect(half.ids.concat(rest.ids)).toEqual(['3', '1', '5', '2', '4'])
  expect(rest.cursor).toEqual({ watermark: '2026-01-05T00:00:00.000000000Z' })
  expect((await readAll(session, { cursor: rest.cursor })).ids).toEqual(['5'])
})

test('where pages are declared ordered, every page moves the watermark', async () => {
  const all: Thing[] = [1, 2, 3, 4].map((id) => ({ id, at: `2026-01-0${id}T00:00:00Z` }))
  await using server = await serve(({ query }) => {
    const offset = Number(query.get('offset'))
    return { json: byTime(all, query.get('since')).slice(offset, offset + 2) }
  })
  const session = await open(restManifest(incremental('ordered: true')), server)
  const { pages } = await readAll(session, { limit: 1 })
  expect(pages[0]!.cursor).toMatchObject({ watermark: '2026-01-02T00:00:00.000000000Z' })
})

test('a full read ignores the watermark and sets it anew', async () => {
  const all: Thing[] = [1, 2, 3].map((id) => ({ id, at: `2026-01-0${id}T00:00:00Z` }))
  await using server = await serve(({ query }) => {
    const offset = Number(query.get('offset'))
    return { json: byTime(all, query.get('since')).slice(offset, offset + 2) }
  })
  const session = await open(restManifest(incremental('format: iso_seconds')), server)
  const cursor = { watermark: '2026-01-03T00:00:00.000000000Z' }
  expect((await readAll(session, { cursor })).ids).toEqual(['3'])
  const full = await readAll(session, { mode: 'full', cursor })
  expect(full.ids).toEqual(['1', '2', '3'])
  expect(full.cursor).toEqual(cursor)
  // A broken full read is finished by the next pull, of whatever kind: nobody knows yet how far the stream is read.
  const broken = await readAll(session, { mode: 'full', cursor, limit: 1 })
  expect((await readAll(session, { mode: 'incremental', cursor: broken.cursor })).ids).toEqual(['3'])
  // A broken incremental read is no use to a full one.
  const changes = await readAll(session, { cursor: { watermark: '2026-01-01T00:00:00.000000000Z' }, limit: 1 })
  expect((await readAll(session, { mode: 'full', cursor: changes.cursor })).ids).toEqual(['1', '2', '3'])
})

const formats: Record<string, [options: string, expected: string]> = {
  iso: ['', '2026-03-29T00:59:59.123Z'],
  iso_seconds: ['format: iso_seconds', '2026-03-29T00:59:59Z'],
  iso_micro: ['format: iso_micro', '2026-03-29T00:59:59.123456Z'],
  date: ['format: date', '2026-03-29'],
  sql: ['format: sql', '2026-03-29 00:59:59'],
  'sql in a zone': ['format: sql, zone: Europe/Warsaw', '2026-03-29 01:59:59'],
  ldap: ['format: ldap', '20260329005959Z'],
  epoch: ['format: epoch', '1774745999'],
  epoch_ms: ['format: epoch_ms', '1774745999123'],
  verbatim: ['format: verbatim', '2026-03-29T00:59:59.1234567Z'],
  'an overlap of a minute': ['format: iso_seconds, overlap_seconds: 60', '2026-03-29T00:58:59Z'],
  'an exclusive bound of whole seconds': ['format: iso_seconds, bound: exclusive', '2026-03-29T00:59:58Z'],
  'an exclusive bound of milliseconds': ['format: iso, bound: exclusive', '2026-03-29T00:59:59.122Z'],
  'an exclusive bound of days': ['format: date, bound: exclusive', '2026-03-28'],
}
for (const [name, [options, expected]] of Object.entries(formats)) {
  test(`the watermark is written as ${name}`, async () => {
    await using server = await serve(() => ({ json: [] }))
    const session = await open(restManifest(incremental(options)), server)
    await readAll(session, { cursor: { watermark: '2026-03-29T00:59:59.123456700Z' } })
    expect(server.asked[0]!.query.get('since')).toBe(expected)
  })
}

test('a filter template in a body, with the parts of the time', async () => {
  await using server = await serve(() => ({ json: [] }))
  const session = await open(
    restManifest(
      incremental(
        'format: parts',
        `method: POST\n    body: { filter: "\${ $exists(since) ? [['at', since]] : [] }", offset: "\${ page.offset }" }`,
      ),
    ),
    server,
  )
  await readAll(session)
  await readAll(session, { cursor: { watermark: '2026-01-02T03:04:05.678000000Z' } })
  expect(server.asked.map(({ json }) => json.filter)).toEqual([
    [],
    [['at', { year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5, microsecond: 678000 }]],
  ])
})

test('numbers as watermark stay exact, also beyond 2^53', async () => {
  await using server = await serve(() => ({
    headers: { 'content-type': 'application/json' },
    text: '[{"id":1,"at":9007199254740993},{"id":2,"at":17}]',
  }))
  for (const [bound, expected] of [
    ['inclusive', '9007199254740993'],
    ['exclusive', '9007199254740992'],
  ]) {
    server.asked.length = 0
    const manifest = restManifest(`
      read:
        path: /
        query: { since: "\${ since }" }
        incremental: { value: record.at, type: number, bound: ${bound} }`)
    const session = await open(manifest, server)
    const { cursor } = await readAll(session)
    await readAll(session, { cursor })
    expect(server.asked[1]!.query.get('since')).toBe(expected)
  }
})

test('a record dated into the future does not hide what changes until then', async () => {
  await using server = await serve(({ query }) => ({
    json: query.get('offset') === '0' ? [{ id: 1, at: '2099-01-01T00:00:00Z' }] : [],
  }))
  const session = await open(restManifest(incremental()), server)
  const { cursor } = await readAll(session)
  expect(Date.parse(`${String(cursor!.watermark).slice(0, 23)}Z`)).toBeLessThanOrEqual(Date.now())
})

test('an initial value restricts the first pull', async () => {
  await using server = await serve(() => ({ json: [] }))
  const session = await open(restManifest(incremental('format: date, initial: 2026-01-01')), server)
  await readAll(session)
  expect(server.asked[0]!.query.get('since')).toBe('2026-01-01')
})

test('tombstones inside pages, and aliases of merged records', async () => {
  await using server = await serve(() => ({
    json: [{ id: 1, gone: true, name: 'x' }, { id: 2, gone: false, merged: [7, '8'] }, { id: 3 }],
  }))
  const session = await open(restManifest('deleted: record.gone\naliases: record.merged\nread: { path: / }'), server)
  expect(session.streams.get('things')!.abilities.deletions).toBe('tombstones')
  const { pages } = await readAll(session)
  expect(pages[0]!.records).toEqual([
    { id: '1', version: null, body: {}, deleted: true },
    { id: '2', version: null, body: { id: 2, gone: false, merged: [7, '8'] }, aliases: ['7', '8'] },
    { id: '3', version: null, body: { id: 3 } },
  ])
})

test('a list of deletions is read after the changes, resumes by itself, and is left out of a first read', async () => {
  await using server = await serve(({ path, query }) => {
    const offset = Number(query.get('offset'))
    if (path === '/deleted') return { json: [{ key: 'a' }, { key: 'b' }, { key: 'c' }].slice(offset, offset + 2) }
    return { json: [{ id: 1, at: '2026-01-01T00:00:00Z' }].slice(offset, offset + 2) }
  })
  const manifest = restManifest(`
    read:
      path: /things
      query: { since: "\${ since }", offset: "\${ page.offset }" }
      page_size: 2
      paging: { kind: offset }
      incremental: { value: record.at }
      deletions:
        path: /deleted
        query: { since: "\${ since }", offset: "\${ page.offset }" }
        paging: { kind: offset }
        id: record.key`)
  const session = await open(manifest, server)
  const first = await readAll(session)
  expect(first.ids).toEqual(['1'])
  expect(first.pages.at(-1)!.last).toBe(true)
  const second = await readAll(session, { cursor: first.cursor })
  expect(second.ids).toEqual(['1', 'a', 'b', 'c'])
  expect(second.pages.flatMap(({ records }) => records).filter(({ deleted }) => deleted)).toHaveLength(3)
  expect(second.pages.filter(({ last }) => last)).toHaveLength(1)
  const broken = await readAll(session, { cursor: first.cursor, limit: 3 })
  const rest = await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
  expect([...broken.ids, ...rest.ids]).toEqual(['1', 'a', 'b', 'c'])
})

test('a version that is none is rejected, one that is missing is none', async () => {
  await using server = await serve(() => ({ json: [{ id: 1, at: 'soon' }, { id: 2 }, { id: 3, at: 1767225600 }] }))
  const session = await open(restManifest('version: { value: record.at }\nread: { path: / }'), server)
  const { pages } = await readAll(session)
  expect(pages[0]!.rejected.map(({ error }) => error.code)).toEqual(['CSW-2009'])
  expect(pages[0]!.records.map(({ version }) => version)).toEqual([null, '2026-01-01T00:00:00.000000000Z'])
})

test('an unknown time zone is named', async () => {
  await using server = await serve(() => ({ json: [] }))
  const session = await open(restManifest(incremental('zone: Europe/Nowhere')), server)
  const error = await failureOf(readAll(session, { cursor: { watermark: '2026-01-01T00:00:00.000000000Z' } }))
  expect(error).toMatchObject({ code: 'CSW-1002', message: expect.stringContaining('Europe/Nowhere') })
})

test('what changes while pages without order are read is read again, also where the pass broke and went on', async () => {
  const all = [1, 2, 3, 4, 5, 6].map((id) => ({ id, at: `2026-01-0${id}T00:00:00.000Z` }))
  const now = () => new Date().toISOString()
  await using server = await serve(({ query }) => {
    const [offset, since] = [Number(query.get('offset')), query.get('since') ?? '']
    // Once the first page is out, one of its records changes; a record of the last page changes after that.
    if (offset === 2 && since === '') all[0]!.at = now()
    if (offset === 4 && since === '') all[5]!.at = now()
    return { json: all.filter(({ at }) => at >= since).slice(offset, offset + 2) }
  })
  const session = await open(restManifest(incremental()), server)
  const broken = await readAll(session, { limit: 1 })
  await new Promise((resolve) => setTimeout(resolve, 5))
  const rest = await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) })
  expect([...broken.ids, ...rest.ids]).toEqual(['1', '2', '3', '4', '5', '6'])
  expect((await readAll(session, { cursor: rest.cursor })).ids).toEqual(['1', '6'])
})
