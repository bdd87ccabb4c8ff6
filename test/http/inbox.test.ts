import type pg from 'pg'
import { beforeAll, beforeEach, expect, test } from 'vitest'
import { listenForCalls } from '../../src/store/calls.ts'
import { InboxWriter, type NewEvent } from '../../src/store/inbox.ts'
import { freshDatabase } from '../postgres.ts'
import { seedHub } from './rows.ts'

let pool: pg.Pool
let url: string
let connectionId: number
beforeAll(async () => {
  const database = await freshDatabase()
  ;({ pool, url } = database)
  connectionId = (await seedHub(pool)).crm
})
beforeEach(() => pool.query('truncate inbox, inbox_seen'))

const event = (eventId: string, body = eventId): NewEvent => ({
  connectionId,
  stream: null,
  eventId,
  headers: {},
  body: Buffer.from(body),
})
const ids = async (): Promise<string[]> =>
  (await pool.query<{ event_id: string }>('select event_id from inbox order by event_id')).rows.map(
    (row) => row.event_id,
  )

test('many waiting callers share few commits, and each is answered after its own', async () => {
  const commits: number[][] = []
  const writer = new InboxWriter(pool, { onCommit: (connections) => commits.push(connections) })
  const outcomes = await Promise.all(Array.from({ length: 400 }, (_, i) => writer.add([event(`e${i}`)])))
  expect(outcomes.flat()).toEqual(Array(400).fill('stored'))
  expect(await ids()).toHaveLength(400)
  expect(commits.length).toBeLessThanOrEqual(5)
  expect(commits[0]).toEqual([connectionId])
})

test('repeats are told apart within a batch, over batches and over connections', async () => {
  const writer = new InboxWriter(pool)
  expect(await writer.add([event('a'), event('a'), event('b')])).toEqual(['stored', 'duplicate', 'stored'])
  expect(await writer.add([event('a')])).toEqual(['duplicate'])
  expect(await writer.add([{ ...event('a'), connectionId: connectionId + 1 }])).toEqual(['stored'])
})

test('another event under a known id is stored beside it, once, with the time of the first', async () => {
  const writer = new InboxWriter(pool)
  expect(await writer.add([event('a', 'one'), event('a', 'two'), event('a', 'one')])).toEqual([
    'stored',
    'stored',
    'duplicate',
  ])
  expect(await writer.add([event('a', 'three')])).toEqual(['stored'])
  const again = ['one', 'two', 'three'].map((body) => event('a', body))
  expect(await writer.add(again)).toEqual(['duplicate', 'duplicate', 'duplicate'])
  const { rows } = await pool.query<{ body: Buffer; asOf: string | null; first: string }>(
    `select body, headers::json->>'causeway-as-of' as "asOf", (select seen_at from inbox_seen where event_id = 'a') as first
       from inbox order by id`,
  )
  expect(rows.map(({ body }) => body.toString())).toEqual(['one', 'two', 'three'])
  expect(rows.map(({ asOf, first }) => asOf !== null && new Date(asOf) <= new Date(first))).toEqual([false, true, true])
})

test('events that were seen before their bodies were told apart are repeats, whatever they hold', async () => {
  await pool.query(`insert into inbox_seen (connection_id, event_id) values ($1, 'old')`, [connectionId])
  expect(await new InboxWriter(pool).add([event('old', 'x')])).toEqual(['duplicate'])
})

test('two processes with the same events in different order store each once', async () => {
  const writers = [new InboxWriter(pool), new InboxWriter(pool)]
  const names = Array.from({ length: 200 }, (_, i) => `x${String(i).padStart(3, '0')}`)
  const all = await Promise.all([
    ...names.map((name) => writers[0]!.add([event(name)])),
    ...names.toReversed().map((name) => writers[1]!.add([event(name)])),
  ])
  expect(all.flat().filter((outcome) => outcome === 'stored')).toHaveLength(200)
  expect(await ids()).toEqual(names)
})

test('ids that Postgres cannot hold are stored all the same, and repeats of them found', async () => {
  const writer = new InboxWriter(pool)
  const odd = ['', 'nul\0inside', '\ud800', '\ud801', 'x'.repeat(5_000)]
  for (const id of odd)
    expect(await writer.add([event(id, 'body')]), JSON.stringify(id.slice(0, 10))).toEqual(['stored'])
  for (const id of odd) expect(await writer.add([event(id, 'body')])).toEqual(['duplicate'])
})

test('an event the database refuses does not take its neighbours along', async () => {
  const writer = new InboxWriter(pool)
  const good = Array.from({ length: 5 }, (_, i) => writer.add([event(`good${i}`)]))
  // A stream name with U+0000 is what no caller should send; Postgres refuses the statement that carries it.
  const bad = writer.add([{ ...event('bad'), stream: 'a\0b' }])
  await expect(bad).rejects.toThrow()
  expect((await Promise.all(good)).flat()).toEqual(Array(5).fill('stored'))
})

test('what may wait is bounded, and callers are not kept beyond the deadline', async () => {
  const client = await pool.connect()
  try {
    await client.query('begin; lock table inbox_seen in access exclusive mode')
    const writer = new InboxWriter(pool, { deadlineMs: 700, waitingEvents: 3 })
    const waiting = [event('1'), event('2'), event('3')].map((each) => writer.add([each]))
    await expect(writer.add([event('4')])).rejects.toMatchObject({ code: 'CSW-8006' })
    for (const outcome of await Promise.allSettled(waiting))
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'CSW-6001' } })
    await client.query('rollback')
    await writer.close()
    expect(await writer.add([event('4')])).toEqual(['stored'])
  } finally {
    client.release()
  }
})

test('a commit calls the workers once per connection, also after the session that listens was lost', async () => {
  const heard: string[] = []
  const listener = listenForCalls(url, (kind, id) => heard.push(`${kind} ${id}`))
  const writer = new InboxWriter(pool)
  let events = 0
  let sent = 0
  const isHeard = async (): Promise<boolean> => {
    sent++
    await writer.add([event(`until heard ${events++}`)])
    return heard.length > 0
  }
  try {
    for (const round of ['before', 'after']) {
      sent = 0
      await expect.poll(isHeard, { timeout: 60_000 }).toBe(true)
      // What was heard is one call per commit, however many events it had.
      await writer.add([event(`${round} 1`), event(`${round} 2`)])
      expect(new Set(heard)).toEqual(new Set([`inbox ${connectionId}`]))
      expect(heard.length).toBeLessThanOrEqual(sent + 1)
      heard.length = 0
      await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'causeway-calls'`,
      )
    }
  } finally {
    await listener.close()
  }
})
