import { expect, test } from 'vitest'
import { describeProgress } from '../../src/cli/progress.ts'
import { duration } from '../../src/cli/table.ts'

test('progress tells rate and time to go once it knows them', () => {
  const at = { done: 500, left: 1_000, text: 'running', rate: 50, elapsedMs: 10_000 }
  expect(describeProgress(at)).toBe('running · 500 records · 50/s · 1000 left · about 20 s to go · 10 s')
  expect(describeProgress({ ...at, rate: 0 })).toBe('running · 500 records · 1000 left · 10 s')
  expect(describeProgress({ ...at, left: null })).toBe('running · 500 records · 50/s · 10 s')
})

test('durations have the unit a person would choose', () => {
  expect([5, 1_500, 99_000, 120_000, 7_200_000, 3 * 86_400_000].map(duration)).toEqual([
    '5 ms',
    '1.5 s',
    '99 s',
    '2 min',
    '2 h',
    '3 d',
  ])
})
