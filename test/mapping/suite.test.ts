/** Tables, files beside, snapshots, coverage and mutants of a mapping's tests. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import {
  createMappingRunner,
  percentReached,
  type RunTestsOptions,
  readMapping,
  readSoundMapping,
  runSuite,
} from '../../src/mapping/index.ts'

const runner = createMappingRunner()
const folder = mkdtempSync(join(tmpdir(), 'causeway-suite-'))
afterAll(async () => {
  await runner.close()
  rmSync(folder, { recursive: true })
})

const file = join(folder, 'm.yaml')
const beside = join(folder, 'm.test.yaml')
const snapshots = join(folder, 'm.snapshots.json')
beforeEach(() => {
  for (const path of [beside, snapshots]) rmSync(path, { force: true })
})

const MAPPING = `from: crm:contacts
to: erp:customers
when: kind = "buyer"
map:
  name: $uppercase(name)
  rank: 'orders > 10 ? "gold" : "plain"'
  city: address.city
`
const suite = (tests: string, options: RunTestsOptions = {}) =>
  runSuite(readSoundMapping(`${MAPPING}${tests}`, file).definition, { runner, ...options })
const verdicts = async (tests: string, options: RunTestsOptions = {}) =>
  (await suite(tests, options)).results.map(({ name, ok, difference }) => [name, ok, difference])

test('a table makes a test of each row; an insert alone keeps its type', async () => {
  const tests = `tests:
  - name: \${ orders } orders make \${ rank }
    table:
      - { orders: 11, rank: gold }
      - { orders: 10, rank: plain }
      - { orders: null, rank: nothing }
    given: { body: { kind: buyer, name: a, orders: "\${ orders }" } }
    expect: { contains: { rank: "\${ rank }" } }
  - name: same
    table: [{ n: a }, { n: b }]
    given: { body: { kind: buyer, name: "x\${ n }" } }
    expect: { contains: { name: XA } }
`
  const all = (await suite(tests)).results
  expect(all.map(({ name, ok }) => [name, ok])).toEqual([
    ['11 orders make gold', true],
    ['10 orders make plain', true],
    ['null orders make nothing', false],
    ['same [1]', true],
    ['same [2]', false],
  ])
  // The place is that of the row.
  expect(all.map(({ place }) => place.line)).toEqual([11, 12, 13, 17, 17])
})

test('a row must have what the test inserts', () => {
  const text = `${MAPPING}tests:
  - name: x
    table: [{ a: 1 }, { b: 1 }]
    given: { body: { n: "\${ a }" } }
    expect: { equals: {} }
`
  expect(readMapping(text, file).findings.map(({ message, place }) => [message, place.line])).toEqual([
    ['this row has no "a", which the test inserts', 10],
  ])
})

test('patterns and expressions over the result', async () => {
  const tests = `tests:
  - name: holds
    given: { body: { kind: buyer, name: anna, address: { city: Łódź } } }
    expect: { matches: { name: "^A", city: "^\\\\p{Lu}" }, jsonata: ['$length(name) = 4', 'rank = "plain"'] }
  - name: does not
    given: { body: { kind: buyer, name: anna } }
    expect: { matches: { name: "^B", city: . }, jsonata: name = "OLA" }
`
  expect(await verdicts(tests)).toEqual([
    ['holds', true, undefined],
    [
      'does not',
      false,
      'name: expected a match of /^B/, got ANNA\ncity: expected a match of /./, got nothing\ndoes not hold: name = "OLA"',
    ],
  ])
  const broken = `${MAPPING}tests:
  - { name: x, given: {}, expect: { matches: { name: "(" }, jsonata: "name =" } }
`
  expect(readMapping(broken, file).findings).toHaveLength(2)
})

test('tests in a file beside the mapping count as well, and its faults are told', async () => {
  writeFileSync(
    beside,
    'tests:\n  - { name: beside, given: { body: { kind: buyer } }, expect: { contains: { rank: gold } } }\n',
  )
  const { results, findings } = await suite('')
  expect(findings).toEqual([])
  expect(results).toMatchObject([{ name: 'beside', ok: false, place: { file: beside, line: 2 } }])
  writeFileSync(beside, 'tests:\n  - { name: beside, given: {}, expectt: {} }\n')
  expect((await suite('')).findings).toMatchObject([
    { severity: 'error', place: { file: beside, line: 2 } },
    { severity: 'error', place: { file: beside, line: 2 } },
  ])
})

test('a snapshot is taken when asked for, compared afterwards, and forgotten with its test', async () => {
  const tests = (name: string) => `tests:
  - { name: kept, given: { body: { kind: buyer, name: "${name}" } }, expect: { snapshot: true } }
`
  expect(await verdicts(tests('anna'))).toEqual([
    ['kept', false, 'there is no snapshot yet: look at the result, then run with --update'],
  ])
  expect(existsSync(snapshots)).toBe(false)
  expect(await verdicts(tests('anna'), { update: true })).toEqual([['kept', true, undefined]])
  expect(JSON.parse(readFileSync(snapshots, 'utf8'))).toEqual({ kept: { name: 'ANNA', rank: 'plain' } })
  expect(await verdicts(tests('anna'))).toEqual([['kept', true, undefined]])
  expect(await verdicts(tests('ola'))).toEqual([['kept', false, 'name: expected "ANNA", got "OLA"']])
  await suite('', { update: true })
  expect(existsSync(snapshots)).toBe(false)
})

const missed = async (tests: string) =>
  (await suite(tests)).coverage.items.filter(({ reached }) => !reached).map(({ kind, name }) => `${kind} ${name}`)

test('coverage names the fields and the ways of conditions that no passing test reaches', async () => {
  const one = '{ name: a, given: { body: { kind: buyer, name: x, orders: 20 } }, expect: { contains: { rank: gold } } }'
  expect(await missed(`tests:\n  - ${one}\n`)).toEqual([
    'field city',
    'branch when: left out',
    'branch map.rank: condition false',
  ])
  const { coverage } = await suite(`tests:\n  - ${one}\n`)
  expect([percentReached(coverage.items, 'field'), percentReached(coverage.items, 'branch')]).toEqual([66, 50])
  const rest = `
  - { name: b, given: { body: { kind: buyer, name: x, address: { city: Y } } }, expect: { contains: { rank: plain } } }
  - { name: c, given: { body: { kind: none } }, expect: { filtered: true } }
`
  expect(await missed(`tests:\n  - ${one}${rest}`)).toEqual([])
  // A test that fails reaches nothing.
  expect(await missed(`tests:\n  - ${one.replace('gold', 'plain')}\n`)).toHaveLength(7)
})

test('mutants that no test notices are named with their place', async () => {
  const loose = `tests:
  - { name: a, given: { body: { kind: buyer, name: x, orders: 20 } }, expect: { contains: { name: X } } }
`
  const { mutation } = await suite(loose, { mutate: true })
  expect(mutation!.survivors.map(({ what, place }) => `${place.line}: ${what}`)).toEqual([
    '6: "rank" left out',
    '6: > became <=',
    '6: 10 became 11',
    '6: "gold" became "gold~"',
    '6: "plain" became "plain~"',
    '7: "city" left out',
  ])
  const failing = await suite(loose.replace('name: X', 'name: Y'), { mutate: true })
  expect(failing.mutation).toBeUndefined()
})
