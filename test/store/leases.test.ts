import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  acquireLease,
  breakLeases,
  holdLease,
  releaseLease,
  renewLease,
  withTransaction,
} from '../../src/store/index.ts'
import { assertLease, failWithoutLease } from '../../src/store/ledger/lease-check.ts'
import { inOneGo } from '../../src/store/transaction.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

let db: TestDatabase
beforeAll(async () => {
  db = await freshDatabase({ max: 12 })
})

const lossOf = (signal: AbortSignal) => (signal.aborted ? undefined : once(signal, 'abort'))

const expire = (name: string) =>
  db.pool.query(`update lease set expires_at = now() - interval '1 s' where name = $1`, [name])

test('one of many gets the lease', async () => {
  const tries = Array.from({ length: 10 }, (_, i) => acquireLease(db.pool, 'one', { holder: `w${i}` }))
  const got = (await Promise.all(tries)).filter((lease) => lease !== undefined)
  expect(got).toEqual([{ name: 'one', token: 1, formerDied: false }])
})

test('asking for a lease that is held writes nothing', async () => {
  const row = async () => (await db.pool.query(`select xmin, xmax, * from lease where name = 'asked'`)).rows
  await acquireLease(db.pool, 'asked', { holder: 'a' })
  const before = await row()
  expect(await acquireLease(db.pool, 'asked', { holder: 'b' })).toBeUndefined()
  // A lock would stand in xmax.
  expect(await row()).toEqual(before)
})

test('an expired lease changes hands with a higher token; the old holder can neither renew, release nor commit', async () => {
  const old = (await acquireLease(db.pool, 'late', { holder: 'a' }))!
  await expire('late')
  const next = (await acquireLease(db.pool, 'late', { holder: 'b' }))!
  expect(next.token).toBeGreaterThan(old.token)
  expect(await renewLease(db.pool, old)).toBe(false)
  await releaseLease(db.pool, old)
  await expect(withTransaction(db.pool, (client) => assertLease(client, old))).rejects.toMatchObject({
    code: 'CSW-6004',
  })
  await withTransaction(db.pool, (client) => assertLease(client, next))
})

test('a commit that was sent along with its statements is none when one of them failed or the lease is lost', async () => {
  await db.pool.query('create table sent_along (by text primary key)')
  const old = (await acquireLease(db.pool, 'along', { holder: 'a' }))!
  const write = (by: string) =>
    withTransaction(
      db.pool,
      (client, commit) =>
        inOneGo([failWithoutLease(client, old), client.query('insert into sent_along values ($1)', [by]), commit()]),
      'with-work',
    )
  const written = async () => (await db.pool.query('select by from sent_along')).rows
  await write('a')
  await expect(write('a')).rejects.toMatchObject({ code: '23505' })
  expect(await written()).toEqual([{ by: 'a' }])
  await expire('along')
  await acquireLease(db.pool, 'along', { holder: 'b' })
  await expect(write('late')).rejects.toMatchObject({ code: 'CSW-6004' })
  // The session is as good as new.
  expect(await Promise.all(Array.from({ length: 12 }, written))).toEqual(Array(12).fill([{ by: 'a' }]))
})

test('who takes over is told whether the former holder died, and not when it was itself or gave the lease back', async () => {
  const formerDied = async (holder: string) => (await acquireLease(db.pool, 'mortal', { holder }))!.formerDied
  expect(await formerDied('a')).toBe(false)
  await expire('mortal')
  expect(await formerDied('a')).toBe(false)
  await expire('mortal')
  expect(await formerDied('b')).toBe(true)
  await breakLeases(db.pool)
  const last = (await acquireLease(db.pool, 'mortal', { holder: 'c' }))!
  expect(last.formerDied).toBe(true)
  await releaseLease(db.pool, last)
  expect(await formerDied('d')).toBe(false)
})

