/** The merge of two sides: disjoint edits survive, both sides come to the same, and then there is nothing to write. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../../src/core/index.ts'
import { CONFLICT_POLICIES, type ConflictPolicy } from '../../src/mapping/index.ts'
import { mergeFields, resolve } from '../../src/pipeline/merge-fields.ts'
import { isNear } from '../../src/pipeline/near.ts'

/** Two systems with the same fields, and what each direction last agreed with the other. */
type Pair = {
  from: JsonObject
  to: JsonObject
  there: JsonObject
  back: JsonObject
  times: { from: number; to: number }
}

/** One direction looks: writes to the other side, and tells the other direction what was agreed, as the pipeline does. */
function look(pair: Pair, direction: 'there' | 'back', policy: ConflictPolicy): { writes: number; asked: number } {
  const [mine, theirs] = direction === 'there' ? (['from', 'to'] as const) : (['to', 'from'] as const)
  const other = direction === 'there' ? 'back' : 'there'
  const parties = { mineIsFrom: mine === 'from', mineAt: pair.times[mine], theirsAt: pair.times[theirs] }
  const merge = mergeFields({
    mine: pair[mine],
    base: pair[direction],
    theirs: pair[theirs],
    decide: (conflict) => resolve(policy, conflict, parties),
  })
  pair[direction] = merge.base
  let writes = 0
  for (const field of merge.touched) {
    const sent = Object.hasOwn(merge.values, field)
    pair[other] = { ...pair[other], [field]: sent ? pair[mine][field]! : pair[theirs][field]! }
    if (!sent) continue
    if (JSON.stringify(pair[theirs][field]) !== JSON.stringify(merge.values[field])) writes++
    pair[theirs] = { ...pair[theirs], [field]: merge.values[field]! }
  }
  return { writes, asked: merge.asked.length }
}

function settle(pair: Pair, order: ('there' | 'back')[], policy: ConflictPolicy): { asked: number; last: number } {
  let asked = 0
  let last = 0
  for (let round = 0; round < 3; round++)
    for (const direction of order) {
      const seen = look(pair, direction, policy)
      asked = seen.asked
      if (round === 2) last += seen.writes
    }
  return { asked, last }
}

const text = fc.constantFrom('a', 'bb', 'ccc', 'dddd', 'eeeee', '')
const value: fc.Arbitrary<Json> = fc.oneof(
  text,
  fc.integer({ min: 0, max: 9 }),
  fc.uniqueArray(text, { maxLength: 3 }),
  fc.constant(null),
)
const record = fc.record({ a: value, b: value, c: value, d: value }) as fc.Arbitrary<JsonObject>
const edits = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), value) as fc.Arbitrary<JsonObject>
const policies = fc.constantFrom(...CONFLICT_POLICIES)
const times = fc.record({ from: fc.integer({ min: 1, max: 3 }), to: fc.integer({ min: 1, max: 3 }) })
const orders = fc.constantFrom<('there' | 'back')[]>(['there', 'back'], ['back', 'there'])

const agreed = (base: JsonObject, left: JsonObject, right: JsonObject, at: Pair['times']): Pair => ({
  from: { ...base, ...left },
  to: { ...base, ...right },
  there: base,
  back: base,
  times: at,
})

test('edits of different fields all survive, on both sides, without a question', () => {
  fc.assert(
    fc.property(record, edits, edits, policies, orders, times, (base, left, right, policy, order, at) => {
      for (const field of Object.keys(left)) delete right[field]
      const pair = agreed(base, left, right, at)
      const { asked, last } = settle(pair, order, policy)
      expect(asked).toBe(0)
      expect(last).toBe(0)
      for (const side of [pair.from, pair.to])
        for (const [field, wanted] of Object.entries({ ...base, ...left, ...right }))
          expect(isNear(side[field], wanted)).toBe(true)
    }),
  )
})

test('whichever side looks first: the same values, equal on both sides but for what is asked, and no write after that', () => {
  fc.assert(
    fc.property(record, edits, edits, policies, times, (base, left, right, policy, at) => {
      const [one, other] = [agreed(base, left, right, at), agreed(base, left, right, at)]
      const first = settle(one, ['there', 'back'], policy)
      const second = settle(other, ['back', 'there'], policy)
      expect(one.from).toEqual(other.from)
      expect(one.to).toEqual(other.to)
      expect([first.last, second.last]).toEqual([0, 0])
      expect(first.asked).toBe(second.asked)
      const differing = Object.keys(base).filter((field) => !isNear(one.from[field], one.to[field]))
      expect(differing).toHaveLength(policy === 'ask' ? first.asked : 0)
    }),
  )
})

test('a first contact overwrites nothing that differs unless a policy says so', () => {
  fc.assert(
    fc.property(record, record, orders, times, (left, right, order, at) => {
      const pair: Pair = { from: { ...left }, to: { ...right }, there: {}, back: {}, times: at }
      settle(pair, order, 'ask')
      expect([pair.from, pair.to]).toEqual([left, right])
    }),
  )
})

test('inside objects fields are merged one by one', () => {
  const pair = agreed(
    { a: { city: 'Lodz', zip: '1' } },
    { a: { city: 'Gdansk', zip: '1' } },
    { a: { city: 'Lodz', zip: '2' } },
    { from: 1, to: 1 },
  )
  settle(pair, ['there', 'back'], 'ask')
  expect(pair.to.a).toEqual({ city: 'Gdansk', zip: '2' })
  expect(pair.from.a).toMatchObject({ city: 'Gdansk', zip: '2' })
})

test.each<[Json, Json, boolean]>([
  ['anna', ' Anna ', true],
  ['Zo\u00eb', 'Zoe\u0308', true],
  ['+48600100200', '+48 600-100-200', true],
  [10.01, 10.005, true],
  ['10.5', 10.5, true],
  ['2026-01-01T01:00:00+01:00', '2026-01-01T00:00:00Z', true],
  [null, '', true],
  [{ city: 'Lodz', country: 'PL' }, { city: 'Lodz' }, true],
  ['Anna', 'Ann', false],
  [11, 10, false],
  ['', 'Anna', false],
  [['a', 'b'], ['a'], false],
  [true, 'true', false],
])('stored %j for %j', (stored, sent, near) => expect(isNear(stored, sent)).toBe(near))
