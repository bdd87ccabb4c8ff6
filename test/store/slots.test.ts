import { beforeAll, expect, test } from 'vitest'
import { claimSlot, createPool, dropOldSlots, lastSlot, withTransaction } from '../../src/store/index.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await freshDatabase({ max: 10 })
})

const at = (text: string) => new Date(text)

test('ten instances that look at the clock at once fire a slot once', async () => {
  const pools = Array.from({ length: 10 }, () => createPool(db.url, { max: 1 }))
  await Promise.all(pools.map((pool) => pool.query('select 1')))
  for (let minute = 0; minute < 10; minute++) {
    const slot = at(`2026-05-01T10:0${minute}:00Z`)
    const claims = await Promise.all(pools.map((pool, i) => claimSlot(pool, 'nightly', slot, `hub ${i}`)))
    expect(claims.filter(Boolean)).toHaveLength(1)
  }
  await Promise.all(pools.map((pool) => pool.end()))
  expect(await lastSlot(db.pool, 'nightly')).toEqual(at('2026-05-01T10:09:00Z'))
})

test('a claim whose transaction fails leaves the slot to somebody else', async () => {
  const slot = at('2026-05-01T11:00:00Z')
  const failing = withTransaction(db.pool, async (client) => {
    expect(await claimSlot(client, 'hourly', slot, 'a')).toBe(true)
    throw new Error('crashed before the work was asked for')
  })
  await expect(failing).rejects.toThrow('crashed')
  expect(await claimSlot(db.pool, 'hourly', slot, 'b')).toBe(true)
})

test('old slots are forgotten, but never the newest of a schedule', async () => {
  await claimSlot(db.pool, 'old', at('2020-01-01T00:00:00Z'), 'a')
  await claimSlot(db.pool, 'old', at('2020-01-02T00:00:00Z'), 'a')
  await claimSlot(db.pool, 'fresh', at('2020-01-01T00:00:00Z'), 'a')
  await claimSlot(db.pool, 'fresh', new Date(), 'a')
  await dropOldSlots(db.pool, 30)
  const { rows } = await db.pool.query(
    `select schedule, count(*) as n, min(slot) < '2021-01-01' as old from schedule_slot where schedule in ('old', 'fresh') group by 1 order by 1`,
  )
  expect(rows).toEqual([
    { schedule: 'fresh', n: 1, old: false },
    { schedule: 'old', n: 1, old: true },
  ])
  expect(await lastSlot(db.pool, 'old')).toEqual(at('2020-01-02T00:00:00Z'))
  expect(await lastSlot(db.pool, 'unknown')).toBeUndefined()
})
