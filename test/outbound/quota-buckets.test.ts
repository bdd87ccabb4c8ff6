import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Clock } from '../../src/core/index.ts'
import { LocalQuotaGate, type QuotaBucket } from '../../src/outbound/index.ts'
import { bookOf } from '../../src/outbound/quota-buckets.ts'
import { errorOf } from './peer.ts'

const bucket = (given: Partial<QuotaBucket>): QuotaBucket => ({
  name: 'b',
  units: 10,
  seconds: 60,
  refill: 'window',
  scope: null,
  ...given,
})

/** A clock that stands still until it is told. */
function stoppedClock(): Clock & { at: number } {
  return {
    at: 1_000_000,
    now() {
      return new Date(this.at)
    },
    monotonic() {
      return this.at
    },
  }
}

const calls = fc.array(fc.record({ pause: fc.nat(5_000), units: fc.integer({ min: 1, max: 6 }) }), { maxLength: 60 })

test('whoever waits as long as a window says never spends more than its units in any span of its length', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 20 }), calls, (units, seconds, wanted) => {
      const book = bookOf(bucket({ units, seconds }), 0)
      const spent: { at: number; units: number }[] = []
      let now = 0
      for (const call of wanted) {
        now += call.pause
        const cost = Math.min(call.units, units)
        now += book.waitMs(cost, now)
        expect(book.waitMs(cost, now)).toBe(0)
        book.spend(cost, now)
        spent.push({ at: now, units: cost })
        const inSpan = spent.filter(({ at }) => at > now - seconds * 1000)
        expect(inSpan.reduce((sum, one) => sum + one.units, 0)).toBeLessThanOrEqual(units)
      }
    }),
  )
})

test('a steady bucket allows one bucketful and what refills meanwhile, and no more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 20 }), calls, (units, seconds, wanted) => {
      const book = bookOf(bucket({ units, seconds, refill: 'steady' }), 0)
      let now = 0
      let sum = 0
      for (const call of wanted) {
        now += call.pause
        const cost = Math.min(call.units, units)
        now += book.waitMs(cost, now)
        book.spend(cost, now)
        sum += cost
        expect(sum).toBeLessThanOrEqual(units + (now / 1000) * (units / seconds) + 1e-6)
      }
    }),
  )
})

test('what the system says counts more than our own count, until it begins anew', () => {
  const book = bookOf(bucket({ units: 100, seconds: 60 }), 0)
  book.spend(1, 0)
  book.learn({ bucket: 'b', remaining: 0, resetMs: 30_000 }, 0)
  expect(book.waitMs(1, 0)).toBe(30_000)
  // An answer that was overtaken says there was more; it is older news of the same window.
  book.learn({ bucket: 'b', remaining: 7, resetMs: 29_990 }, 10)
  expect(book.waitMs(1, 10)).toBe(29_990)
  expect(book.waitMs(1, 30_000)).toBe(0)
  // Others of the same account spend too: only two are left of what we think are 98.
  book.learn({ bucket: 'b', remaining: 2, resetMs: 60_000 }, 30_000)
  book.spend(2, 30_000)
  expect(book.waitMs(1, 30_000)).toBe(60_000)
})

test('a plan with a higher limit is learnt from an answer', () => {
  const book = bookOf(bucket({ units: 1, seconds: 60 }), 0)
  book.spend(1, 0)
  expect(book.waitMs(1, 0)).toBeGreaterThan(0)
  book.learn({ bucket: 'b', limit: 5 }, 0)
  expect(book.waitMs(4, 0)).toBe(0)
  expect(book.waitMs(5, 0)).toBeGreaterThan(0)
})

test('every bucket must have room, and nothing is spent while one has none', async () => {
  const clock = stoppedClock()
  const gate = new LocalQuotaGate(
    { buckets: [bucket({ name: 'wide', units: 2 }), bucket({ name: 'narrow', units: 1 })] },
    clock,
  )
  await gate.take({ wide: 1, narrow: 1 }, 0)
  const refused = await errorOf(gate.take({ wide: 1, narrow: 1 }, 0))
  expect(refused).toMatchObject({ code: 'CSW-3005', message: expect.stringContaining('"narrow"') })
  expect((refused as { retryAfterMs?: number }).retryAfterMs).toBeGreaterThanOrEqual(57_000)
  await gate.take({ wide: 1 }, 0)
  expect(await errorOf(gate.take({ wide: 1 }, 0))).toMatchObject({ message: expect.stringContaining('"wide"') })
})

test('who waits for one bucket holds up nobody who does not want it', async () => {
  const clock = stoppedClock()
  const gate = new LocalQuotaGate({ buckets: [bucket({ name: 'search', units: 1, seconds: 3 })] }, clock)
  await gate.take({ search: 1 }, 0)
  const abort = new AbortController()
  const waiting = errorOf(gate.take({ search: 1 }, 0, abort.signal, 600_000))
  await gate.take({}, 0)
  abort.abort()
  expect(await waiting).toMatchObject({ code: 'CSW-3015' })
})

test('an answer that says there is room again lets those go who wait', async () => {
  const clock = stoppedClock()
  const gate = new LocalQuotaGate({ buckets: [bucket({ name: 'day', units: 1, seconds: 86_400 })] }, clock)
  await gate.take({ day: 1 }, 0)
  const waiting = gate.take({ day: 1 }, 0, undefined, Infinity)
  gate.learn({ bucket: 'day', remaining: 3, resetMs: 1000 })
  await waiting
})
