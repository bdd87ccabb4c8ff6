import { expect, test } from 'vitest'
import { LocalQuotaGate, paceOf } from '../../src/outbound/index.ts'
import { client, errorOf, httpPeer } from './peer.ts'

test('a 429 with Retry-After holds back every call of the connection, and no other connection', async () => {
  const times: number[] = []
  const url = await httpPeer((_request, response) => {
    times.push(performance.now())
    if (times.length === 1) response.writeHead(429, { 'retry-after': '2' }).end()
    else response.end('ok')
  })
  const outbound = client()
  const first = await outbound.request({ url })
  expect(outbound.failureOf(first)).toMatchObject({ code: 'CSW-3005', retryAfterMs: 2_000 })
  expect(outbound.gate.waiting).toMatchObject({ reason: expect.stringContaining('429') })
  const held = Promise.all([outbound.request({ url }), outbound.request({ url })])
  await client({ connection: 'other' }).request({ url })
  await held
  const [asked, other, ...later] = times as [number, number, number, number]
  expect(other - asked).toBeLessThan(1_900)
  for (const time of later) expect(time - asked).toBeGreaterThanOrEqual(1_995)
})

test('a wait longer than the caller has time for ends at once and says how long', async () => {
  const gate = new LocalQuotaGate()
  const patient = gate.take({}, 0, undefined, 30_000)
  await patient
  gate.report({ waitMs: 60_000, reason: 'day quota used up' })
  const error = await errorOf(gate.take({}, 0, undefined, 30_000))
  expect(error).toMatchObject({ code: 'CSW-3005', message: expect.stringContaining('day quota used up') })
  expect((error as { retryAfterMs?: number }).retryAfterMs).toBeGreaterThan(59_000)
})

test('a longer stop reported later also ends the waits that cannot last so long', async () => {
  const gate = new LocalQuotaGate()
  gate.report({ waitMs: 200, reason: 'short' })
  const waiting = errorOf(gate.take({}, 0, undefined, 1_000))
  gate.report({ waitMs: 5_000, reason: 'long' })
  expect(await waiting).toMatchObject({ code: 'CSW-3005' })
})

test('a shorter stop never shortens a longer one', () => {
  const gate = new LocalQuotaGate()
  gate.report({ waitMs: 5_000, reason: 'long' })
  gate.report({ waitMs: 10, reason: 'short' })
  expect(gate.waiting).toMatchObject({ reason: 'long' })
})

test('the rate holds whatever the demand, and lower priority numbers go first', async () => {
  const gate = new LocalQuotaGate({ buckets: [paceOf(100)] })
  const order: number[] = []
  const began = performance.now()
  // 5 in the burst, the other 25 at 100 a second: 250 ms.
  await Promise.all(
    Array.from({ length: 30 }, (_, i) => gate.take({}, i < 20 ? 1 : 0).then(() => order.push(i < 20 ? 1 : 0))),
  )
  expect(performance.now() - began).toBeGreaterThan(235)
  // A process that stands still for a moment while it asks finds more in the bucket than the burst.
  const first = order.indexOf(0)
  expect(first).toBeGreaterThanOrEqual(5)
  expect(order.slice(first, first + 10)).toEqual(Array(10).fill(0))
})

test('a dear call costs the next ones their turn', async () => {
  const gate = new LocalQuotaGate({ buckets: [paceOf(100)] })
  const began = performance.now()
  await gate.take({ per_second: 20 }, 0)
  await gate.take({}, 0)
  // The bucket holds 5: 20 leave it 15 short, and one more is wanted.
  expect(performance.now() - began).toBeGreaterThan(150)
})

test('who stops waiting gives up the place', async () => {
  const gate = new LocalQuotaGate()
  gate.report({ waitMs: 100, reason: 'pause' })
  const abort = new AbortController()
  const given = errorOf(gate.take({}, 0, abort.signal))
  const kept = gate.take({}, 0)
  abort.abort()
  expect(await given).toMatchObject({ code: 'CSW-3015' })
  await kept
})

test('an aborted wait for a slot does not lose the slot', async () => {
  const url = await httpPeer((_request, response) => setTimeout(() => response.end('ok'), 50))
  const outbound = client({ maxConcurrent: 1 })
  const first = outbound.request({ url })
  const abort = new AbortController()
  const second = errorOf(outbound.request({ url, signal: abort.signal }))
  abort.abort()
  expect(await second).toMatchObject({ code: 'CSW-3015' })
  await first
  expect((await outbound.request({ url })).status).toBe(200)
})
