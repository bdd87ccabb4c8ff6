import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { loadMappings, readMapping } from '../../src/mapping/index.ts'

const BASE = 'from: crm:contacts\nto: erp:customers\nmap:\n  name: name\n'
const findingsOf = (text: string) =>
  readMapping(text, 'm.yaml').findings.map(({ code, message, fix, place }) => ({
    code,
    message,
    fix,
    at: `${place.line}:${place.column}`,
  }))

test('all keys of a mapping file reach the definition', () => {
  const text = `sync: contacts-to-erp
from: crm:contacts
to: erp:customers
match: [email, [company, number]]
when: active
with:
  company: { from: crm:companies, key: company_id, field: domain, take: many }
map: { name: name, email: email, company: c, number: n }
mode: create-only
on_leave: deactivate
deactivate: { active: false }
deletes: { policy: unlink, max_share: 0.5, grace: 7d }
on_doubt: resend
on_drift: hold
content: true
schedule:
  - every: 30s
  - { cron: "0 2 * * *", zone: Europe/Warsaw }
  - webhook
full: { every: 1d }
lanes: 4
retry: { attempts: 3, base: 2s, cap: 10m }
tags: [crm, erp]
`
  const { mapping, findings } = readMapping(text, 'mappings/x.yaml')
  expect(findings).toEqual([])
  const { source, version, ...definition } = mapping!.definition
  expect(source).toBe(text)
  expect(version).toMatch(/^[\w-]{22}$/)
  expect(definition).toEqual({
    name: 'contacts-to-erp',
    file: 'mappings/x.yaml',
    from: { connection: 'crm', stream: 'contacts' },
    to: { connection: 'erp', stream: 'customers' },
    match: [['email'], ['company', 'number']],
    multipart: false,
    joins: [{ name: 'company', from: { connection: 'crm', stream: 'companies' }, field: 'domain', take: 'many' }],
    mode: 'create-only',
    onLeave: 'deactivate',
    deactivate: { active: false },
    deletes: 'unlink',
    deleteLimits: { maxShare: 0.5, maxCount: 20 },
    graceMs: 7 * 86_400_000,
    onDoubt: 'resend',
    onDrift: 'hold',
    content: true,
    schedule: [
      { kind: 'interval', everyMs: 30_000 },
      { kind: 'cron', expression: '0 2 * * *', zone: 'Europe/Warsaw' },
      { kind: 'webhook' },
    ],
    fullSchedule: { kind: 'interval', everyMs: 86_400_000 },
    lanes: 4,
    retry: { attempts: 3, baseMs: 2_000, capMs: 600_000 },
    tags: ['crm', 'erp'],
    reads: {
      source: [['company_id'], ['active'], ['name'], ['email'], ['c'], ['n']],
      joins: { company: [] },
    },
    writes: ['name', 'email', 'company', 'number'],
  })
})

test('without further keys there are defaults and the name of the file', () => {
  const { definition } = readMapping(BASE, 'mappings/contacts.yaml').mapping!
  expect(definition).toMatchObject({
    name: 'contacts',
    match: [],
    mode: 'upsert',
    onLeave: 'keep',
    deletes: 'ignore',
    deleteLimits: { maxShare: 0.2, maxCount: 20 },
    graceMs: 0,
    onDoubt: 'ask',
    content: false,
    schedule: [{ kind: 'manual' }],
    fullSchedule: null,
    lanes: 1,
  })
})

test.each([
  ['a misspelt key', `${BASE}scedule: manual\n`, '5:1', 'unknown key', 'schedule'],
  ['a misspelt option', `${BASE}mode: upser\n`, '5:7', 'not one of', 'upsert'],
  ['a stream without connection', 'from: contacts\nto: b:b\nmap: { a: a }\n', '1:7', 'pattern', ''],
  ['neither map nor each', 'from: a:a\nto: b:b\n', '1:1', 'neither', 'map'],
  ['map and each', `${BASE}each: { of: a, key: b, map: { c: c } }\n`, '5:7', 'exclude', ''],
  ['an unknown word for deletes', `${BASE}deletes: remove\n`, '5:10', 'not a value', ''],
  ['deactivate without values', `${BASE}deletes: deactivate\n`, '5:10', 'needs the values', ''],
  ['a wrong interval', `${BASE}schedule: { every: 10 minutes }\n`, '5:20', 'pattern', ''],
  ['a wrong cron', `${BASE}schedule:\n  - manual\n  - cron: "0 2 *"\n`, '7:5', '5 or 6 fields', ''],
  ['a wrong zone', `${BASE}schedule: { cron: "0 2 * * *", zone: Europa/Warszawa }\n`, '5:11', 'not a time zone', ''],
  ['a wrong word', `${BASE}schedule: webhok\n`, '5:11', 'not a schedule', ''],
  [
    'a test without data',
    `${BASE}tests:\n  - name: x\n    expect: { filtered: true }\n`,
    '6:5',
    '"given" is missing',
    '',
  ],
  [
    'test data that is no JSON',
    `${BASE}tests:\n  - name: x\n    given: { body: "{" }\n    expect: { filtered: true }\n`,
    '7:20',
    'not JSON',
    '',
  ],
  [
    'test data for no join',
    `${BASE}tests:\n  - name: x\n    given: { with: { company: {} } }\n    expect: { filtered: true }\n`,
    '7:31',
    'no join',
    '',
  ],
  ['broken YAML', 'from: [a\n', '2:1', 'YAML', ''],
])('%s is found where it stands', (_name, text, at, message, fix) => {
  const findings = findingsOf(text)
  expect(findings.map((finding) => finding.at)).toContain(at)
  const finding = findings.find((one) => one.at === at)!
  expect(finding.message).toContain(message)
  expect(finding.fix).toContain(fix)
  expect(readMapping(text, 'm.yaml').mapping).toBeUndefined()
})

