/** What goes in comes out: values, filters, parts, joins and references, through the sandbox as the pipeline uses it. */
import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { createMappingRunner, type MapInput, type MapOutput, readSoundMapping } from '../../src/mapping/index.ts'

const schemas = new Map<string, JsonObject>()
const runner = createMappingRunner({ targetSchema: (sync) => schemas.get(sync.to.stream) })
afterAll(() => runner.close())

const syncOf = (text: string) => readSoundMapping(text, 'mappings/sample.yaml').definition
const identity = (fields: string, to = 'b:b') => syncOf(`from: crm:contacts\nto: ${to}\n${fields}`)

async function mapOne(text: string, body: string, more: Partial<MapInput> = {}, to?: string): Promise<MapOutput> {
  const [output] = await runner.map(identity(text, to), [{ id: 'r1', body, ...more }])
  return output!
}

/** The values as JSON text, where spelling shows. */
async function written(text: string, body: string, more: Partial<MapInput> = {}, to?: string): Promise<string> {
  const output = await mapOne(text, body, more, to)
  if (output.status !== 'mapped') throw new Error(JSON.stringify(output))
  return JSON.stringify(output.parts[0]!.values)
}

/** The values that must arrive as they came. */
const EXACT = [
  '9223372036854775807',
  '-9223372036854775808',
  '0.10',
  '1e400',
  '-0',
  '1.0',
  '12345678901234567890.12345678901234567890',
  '"\\u0000"',
  '"\\ud800"',
  '"a\\udc00b"',
  '"Żółć 😀"',
  'null',
  '[1]',
  '[]',
  '[null]',
  '[[1]]',
  '{}',
  'true',
  '""',
  '"0.10"',
  '"9223372036854775807"',
]

test.each(EXACT)('%s arrives unchanged', async (value) => {
  const body = `{"v":${value}}`
  expect(await written('map:\n  v: v', body)).toBe(body)
  expect(await written('map: $', body)).toBe(body)
  expect(await written('map:\n  deep:\n    v: v', body)).toBe(`{"deep":${body}}`)
  expect(await written('map: |\n  { "v": v }', body)).toBe(body)
})

test('a missing field is absent, null is null', async () => {
  expect(await written('map: { a: a, b: b, c: { d: d } }', '{"a":null}')).toBe('{"a":null,"c":{}}')
})

/** What `$eval` is in runs on the reference evaluator, where numbers are doubles and text for a while. */
test.each([
  ['9223372036854775807', '9223372036854775807'],
  ['0.10', '0.10'],
  ['-1.50', '-1.50'],
  ['1e400', '1e400'],
  ['"text"', '"text"'],
])('%s survives lambdas and the reference evaluator', async (value, result) => {
  const body = `{"list":[{"v":${value}},{"v":7}]}`
  expect(await written('map:\n  out: $eval("list.v")', body)).toBe(`{"out":[${result},7]}`)
  expect(await written('map:\n  out: list[v != 0]^(>$string(v)).v[]', body)).toContain(result)
  expect(await written('map:\n  out: "$map(list, function($l) { $l.v })"', body)).toBe(`{"out":[${result},7]}`)
})

test('a number spelled in two ways in one record is written plainly', async () => {
  expect(await written('map:\n  out: $eval("list")', '{"list":[0.10,0.1]}')).toBe('{"out":[0.1,0.1]}')
})

test('text made from a large number stays text where the schema is silent', async () => {
  const body = '{"id":9223372036854775807}'
  expect(await written('map:\n  a: $string(id)\n  b: "\'\' & id"', body)).toBe(
    '{"a":"9223372036854775807","b":"9223372036854775807"}',
  )
})

test('the schema of the target decides between number and text', async () => {
  schemas.set('typed', {
    properties: {
      number: { type: 'integer' },
      text: { type: 'string' },
      maybe: { type: ['number', 'null'] },
      list: { type: 'array', items: { type: 'object', properties: { amount: { type: 'number' } } } },
    },
  })
  const map = `map:
  number: $string(id)
  text: id
  maybe: $decimalAdd(price, 1)
  list:
    - amount: $decimalRound("2.345", 2)`
  expect(await written(map, '{"id":9223372036854775807,"price":0.10}', {}, 'b:typed')).toBe(
    '{"number":9223372036854775807,"text":"9223372036854775807","maybe":1.1,"list":[{"amount":2.35}]}',
  )
  // Ordinary text that looks like a number is nobody's business.
  expect(await written('map:\n  number: code', '{"code":"123"}', {}, 'b:typed')).toBe('{"number":"123"}')
})

test('decimal results are text where the schema is silent', async () => {
  expect(await written('map:\n  sum: $decimalSum(prices)', '{"prices":[0.10,"0.25"]}')).toBe('{"sum":"0.35"}')
})

test('lists in YAML follow the rules of JSONata lists', async () => {
  const map = 'map:\n  list:\n    - a\n    - missing\n    - "[b]"\n    - [c]\n    - { d: d }\n    - 5\n    - null'
  expect(await written(map, '{"a":[1,2],"b":3,"c":4,"d":"x"}')).toBe('{"list":[1,2,[3],[4],{"d":"x"},5,null]}')
})

