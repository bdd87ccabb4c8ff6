import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextLink } from '../../src/connector/parts/link-header.ts'
import { shifted, sortableTimestamp } from '../../src/connector/parts/timestamps.ts'
import { sortableVersion } from '../../src/connector/parts/versions.ts'
import { rawNumber } from '../../src/core/index.ts'

const spellings: [unknown, string | null][] = [
  ['2026-11-23T12:00:00Z', '2026-11-23T12:00:00.000000000Z'],
  ['2026-11-23T12:00:00.123456789Z', '2026-11-23T12:00:00.123456789Z'],
  ['2026-11-23T12:00:00.5+01:00', '2026-11-23T11:00:00.500000000Z'],
  ['2026-11-23T12:00:00+0530', '2026-11-23T06:30:00.000000000Z'],
  ['2026-11-23 12:00:00', '2026-11-23T12:00:00.000000000Z'],
  ['2026-11-23 12:00:00 UTC', '2026-11-23T12:00:00.000000000Z'],
  ['2026-11-23T12:00', '2026-11-23T12:00:00.000000000Z'],
  ['2026-11-23', '2026-11-23T00:00:00.000000000Z'],
  ['20261123120000Z', '2026-11-23T12:00:00.000000000Z'],
  ['20261123120000.25Z', '2026-11-23T12:00:00.250000000Z'],
  ['Mon, 23 Nov 2026 12:00:00 GMT', '2026-11-23T12:00:00.000000000Z'],
  [1795435200, '2026-11-23T12:00:00.000000000Z'],
  ['1795435200', '2026-11-23T12:00:00.000000000Z'],
  ['1795435200.25', '2026-11-23T12:00:00.250000000Z'],
  [1795435200123, '2026-11-23T12:00:00.123000000Z'],
  [rawNumber('1795435200.10'), '2026-11-23T12:00:00.100000000Z'],
  ['2026-13-01T00:00:00Z', null],
  ['soon', null],
  ['', null],
  [true, null],
  [{}, null],
]
test.each(spellings)('the timestamp %j becomes %j', (given, expected) => {
  expect(sortableTimestamp(given)).toBe(expected)
})

test('text order of timestamps is time order', () => {
  const moment = fc.date({ min: new Date('1990-01-01'), max: new Date('2100-01-01'), noInvalidDate: true })
  const written = fc.constantFrom(
    (date: Date) => date.toISOString(),
    (date: Date) => date.toISOString().replace('T', ' ').replace('Z', ''),
    (date: Date) => String(date.getTime() / 1000),
    (date: Date) => new Date(date.getTime() + 7_200_000).toISOString().replace('Z', '+02:00'),
  )
  fc.assert(
    fc.property(moment, moment, written, written, (a, b, writeA, writeB) => {
      const [left, right] = [sortableTimestamp(writeA(a))!, sortableTimestamp(writeB(b))!]
      expect(Math.sign(a.getTime() - b.getTime())).toBe(left < right ? -1 : left > right ? 1 : 0)
    }),
  )
})

test('text order of numbers is their order, at any size', () => {
  const number = fc.oneof(
    fc.bigInt({ min: 0n, max: 10n ** 38n }).map(String),
    fc.integer({ min: 0, max: 99999 }).map((n) => String(n / 100)),
  )
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [left, right] = [sortableVersion(a, 'number')!, sortableVersion(rawNumber(b), 'number')!]
      const scale = (text: string) =>
        BigInt(text.split('.')[0]!) * 100n + BigInt((text.split('.')[1] ?? '').padEnd(2, '0'))
      expect(left < right).toBe(scale(a) < scale(b))
    }),
  )
  expect(sortableVersion('1.50', 'number')).toBe(sortableVersion(1.5, 'number'))
  expect(sortableVersion(-1, 'number')).toBeNull()
})

test('a shift keeps the digits below a millisecond', () => {
  expect(shifted('2026-01-01T00:00:00.123456789Z', -1000)).toBe('2025-12-31T23:59:59.123456789Z')
})

const links: [string | undefined, string | undefined][] = [
  ['<https://a/?p=2>; rel="next"', 'https://a/?p=2'],
  ['<https://a/?p=1>; rel="prev", <https://a/?p=3>; rel="next"', 'https://a/?p=3'],
  ['<https://a/?x=1,2&p=3>; title="a, \\"b\\"; c"; rel=NEXT', 'https://a/?x=1,2&p=3'],
  ['</rel?p=2>; rel="last next"', '/rel?p=2'],
  ['<https://a/>; rel="nextpage"', undefined],
  ['', undefined],
  [undefined, undefined],
]
test.each(links)('the Link header %j leads to %j', (header, expected) => {
  expect(nextLink(header, 'next')).toBe(expected)
})
