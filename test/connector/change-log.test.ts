/** A list without a filter, beside a log of what changed that is kept for some time. */
import { expect, test } from 'vitest'
import { changeLogPart } from '../../src/connector/parts/change-log.ts'
import { pagingField } from '../../src/connector/parts/paging.ts'
import { requestFields } from '../../src/connector/parts/request.ts'
import type { JsonObject } from '../../src/core/index.ts'
import { load, open, readAll, restManifest } from './open.ts'
import { type Reply, serve } from './server.ts'

const DAY = 86_400
const example = changeLogPart(requestFields, [], pagingField as never).example!
const manifest = (change = (text: string): string => text): string => restManifest(change(example))

type Event = { type: string; customer_id: string; created: number }

/** A system whose clock is `now` seconds; pages of two. */
function system(onList?: (page: number) => void) {
  const customers = new Map(['a', 'b', 'c', 'd', 'e'].map((id) => [id, { id, name: id }]))
  const events: Event[] = []
  const asked: string[] = []
  const page = <T>(all: T[], after: string | null) => {
    const from = Number(after ?? 0)
    return { found: all.slice(from, from + 2), next: from + 2 < all.length ? { next: String(from + 2) } : {} }
  }
  const handler = ({ path, query }: { path: string; query: URLSearchParams }): Reply => {
    asked.push(path)
    if (path === '/customers') {
      const { found, next } = page([...customers.values()], query.get('after'))
      onList?.(Number(query.get('after') ?? 0))
      return { json: { items: found, ...next } }
    }
    if (path === '/events') {
      const since = Number(query.get('since'))
      const known = events.filter(({ created }) => created >= since).sort((a, b) => b.created - a.created)
      const { found, next } = page(known, query.get('after'))
      return { json: { events: found, ...next } }
    }
    const customer = customers.get(path.split('/').at(-1)!)
    return customer ? { json: customer } : { status: 404 }
  }
  const happen = (id: string, type = 'customer.updated', created = Math.floor(Date.now() / 1000)) => {
    if (type === 'customer.deleted') customers.delete(id)
    else customers.set(id, { id, name: `${id} as of ${type} ${events.length}` })
    events.push({ type, customer_id: id, created })
  }
  return { customers, asked, handler, happen }
}

/** The cursor as if the pull had been so long ago. */
const aged = (cursor: JsonObject | null, seconds: number): JsonObject => ({
  ...cursor,
  watermark: new Date(Date.parse(String(cursor!.watermark)) - seconds * 1000).toISOString(),
})

test('the first pull reads the list, the next ones what the log tells, each record once a page as it is now', async () => {
  const { handler, asked, happen } = system()
  await using server = await serve(handler)
  const session = await open(manifest(), server)
  expect(session.streams.get('things')!.abilities).toMatchObject({ incremental: true, deletions: 'scan' })
  const whole = await readAll(session)
  expect(whole.ids).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(asked).not.toContain('/events')
  happen('b')
  happen('b')
  happen('new', 'customer.created')
  happen('d', 'customer.deleted')
  asked.length = 0
  const next = await readAll(session, { cursor: whole.cursor })
  expect(asked).not.toContain('/customers')
  const records = next.pages.flatMap((page) => page.records)
  expect(records.map(({ id, deleted }) => [id, deleted === true]).sort()).toEqual([
    ['b', false],
    ['d', true],
    ['new', false],
  ])
  expect(records.find(({ id }) => id === 'b')!.body).toMatchObject({ name: 'b as of customer.updated 1' })
  // Nobody asks for what the log says is gone.
  expect(asked).not.toContain('/customers/d')
})

test('what changes while the list is read is told by the log afterwards', async () => {
  const { handler, happen } = system((page) => {
    if (page === 2) happen('a')
  })
  await using server = await serve(handler)
  const session = await open(manifest(), server)
  const whole = await readAll(session)
  expect(whole.pages.flatMap(({ records }) => records)[0]!.body).toMatchObject({ name: 'a' })
  expect(Date.parse(String(whole.cursor!.watermark))).toBe(whole.pages[0]!.requestedAt.getTime())
  const next = await readAll(session, { cursor: whole.cursor })
  expect(next.ids).toEqual(['a'])
})

test.each([
  ['within its memory the log is read', 29 * DAY, false],
  ['beyond it the list is', 31 * DAY, true],
  ['what the overlap reaches behind is beyond it too', 30 * DAY - 200, true],
])('%s', async (_, ago, list) => {
  const { handler, asked, happen } = system()
  await using server = await serve(handler)
  const session = await open(manifest(), server)
  const { cursor } = await readAll(session)
  happen('c', 'customer.updated', Math.floor(Date.now() / 1000) - 20 * DAY)
  asked.length = 0
  const next = await readAll(session, { cursor: aged(cursor, ago) })
  expect(asked.includes('/customers')).toBe(list)
  expect(next.ids).toContain('c')
  // From then on the log again.
  asked.length = 0
  await readAll(session, { cursor: next.cursor })
  expect(asked).not.toContain('/customers')
})

test('a stream in which nothing happens stays within what the log remembers', async () => {
  const { handler, asked } = system()
  await using server = await serve(handler)
  const session = await open(manifest(), server)
  const { cursor } = await readAll(session)
  const quiet = await readAll(session, { cursor: aged(cursor, 29 * DAY) })
  const days = (Date.now() - Date.parse(String(quiet.cursor!.watermark))) / 1000 / DAY
  expect(days).toBeGreaterThan(0.99)
  expect(days).toBeLessThan(1.01)
  // Nor does the mark of a stream that is read often go back.
  const often = await readAll(session, { cursor })
  expect(often.cursor!.watermark).toBe(cursor!.watermark)
  expect(asked.filter((path) => path === '/customers')).toHaveLength(3)
})

test.each(['list', 'log'])('a pull that breaks goes on in the %s it was in', async (way) => {
  for (let limit = 1; ; limit++) {
    const { handler, asked, happen } = system()
    await using server = await serve(handler)
    const session = await open(manifest(), server)
    let cursor: JsonObject | null = null
    if (way === 'log') {
      cursor = (await readAll(session)).cursor
      for (const id of ['a', 'b', 'c', 'd', 'e']) happen(id)
    }
    const broken = await readAll(session, { cursor, limit })
    if (broken.pages.at(-1)!.last) break
    asked.length = 0
    const rest = await readAll(session, { cursor: JSON.parse(JSON.stringify(broken.cursor)) as JsonObject })
    expect([...new Set([...broken.ids, ...rest.ids])].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect(asked.includes(way === 'list' ? '/events' : '/customers')).toBe(false)
  }
})

test.each([
  [
    'another way to changes',
    (text: string) => text.replace('\nfetch', '\n  incremental: { value: record.at }\nfetch'),
    'there is `changes` too',
  ],
  [
    'no moments',
    (text: string) => text.replace('format: epoch, overlap_seconds: 300', 'type: number'),
    'can be told by timestamps only',
  ],
  ['no question since', (text: string) => text.replace('since: "${ since }", ', ''), 'never sends `since`'],
])('%s is a finding', (_, change, message) => {
  const { findings } = load(restManifest(change(example)))
  expect(findings.map((one) => one.message).join()).toContain(message)
})

test('without a fetch nobody could read what the log names', () => {
  expect(
    load(restManifest(example.replace(/\nfetch.*/, '')))
      .findings.map((one) => one.message)
      .join(),
  ).toContain('cannot be read by id')
})