test('the filter decides by JSONata truth', async () => {
  const output = async (when: string, body: string) => (await mapOne(`when: ${when}\nmap: { a: a }`, body)).status
  expect(await output('active', '{"active":true}')).toBe('mapped')
  expect(await output('active', '{"active":[false]}')).toBe('filtered')
  expect(await output('active', '{}')).toBe('filtered')
  expect(await output('$count(list[$ > 1])', '{"list":[1]}')).toBe('filtered')
  expect(await output('big', '{"big":9223372036854775807}')).toBe('mapped')
  expect(await output('"$contains(a, /x+/)"', '{"a":"xx"}')).toBe('mapped')
})

test('id and deleted can be read', async () => {
  expect(await written('map: { key: $id, gone: $deleted }', '{}', { id: '42', deleted: true })).toBe(
    '{"key":"42","gone":true}',
  )
})

test('joined records are seen under their names, exact numbers included', async () => {
  const text = `with:
  company: { from: crm:companies, key: company_id }
  orders: { from: shop:orders, key: id, field: customer, take: many }
map:
  company: $company.name
  revenue: $company.revenue
  orders: $orders.number
  count: $count($orders)`
  const joins = { company: '{"name":"Acme","revenue":0.10}', orders: '[{"number":1},{"number":2}]' }
  expect(await written(text, '{"company_id":7}', { joins })).toBe(
    '{"company":"Acme","revenue":0.10,"orders":[1,2],"count":2}',
  )
})

test('join keys are texts: one, several, none', async () => {
  const sync = identity(`with:
  company: { from: crm:companies, key: company_id }
  tags: { from: crm:tags, key: "tags.id", take: many }
map: { a: a }`)
  const bodies = [
    '{"company_id":9223372036854775807,"tags":[{"id":1},{"id":"x"},{"id":1}]}',
    '{"company_id":null,"tags":[]}',
    '{"company_id":{"a":1}}',
  ]
  const keys = await runner.joinKeys(
    sync,
    bodies.map((body, i) => ({ id: String(i), body })),
  )
  expect(keys.slice(0, 2)).toEqual([{ company: ['9223372036854775807'], tags: ['1', 'x'] }, {}])
  expect(keys[2]).toMatchObject({ code: 'CSW-4004', place: { file: 'mappings/sample.yaml', line: 4 } })
})

test('each gives parts with stable keys', async () => {
  const text = `each:
  of: lines
  key: $item.no
  map:
    order: number
    line: $index
    sku: $item.sku
    price: $item.price
    label: $uppercase($item.sku) & '/' & number`
  const body = '{"number":"A1","lines":[{"no":10,"sku":"x","price":0.10},{"no":20,"sku":"y"}]}'
  const output = await mapOne(text, body)
  expect(output.status === 'mapped' && output.parts.map(({ part, values }) => [part, JSON.stringify(values)])).toEqual([
    ['10', '{"order":"A1","line":0,"sku":"x","price":0.10,"label":"X/A1"}'],
    ['20', '{"order":"A1","line":1,"sku":"y","label":"Y/A1"}'],
  ])
  expect(await mapOne(text, '{"number":"A2"}')).toEqual({ status: 'mapped', parts: [] })
  expect(await mapOne(text, '{"lines":{"no":1,"sku":"z"}}')).toMatchObject({ parts: [{ part: '1' }] })
})

test.each([
  ['no key', '{"lines":[{"sku":"x"}]}', 'no key'],
  ['the same key twice', '{"lines":[{"no":1},{"no":1}]}', 'share a key'],
])('%s is an error at the key', async (_name, body, words) => {
  const output = await mapOne('each:\n  of: lines\n  key: $item.no\n  map: { sku: $item.sku }', body)
  expect(output).toMatchObject({ status: 'failed', error: { code: 'CSW-4004', place: { line: 5, column: 8 } } })
  expect(output.status === 'failed' && output.error.what).toContain(words)
})

test('references are lifted out of the values with their paths', async () => {
  const text = `map:
  name: name
  owner: $ref("users", "crm:users", owner_id)
  nobody: $ref("users", "users", missing)
  cleared: $ref("users", "users", none)
  members:
    - $ref("erp:people", "hr:people", lead)
    - $ref("users", "users", team)
  later: "$map(team, function($t) { {'user': $ref('users', 'users', $t)} })"`
  const output = await mapOne(text, '{"name":"n","owner_id":9223372036854775807,"none":null,"lead":"l","team":[1,2]}')
  if (output.status !== 'mapped') throw new Error(JSON.stringify(output))
  const { values, references } = output.parts[0]!
  expect(values.value).toEqual({ name: 'n', cleared: null, members: [null, null, null], later: [{}, {}] })
  const users = { to: { connection: 'b', stream: 'users' }, from: { connection: 'crm', stream: 'users' } }
  expect(references).toEqual([
    { path: ['owner'], ...users, id: '9223372036854775807' },
    {
      path: ['members', 0],
      to: { connection: 'erp', stream: 'people' },
      from: { connection: 'hr', stream: 'people' },
      id: 'l',
    },
    { path: ['members', 1], ...users, id: '1' },
    { path: ['members', 2], ...users, id: '2' },
    { path: ['later', 0, 'user'], ...users, id: '1' },
    { path: ['later', 1, 'user'], ...users, id: '2' },
  ])
})

