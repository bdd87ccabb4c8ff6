import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  fitsDouble,
  forExpression,
  isRawNumber,
  type Json,
  parseExact,
  rawNumber,
  sameJson,
} from '../../src/core/index.ts'

test('numbers that a double would respell survive parse and stringify verbatim', () => {
  const texts = [
    '[9223372036854775807]',
    '[0.10]',
    '[1e400]',
    '[-0]',
    '[12345678901234567890.5]',
    '{"a":1.0,"b":[100.50]}',
    '[1E5]',
    '[0.1234567890123456789]',
  ]
  for (const text of texts) expect(JSON.stringify(parseExact(text)), text).toBe(text)
})

test('U+0000, lone surrogates, null, absence and arrays of one survive', () => {
  const text = '{"z":"\\u0000","s":"\\ud800","n":null,"one":[1]}'
  expect(JSON.stringify(parseExact(text))).toBe(text)
})

test('property: any spelling of a number comes back as it was, between any neighbours', () => {
  const numeral = fc.stringMatching(/^-?(0|[1-9]\d{0,24})(\.\d{1,20})?([eE][+-]?\d{1,3})?$/)
  fc.assert(
    fc.property(numeral, numeral, (a, b) => {
      for (const text of [a, `[${a},${b}]`, `{"x":${a},"y":{"z":[${b}]}}`])
        expect(JSON.stringify(parseExact(text))).toBe(text)
    }),
    { numRuns: 2_000 },
  )
})

test('an expression sees doubles where they are exact and decimal text where they are not', () => {
  expect(forExpression(parseExact('{"a":0.10,"b":9223372036854775807,"c":[1e400]}'))).toEqual({
    a: 0.1,
    b: '9223372036854775807',
    c: ['1e400'],
  })
  expect([
    fitsDouble('0.10'),
    fitsDouble('1e21'),
    fitsDouble('9007199254740993'),
    fitsDouble('-0.0'),
    fitsDouble('100'),
  ]).toEqual([true, true, false, true, true])
})

test('"__proto__" is a key like any other', () => {
  const value = forExpression(parseExact('{"__proto__":{"a":1.0}}')) as Record<string, Json>
  expect(Object.hasOwn(value, '__proto__')).toBe(true)
  expect(({} as Record<string, unknown>).a).toBeUndefined()
})

test('equality ignores key order and respects number spelling', () => {
  expect(sameJson({ a: 1, b: [null] }, { b: [null], a: 1 })).toBe(true)
  expect(sameJson({ a: rawNumber('0.10') }, { a: 0.1 })).toBe(false)
  expect(sameJson([1], 1)).toBe(false)
  expect(isRawNumber(rawNumber('1e400'))).toBe(true)
})
