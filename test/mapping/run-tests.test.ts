import { readFile } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import { checkSync, createMappingRunner, readSoundMapping, runTests } from '../../src/mapping/index.ts'

const runner = createMappingRunner()
afterAll(() => runner.close())

const MAPPING = `from: crm:contacts
to: erp:customers
when: $not(archived = true)
with:
  company: { from: crm:companies, key: company_id }
  orders: { from: shop:orders, key: id, take: many }
map:
  name: name
  company: $company.name
  orders: $count($orders)
  owner: $ref("people", "users", owner)
  price: price
  today: $now("[Y0001]-[M01]-[D01]")
  tags: tags
`

async function results(tests: string) {
  const { definition } = readSoundMapping(`${MAPPING}tests:\n${tests}`, 'm.yaml')
  return runTests(definition, { runner })
}

const one = async (test: string) => (await results(test))[0]!

test('tests that hold are ok', async () => {
  const all = await results(`
  - name: whole record
    given:
      body: { name: Anna, owner: 7, price: 0.1, tags: [a] }
      with: { company: { name: Acme }, orders: [{ n: 1 }, { n: 2 }] }
      references: { "crm:users/7": E-7 }
      now: "2026-05-06T00:00:00Z"
    expect:
      equals: { name: Anna, company: Acme, orders: 2, owner: E-7, price: 0.1, today: 2026-05-06, tags: [a] }
  - name: numbers by value
    given: { body: '{"price": 0.10}' }
    expect: { contains: { price: 0.1 } }
  - name: numbers by spelling
    given: { body: '{"price": 0.10, "name": 9223372036854775807}' }
    expect: { contains: '{"price": 0.10, "name": 9223372036854775807}' }
  - name: no links yet
    given: { body: { owner: 7 } }
    expect: { contains: { owner: { $ref: "crm:users/7" } } }
  - name: filtered
    given: { body: { archived: true } }
    expect: { filtered: true }
  - name: the clock stands still
    given: {}
    expect: { equals: { orders: 0, today: 2026-01-01 } }
`)
  expect(all.map(({ name, ok, difference }) => [name, ok, difference])).toEqual(
    all.map(({ name }) => [name, true, undefined]),
  )
  expect(all).toHaveLength(6)
  expect(all[1]!.place).toEqual({ file: 'm.yaml', line: 25, column: 5 })
})

test('a difference is shown by path', async () => {
  const result = await one(`
  - name: differs
    given: { body: { name: Anna, tags: [a, b], price: 5 } }
    expect:
      equals: { name: Ola, tags: [a, c, d], orders: 0, today: 2026-01-01, more: null }
`)
  expect(result.ok).toBe(false)
  expect(result.difference!.split('\n')).toEqual([
    'name: expected "Ola", got "Anna"',
    'tags[1]: expected "c", got "b"',
    'tags[2]: expected "d", got nothing',
    'more: expected null, got nothing',
    'price: not expected, got 5',
  ])
  expect(result.actual).toMatchObject({ name: 'Anna' })
})

test.each([
  ['null is not missing', '{ body: { name: null } }', '{ contains: { name: "" } }', 'name: expected "", got null'],
  ['one is not a list of one', '{ body: { tags: a } }', '{ contains: { tags: [a] } }', 'tags: expected ["a"], got "a"'],
  ['a number is not its text', '{ body: { price: 5 } }', '{ contains: { price: "5" } }', 'price: expected "5", got 5'],
  [
    'spelling counts in JSON',
    `{ body: '{"price":0.10}' }`,
    `{ contains: '{"price":0.1}' }`,
    'price: expected 0.1, got 0.10',
  ],
  ['filtered by surprise', '{ body: { archived: true } }', '{ equals: {} }', 'the record was filtered out by "when"'],
  ['not filtered', '{}', '{ filtered: true }', 'expected the record to be filtered out, got a record'],
  ['no error', '{}', '{ error: CSW-4002 }', 'expected CSW-4002, got a record'],
])('%s', async (_name, given, expected, difference) => {
  const result = await one(`\n  - name: x\n    given: ${given}\n    expect: ${expected}\n`)
  expect(result).toMatchObject({ ok: false, difference })
})

test('an expected error holds, another one does not', async () => {
  const text = (code: string) => `from: a:a
to: b:b
map: { x: $uppercase(n) }
tests:
  - name: fails
    given: { body: { n: 1 } }
    expect: { error: ${code} }
`
  const run = async (code: string) =>
    (await runTests(readSoundMapping(text(code), 'm.yaml').definition, { runner }))[0]!
  expect(await run('CSW-4002')).toMatchObject({ ok: true })
  expect(await run('CSW-4004')).toMatchObject({ ok: false, error: { code: 'CSW-4002', place: { line: 3 } } })
})

test('parts are compared by key', async () => {
  const text = (parts: string) => `from: a:a
to: b:b
each: { of: lines, key: $item.no, map: { sku: $item.sku } }
tests:
  - name: parts
    given: { body: { lines: [{ no: 1, sku: a }, { no: 2, sku: b }] } }
    expect: { parts: ${parts} }
`
  const run = async (parts: string) =>
    (await runTests(readSoundMapping(text(parts), 'm.yaml').definition, { runner }))[0]!
  expect(await run('{ "1": { sku: a }, "2": { sku: b } }')).toMatchObject({ ok: true })
  const wrong = await run('{ "1": { sku: x }, "3": { sku: b } }')
  expect(wrong.difference!.split('\n')).toEqual([
    'part "1": sku: expected "x", got "a"',
    'part "3": the record: expected {"sku":"b"}, got nothing',
    'part "2": not expected',
  ])
})

test('the example of the guide is sound and its tests hold', async () => {
  const page = await readFile(new URL('../../docs/mapping-files.md', import.meta.url), 'utf8')
  const example = /```yaml\n([\s\S]*?)```/.exec(page)![1]!
  const { definition } = readSoundMapping(example, 'example.yaml')
  expect(await runTests(definition, { runner })).toMatchObject([{ ok: true }])
  const abilities = { read: true, create: true, update: true, upsert: false, delete: true, content: false, lookup: [] }
  expect(checkSync(definition, { from: { abilities }, to: { abilities } })).toEqual([])
})
