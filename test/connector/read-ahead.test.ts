import { expect, test, vi } from 'vitest'
import type { Page } from '../../src/connector/index.ts'
import { open, restManifest, signal } from './open.ts'
import { serve } from './server.ts'

const PATIENT = { timeout: 60_000, interval: 10 }
const paged = (paging: string) =>
  restManifest(`
    read:
      path: /things
      query: { after: "\${ cursor }", number: "\${ page.number }" }
      records: response.data
      paging: { ${paging} }
`)
const CURSOR = 'kind: cursor, next: response.next'

test('the next page is on its way while the caller has this one, and only that', async () => {
  await using server = await serve(({ query }) => {
    const at = Number(query.get('after') ?? 0)
    return { json: { data: [{ id: at }], next: at < 9 ? at + 1 : null } }
  })
  const session = await open(paged(CURSOR), server)
  const pages = session.read({ stream: 'things', mode: 'full', cursor: null, signal })[Symbol.asyncIterator]()
  for (let n = 1; n <= 3; n++) {
    const { value } = (await pages.next()) as { value: Page }
    expect(value.records.map(({ id }) => id)).toEqual([String(n - 1)])
    await vi.waitFor(() => expect(server.asked).toHaveLength(n + 1), PATIENT)
  }
  await pages.return?.()
})

test('a question that nobody waits for any more is given up', async () => {
  const closed = Promise.withResolvers<void>()
  await using server = await serve(({ query }, response) => {
    if (!query.get('after')) return { json: { data: [{ id: 1 }], next: 'x' } }
    response.on('close', () => closed.resolve())
    return undefined
  })
  const session = await open(paged(CURSOR), server)
  for await (const _page of session.read({ stream: 'things', mode: 'full', cursor: null, signal })) {
    await vi.waitFor(() => expect(server.asked).toHaveLength(2), PATIENT)
    break
  }
  await closed.promise
})

test('what goes wrong with the page ahead is raised behind the page before it, circles too', async () => {
  await using server = await serve(({ query }) => {
    const after = query.get('after')
    if (after === 'broken') return { status: 400, json: {} }
    return { json: { data: [{ id: after ?? 0 }], next: after === null ? 'broken' : 'circle' } }
  })
  const read = async (cursor: { cursor: string } | null) => {
    const session = await open(paged(CURSOR), server)
    const seen: string[] = []
    const stored = cursor && {
      watermark: null,
      pass: { since: null, newest: null, phase: 'records', position: cursor },
    }
    try {
      const request = { stream: 'things', mode: 'full' as const, cursor: stored as never, signal }
      for await (const page of session.read(request)) seen.push(...page.records.map(({ id }) => id))
    } catch (error) {
      seen.push((error as { code: string }).code)
    }
    return seen
  }
  expect(await read(null)).toEqual(['0', expect.stringMatching(/^CSW-3/)])
  expect(await read({ cursor: 'a' })).toEqual(['a', 'circle', 'CSW-2006'])
})

test('where the next position needs the records, nothing is asked ahead', async () => {
  await using server = await serve(({ query }) => ({ json: { data: query.get('number') === '1' ? [{ id: 1 }] : [] } }))
  const session = await open(paged('kind: page, first: 1'), server)
  const pages = session.read({ stream: 'things', mode: 'full', cursor: null, signal })[Symbol.asyncIterator]()
  await pages.next()
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(server.asked).toHaveLength(1)
  await pages.return?.()
})