test('a failing field names its place in the file and nothing of the record', async () => {
  const text = `map:
  ok: a
  nested:
    broken: >-
      $uppercase(
        secret
      )`
  const output = await mapOne(text, '{"a":1,"secret":["hunter2"]}')
  expect(output).toMatchObject({
    status: 'failed',
    error: {
      code: 'CSW-4002',
      place: { file: 'mappings/sample.yaml', line: 7, column: 7 },
      data: { field: 'nested.broken' },
    },
  })
  expect(JSON.stringify(output)).not.toContain('hunter2')
})

test('of several fields on the reference evaluator the failing one is named', async () => {
  const text = `map:
  a: $map(list, function($x) { $x })
  b: $map(list, function($x) { $x + 1 })
  c: $map(list, function($x) { $x })`
  const output = await mapOne(text, '{"list":["x"]}')
  expect(output).toMatchObject({ status: 'failed', error: { code: 'CSW-4002', place: { line: 5 } } })
})

test('variables of one field are not seen by another', async () => {
  const text = `map:
  a: ($x := $map([1], function($y) { $y }); $x)
  b: $map([1], function($y) { $exists($x) })`
  await expect(async () => identity(text)).rejects.toMatchObject({ code: 'CSW-4005' })
  expect(
    await written(
      'map:\n  a: ($x := $map([1], function($y) { $y }); $x)\n  b: ($x := $map([2], function($y) { $y }); $x)',
      '{}',
    ),
  ).toBe('{"a":1,"b":2}')
})

test.each([
  ['map: a', '{"a":[1]}', 'a list'],
  ['map: a', '{}', 'nothing'],
  ['map: a', '{"a":"x"}', 'a string'],
  ['map:\n  f: "function($x) { $x }"', '{}', 'a function'],
  ['map:\n  f: 1 / a', '{"a":0}', 'infinity'],
])('%s over %s is refused as %s', async (text, body, words) => {
  const output = await mapOne(text, body)
  expect(output).toMatchObject({ status: 'failed', error: { code: 'CSW-4004' } })
  expect(output.status === 'failed' && output.error.what).toContain(words)
})

test('a body that is no JSON fails alone', async () => {
  const sync = identity('map: { a: a }')
  const outputs = await runner.map(sync, [
    { id: '1', body: '{"a":1}' },
    { id: '2', body: '{"a":' },
    { id: '3', body: '{ "a" : 3 }\n' },
  ])
  expect(outputs.map((output) => output.status)).toEqual(['mapped', 'failed', 'mapped'])
})

test('the version changes with the mapping and not with comments, tests or schedules', () => {
  const base = 'from: a:a\nto: b:b\nmap:\n  x: x\n'
  const version = (text: string) => syncOf(text).version
  expect(version(`# a comment\n${base}schedule: manual\ntags: [t]\n`)).toBe(version(base))
  expect(version(`${base}tests:\n  - name: t\n    given: {}\n    expect: { equals: {} }\n`)).toBe(version(base))
  expect(version('from: a:a\nto: b:b\nmap:\n  x: y\n')).not.toBe(version(base))
  expect(version(`${base}match: [x]\n`)).not.toBe(version(base))
})

test('a value that is none of those the target lists is refused, with its place; missing, null and listed ones pass', async () => {
  const levels = { type: ['string', 'null'], enum: ['low', 'high', null] }
  schemas.set('levels', {
    type: 'object',
    properties: {
      level: levels,
      steps: {
        type: 'array',
        items: { type: 'object', properties: { level: levels, n: { type: 'integer', enum: [1, 2] } } },
      },
    },
  } as JsonObject)
  const map = 'map:\n  level: l\n  steps: s'
  const send = (body: string, text = map) => mapOne(text, body, {}, 'erp:levels')
  for (const fine of ['{}', '{"l":null}', '{"l":"low","s":[{"level":"high","n":2},{"n":"1"}]}'])
    expect((await send(fine)).status).toBe('mapped')
  expect(await send('{"l":"secret"}')).toMatchObject({
    status: 'failed',
    error: {
      code: 'CSW-4008',
      what: 'The mapping gave "level" a value that the target does not take; it takes "low", "high"',
      place: { file: 'mappings/sample.yaml', line: 4 },
    },
  })
  for (const wrong of ['{"s":[{"n":1},{"n":3}]}', '{"s":[{"level":"secret"}]}']) {
    const refused = await send(wrong)
    expect(refused).toMatchObject({ status: 'failed', error: { code: 'CSW-4008' } })
    expect(JSON.stringify(refused)).not.toContain('secret')
  }
  expect(await send('{"level":"secret"}', 'map: $')).toMatchObject({ status: 'failed', error: { code: 'CSW-4008' } })
})
