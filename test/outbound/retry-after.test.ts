import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRetryAfter, retryAfterOf } from '../../src/outbound/index.ts'

const now = new Date('2026-11-23T12:00:00.000Z')
const DAY = 86_400_000
const seconds = fc.integer({ min: 0, max: 86_400 })
const at = (s: number) => new Date(now.getTime() + s * 1000)

test('every way to write a wait means the same wait', () => {
  fc.assert(
    fc.property(seconds, (s) => {
      const moment = at(s)
      const spellings: [string, Parameters<typeof parseRetryAfter>[2]?][] = [
        [String(s)],
        [` ${s} `],
        [`${s}.0`],
        [moment.toUTCString()],
        [moment.toISOString()],
        [String(moment.getTime() / 1000)],
        [String(moment.getTime())],
        [String(s), 'seconds'],
        [String(s * 1000), 'milliseconds'],
        [String(moment.getTime() / 1000), 'epoch-seconds'],
        [String(moment.getTime()), 'epoch-milliseconds'],
      ]
      for (const [text, form] of spellings)
        expect([text, form, parseRetryAfter(text, now, form)]).toEqual([text, form, s * 1000])
    }),
  )
})

test('obsolete date forms of HTTP are read too', () => {
  expect(parseRetryAfter('Monday, 23-Nov-26 12:00:30 GMT', now)).toBe(30_000)
  expect(parseRetryAfter('Mon Nov 23 12:00:30 2026 GMT', now)).toBe(30_000)
})

test('whatever a header holds, the wait is a bounded whole number or nothing', () => {
  const texts = fc.oneof(fc.string(), fc.float().map(String), fc.date().map(String), fc.bigInt().map(String))
  fc.assert(
    fc.property(texts, (text) => {
      const wait = parseRetryAfter(text, now)
      if (wait !== undefined) expect(Number.isInteger(wait) && wait >= 0 && wait <= DAY).toBe(true)
    }),
  )
})

test.each(['', 'soon', '-5', '1e3', 'NaN', 'Infinity', '5 minutes', '0x10'])('%j says nothing', (text) => {
  expect(parseRetryAfter(text, now)).toBeUndefined()
})

test('a moment that has passed means now, a far one at most a day', () => {
  expect(parseRetryAfter(at(-60).toUTCString(), now)).toBe(0)
  expect(parseRetryAfter(String(at(-60).getTime() / 1000), now)).toBe(0)
  expect(parseRetryAfter('999999', now)).toBe(DAY)
})

test('Retry-After wins over reset headers; the draft counts only policies that are used up', () => {
  expect(retryAfterOf({ 'retry-after': '7', 'x-ratelimit-reset': '60' }, now)).toBe(7000)
  expect(retryAfterOf({ 'x-ratelimit-reset': String(at(9).getTime() / 1000) }, now)).toBe(9000)
  expect(retryAfterOf({ ratelimit: '"burst";r=0;t=5, "day";r=10;t=9000' }, now)).toBe(5000)
  expect(retryAfterOf({ ratelimit: '"burst";r=3;t=5' }, now)).toBeUndefined()
  expect(retryAfterOf({}, now)).toBeUndefined()
})
