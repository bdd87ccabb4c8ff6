import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkSchedule, latestSlot, nextSlots, type Schedule, scheduleKey } from '../../src/queue/index.ts'

const cron = (expression: string, zone = 'Europe/Berlin'): Schedule => ({
  name: 'push/contacts',
  rhythm: { kind: 'cron', expression, zone },
})
const every = (everyMs: number): Schedule => ({ name: 'pull/contacts', rhythm: { kind: 'interval', everyMs } })
const upcoming = (schedule: Schedule, from: string, count: number) =>
  nextSlots(schedule, count, new Date(from)).map((slot) => slot.toISOString().replace(':00.000Z', 'Z'))

describe('daylight saving', () => {
  // In Berlin 2026-03-29 has no 02:00 to 03:00 and 2026-10-25 has it twice.
  test('a time skipped in spring fires once, an hour later', () => {
    expect(upcoming(cron('30 2 * * *'), '2026-03-27T12:00:00Z', 3)).toEqual([
      '2026-03-28T01:30Z',
      '2026-03-29T01:30Z',
      '2026-03-30T00:30Z',
    ])
  })

  test('a time that comes twice in autumn fires the first time only', () => {
    expect(upcoming(cron('30 2 * * *'), '2026-10-24T12:00:00Z', 2)).toEqual(['2026-10-25T00:30Z', '2026-10-26T01:30Z'])
  })

  test('what repeats all day neither pauses nor doubles', () => {
    const spring = ['2026-03-29T00:00Z', '2026-03-29T01:00Z', '2026-03-29T02:00Z']
    expect(upcoming(cron('0 * * * *'), '2026-03-28T23:30:00Z', 3)).toEqual(spring)
    const autumn = ['2026-10-25T00:00Z', '2026-10-25T01:00Z', '2026-10-25T02:00Z']
    expect(upcoming(cron('0 * * * *'), '2026-10-24T23:30:00Z', 3)).toEqual(autumn)
  })

  test('midnight that does not exist fires at the first minute of the day', () => {
    expect(upcoming(cron('0 0 * * *', 'Africa/Cairo'), '2026-04-23T12:00:00Z', 2)).toEqual([
      '2026-04-23T22:00Z',
      '2026-04-24T21:00Z',
    ])
  })

  test('an instance started in the middle of the change finds the same slots as one started long before', () => {
    const schedules = ['30 2 * * *', '0 3 * * *', '*/20 1-3 * * *', '15 * * * *'].map((text) => cron(text))
    const changes = ['2026-03-29T01:00:00Z', '2026-10-25T01:00:00Z'].map(Date.parse)
    fc.assert(
      fc.property(
        fc.constantFrom(...schedules),
        fc.constantFrom(...changes),
        fc.integer({ min: -240, max: 240 }),
        (schedule, change, minutes) => {
          const start = new Date(change + minutes * 60_000)
          const early = nextSlots(schedule, 60, new Date(change - 26 * 3_600_000)).filter((slot) => slot > start)
          expect(nextSlots(schedule, 3, start)).toEqual(early.slice(0, 3))
        },
      ),
    )
  })
})

test('cron is read in its zone', () => {
  expect(upcoming(cron('0 8 * * 1-5', 'America/New_York'), '2026-01-02T20:00:00Z', 2)).toEqual([
    '2026-01-05T13:00Z',
    '2026-01-06T13:00Z',
  ])
  expect(upcoming(cron('@daily', 'Asia/Tokyo'), '2026-01-02T20:00:00Z', 1)).toEqual(['2026-01-03T15:00Z'])
})

test('"some minute" is the same in every instance and differs between schedules', () => {
  const other = { ...cron('H H * * *'), name: 'push/invoices' }
  const from = '2026-01-02T20:00:00Z'
  expect(upcoming(cron('H H * * *'), from, 2)).toEqual(upcoming(cron('H H * * *'), from, 2))
  expect(upcoming(other, from, 1)).not.toEqual(upcoming(cron('H H * * *'), from, 1))
})

test('slots of an interval are multiples of it, whoever asks when', () => {
  const instant = fc.integer({ min: 0, max: 4e12 })
  fc.assert(
    fc.property(instant, instant, fc.integer({ min: 1_000, max: 1e8 }), (from, drift, everyMs) => {
      const [first, second] = nextSlots(every(everyMs), 2, new Date(from)) as [Date, Date]
      expect(first.getTime() % everyMs).toBe(0)
      expect(first.getTime() - from).toBeGreaterThan(0)
      expect(first.getTime() - from).toBeLessThanOrEqual(everyMs)
      expect(second.getTime() - first.getTime()).toBe(everyMs)
      const between = new Date(from + (drift % (first.getTime() - from)))
      expect(nextSlots(every(everyMs), 1, between)).toEqual([first])
    }),
  )
})

test('the latest missed slot is found however long nobody looked', () => {
  const now = new Date('2026-07-15T10:07:00Z')
  const latest = (schedule: Schedule, after?: string) =>
    latestSlot(schedule, now, after === undefined ? undefined : new Date(after))?.toISOString()
  expect(latest(every(300_000))).toBe('2026-07-15T10:05:00.000Z')
  expect(latest(cron('*/10 * * * *'))).toBe('2026-07-15T10:00:00.000Z')
  expect(latest(cron('0 4 1 * *', 'UTC'))).toBe('2026-07-01T04:00:00.000Z')
  expect(latest(cron('0 0 29 2 *', 'UTC'))).toBe('2024-02-29T00:00:00.000Z')
  expect(latest(cron('*/10 * * * *'), '2026-07-15T10:00:00Z')).toBeUndefined()
  expect(latest(cron('*/10 * * * *'), '2026-07-15T09:59:00Z')).toBe('2026-07-15T10:00:00.000Z')
  expect(latest(cron('0 4 1 * *', 'UTC'), '2020-01-01T00:00:00Z')).toBe('2026-07-01T04:00:00.000Z')
  expect(latest(cron('0 0 29 2 *', 'UTC'), '2024-03-01T00:00:00Z')).toBeUndefined()
})

test.each([
  ['', 'five fields'],
  ['* *', 'five fields'],
  ['*/5 * * * * *', 'five fields'],
  ['61 * * * *', '61'],
  ['0 0 31 2 *', 'day of month'],
  ['@secondly', 'five fields'],
])('cron "%s" is refused', (expression, why) => {
  expect(() => checkSchedule(cron(expression))).toThrow(
    expect.objectContaining({ code: 'CSW-7003', message: expect.stringContaining(why) }),
  )
})

test('a zone nobody knows and an interval that is none are refused', () => {
  expect(() => checkSchedule(cron('0 0 * * *', 'Mars/Olympus'))).toThrow(/Mars\/Olympus/)
  for (const ms of [0, -5, 999, 1000.5, Number.NaN]) expect(() => checkSchedule(every(ms))).toThrow(/interval/)
  checkSchedule(every(1_000))
  checkSchedule(cron('@weekdays'))
})

test('a changed rhythm is another schedule', () => {
  expect(scheduleKey(every(5_000))).not.toBe(scheduleKey(every(6_000)))
  expect(scheduleKey(cron('0 1 * * *'))).not.toBe(scheduleKey(cron('0 1 * * *', 'UTC')))
  expect(scheduleKey(cron(' 0 1 * * * '))).toBe(scheduleKey(cron('0 1 * * *')))
})