test('a takeover waits for a commit under way, and a commit after a takeover is refused', async () => {
  await db.pool.query('create table written (by text)')
  const old = (await acquireLease(db.pool, 'race', { holder: 'a', ttlMs: 300 }))!
  let takeover: Promise<unknown> | undefined
  const order: string[] = []
  await withTransaction(db.pool, async (client) => {
    await assertLease(client, old)
    await sleep(400) // the lease expires in the middle of the transaction
    takeover = acquireLease(db.pool, 'race', { holder: 'b' }).then(() => order.push('takeover'))
    await client.query(`insert into written values ('a')`)
    await sleep(150)
    order.push('commit')
  })
  await takeover
  expect(order).toEqual(['commit', 'takeover'])

  const late = withTransaction(db.pool, async (client) => {
    await client.query(`insert into written values ('late')`)
    await assertLease(client, old)
  })
  await expect(late).rejects.toMatchObject({ code: 'CSW-6004' })
  expect((await db.pool.query('select by from written')).rows).toEqual([{ by: 'a' }])
})

test('a renewal cannot revive what was released, and the next token is a new one', async () => {
  const lease = (await acquireLease(db.pool, 'given back', { holder: 'a' }))!
  await releaseLease(db.pool, lease)
  expect(await renewLease(db.pool, lease)).toBe(false)
  const again = (await acquireLease(db.pool, 'given back', { holder: 'a' }))!
  expect(again.token).toBe(lease.token + 1)
})

test('tokens never repeat and never two hold, whatever the order of take, expire, renew and release', async () => {
  const step = fc.record({ who: fc.nat(2), what: fc.constantFrom('take', 'renew', 'release', 'expire') })
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 15 }), async (steps) => {
      const name = `property ${round++}`
      const held = new Map<number, { name: string; token: number }>()
      const tokens: number[] = []
      for (const { who, what } of steps) {
        const mine = held.get(who)
        if (what === 'expire') await expire(name)
        else if (what === 'take') {
          const lease = await acquireLease(db.pool, name, { holder: String(who) })
          if (lease) {
            tokens.push(lease.token)
            held.set(who, lease)
          }
        } else if (mine && what === 'renew') await renewLease(db.pool, mine)
        else if (mine) await releaseLease(db.pool, mine)
        const valid = await Promise.all(
          [...held.values()].map((lease) =>
            withTransaction(db.pool, (client) => assertLease(client, lease)).then(
              () => 1,
              () => 0,
            ),
          ),
        )
        expect(valid.reduce<number>((sum, one) => sum + one, 0)).toBeLessThanOrEqual(1)
      }
      expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
    }),
    { numRuns: 25 },
  )
})

test('a held lease outlives its time by renewing, and can be had at once after the release', async () => {
  const held = (await holdLease(db.pool, 'kept', { holder: 'a', ttlMs: 1_000 }))!
  await sleep(1_500)
  expect(held.signal.aborted).toBe(false)
  expect(held.stillHeld(50)).toBe(true)
  expect(held.stillHeld(1_000)).toBe(false)
  expect(await holdLease(db.pool, 'kept', { holder: 'b' })).toBeNull()
  await held.release()
  expect(held.stillHeld()).toBe(false)
  const next = (await holdLease(db.pool, 'kept', { holder: 'b' }))!
  await next.release()
})

test('a takeover aborts the signal of the old holder', async () => {
  const held = (await holdLease(db.pool, 'taken', { holder: 'a', ttlMs: 300 }))!
  await breakLeases(db.pool)
  expect(await acquireLease(db.pool, 'taken', { holder: 'b' })).toBeDefined()
  await lossOf(held.signal)
  expect(held.signal.reason).toMatchObject({ code: 'CSW-6004' })
  expect(held.stillHeld()).toBe(false)
  await held.release()
})

test('while Postgres does not answer, the lease counts as lost when its time is over and not before', async () => {
  const own = await freshDatabase({ max: 2 })
  const began = performance.now()
  const held = (await holdLease(own.pool, 'hanging', { holder: 'a', ttlMs: 600 }))!
  // Renewals wait for this lock, as they would for a frozen server; it is given free only when the loss was noticed.
  await withTransaction(own.pool, async (client) => {
    await client.query('lock table lease in access exclusive mode')
    await lossOf(held.signal)
  })
  expect(performance.now() - began).toBeGreaterThan(595)
  await held.release()
})

test('a machine that slept takes its lease for lost, although its monotonic clock stood still', async () => {
  let wall = 1_000_000
  const clock = { now: () => new Date(wall), monotonic: () => 5_000 }
  const held = (await holdLease(db.pool, 'slept', { holder: 'a', ttlMs: 60_000, clock }))!
  expect(held.stillHeld(50_000)).toBe(true)
  wall += 61_000
  expect(held.stillHeld()).toBe(false)
  await held.release()
})
