import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { withUrgency } from '../../src/core/index.ts'
import { createOutbound, type QuotaBucket, SharedQuotaGate } from '../../src/outbound/index.ts'
import { grant, type QuotaAsk, type QuotaStore } from '../../src/outbound/quota-ledger.ts'
import { QuotaBook } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'
import { busiest } from './busiest.ts'
import { errorOf, httpPeer } from './peer.ts'

const bucket = (more: Partial<QuotaBucket> = {}): QuotaBucket => ({
  name: 'burst',
  units: 20,
  seconds: 2,
  refill: 'window',
  scope: null,
  always: true,
  ...more,
})

test('however slices are asked for, used, returned and lost, no window ever holds more than its limit', () => {
  const ttlMs = 100
  const step = fc.record({
    worker: fc.integer({ min: 0, max: 3 }),
    passMs: fc.integer({ min: 0, max: 400 }),
    want: fc.integer({ min: 1, max: 15 }),
    used: fc.double({ min: 0, max: 1, noNaN: true }),
    /** When in its slice it uses what it uses. */
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    returns: fc.boolean(),
  })
  const total = { granted: 0 }
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 200 }), (steps) => {
      let states = new Map<string, string>()
      let now = 1_000_000
      const held = new Map<number, { units: number; at: number; left: number }>()
      const spent: number[] = []
      for (const { worker, passMs, want, used, at, returns } of steps) {
        now += passMs
        const before = held.get(worker)
        const ask: QuotaAsk = {
          key: 'c:x',
          holder: String(worker),
          ttlMs,
          buckets: [
            {
              key: 'c:x:burst',
              spec: bucket(),
              want,
              inLine: want,
              need: 1,
              back: before && returns ? { units: before.left, at: before.at } : null,
              level: null,
            },
          ],
          stop: null,
          outcomes: { succeeded: false, failures: 0, reason: '' },
          active: 0,
          wanted: want,
          concurrent: 100,
          priority: 2,
        }
        const answer = grant(ask, states, now)
        states = new Map([...states, ...answer.states])
        const units = Math.floor(answer.result.units.burst!)
        total.granted += units
        const uses = Math.round(units * used)
        for (let i = 0; i < uses; i++) spent.push(now + at * ttlMs)
        held.set(worker, { units, at: now, left: answer.result.units.burst! - uses })
      }
      spent.sort((a, b) => a - b)
      expect(busiest(spent, 2_000)).toBeLessThanOrEqual(20)
    }),
  )
  expect(total.granted).toBeGreaterThan(1_000)
})

test('the calls under way are shared out, never more in sum, and everybody gets a turn', () => {
  let states = new Map<string, string>()
  const served = new Map<string, number>()
  const active = new Map<string, number>()
  for (let now = 0, turn = 0; turn < 400; turn++, now += 20) {
    const holder = `w${turn % 7}`
    const ask: QuotaAsk = {
      key: 'c:x',
      holder,
      ttlMs: 100,
      buckets: [],
      stop: null,
      outcomes: { succeeded: false, failures: 0, reason: '' },
      active: active.get(holder) ?? 0,
      wanted: (active.get(holder) ?? 0) + 2,
      concurrent: 4,
      priority: 2,
    }
    const { states: next, result } = grant(ask, states, now)
    states = new Map([...states, ...next])
    active.set(holder, turn % 3 === 0 ? 0 : result.share)
    if (result.share > 0 && result.hold === null) served.set(holder, (served.get(holder) ?? 0) + 1)
    const holders = Object.values(
      (JSON.parse(states.get('c:x')!) as { holders: Record<string, { share: number }> }).holders,
    )
    expect(holders.reduce((sum, { share }) => sum + share, 0)).toBeLessThanOrEqual(4)
  }
  expect(served.size).toBe(7)
})

async function sharedGates(count: number, buckets: QuotaBucket[], concurrent = 8) {
  const { pool } = await freshDatabase()
  // A book each, as processes have.
  const gates = Array.from(
    { length: count },
    () => new SharedQuotaGate({ connection: 'x', buckets, concurrent }, new QuotaBook(pool)),
  )
  return { pool, gates: gates as [SharedQuotaGate, SharedQuotaGate] }
}

