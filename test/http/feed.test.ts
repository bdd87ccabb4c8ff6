import type pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Feed } from '../../src/http/live/feed.ts'
import { EventStream } from '../../src/http/live/stream.ts'
import { trimFeed } from '../../src/store/views/index.ts'
import { freshDatabase } from '../postgres.ts'
import { Random } from '../random.ts'
import { Follower } from './follower.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { addDeadLetter, type Seeded, seedHub } from './rows.ts'

/** Every look is followed by a tick, so that ticks count looks. */
const FAST = { quietMs: 20, busyMs: 20, tickMs: 0, shareMs: 5_000 }

let pool: pg.Pool
let ids: Seeded
let hub: TestHub
beforeAll(async () => {
  pool = (await freshDatabase({ max: 10 })).pool
  ids = await seedHub(pool)
  hub = await startHub({ pool, feedTimes: FAST })
})
afterAll(() => hub.close())

const startRun = async (db: pg.Pool | pg.PoolClient): Promise<number> =>
  (
    await db.query<{ id: number }>(
      `insert into run (kind, trigger, stream_id, sync_id) values ('push', 'test', $1, $2) returning id`,
      [ids.contacts, ids.sync],
    )
  ).rows[0]!.id
const idsInOrder = async (): Promise<string[]> =>
  (await pool.query<{ place: string }>(`select xid || '-' || id as place from feed order by xid, id`)).rows.map(
    ({ place }) => place,
  )
const aboutOf = ({ data }: { data: string }): Record<string, unknown> =>
  (JSON.parse(data) as { about: Record<string, unknown> }).about

test('runs, problems, conflicts and changed states are told of, once for each cause of a statement', async () => {
  const page = await Follower.open(hub.url)
  await page.until(({ messages }) => messages.length > 0)
  expect(page.messages[0]).toMatchObject({ event: 'ready', id: expect.stringMatching(/^\d+-0$/) })
  const run = await startRun(pool)
  await pool.query(`update run set heartbeat_at = now() where id = $1`, [run])
  await pool.query(`update run set counts = '{"created": 2}' where id = $1`, [run])
  await pool.query(`update run set outcome = 'partial', finished_at = now() where id = $1`, [run])
  for (const key of ['a', 'b', 'c']) await addDeadLetter(pool, ids.sync, key, 'CSW-3008', key === 'c' ? 'f2' : 'f1')
  await pool.query(`update dead_letter set state = 'discarded', closed_at = now()`)
  await pool.query(
    `insert into conflict (sync_id, from_id, to_id, field, side) select $1, 'r' || n, 't', 'name', 'from' from generate_series(1, 3) n`,
    [ids.sync],
  )
  await pool.query(`update sync set state = 'paused' where id = $1`, [ids.sync])
  await pool.query(`update sync set last_push_at = now(), state = 'paused' where id = $1`, [ids.sync])
  await pool.query(`update connection set wait_until = now() + interval '1 hour' where name = 'erp'`)
  await page.until(({ events }) => events.length >= 10)
  await page.leave()
  expect(page.events.map(({ event }) => event)).toEqual([
    ...['run.began', 'run.progress', 'run.ended'],
    ...['problem.opened', 'problem.opened', 'problem.opened', 'problem.closed', 'conflict.opened'],
    ...['sync.changed', 'connection.changed'],
  ])
  expect(aboutOf(page.events[2]!)).toMatchObject({
    id: run,
    sync: 'contacts-to-erp',
    stream: 'crm:contacts',
    outcome: 'partial',
  })
  expect(aboutOf(page.events[6]!)).toEqual({ code: 'CSW-3008', sync: 'contacts-to-erp', count: 3 })
})

