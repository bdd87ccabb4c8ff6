import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { listHours, MOST_RUNS } from '../../src/store/views/hours.ts'
import { addRun, type Seeded, seedHub } from '../http/rows.ts'
import { freshDatabase } from '../postgres.ts'

let pool: pg.Pool
let ids: Seeded

type More = { outcome?: string; times?: object; counts?: object }

/** The middle of the hour that began so many hours ago: no test stands at the edge of one. */
const hoursAgo = (hours: number): Date => new Date(Math.floor(Date.now() / 3_600_000 - hours) * 3_600_000 + 1_800_000)

beforeAll(async () => {
  ;({ pool } = await freshDatabase())
  ids = await seedHub(pool)
  const push = async (startedAt: Date, tookMs: number | null, more: More = {}) => {
    const { outcome = 'success', times = null, counts = {} } = more
    const id = await addRun(pool, { kind: 'push', syncId: ids.sync, outcome, counts, startedAt })
    await pool.query(
      `update run set finished_at = started_at + $2 * interval '1 millisecond', times = $3 where id = $1`,
      [id, tookMs, times],
    )
  }
  await push(hoursAgo(30), 1_000)
  await push(hoursAgo(2), 1_000, {
    counts: { read: 10, created: 4, updated: 3, deleted: 1, dead: 2 },
    times: { queue: 500, limits: 100, remote: 700, mapping: 50, storing: 50 },
  })
  await push(hoursAgo(2), 4_000, { outcome: 'partial', counts: { read: 5, created: 5 } })
  await push(hoursAgo(2), 2_000, { times: { queue: 9_000, limits: 0, remote: 1_000, mapping: 0, storing: 0 } })
  await push(hoursAgo(1), null, { outcome: 'running' })
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, counts: { read: 70 }, startedAt: hoursAgo(1) })
})

test('runs of a sync by hour: what they did, the longest lag, and where the time of those that kept it went', async () => {
  expect(await listHours(pool, { of: 'sync', name: 'contacts-to-erp', hours: 24 })).toEqual([
    {
      hour: new Date(Math.floor(hoursAgo(2).getTime() / 3_600_000) * 3_600_000),
      runs: 3,
      failed: 1,
      read: 15,
      written: 13,
      dead: 2,
      lag: 11_000,
      queued: 9_000,
      timed: 2,
      times: { queue: 9_500, limits: 100, remote: 1_700, mapping: 50, storing: 50, other: 1_100 },
    },
    expect.objectContaining({ runs: 1, failed: 0, lag: null, timed: 0 }),
  ])
  const longer = await listHours(pool, { of: 'sync', name: 'contacts-to-erp', hours: 48 })
  expect(longer.map(({ runs }) => runs)).toEqual([1, 3, 1])
})

test('the whole hub has all runs', async () => {
  const all = await listHours(pool, { of: 'hub', name: '', hours: 24 })
  expect(all.map(({ runs, read }) => [runs, read])).toEqual([
    [3, 15],
    [2, 70],
  ])
})

test('a connection has the reads of its streams and the writes of the syncs that end there', async () => {
  const reads = await listHours(pool, { of: 'connection', name: 'crm', hours: 24 })
  expect(reads.map(({ runs, read }) => [runs, read])).toEqual([[1, 70]])
  const writes = await listHours(pool, { of: 'connection', name: 'erp', hours: 24 })
  expect(writes.map(({ runs, written }) => [runs, written])).toEqual([
    [3, 13],
    [1, 0],
  ])
  expect(await listHours(pool, { of: 'connection', name: 'nobody', hours: 24 })).toEqual([])
})

test('however many runs there were, no more than a bound are read, the newest', async () => {
  await pool.query(
    `insert into run (kind, trigger, sync_id, outcome, counts, started_at, heartbeat_at, finished_at)
     select 'push', 'schedule', $1, 'success', '{"read":1}', t, t, t from generate_series(1, $2) n, lateral (select now() as t) at`,
    [ids.sync, MOST_RUNS],
  )
  const hours = await listHours(pool, { of: 'sync', name: 'contacts-to-erp', hours: 24 })
  expect(hours.reduce((sum, { runs }) => sum + runs, 0)).toBe(MOST_RUNS)
  expect(hours.map(({ read }) => read)).toEqual([MOST_RUNS])
})
