/** What the checker says of values: their types, null, lists of one, length, digits, conditions that cannot hold. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { type CheckedStream, checkSync, readSoundMapping } from '../../src/mapping/index.ts'

const abilities = {
  read: true,
  create: true,
  update: true,
  upsert: false,
  delete: true,
  content: false,
  lookup: ['name'],
}
const closed = (properties: JsonObject, required: string[] = []): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})

const SOURCE = closed({
  name: { type: 'string', maxLength: 100 },
  nick: { type: ['string', 'null'] },
  stage: { type: 'string', enum: ['lead', 'buyer', 'former'] },
  big: { type: 'integer', format: 'int64' },
  price: { type: 'string', pattern: '^-?\\d+(\\.\\d{1,4})?$' },
  count: { type: 'integer' },
  lines: {
    type: 'array',
    items: closed({
      sku: { type: 'string' },
      price: { type: 'string', format: 'decimal' },
      parts: { type: 'array', items: closed({ id: { type: 'string' } }) },
    }),
  },
})
const TARGET = closed(
  {
    name: { type: 'string', maxLength: 40 },
    title: { type: ['string', 'null'] },
    code: { type: 'string', pattern: '^[A-Z]{2}$' },
    rating: { type: 'integer', maximum: 5 },
    stage: { enum: ['buyer', 'former', null] },
    skus: { type: 'array', items: { type: 'string' } },
  },
  ['name'],
)

function check(map: string, more = ''): string[] {
  const { definition } = readSoundMapping(
    `from: a:a\nto: b:b\n${more}map:\n  name: $substring(name, 0, 40)\n  ${map}\n`,
    'm.yaml',
  )
  const from: CheckedStream = { readSchema: SOURCE, abilities }
  const lines = more.split('\n').length + 4
  return checkSync(definition, { from, to: { writeSchema: TARGET, abilities }, syncs: [definition] }).map(
    ({ severity, message, place }) => `${severity} ${place.line! - lines + 1}:${place.column} ${message}`,
  )
}

test.each([
  // Paths wherever they stand: predicates, functions, parents, wildcards, chains.
  ['title: lines[skuu = "a"][0].sku', ['warning 1:16 the item has no field "skuu"']],
  ['title: $join($map(lines, function($l) { $l.skuu }), ",")', ['warning 1:46 $l has no field "skuu"']],
  ['title: $join(lines.parts.%.skuu, ",")', ['warning 1:30 the item has no field "skuu"']],
  ['title: $join(lines.*.idd, ",")', ['warning 1:24 the item has no field "idd"']],
  ['title: $join(lines^(skuu).sku, ",")', ['warning 1:23 the item has no field "skuu"']],
  ['title: "(\\n $first := lines[0];\\n $first.skuu)"', ['warning 1:44 $first has no field "skuu"']],
  ['title: name.first', ['warning 1:15 "name" is text and has no field "first"']],
  // Types.
  ['title: $uppercase(5)', ['error 1:21 argument 1 of $uppercase is a number, which it does not take']],
  ['rating: name * 2', ['warning 1:11 * calculates with numbers, and this is text']],
  ['rating: $sum(lines.price)', ['warning 1:16 argument 1 of $sum is a list of text, which it does not take']],
  ['title: count > name ? "a"', ['warning 1:18 > compares a number with text']],
  ['title: count', ['warning 1:10 this is a number, and the target takes text']],
  ['rating: $string(count)', ['error 1:11 this is text, and the target takes a number']],
  ['rating: 9', ['error 1:11 9 is more than 5']],
  ['code: \'"Poland"\'', ['error 1:10 "Poland" does not match ^[A-Z]{2}$']],
  // Null.
  ['title: $uppercase(nick)', ['warning 1:21 "nick" may be null, which $uppercase refuses']],
  ['title: name & nick', ['warning 1:17 "nick" may be null, which & writes as the word "null"']],
  ['code: nick', ['warning 1:9 "nick" may be null, which the target does not take']],
  [
    'title: "name = null ? name : nick"',
    [
      'warning 1:18 "name" is never null, so the comparison is never true; where it is missing, = and != are both false',
    ],
  ],
  // Lists.
  ['skus: lines.sku', ['warning 1:9 where there is one item only, this gives the item and not a list of one']],
  [
    'skus: $map(lines, function($l) { $l.sku })',
    ['warning 1:9 where there is one item only, this gives the item and not a list of one'],
  ],
  ['title: lines.sku', ['warning 1:10 this goes through a list and may give several values, and the target takes one']],
  // Options and length.
  ['stage: stage', ['warning 1:10 this can be "lead", and the target takes "buyer", "former", null']],
  ['stage: \'stage = "lead" ? "new" : stage\'', ['error 1:28 "new" is not one of "buyer", "former", null']],
  // Digits.
  [
    'rating: 9007199254740993',
    [
      'error 1:11 9007199254740993 has more digits than a number keeps and would be sent as 9007199254740992',
      'error 1:11 9007199254740992 is more than 5',
    ],
  ],
  [
    'title: $string(big + 1)',
    ['warning 1:18 this number may have more digits than a double holds, and + would round it'],
  ],
  ['rating: $number(price)', ['warning 1:11 the number went through a double, which may have rounded it']],
  // Conditions.
  ['title: \'stage = "gone" ? "a" : "b"\'', ['warning 1:19 "stage" is never "gone"; the comparison is never true']],
  [
    'title: \'stage = "lead" ? "a" : stage = "lead" ? "b" : "c"\'',
    [
      'warning 1:42 "stage" cannot be "lead" here, because a condition before has asked for it; the comparison is never true',
    ],
  ],
  [
    'title: \'count = "5" ? "a"\'',
    ['warning 1:19 "count" is a number and never equals "5"; the comparison is never true'],
  ],
  ['title: \'true ? "a" : "b"\'', ['warning 1:11 this condition is never false, so what follows ":" is never reached']],
  // References.
  [
    'title: $ref("b:b", "a:other", count)',
    ['warning 1:10 no sync touches a:other, so this reference never gets an id'],
  ],
])('%s', (map, expected) => {
  expect(check(map)).toEqual(expected)
})

test.each([
  ['title: nick'],
  ['title: nick ? $uppercase(nick)'],
  ['title: "nick != null ? name & nick : name"'],
  ['title: $not(nick = null) and $length(nick) > 3 ? nick'],
  ['title: nick = null or $length(nick) > 3 ? nick'],
  ['code: \'nick ? nick : "PL"\''],
  ['skus: [lines.sku]'],
  ['skus: lines.sku[]'],
  ['skus: "[lines.sku]"'],
  ['skus: $sort(lines.sku)'],
  ['title: $join(lines.sku, ", ")'],
  ['title: lines[0].sku'],
  ['title: lines[sku = "a"][0].sku'],
  ['title: $decimalSum(lines.price)'],
  ['rating: "$number(price) > 2.5 ? 1 : 2"'],
  ['stage: \'stage = "lead" ? "buyer" : stage\''],
  ['title: \'stage in ["lead", "buyer"] ? "a" : stage = "former" ? "b"\''],
  ['title: $string(big)'],
  ['title: $ref("b:b", "a:a", big)'],
])('nothing to say about %s', (map) => {
  expect(check(map)).toEqual([])
})

test('what "when" asks for holds in the fields', () => {
  expect(check('title: $uppercase(nick)', 'when: nick != null and stage != "lead"\n')).toEqual([])
  expect(check('stage: stage', 'when: stage != "lead"\n')).toEqual([])
  expect(check('title: name', 'when: stage = "gone"\n')[0]).toMatch(/"stage" is never "gone"/)
})

test('the four mistakes that everybody makes give four findings, each with place and fix', () => {
  const target = closed(
    {
      name: { type: 'string' },
      email: { type: 'string' },
      status: { enum: ['active', 'blocked'] },
      tags: { type: 'array', items: { type: 'string' } },
    },
    ['name', 'email'],
  )
  const text = `from: a:a
to: b:b
map:
  name: nmae
  status: "'activ'"
  tags: lines.sku
`
  const { definition } = readSoundMapping(text, 'm.yaml')
  const findings = checkSync(definition, {
    from: { readSchema: SOURCE, abilities },
    to: { writeSchema: target, abilities },
  })
  expect(
    findings.map(({ place, message, fix }) => [`${place.file}:${place.line}:${place.column}`, message, fix]),
  ).toEqual([
    ['m.yaml:4:3', 'the target needs the field "email", which is not mapped', 'Add "email".'],
    ['m.yaml:4:9', 'the source record has no field "nmae"', 'Did you mean "name"?'],
    ['m.yaml:5:12', '"activ" is not one of "active", "blocked"', 'Did you mean "active"?'],
    [
      'm.yaml:6:9',
      'where there is one item only, this gives the item and not a list of one',
      'Put it into brackets: […].',
    ],
  ])
})