test('events are given out in the order of commits, none missed and none twice, over cuts and a hub that is killed', async () => {
  const random = new Random(11)
  const seen: string[] = []
  let here = await startHub({ pool, feedTimes: FAST })
  let page = await Follower.open(here.url)
  await page.until(({ messages }) => messages.length > 0)
  const began = (await idsInOrder()).length
  // Numbers are given out early and committed late, so that a reader who goes by numbers misses some.
  const open: pg.PoolClient[] = []
  for (let i = 0; i < 120; i++) {
    if (open.length < 3 && random.chance(0.5)) {
      const client = await pool.connect()
      await client.query('begin')
      await startRun(client)
      open.push(client)
    } else if (open.length && random.chance(0.5)) {
      const [client] = open.splice(random.between(0, open.length - 1), 1)
      await client!.query('commit')
      client!.release()
    } else await startRun(pool)
    if (i % 20 === 13) {
      seen.push(...page.events.map(({ id }) => id!))
      const last = await page.leave()
      page = await Follower.open(here.url, last)
    }
    if (i === 60) {
      // Mid-stream: the sockets go, then the process with all that it held in memory.
      here.app.server.closeAllConnections()
      await page.until(({ ended }) => ended)
      seen.push(...page.events.map(({ id }) => id!))
      await here.close()
      await startRun(pool)
      here = await startHub({ pool, feedTimes: FAST })
      page = await Follower.open(here.url, page.lastId)
      await page.until(({ messages }) => messages.length > 0)
      expect(page.messages[0]!.event).toBe('ready')
    }
  }
  for (const client of open) {
    await client.query('commit')
    client.release()
  }
  const wanted = (await idsInOrder()).slice(began)
  await page.until(({ events }) => events.at(-1)?.id === wanted.at(-1))
  await page.leave()
  await here.close()
  expect([...seen, ...page.events.map(({ id }) => id!)]).toEqual(wanted)
})

test('a transaction that runs on in another database of the server holds up no event', async () => {
  const other = (await freshDatabase({ max: 2 })).pool
  const client = await other.connect()
  await client.query('begin')
  await client.query('create table under_way (id int)')
  const page = await Follower.open(hub.url)
  await page.until(({ messages }) => messages.length > 0)
  const run = await startRun(pool)
  await page.until(({ events }) => events.some((event) => aboutOf(event).id === run))
  await page.leave()
  await client.query('rollback')
  client.release()
})

/** Counts what is asked of the database, by what it reads. */
function counting(database: pg.Pool): { database: pg.Pool; count: (table: string) => number } {
  const asked: string[] = []
  const query = (config: { text: string }): unknown => {
    asked.push(config.text)
    return database.query(config as pg.QueryConfig)
  }
  return {
    database: { query } as unknown as pg.Pool,
    count: (table) => asked.filter((text) => text.includes(`from ${table}`)).length,
  }
}

test('fifty pages ask the database what one asks', async () => {
  const { database, count } = counting(pool)
  const feed = new Feed(database, FAST)
  const pages = Array.from({ length: 50 }, () => ({ text: '', ticks: 0 }))
  const readers = pages.map((page) => ({
    write(text: string) {
      page.text += text
      if (text.startsWith('event: tick')) page.ticks++
      return true
    },
    end: () => undefined,
  }))
  await Promise.all(readers.map((reader) => feed.join(reader, undefined)))
  await startRun(pool)
  await expect.poll(() => pages.every(({ text }) => text.includes('run.began')), { timeout: 60_000 }).toBe(true)
  feed.close()
  // One to begin with, one before each tick, and the one that was under way.
  expect(count('feed')).toBeLessThanOrEqual(pages[0]!.ticks + 2)
  expect(new Set(pages.map(({ text }) => text)).size).toBe(1)
})

test('what fifty pages ask for after the same event is found out once', async () => {
  const { database, count } = counting(pool)
  const here = await startHub({ pool, database, feedTimes: { ...FAST, shareMs: 3_600_000 } })
  const ask = async (asOf?: string): Promise<string> => {
    const answer = await fetch(`${here.url}/api/v1/runs`, {
      headers: { authorization: `Bearer ${TOKEN}`, ...(asOf ? { 'x-causeway-as-of': asOf } : {}) },
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toContain('application/json')
    return answer.text()
  }
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask('7-7')))
  expect(new Set(answers).size).toBe(1)
  expect(answers[0]).toContain('"items"')
  expect(count('run r')).toBe(1)
  await ask('7-8')
  await ask()
  expect(count('run r')).toBe(3)
  await here.close()
})