test.each([
  ['plain', 'map:\n  name: first & $nam\n', '4:17', '$nam'],
  ['single-quoted', "map:\n  name: '''it'' & $nam'\n", '4:19', '$nam'],
  ['double-quoted', 'map:\n  name: "\\"a\\" & $nam"\n', '4:18', '$nam'],
  ['literal block', 'map:\n  name: |\n    first &\n      $nam\n', '6:7', '$nam'],
  ['folded block', 'map:\n  name: >-\n    first\n    & $nam\n', '6:7', '$nam'],
  ['emoji before it', 'map:\n  name: "\\"😀\\" & $nam"\n', '4:19', '$nam'],
  ['when', 'when: active and $nam\nmap: { a: a }\n', '3:18', '$nam'],
])('a fault in a %s expression is found to the column', (_style, text, at, name) => {
  const [finding] = findingsOf(`from: a:a\nto: b:b\n${text}`)
  expect(finding!.at).toBe(at)
  expect(finding!.message).toContain(name)
})

test.each([
  ['an unknown function', '$lowercas(name)', 'there is no function $lowercas', 'Did you mean $lowercase?'],
  ['an unknown variable', '$idd', 'there is no variable $idd here', 'Did you mean $id?'],
  ['too many arguments', '$lowercase(a, b)', '$lowercase takes at most 1 argument, not 2', 'Correct the arguments.'],
  ['too few arguments', '$join()', '$join takes at least 1 argument, not 0', 'Correct the arguments.'],
  ['an item outside each', '$item.name', 'there is no variable $item here', 'Known here: $id, $deleted.'],
])('%s is an error', (_name, expression, message, fix) => {
  expect(findingsOf(`from: a:a\nto: b:b\nmap:\n  x: ${JSON.stringify(expression)}\n`)).toEqual([
    { code: 'CSW-4005', message, fix, at: '4:7' },
  ])
})

test.each([
  '$lowercase()',
  'a ~> $join(", ")',
  '$map(a, $uppercase)',
  '($f := function($x) { $f($x) }; $f(1))',
  '$now()',
  '$$.a.b',
  '$.a',
  'a@$v.b[$v.c = d]',
  'a#$i[$i = 0]',
  '$substring(?, 0, 1)("abc")',
  '($g := $sum; $g([1]))',
  '$ref("s", "a:s", id)',
  '$decimalAdd(a, b)',
  '$reduce(a, function($x, $y) { $x + $y }, 0)',
  '$sort(a, function($l, $r) { $l.x > $r.x })',
  '$eval("1")',
])('%s is no reason for a finding', (expression) => {
  const text = `from: a:a\nto: b:b\nmap:\n  x: ${JSON.stringify(expression)}\n`
  expect(findingsOf(text)).toEqual([])
})

test('joins are known as variables, except in their own keys', () => {
  const text =
    'from: a:a\nto: b:b\nwith:\n  company: { from: a:c, key: $company.id }\nwhen: $company\nmap: { x: $company.name }\n'
  expect(findingsOf(text)).toMatchObject([{ at: '4:30', message: 'there is no variable $company here' }])
  expect(findingsOf('from: a:a\nto: b:b\nwith:\n  string: { from: a:c, key: x }\nmap: { x: y }\n')).toMatchObject([
    { at: '4:3' },
  ])
})

test('a place is right whatever the quoting (property)', () => {
  const style = fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED')
  const before = fc.array(fc.constantFrom('a', 'first_name', '"ł"', '"😀"', '1', "'x y'", '`zip code`'), {
    minLength: 1,
    maxLength: 12,
  })
  const width = fc.constantFrom(20, 40, 80)
  fc.assert(
    fc.property(before, style, width, fc.boolean(), fc.boolean(), (operands, type, lineWidth, crlf, anchor) => {
      const expression = `${operands.join(' & ')} & $missing_name`
      const yaml = stringify(
        { from: 'a:a', to: 'b:b', map: { field: expression } },
        { defaultStringType: type as 'PLAIN', defaultKeyType: 'PLAIN', lineWidth },
      )
      const named = anchor
        ? yaml.replace(/^ {2}field:/m, '  field: &shared').replace(/\n*$/, '\n  same: *shared\n')
        : yaml
      const text = crlf ? named.replaceAll('\n', '\r\n') : named
      const finding = readMapping(text, 'm.yaml').findings.find((one) => one.message.includes('$missing_name'))!
      const line = text.split(/\r?\n/)[finding.place.line! - 1]!
      expect(line.slice(finding.place.column! - 1)).toMatch(/^\$missing_name/)
    }),
    { numRuns: 300 },
  )
})

test('a folder is read whole; broken files and twins are findings, the rest is loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-mappings-'))
  try {
    await writeFile(join(folder, 'a.yaml'), BASE)
    await writeFile(join(folder, 'b.yaml'), `sync: a\n${BASE}`)
    await writeFile(join(folder, 'c.yml'), 'from: x\n')
    await writeFile(join(folder, 'd.test.yaml'), 'anything: true\n')
    await writeFile(join(folder, 'e.txt'), 'anything')
    const { syncs, findings } = await loadMappings(folder)
    expect(syncs.map((sync) => sync.name)).toEqual(['a'])
    expect(new Set(findings.map(({ place }) => place.file))).toEqual(
      new Set([join(folder, 'b.yaml'), join(folder, 'c.yml')]),
    )
    expect(findings.find(({ message }) => message.includes('defined in'))?.place).toMatchObject({ line: 1, column: 7 })
  } finally {
    await rm(folder, { recursive: true })
  }
})
