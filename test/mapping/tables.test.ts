/** Value tables: where they come from, what is wrong with them, and what a mapping gets out of them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { checkSync, createMappingRunner, loadMappings, readMapping, readSoundMapping } from '../../src/mapping/index.ts'

const runner = createMappingRunner()
const folder = mkdtempSync(join(tmpdir(), 'causeway-tables-'))
afterAll(async () => {
  await runner.close()
  rmSync(folder, { recursive: true })
})

const FILES: Record<string, string> = {
  'countries.csv': '\ufeffname,code\nPolska,PL\n"Deutschland",DE\n\nconstructor,XX\n',
  'units.csv': 'unit,factor,base\nkg,1,kg\nt,1000,kg\n',
  'stages.table.yaml': 'lead: prospect\nbuyer: active\n7: seven\n',
  'zones.table.yaml': '- { city: Łódź, zone: north }\n- { city: Kraków, zone: south }\n',
}
const read = (path: string): string => {
  if (!Object.hasOwn(FILES, path)) throw new Error('no such file')
  return FILES[path]!
}

const TABLES = `tables:
  countries: { file: countries.csv }
  units: { file: units.csv }
  factors: { file: units.csv, value: factor }
  stages: { file: stages.table.yaml }
  zones: { file: zones.table.yaml, key: city, value: zone }
  colours: { values: { r: red, g: 3, n: null } }
`
const mapping = (map: string, tables = TABLES, more = '') =>
  `from: a:a\nto: b:b\n${more}${tables}map:\n${map.replace(/^/gm, '  ')}\n`
const sound = (map: string) => readSoundMapping(mapping(map), 'm.yaml', { read }).definition

async function result(map: string, body: object): Promise<unknown> {
  const [output] = await runner.map(sound(map), [{ id: '1', body: JSON.stringify(body) }])
  return output!.status === 'mapped' ? output!.parts[0]!.values.value : output
}

test('tables from CSV, YAML and the mapping itself', async () => {
  const map = `a: $table("countries", country)
b: $table("units", unit).factor & $table("units", unit).base
c: $table("factors", "t")
d: $table("stages", stage)
e: $table("stages", 7)
f: '[$table("zones", cities)]'
g: $table("colours", "g") + 1
h: $table("colours", "n")
i: $table("countries", nowhere)
j: $table("countries", "Norge", "NO")
k: $map(cities, function($city) { $table("zones", $city) })[]`
  expect(await result(map, { country: 'Polska', unit: 't', stage: 'lead', cities: ['Łódź', 'Kraków'] })).toEqual({
    a: 'PL',
    b: '1000kg',
    c: '1000',
    d: 'prospect',
    e: 'seven',
    f: ['north', 'south'],
    g: 4,
    h: null,
    j: 'NO',
    k: ['north', 'south'],
  })
})

test('a value without a row fails the record with a code of its own, at the expression', async () => {
  expect(await result('a: $table("countries", country)', { country: 'Norge' })).toMatchObject({
    status: 'failed',
    error: {
      code: 'CSW-4007',
      what: 'The table "countries" has no row for this value',
      place: { file: 'm.yaml', line: 11 },
    },
  })
  // What every object inherits is no row.
  expect(await result('a: $table("stages", x)', { x: 'constructor' })).toMatchObject({ status: 'failed' })
  expect(await result('a: $table("countries", x)', { x: 'constructor' })).toEqual({ a: 'XX' })
})

test('a join that must find its record fails where it finds none', async () => {
  const { definition } = readSoundMapping(
    mapping('a: $c.name', '', 'with: { c: { from: a:c, key: cid, required: true } }\n'),
    'm.yaml',
  )
  const run = async (body: object, joins?: Record<string, string>) =>
    (await runner.map(definition, [{ id: '1', body: JSON.stringify(body), ...(joins ? { joins } : {}) }]))[0]
  expect(await run({ cid: 7 }, { c: 'null' })).toMatchObject({
    status: 'failed',
    error: { code: 'CSW-4007', place: { line: 3 } },
  })
  expect(await run({ cid: 7 }, { c: '{"name":"x"}' })).toMatchObject({ status: 'mapped' })
  expect(await run({}, {})).toMatchObject({ status: 'mapped' })
})

test.each([
  ['{ file: none.csv }', 'm.yaml:4 the table none.csv cannot be read: no such file'],
  ['{ file: units.csv, key: unt }', 'units.csv:1 the table has no column "unt"'],
  ['{ file: ../x.csv }', 'm.yaml:4 tables.t.file: must match pattern'],
  ['{ file: twice.csv }', 'twice.csv:3 the table has two rows for "a"'],
  ['{ file: list.table.yaml }', 'list.table.yaml:2 row 2 of the table is no object'],
  ['{ value: x }', 'm.yaml:4 the table needs either "file" or "values"'],
])('a table %s is refused with its place', (table, expected) => {
  const files: Record<string, string> = {
    ...FILES,
    'twice.csv': 'k,v\na,1\na,2\n',
    'list.table.yaml': '- { a: 1 }\n- 2\n',
  }
  const source = { read: (path: string) => (Object.hasOwn(files, path) ? files[path]! : read(path)) }
  const { findings } = readMapping(`from: a:a\nto: b:b\ntables:\n  t: ${table}\nmap: { a: b }\n`, 'm.yaml', source)
  expect(findings.map(({ place, message }) => `${place.file}:${place.line} ${message}`)[0]).toContain(expected)
})

test('validate knows the tables: names, missing rows, values that the target does not take', () => {
  const abilities = { read: true, create: true, update: true, upsert: false, delete: true, content: false, lookup: [] }
  const readSchema: JsonObject = {
    properties: { stage: { enum: ['lead', 'buyer', 'former'], type: 'string' }, other: { type: 'string' } },
  }
  const writeSchema: JsonObject = { properties: { s: { enum: ['prospect', 'active'], type: 'string' } } }
  const check = (map: string) =>
    checkSync(sound(map), { from: { readSchema, abilities }, to: { writeSchema, abilities } }).map(
      ({ severity, message, fix }) => `${severity} ${message}. ${fix}`,
    )
  expect(check('s: $table("stage", stage)')).toEqual(['error there is no table "stage". Did you mean "stages"?'])
  expect(check('s: $table("stages", stage)')).toEqual([
    'warning the table "stages" has no row for "former". Add the rows, or say as third argument what holds for the others.',
  ])
  expect(check('s: $table("stages", stage, "active")')).toEqual([])
  expect(check('s: $table("stages", "x")')[0]).toMatch(/^error the table "stages" has no row for "x"/)
  expect(check('s: $table("stages", other)')).toEqual([
    'warning this can be "seven", and the target takes "prospect", "active". Say what becomes of each value.',
  ])
})

test('tables are read from beside the mapping, are no syncs, and make a new version when they change', async () => {
  const mappings = join(folder, 'mappings')
  mkdirSync(mappings)
  for (const [name, text] of Object.entries(FILES)) writeFileSync(join(mappings, name), text)
  writeFileSync(join(mappings, 'm.yaml'), mapping('a: $table("countries", country)'))
  const first = await loadMappings(mappings)
  expect([first.findings, first.syncs.map(({ name }) => name)]).toEqual([[], ['m']])
  writeFileSync(join(mappings, 'countries.csv'), 'name,code\nPolska,POL\n')
  const second = await loadMappings(mappings)
  expect(second.syncs[0]!.version).not.toBe(first.syncs[0]!.version)
})

test('texts of tables that come with a mapping go before those that are known, which stand in for the others', async () => {
  const known = { countries: { Polska: 'known' }, stages: { lead: 'known' } }
  const tables = 'tables:\n  countries: { file: countries.csv }\n  stages: { file: stages.table.yaml }\n'
  const text = mapping('c: $table("countries", "Polska")\ns: $table("stages", "lead")', tables)
  const given = { 'countries.csv': 'name,code\nPolska,given\n' }
  const { definition } = readSoundMapping(text, 'm.yaml', { known, given })
  const [output] = await runner.map(definition, [{ id: '1', body: '{}' }])
  expect(output!.status === 'mapped' && output!.parts[0]!.values.value).toEqual({ c: 'given', s: 'known' })
  expect(() =>
    readSoundMapping(text, 'm.yaml', { known, given: { 'countries.csv': 'name,code\na,1\na,2\n' } }),
  ).toThrow('two rows')
})
