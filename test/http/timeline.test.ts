import { afterAll, beforeAll, expect, test } from 'vitest'
import { appendAudit } from '../../src/store/index.ts'
import { startHub, type TestHub } from './hub.ts'
import { addRun, type Seeded, seedHub } from './rows.ts'

type Entry = { at: string; kind: string; id: number; actor: string; what: string; subject: string }
let hub: TestHub
let ids: Seeded
const start = Date.parse('2026-03-02T12:00:00Z')

beforeAll(async () => {
  hub = await startHub()
  ids = await seedHub(hub.pool)
  await hub.pool.query('delete from run')
  // Three runs of one moment, and one after it.
  for (const seconds of [0, 0, 0, 60])
    await addRun(hub.pool, { kind: 'pull', streamId: ids.contacts, startedAt: new Date(start + seconds * 1_000) })
  for (const action of ['sync.pause', 'connection.login', 'dead_letters.requeue'])
    await appendAudit(hub.pool, { actor: 'user:ada', action, subject: 'sync:contacts-to-erp', detail: {} })
})
afterAll(() => hub.close())

const ask = async (query: string) =>
  (await (await hub.get(`/api/v1/timeline?${query}`)).json()) as { items: Entry[]; next: string | null }

test('runs and deeds are one list by time, each once, however it is cut into pages', async () => {
  const whole = await ask('limit=100')
  expect(whole.next).toBeNull()
  const said = whole.items.map(({ kind, what, actor }) => `${kind} ${what} ${actor}`)
  expect(said.slice(0, 3)).toEqual([
    'deed dead_letters.requeue user:ada',
    'deed connection.login user:ada',
    'deed sync.pause user:ada',
  ])
  expect(said.slice(3)).toHaveLength(4)
  expect(whole.items.map(({ at }) => at)).toEqual(
    whole.items
      .map(({ at }) => at)
      .sort()
      .reverse(),
  )
  for (const limit of [1, 2, 3]) {
    const seen: Entry[] = []
    let next: string | null = ''
    while (next !== null) {
      const page = await ask(`limit=${limit}${next ? `&cursor=${next}` : ''}`)
      seen.push(...page.items)
      next = page.next
    }
    expect(seen).toEqual(whole.items)
  }
  expect((await ask('kind=run&limit=9')).items).toEqual(whole.items.slice(3))
  const between = await ask('since=2026-03-02T12:00:01Z&until=2026-03-02T12:02:00Z')
  expect(between.items.map(({ kind }) => kind)).toEqual(['run'])
})

test('an entry of the audit has an address of its own', async () => {
  const { items } = await ask('kind=deed&limit=2')
  const answer = await (await hub.get(`/api/v1/audit?id=${items[1]!.id}`)).json()
  expect((answer as { items: object[] }).items).toMatchObject([{ id: items[1]!.id, action: 'connection.login' }])
})
