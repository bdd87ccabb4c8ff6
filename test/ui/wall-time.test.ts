import fc from 'fast-check'
import { expect, test } from 'vitest'
import { momentAt, offsetMinutes } from '../../src/ui/parts/wall-time.ts'

const ZONES = ['UTC', 'Europe/Warsaw', 'America/St_Johns', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia']

test('what a wall shows leads back to its moment, in any zone, also where clocks change', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ZONES),
      fc.integer({ min: Date.UTC(2000, 0, 1) / 60_000, max: Date.UTC(2040, 0, 1) / 60_000 }),
      (zone, minute) => {
        const date = new Date(minute * 60_000)
        const wall = date.getTime() + offsetMinutes(date, zone) * 60_000
        const back = momentAt(wall, zone)
        // The same, or the other moment at which the wall shows it.
        expect(back.getTime() + offsetMinutes(back, zone) * 60_000).toBe(wall)
        expect(Math.abs(back.getTime() - date.getTime())).toBeLessThanOrEqual(3_600_000)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('offsets, the hour that is there twice, and the one that is not', () => {
  expect(offsetMinutes(new Date('2026-03-02T12:00:00Z'), 'Asia/Kolkata')).toBe(330)
  expect(offsetMinutes(new Date('2026-07-02T12:00:00Z'), 'America/St_Johns')).toBe(-150)
  const wall = (text: string): number => Date.parse(`${text}Z`)
  expect(momentAt(wall('2026-10-25T02:30'), 'Europe/Warsaw').toISOString()).toBe('2026-10-25T00:30:00.000Z')
  expect(momentAt(wall('2026-03-29T02:30'), 'Europe/Warsaw').toISOString()).toBe('2026-03-29T01:30:00.000Z')
})
