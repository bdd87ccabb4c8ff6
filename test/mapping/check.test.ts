import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { type CheckedStream, checkSync, readSoundMapping } from '../../src/mapping/index.ts'

const ABLE = { read: true, create: true, update: true, upsert: false, delete: true, content: false, lookup: ['email'] }

const SOURCE: JsonObject = {
  type: 'object',
  additionalProperties: false,
  properties: {
    id: { type: 'string' },
    first_name: { type: 'string' },
    address: { type: 'object', additionalProperties: false, properties: { city: { type: 'string' } } },
    lines: {
      type: 'array',
      items: { type: 'object', additionalProperties: false, properties: { sku: { type: 'string' } } },
    },
    custom: { type: 'object' },
  },
}

const TARGET: JsonObject = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string' },
    email: { type: 'string' },
    status: { enum: ['active', 'blocked'] },
    rating: { type: 'integer' },
    address: {
      type: 'object',
      required: ['city'],
      additionalProperties: false,
      properties: { city: { type: 'string' } },
    },
    tags: { type: 'array', items: { enum: ['vip', 'lead'] } },
  },
}

const COMPANY: JsonObject = { type: 'object', additionalProperties: false, properties: { name: { type: 'string' } } }

const from: CheckedStream = { readSchema: SOURCE, abilities: ABLE }
const to: CheckedStream = { writeSchema: TARGET, abilities: ABLE }

function check(text: string, systems: Partial<{ from: CheckedStream; to: CheckedStream }> = {}) {
  const { definition } = readSoundMapping(`from: a:a\nto: b:b\n${text}`, 'm.yaml')
  const joins = { company: { readSchema: COMPANY, abilities: ABLE } }
  return checkSync(definition, { from, to, joins, ...systems }).map(
    ({ severity, message, fix, place }) => `${severity} ${place.line}:${place.column} ${message}. ${fix}`,
  )
}

test('a sound mapping has no findings', () => {
  const text = `match: [email]
with:
  company: { from: a:companies, key: id }
when: first_name != '' and $exists(lines[sku = 'x'])
map:
  name: first_name & ' ' & $company.name
  email: custom.anything.below
  status: "address.city = 'X' ? 'active' : 'blocked'"
  rating: $count(lines.sku)
  address: { city: address.city }
  tags: ["'vip'"]
`
  expect(check(text)).toEqual([])
})

test.each([
  [
    'a misspelt source field',
    'map: { name: frist_name }',
    ['warning 3:14 the source record has no field "frist_name". Did you mean "first_name"?'],
  ],
  [
    'one below an object',
    'map: { name: address.cty }',
    ['warning 3:22 "address" has no field "cty". Did you mean "city"?'],
  ],
  [
    'one below a list',
    'map: { name: "lines[0].skuu" }',
    ['warning 3:24 "lines" has no field "skuu". Did you mean "sku"?'],
  ],
  [
    'one of a join',
    'with: { company: { from: a:c, key: id } }\nmap: { name: $company.nam }',
    ['warning 4:23 $company has no field "nam". Did you mean "name"?'],
  ],
  [
    'an unquoted word',
    'map: { name: id, status: active }',
    ['warning 3:26 the source record has no field "active". Known fields: id, first_name, address, lines, custom.'],
  ],
  [
    'an unknown target field',
    'map: { name: id, emial: id }',
    ['error 3:18 the target has no field "emial". Did you mean "email"?'],
  ],
  [
    'a nested one',
    'map: { name: id, address: { city: id, citi: id } }',
    ['error 3:39 the target has no field "citi". Did you mean "city"?'],
  ],
  [
    'a missing required field',
    'map: { email: id }',
    ['error 3:6 the target needs the field "name", which is not mapped. Add "name".'],
  ],
  [
    'a nested required field',
    'map: { name: id, address: {} }',
    ['error 3:27 the target needs the field "city" in "address", which is not mapped. Add "city".'],
  ],
  [
    'a wrong option',
    'map: { name: id, status: "\'activ\'" }',
    ['error 3:27 "activ" is not one of "active", "blocked". Did you mean "active"?'],
  ],
  [
    'a wrong option in one branch',
    "map: { name: id, status: \"id = '1' ? 'active' : 'gone'\" }",
    ['error 3:49 "gone" is not one of "active", "blocked". Give a value that the target takes.'],
  ],
  [
    'a wrong option in a list',
    'map: { name: id, tags: ["\'vipp\'"] }',
    ['error 3:26 "vipp" is not one of "vip", "lead". Did you mean "vip"?'],
  ],
  [
    'a wrong type',
    'map: { name: id, rating: 1.5 }',
    ['error 3:26 1.5 is not integer. Give a value that the target takes.'],
  ],
  [
    'fields of an object in JSONata',
    'map: |\n  { "email": id,\n    "nmae": id }',
    [
      'error 4:3 the target needs the field "name", which is not mapped. Add "name".',
      'error 5:5 the target has no field "nmae". Did you mean "name"?',
    ],
  ],
  [
    'a match field that is not mapped',
    'match: [email]\nmap: { name: id }',
    ['error 3:9 the match field "email" is not mapped. Add it to "map".'],
  ],
])('%s', (_name, text, expected) => {
  expect(check(text)).toEqual(expected)
})

