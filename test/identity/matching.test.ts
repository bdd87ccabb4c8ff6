import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { featuresOf } from '../../src/identity/features.ts'
import { FIELD_KINDS, type FieldKindName } from '../../src/identity/kinds.ts'
import { readEntityType } from '../../src/identity/read.ts'
import { score } from '../../src/identity/score.ts'
import { fold } from '../../src/identity/text-forms.ts'
import { judge, recordKey } from '../../src/identity/verdicts.ts'

const type = readEntityType(readFileSync(join(import.meta.dirname, 'people.yaml'), 'utf8'), 'people.yaml').type!
const normal = (kind: FieldKindName, value: string) => FIELD_KINDS[kind].normalise(value, 'PL')
const agreement = (kind: FieldKindName, a: string, b: string): number =>
  FIELD_KINDS[kind].compare(normal(kind, a)!, normal(kind, b)!)

test.each<[FieldKindName, string, string]>([
  ['person', 'Łukasz Żółć', 'ZOLC  Lukasz'],
  ['person', 'Jürgen Müller', 'Mueller, Juergen'],
  ['person', "Siobhán O'Neill", 'oneill siobhan'],
  ['company', 'Młyny Wiślane Sp. z o.o.', 'MLYNY WISLANE'],
  ['company', 'Grün & Söhne GmbH & Co. KG', 'Gruen und Soehne'],
  ['email', ' Ada@Example.ORG ', 'ada@example.org'],
  ['phone', '500 600 700', '+48 500-600-700'],
  ['phone', '0049 (0)30 901820', '+4930901820'],
  ['vat', 'PL 526-000-12-46', '5260001246'],
  ['code', 'a-12.34', 'A1234'],
  ['date', '1980-02-29T12:00:00Z', '1980-02-29'],
  ['address', 'ul. Długa 7/3, 90-001 Łódź', '90-001 Lodz, Dluga 7 m. 3'],
  ['address', 'Gartenstraße 5', 'Gartenstr. 5'],
])('%s: %s is %s', (kind, a, b) => {
  expect(agreement(kind, a, b)).toBe(1)
})

test.each<[FieldKindName, string, string, 'alike' | 'different']>([
  ['person', 'Krzysztof Kowalski', 'Krzysztof Kowalksi', 'alike'],
  ['person', 'J. Kowalski', 'Jan Kowalski', 'alike'],
  ['person', 'Jan Kowalski', 'Piotr Kowalski', 'different'],
  ['person', 'Anna Nowak', 'Anna Dąbrowska', 'different'],
  ['phone', '500600700', '500600701', 'alike'],
  ['address', 'Długa 7, 90-001 Łódź', 'Długa 9, 91-002 Łódź', 'different'],
  ['date', '1980-03-04', '1980-04-03', 'alike'],
])('%s: %s and %s are %s', (kind, a, b, wanted) => {
  const found = agreement(kind, a, b)
  expect(wanted === 'alike' ? found > 0 && found < 1 : found < 0).toBe(true)
})

test('normalising again changes nothing, comparing has no direction, and what is the same is the same', () => {
  const kinds = Object.keys(FIELD_KINDS) as FieldKindName[]
  fc.assert(
    fc.property(
      fc.constantFrom(...kinds),
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'grapheme' }),
      (kind, a, b) => {
        const [left, right] = [normal(kind, a), normal(kind, b)]
        if (left === null) return
        expect(normal(kind, left)).toBe(left)
        expect(FIELD_KINDS[kind].compare(left, left)).toBe(1)
        if (right === null) return
        const found = FIELD_KINDS[kind].compare(left, right)
        expect(found).toBeCloseTo(FIELD_KINDS[kind].compare(right, left))
        expect(Math.abs(found)).toBeLessThanOrEqual(1)
      },
    ),
  )
})

test('case, accents and order of a name do not matter', () => {
  const word = fc.stringMatching(/^[A-ZĄĆĘŁŃÓŚŹŻÄÖÜ][a-ząćęłńóśźżäöüß]{3,9}$/)
  fc.assert(
    fc.property(fc.array(word, { minLength: 2, maxLength: 3 }), (words) => {
      const straight = featuresOf(type, { name: [words.join(' ')] })
      const turned = featuresOf(type, { name: [fold([...words].reverse().join(' ')).toUpperCase()] })
      expect(score(type, straight.normal, turned.normal).points).toBe(6)
      expect(straight.keys.some((key) => key.startsWith('b.') && turned.keys.includes(key))).toBe(true)
    }),
  )
})

const pair = (left: string, right: string, points: number) => ({ left, right, score: { points, reasons: [] } })
const [a1, a2, b1, b2, c1] = [
  recordKey(1, 'x'),
  recordKey(1, 'y'),
  recordKey(2, 'x'),
  recordKey(2, 'y'),
  recordKey(3, 'x'),
]
const alone = (keys: string[]) => ({
  entityOf: new Map(keys.map((key, i) => [key, i + 1])),
  streamsOf: new Map(keys.map((key, i) => [i + 1, new Set([Number(key[0])])])),
})
const outcome = (pairs: ReturnType<typeof pair>[], members = alone([a1, a2, b1, b2, c1])) => {
  const { merges, reviews } = judge(type, pairs, members)
  return [
    ...merges.map((merge) => `${merge.pair.left} = ${merge.pair.right}`),
    ...reviews.map(({ kind, pair: { left, right } }) => `${kind}? ${left} ${right}`),
  ]
}

test('certain pairs are linked, best first, over any number of systems', () => {
  expect(outcome([pair(a1, b1, 12), pair(b1, c1, 15), pair(a2, b2, 11)])).toEqual([
    '2 x = 3 x',
    '1 x = 2 x',
    '1 y = 2 y',
  ])
})

test('what is uncertain, and what might as well be another, is for a person', () => {
  expect(outcome([pair(a1, b1, 9)])).toEqual(['match? 1 x 2 x'])
  expect(outcome([pair(a1, b1, 12), pair(a1, b2, 11)])).toEqual(['match? 1 x 2 x', 'match? 1 x 2 y'])
  expect(outcome([pair(a1, b1, -1)])).toEqual([])
})

test('two records of one system are never made one without a person', () => {
  expect(outcome([pair(a1, a2, 30)])).toEqual(['duplicate? 1 x 1 y'])
  expect(outcome([pair(a1, b1, 20), pair(a2, b1, 12)])).toEqual(['1 x = 2 x', 'duplicate? 1 y 2 x'])
})
