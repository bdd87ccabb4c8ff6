import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { showStream } from '../../src/store/views/streams.ts'
import { showSync } from '../../src/store/views/syncs.ts'
import { type Seeded, seedHub } from '../http/rows.ts'
import { freshDatabase } from '../postgres.ts'

/** More of both, in some 2,000 pages a table, than the bound that these tests set. */
const MANY = 120_000
const BOUND = { rows: 50_000, pages: 200 }

let pool: pg.Pool
let hub: Seeded

beforeAll(async () => {
  ;({ pool } = await freshDatabase())
  hub = await seedHub(pool)
  await pool.query(
    `insert into record (stream_id, id, slice, seq, hash, deleted, body, observed_at)
     select $1, 'r' || n, 0, n, 'h', n % 5 = 0, repeat('x', 80), now() from generate_series(1, $2::int) n`,
    [hub.contacts, MANY],
  )
  await pool.query(
    `insert into delivery (sync_id, record_id, slice, state, source_seq, delivered, mapping_version)
     select $1, 'r' || n, 0, case when n % 4 = 0 then 'skipped' else 'delivered' end, n, repeat('x', 40), 'v' from generate_series(1, $2::int) n`,
    [hub.sync, MANY],
  )
}, 120_000)

/** What was asked, and the pool as a view sees it: one of its own, so that no count of before is known. */
function asked(): { db: Pick<pg.Pool, 'query'>; counts: string[] } {
  const counts: string[] = []
  const query = (given: { text: string; values: unknown[] }) => {
    if (/ from (delivery|record) /.test(given.text)) counts.push(given.text)
    return pool.query(given)
  }
  return { db: { query } as unknown as Pick<pg.Pool, 'query'>, counts }
}
const address = 'crm:contacts'
const near = (count: number): [number, number] => [count * 0.85, count * 1.15]
const expectWithin = (found: number | undefined, [least, most]: [number, number]): void => {
  expect(found).toBeGreaterThan(least)
  expect(found).toBeLessThan(most)
}

test('more deliveries than can be counted are told from a part of the table, and the table is not counted', async () => {
  const { db, counts } = asked()
  const sync = (await showSync(db, 'contacts-to-erp', BOUND))!
  expect(sync.deliveriesEstimated).toBe(true)
  expectWithin(sync.deliveries.delivered, near(MANY * 0.75))
  expectWithin(sync.deliveries.skipped, near(MANY * 0.25))
  expect(Object.values(sync.deliveries).every((count) => count % 1_000 === 0)).toBe(true)
  expect(counts).toHaveLength(1)
  const { rows } = await pool.query<{ 'QUERY PLAN': string }>({
    text: `explain (analyze, buffers, costs off, timing off, summary off) ${counts[0]!.replaceAll('$1', String(hub.sync)).replaceAll('$2', String(BOUND.pages))}`,
  })
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  const [, hit = '0', , read = '0'] = /Buffers: shared(?: hit=(\d+))?( read=(\d+))?/.exec(plan) ?? []
  expect(Number(hit) + Number(read), plan).toBeLessThan(2 * BOUND.pages)
})

test('so are records of a stream', async () => {
  const { db, counts } = asked()
  const { records } = (await showStream(db, address, BOUND))!
  expect(records.estimated).toBe(true)
  expectWithin(records.live, near(MANY * 0.8))
  expectWithin(records.deleted, near(MANY * 0.2))
  expect(counts).toHaveLength(1)
})

test('up to the bound each one is counted', async () => {
  const exact = { delivered: MANY * 0.75, skipped: MANY * 0.25 }
  const large = (await showSync(asked().db, 'contacts-to-erp', { rows: MANY * 2, pages: 200 }))!
  expect(large).toMatchObject({ deliveries: exact, deliveriesEstimated: false })
  // A table that is no larger than its sample is counted once, whatever the bound.
  const { db, counts } = asked()
  const small = (await showSync(db, 'contacts-to-erp', { rows: 1, pages: 1_000_000 }))!
  expect(small).toMatchObject({ deliveries: exact, deliveriesEstimated: false })
  expect(counts).toHaveLength(1)
})

test('a small sync beside a large one is counted', async () => {
  const { rows } = await pool.query<{ id: number }>(
    `insert into sync (name, from_stream, to_stream, version) values ('small', $1, $2, 'v') returning id`,
    [hub.contacts, hub.customers],
  )
  await pool.query(
    `insert into delivery (sync_id, record_id, slice, state, source_seq, mapping_version) values ($1, 'r1', 0, 'dead', 1, 'v')`,
    [rows[0]!.id],
  )
  expect(await showSync(asked().db, 'small', BOUND)).toMatchObject({
    deliveries: { dead: 1 },
    deliveriesEstimated: false,
  })
})