test('without pages nothing is asked', async () => {
  const { database, count } = counting(pool)
  const feed = new Feed(database, FAST)
  const readers = [new EventStream(), new EventStream()]
  for (const reader of readers) await feed.join(reader, undefined)
  for (const reader of readers) feed.leave(reader)
  const asked = count('feed')
  await new Promise((done) => setTimeout(done, 10 * FAST.quietMs))
  // The look that was under way.
  expect(count('feed')).toBeLessThanOrEqual(asked + 1)
  feed.close()
})

test('who does not read is let go and comes back for the rest; the others notice nothing', async () => {
  const feed = new Feed(pool, FAST)
  const slow = new EventStream()
  const good: string[] = []
  await feed.join(slow, undefined)
  await feed.join({ write: (text) => good.push(text) > 0, end: () => undefined }, undefined)
  await pool.query(
    `insert into run (kind, trigger, stream_id, sync_id) select 'push', 'test', $1, $2 from generate_series(1, 3000)`,
    [ids.contacts, ids.sync],
  )
  const countOf = (text: string): number => text.split('event: run.began').length - 1
  await expect.poll(() => countOf(good.join('')), { timeout: 60_000 }).toBe(3000)
  expect(slow.readableLength).toBeLessThanOrEqual(256 * 1024)
  let text = ''
  for await (const chunk of slow) text += String(chunk)
  // What it was given is whole, and its last id is where the rest begins.
  expect(countOf(text)).toBeLessThan(3000)
  expect(text === '' || text.endsWith('\n\n')).toBe(true)
  feed.close()
})

test('who was away for thousands of events gets all of them, and none twice', async () => {
  const first = await Follower.open(hub.url)
  await first.until(({ messages }) => messages.length > 0)
  let last = await first.leave()
  const began = (await idsInOrder()).length
  await pool.query(
    `insert into run (kind, trigger, stream_id, sync_id) select 'push', 'test', $1, $2 from generate_series(1, 4000)`,
    [ids.contacts, ids.sync],
  )
  const wanted = (await idsInOrder()).slice(began)
  const seen: string[] = []
  for (let visits = 0; seen.length < wanted.length; visits++) {
    expect(visits).toBeLessThan(10)
    const page = await Follower.open(hub.url, last)
    await page.until(({ ended, events }) => ended || seen.length + events.length >= wanted.length)
    expect(page.messages[0]!.event).toBe('ready')
    seen.push(...page.events.map(({ id }) => id!))
    last = await page.leave()
  }
  expect(seen).toEqual(wanted)
})

test('a page that has hung up before the first look was over leaves the feed to the next ones', async () => {
  const feed = new Feed(pool, FAST)
  const gone = new EventStream()
  const joining = feed.join(gone, undefined)
  gone.destroy()
  await joining
  // Its turn comes, and finds nobody.
  await new Promise((done) => setTimeout(done, 10 * FAST.quietMs))
  const heard: string[] = []
  await feed.join({ write: (text) => heard.push(text) > 0, end: () => undefined }, undefined)
  await startRun(pool)
  await expect.poll(() => heard.join(''), { timeout: 10_000 }).toContain('run.began')
  feed.close()
})

test('what cannot be gone on from is said: a wrong id, one of another database, one of too long ago', async () => {
  await expect(Follower.open(hub.url, 'yesterday')).rejects.toThrow(/400.*CSW-8003/)
  for (const id of ['9000000000000000000-1', '1-1']) {
    const page = await Follower.open(hub.url, id)
    await page.until(({ messages }) => messages.length > 0)
    expect(page.messages[0]!.event, id).toBe('reset')
    await page.leave()
  }
})

test('what is old is trimmed, but for the newest of it', async () => {
  await pool.query(`update feed set at = now() - interval '1 hour'`)
  await startRun(pool)
  const before = await idsInOrder()
  expect(await trimFeed(pool)).toBe(before.length - 2)
  expect(await idsInOrder()).toEqual(before.slice(-2))
})