test('what one process is told to wait, all wait, and a wait that is too long ends at once with its end', async () => {
  const [one, other] = (await sharedGates(2, [bucket()])).gates
  await one.take({}, 2)
  one.report({ waitMs: 60_000, reason: 'the system answered 429 and asked to wait' })
  // The other learns of it with its next slice.
  let error: unknown
  for (let i = 0; i < 20 && !error; i++) error = await Promise.race([errorOf(other.take({}, 2)), sleep(100)])
  expect(error).toMatchObject({ code: 'CSW-3005', message: expect.stringContaining('429') })
  expect((error as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(50_000)
  expect(other.waiting!.until.getTime()).toBeGreaterThan(Date.now() + 50_000)
})

test('urgent work goes first, over processes too', async () => {
  const { pool, gates } = await sharedGates(2, [bucket({ units: 2, seconds: 2 })])
  const [backfill, interactive] = gates
  const order: string[] = []
  await Promise.all([backfill.take({}, 3), backfill.take({}, 3)])
  const late = Array.from({ length: 4 }, () => backfill.take({}, 3).then(() => order.push('backfill')))
  const urgent = Array.from({ length: 2 }, () => interactive.take({}, 0).then(() => order.push('interactive')))
  // From the moment on when the ledger knows who waits; before, whoever asks first gets it.
  for (;;) {
    const { rows } = await pool.query<{ state: string }>("select state from quota where key = 'c:x'")
    if (rows[0]?.state.includes('"waiting":0')) break
    await sleep(5)
  }
  order.length = 0
  await Promise.all([...late, ...urgent])
  expect(order.slice(0, 2)).toEqual(['interactive', 'interactive'])
})

test('a call is as urgent as the work that makes it', async () => {
  const url = await httpPeer((_request, response) => response.end('ok'))
  const seen: number[] = []
  const gate = { take: async (_: unknown, priority: number) => void seen.push(priority), report() {}, learn() {} }
  const outbound = createOutbound({
    connection: 'x',
    allow: ['127.0.0.1'],
    gate: () => ({ ...gate, waiting: null }),
  })
  await withUrgency('backfill', () => outbound.request({ url }))
  await withUrgency('interactive', async () => {
    await sleep(1)
    await outbound.request({ url })
  })
  await outbound.request({ url })
  expect(seen).toEqual([3, 0, 2])
})

const askOf = (more: Partial<QuotaAsk>): QuotaAsk => ({
  key: 'c:x',
  holder: 'one',
  ttlMs: 250,
  buckets: [],
  stop: null,
  outcomes: { succeeded: false, failures: 0, reason: '' },
  active: 1,
  wanted: 4,
  concurrent: 4,
  priority: null,
  ...more,
})

test('what is asked for in advance is not given while others wait, nor past a breaker', () => {
  const calm = grant(askOf({}), new Map(), 1_000)
  expect(calm.result).toMatchObject({ slice: true, share: 4 })
  // Somebody else finds nothing left and waits.
  const waits = grant(askOf({ holder: 'other', active: 0, wanted: 1, priority: 1 }), calm.states, 1_010)
  expect(waits.result).toMatchObject({ slice: false, share: 0 })
  expect(grant(askOf({}), waits.states, 1_020).result).toMatchObject({ slice: false, share: 1, hold: null })
  const failed = askOf({ outcomes: { succeeded: false, failures: 5, reason: '502' }, active: 0, priority: 1 })
  const open = grant(failed, new Map(), 1_000)
  expect(grant(askOf({ holder: 'other' }), open.states, 1_010).result).toMatchObject({ slice: false, share: 1 })
})

test('while a question is under way no more calls go than it tells of', async () => {
  let answer = Promise.withResolvers<void>()
  let states: ReadonlyMap<string, string> = new Map()
  const store: QuotaStore = {
    async update(_keys, change) {
      const made = change(states, performance.now())
      await answer.promise
      states = made.states
      return made.result
    },
  }
  const gate = new SharedQuotaGate({ connection: 'x', buckets: [], concurrent: 4 }, store)
  answer.resolve()
  await Promise.all([gate.take({}, 1), gate.take({}, 1), gate.take({}, 1)])
  gate.done({ end: 'ok' })
  gate.done({ end: 'ok' })
  answer = Promise.withResolvers()
  // Tells the ledger of one call under way, and has room for three by the answer before.
  gate.report({ waitMs: 1, reason: 'a moment' })
  await sleep(30)
  const went: number[] = []
  const more = [1, 2].map((n) => gate.take({}, 1).then(() => went.push(n)))
  await sleep(30)
  expect(went).toEqual([])
  answer.resolve()
  await Promise.all(more)
})
