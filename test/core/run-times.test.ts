import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  type Activity,
  afterQueue,
  inTimes,
  RunTimes,
  splitOf,
  takeQueueWait,
  timed,
} from '../../src/core/run-times.ts'

const activity = fc.constantFrom<Activity>('call', 'limits', 'mapping', 'storing', 'connector')
const span = fc.record({ activity, from: fc.nat(60), ms: fc.nat(40) })
const kept = fc.record({
  queue: fc.nat(5_000),
  limits: fc.nat(5_000),
  remote: fc.nat(5_000),
  mapping: fc.nat(5_000),
  storing: fc.nat(5_000),
})

/** The same, moment by moment. */
function counted(spans: { activity: Activity; from: number; ms: number }[], until: number): Record<string, number> {
  const sums = { limits: 0, remote: 0, mapping: 0, storing: 0, other: 0 }
  for (let at = 0; at < until; at++) {
    const on = new Set(spans.filter(({ from, ms }) => from <= at && at < from + ms).map(({ activity }) => activity))
    if (on.has('call')) sums.remote++
    else if (on.has('limits')) sums.limits++
    else if (on.has('mapping')) sums.mapping++
    else if (on.has('storing')) sums.storing++
    else if (on.has('connector')) sums.remote++
    else sums.other++
  }
  return sums
}

test('each moment counts once, whatever overlaps, and the sum is the duration', () => {
  fc.assert(
    fc.property(fc.array(span, { maxLength: 12 }), fc.nat(500), (spans, queue) => {
      let now = 0
      const times = new RunTimes(queue, () => now)
      const leave = new Map<number, () => void>()
      const until = 110
      for (; now < until; now++)
        spans.forEach(({ activity, from, ms }, i) => {
          if (from + ms === now) leave.get(i)?.()
          if (from === now && ms > 0) leave.set(i, times.enter(activity))
        })
      const { total, ...parts } = splitOf(times.kept(), until)
      expect(parts).toEqual({ queue, ...counted(spans, until) })
      expect(Object.values(parts).reduce((sum, ms) => sum + ms, 0)).toBe(total)
      expect(total).toBe(queue + until)
    }),
  )
})

test('the sum is the duration too where the clock of the ledger was set meanwhile', () => {
  fc.assert(
    fc.property(kept, fc.integer({ min: -2_000, max: 30_000 }), (kept, took) => {
      const { total, ...parts } = splitOf(kept, took)
      expect(Object.values(parts).every((ms) => ms >= 0)).toBe(true)
      expect(Object.values(parts).reduce((sum, ms) => sum + ms, 0)).toBe(total)
      expect(total).toBe(kept.queue + Math.max(0, took))
    }),
  )
})

test('what came before the run is no part of it, what is under way when it begins is', () => {
  let now = 0
  const times = new RunTimes(30, () => now)
  const leave = times.enter('storing')
  now = 10
  times.rested()
  times.restart()
  now = 25
  leave()
  times.begin()
  times.restart()
  now = 40
  expect(times.elapsedMs).toBe(30)
  expect(times.kept()).toEqual({ queue: 0, limits: 0, remote: 0, mapping: 0, storing: 15 })
})

test('work counts for the run that it is a part of, also where it fails, and a wait in the queue for one run only', async () => {
  const [one, other] = [new RunTimes(), new RunTimes()]
  const failing = inTimes(one, () =>
    timed('mapping', async () => {
      await pause(20)
      throw new Error('bad record')
    }),
  )
  await expect(failing).rejects.toThrow('bad record')
  await pause(20)
  expect(one.kept().mapping).toBeGreaterThanOrEqual(15)
  expect(one.kept().mapping).toBeLessThan(one.elapsedMs - 15)
  expect(other.kept().mapping).toBe(0)
  expect(afterQueue(70, () => [takeQueueWait(), takeQueueWait()])).toEqual([70, 0])
  expect(takeQueueWait()).toBe(0)
})
