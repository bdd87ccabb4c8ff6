import type pg from 'pg'
import { expect, test } from 'vitest'
import { maintainPartitions } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

const NOW = new Date('2026-05-10T23:30:00Z')
const RETENTION = { inbox: 7, journal: 3, seenEvents: 30 }

async function insertEvent(pool: pg.Pool, at: string, state = 'pending'): Promise<void> {
  await pool.query(
    `insert into inbox (received_at, connection_id, event_id, headers, body, state) values ($1::timestamptz, 1, $1::text, '{}', 'x', $2)`,
    [at, state],
  )
}

async function insertJournal(pool: pg.Pool, at: string): Promise<void> {
  await pool.query(`insert into journal (at, kind, record_hashes, entries) values ($1, 'push', '{1,2}', 'x')`, [at])
}

const where = async (pool: pg.Pool, table: string) =>
  (await pool.query(`select tableoid::regclass::text as place, count(*) as n from ${table} group by 1 order by 1`)).rows

test('today and three days ahead are made, once, also by several hubs at the same time', async () => {
  const { pool } = await freshDatabase({ max: 8 })
  const runs = await Promise.all([1, 2, 3].map(() => maintainPartitions(pool, RETENTION, NOW)))
  const days = ['20260510', '20260511', '20260512', '20260513']
  expect(runs.flatMap((run) => run.created).sort()).toEqual([
    ...days.map((day) => `inbox_${day}`),
    ...days.map((day) => `journal_${day}`),
  ])
  await insertEvent(pool, '2026-05-10T00:00:00Z')
  await insertEvent(pool, '2026-05-10T23:59:59.999999Z')
  await insertEvent(pool, '2026-05-11T00:00:00Z')
  await insertEvent(pool, '2026-05-14T00:00:00Z')
  expect(await where(pool, 'inbox')).toEqual([
    { place: 'inbox_20260510', n: 2 },
    { place: 'inbox_20260511', n: 1 },
    { place: 'inbox_default', n: 1 },
  ])
})

test('what fell into the default partition moves into its day, and indexes and keys come along', async () => {
  const { pool } = await freshDatabase()
  await insertEvent(pool, '2026-05-11T08:00:00Z')
  await insertJournal(pool, '2026-05-11T08:00:00Z')
  await maintainPartitions(pool, RETENTION, NOW)
  expect(await where(pool, 'inbox')).toEqual([{ place: 'inbox_20260511', n: 1 }])
  expect(await where(pool, 'journal')).toEqual([{ place: 'journal_20260511', n: 1 }])
  const { rows } = await pool.query(
    `select count(*) as n from pg_index i join pg_inherits h on h.inhrelid = i.indexrelid where i.indrelid = 'journal_20260511'::regclass`,
  )
  expect(rows).toEqual([{ n: 2 }])
  const storage = await pool.query(
    `select attstorage from pg_attribute where attrelid = 'journal_20260511'::regclass and attname = 'entries'`,
  )
  expect(storage.rows).toEqual([{ attstorage: 'e' }])
  await insertEvent(pool, '2026-05-11T09:00:00Z')
})

test('days past retention go, but not while an event in them is unfinished', async () => {
  const { pool } = await freshDatabase()
  for (const day of ['2026-05-01', '2026-05-02', '2026-05-06']) {
    await maintainPartitions(pool, { inbox: 9999, journal: 9999, seenEvents: 9999 }, new Date(`${day}T12:00:00Z`))
  }
  await insertEvent(pool, '2026-05-01T08:00:00Z', 'done')
  await insertEvent(pool, '2026-05-02T08:00:00Z', 'pending')
  await insertJournal(pool, '2026-05-06T08:00:00Z')
  await insertJournal(pool, '2026-05-07T08:00:00Z')
  await insertEvent(pool, '2026-01-01T08:00:00Z', 'done')
  await insertEvent(pool, '2026-01-01T08:00:01Z', 'pending')
  await pool.query(`insert into inbox_seen values (1, 'old', now() - interval '31 days'), (1, 'young', now())`)

  const first = await maintainPartitions(pool, RETENTION, NOW)
  expect(first.dropped).toContain('inbox_20260501')
  expect(first.dropped).toContain('journal_20260506')
  expect(first.dropped).not.toContain('journal_20260507')
  expect(first.kept).toEqual(['inbox_20260502'])
  expect(first.forgottenEvents).toBe(1)
  expect(await where(pool, 'journal')).toEqual([{ place: 'journal_20260507', n: 1 }])
  expect(await where(pool, 'inbox')).toEqual([
    { place: 'inbox_20260502', n: 1 },
    { place: 'inbox_default', n: 1 },
  ])

  await pool.query(`update inbox set state = 'done'`)
  expect((await maintainPartitions(pool, RETENTION, NOW)).dropped).toEqual(['inbox_20260502'])
  expect(await where(pool, 'inbox')).toEqual([])
})
