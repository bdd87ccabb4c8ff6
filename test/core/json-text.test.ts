import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Json, JsonText, parseExact, spellAll, spellWithTexts, utf8Bytes } from '../../src/core/index.ts'

const json = fc.jsonValue({ stringUnit: 'binary' }) as fc.Arbitrary<Json>

test('texts inside a value are spelled as what they stand for', () => {
  fc.assert(
    fc.property(fc.array(json), fc.array(json), (inner, around) => {
      const value = { around, inner: inner.map((one) => JsonText.from<Json>(JSON.stringify(one))) }
      const plain = JSON.stringify({ around, inner })
      expect(spellWithTexts(value).toString()).toBe(plain)
      // Whoever does not know about texts spells the same.
      expect(JSON.stringify(value)).toBe(plain)
    }),
  )
})

test('a text keeps the spelling of its numbers and is parsed exactly', () => {
  const text = JsonText.from('{"large":9223372036854775807,"odd":0.10}')
  expect(spellWithTexts([text]).toString()).toBe('[{"large":9223372036854775807,"odd":0.10}]')
  expect(JSON.stringify(text.value)).toBe(text.toString())
})

test('values spelled together are the values spelled one by one', () => {
  fc.assert(
    fc.property(fc.array(json), (values) => {
      expect(spellAll(values).map((bytes) => bytes.toString())).toEqual(values.map((value) => JSON.stringify(value)))
    }),
  )
})

test('UTF-8 is what Node makes of a text, half surrogate pairs included', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, broken) => {
      const given = broken ? `${text}\ud800` : text
      expect(utf8Bytes(given).equals(Buffer.from(given))).toBe(true)
    }),
  )
})

test('equal bytes are the same text, whichever way it came about', () => {
  const made = JsonText.of({ a: ['ż', 1] })
  const read = JsonText.from<typeof made.value>('{"a":["ż",1]}')
  expect(made.sameText(read)).toBe(true)
  expect(made.sameText(JsonText.from('{"a":["ż",2]}'))).toBe(false)
  expect(parseExact(made.toString())).toEqual(read.value)
})
