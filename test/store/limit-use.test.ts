/** What was used of limits: out of the books that processes share, kept once a minute, and looked back on by hour. */
import type pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import type { QuotaBucket } from '../../src/outbound/index.ts'
import { grant, keysOfAsk, type QuotaAsk } from '../../src/outbound/quota-ledger.ts'
import { keepLimitUse, QuotaBook } from '../../src/store/index.ts'
import { dropOldRows } from '../../src/store/retention.ts'
import { listLimitUse } from '../../src/store/views/limit-use.ts'
import { freshDatabase } from '../postgres.ts'

let pool: pg.Pool
beforeEach(async () => {
  ;({ pool } = await freshDatabase())
})

const BURST: QuotaBucket = { name: 'burst', units: 600, seconds: 60, refill: 'window', scope: null, always: true }
type More = { holder?: string; key?: string; back?: { units: number; at: number } | null; spec?: QuotaBucket }

/** A process asks for units, as the gate does; gives when they were granted. */
async function take(want: number, { holder = 'a', key = 'c:crm:burst', back = null, spec = BURST }: More = {}) {
  const ask: QuotaAsk = {
    ...{ key: 'c:crm', holder, ttlMs: 100, stop: null, active: 0, wanted: 1, concurrent: 10, priority: 1 },
    buckets: [{ key, spec, want, inLine: want, need: want, back, level: null }],
    outcomes: { succeeded: false, failures: 0, reason: '' },
  }
  const answer = await new QuotaBook(pool).update(keysOfAsk(ask), (states, now) => grant(ask, states, now))
  expect(answer.units[spec.name]).toBe(want)
  return answer.at
}

const used = async (connection = 'crm') =>
  (await listLimitUse(pool, { connection, hours: 24 })).map((row) => [row.limit, row.used, row.most])
/** What was kept so far was kept so many minutes earlier. */
const age = (minutes: number) => pool.query(`update limit_use set at = at - $1 * interval '1 minute'`, [minutes])

test('what several processes were granted is summed, and what they give back is taken off', async () => {
  const at = await take(30, { holder: 'a' })
  await take(20, { holder: 'b' })
  await take(10, { holder: 'a', back: { units: 12, at } })
  await keepLimitUse(pool)
  await keepLimitUse(pool)
  expect(await used()).toEqual([['burst', 48, 48]])
  expect(await used('another')).toEqual([])
  expect(await listLimitUse(pool, { connection: 'crm', hours: 24 })).toMatchObject([
    { units: 600, seconds: 60, shared: false, hour: expect.any(Date) },
  ])
})

test('each five minutes have what was used in them, also after hours in which nothing was, and after the limit was edited', async () => {
  await take(30)
  await keepLimitUse(pool)
  await age(600)
  await take(7)
  await keepLimitUse(pool)
  await age(180)
  await take(5, { spec: { ...BURST, units: 300 } })
  await keepLimitUse(pool)
  expect(await used()).toEqual([
    ['burst', 30, 30],
    ['burst', 7, 7],
    ['burst', 5, 5],
  ])
  const rows = await listLimitUse(pool, { connection: 'crm', hours: 24 })
  expect(rows.map(({ units }) => units)).toEqual([600, 600, 300])
  expect((await listLimitUse(pool, { connection: 'crm', hours: 6 })).map((row) => row.used)).toEqual([7, 5])
})

test('nothing is written for a limit that was not used', async () => {
  await take(30)
  await keepLimitUse(pool)
  await age(60)
  await keepLimitUse(pool)
  expect((await pool.query('select count(*)::int as n from limit_use')).rows).toEqual([{ n: 1 }])
})

test('a limit that connections share is found from each, and says so', async () => {
  await take(11, { key: 's:tenant-4:burst' })
  await keepLimitUse(pool)
  expect(await listLimitUse(pool, { connection: 'crm', hours: 24 })).toMatchObject([
    { limit: 'burst', used: 11, shared: true },
  ])
})

test('after two weeks rows go; what is used later is still counted from the last one', async () => {
  await take(30)
  await keepLimitUse(pool)
  await age(30 * 24 * 60)
  await take(40)
  await keepLimitUse(pool)
  await age(20 * 24 * 60)
  await dropOldRows(pool, { runs: 90, deadLetters: 90, formerLinks: 90, configuration: 90 })
  expect((await pool.query('select count(*)::int as n from limit_use')).rows).toEqual([{ n: 1 }])
  await take(2)
  await keepLimitUse(pool)
  expect(await used()).toEqual([['burst', 2, 2]])
})