test('the fields of parts are checked too', () => {
  const text = 'each:\n  of: lines\n  key: $item.sku\n  map: { name: $item.sku, emial: id }\n'
  expect(check(text)).toEqual(['error 6:27 the target has no field "emial". Did you mean "email"?'])
})

test('an update-only sync may leave required fields alone', () => {
  expect(check('mode: update-only\nmap: { email: id }')).toEqual([])
})

test('an open schema gives a warning for what looks misspelt and nothing else', () => {
  const open = (schema: JsonObject) => ({ ...schema, additionalProperties: undefined }) as unknown as JsonObject
  const systems = { from: { ...from, readSchema: open(SOURCE) }, to: { ...to, writeSchema: open(TARGET) } }
  expect(check('map: { name: frist_name, emial: id }', systems)).toEqual([
    'warning 3:14 the source record has no field "frist_name". Did you mean "first_name"?',
    'warning 3:26 the target has no field "emial". Did you mean "email"?',
  ])
  expect(check('map: { name: something_else, extra: id2 }', systems)).toEqual([])
  const numbered = { readSchema: { properties: { phone1: {} } }, abilities: ABLE } as CheckedStream
  expect(check('map: { name: phone2 }', { ...systems, from: numbered })).toEqual([])
})

test('without schemas there is nothing to say about fields', () => {
  expect(check('map: { anything: anything.at.all }', { from: { abilities: ABLE }, to: { abilities: ABLE } })).toEqual(
    [],
  )
})

test('what the target cannot do is said at the key that asks for it', () => {
  const abilities = { ...ABLE, create: false, update: false, delete: false, read: false, lookup: ['vat'] }
  const text = 'match: [email]\ndeletes: delete\ncontent: true\nmap: { name: id, email: id }\n'
  expect(check(text, { to: { writeSchema: TARGET, abilities } })).toEqual([
    'error 2:5 b:b cannot create records. Choose another stream, or a mode that it can do.',
    'error 2:5 b:b cannot update records. Choose another stream, or a mode that it can do.',
    'error 4:10 b:b cannot delete records. Use "deactivate", "unlink" or "ignore".',
    'error 5:10 b:b cannot take contents of files. Remove "content".',
    'error 3:9 the target cannot look records up by email. It can look up by vat.',
  ])
  const upserts = { ...ABLE, create: false, update: false, upsert: true }
  expect(check('map: { name: id }', { to: { writeSchema: TARGET, abilities: upserts } })).toEqual([])
})
