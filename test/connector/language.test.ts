import fc from 'fast-check'
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import { compileSource } from '../../src/connector/language/compile-expression.ts'
import type { Finding } from '../../src/core/index.ts'
import { load, restManifest } from './open.ts'

/** Findings as an editor shows them: line:column message → fix. */
const findings = (manifest: string, files: Record<string, string> = {}, name = 'test') =>
  load(manifest, files, name).findings.map(
    ({ place, message, fix }) => `${place.line}:${place.column} ${message} → ${fix}`,
  )

const whole = `language: 1
name: test
title: Test
protocol: rest
settings:
  url: { type: url, required: true }
base_url: \${ settings.url }
streams:
  things:
    title: Things
    key: record.id
    read:
      path: /things
`
const changed = (from: string, to: string) => findings(whole.replace(from, to))

test('a manifest without faults has no findings', () => {
  expect(findings(whole)).toEqual([])
})

test('an unknown key is named with line, column and the nearest known key', () => {
  expect(changed('      path: /things', '      path: /things\n      pageing: { kind: offset }')).toEqual([
    '14:7 streams.things.read: unknown key "pageing" → Did you mean "paging"?',
  ])
  expect(changed('title: Test', 'titel: Test')).toEqual([
    '1:1 "title" is missing → Add the key "title".',
    '3:1 unknown key "titel" → Did you mean "title"?',
  ])
})

test('whoever asks for a connector with faults is told of the first one, and where it is', () => {
  const catalogue = load(whole.replace('title: Test', 'titel: Test'))
  expect(() => catalogue.get('test')).toThrow(/"test" is not loaded, for its manifest has faults: "title" is missing/)
  expect(() => catalogue.get('tost')).toThrow(/There is no connector "tost"/)
})

test('a wrong kind is named with what it may be, and only its own fields are looked at', () => {
  expect(changed('      path: /things', '      path: /things\n      paging: { kind: ofset }')).toEqual([
    expect.stringMatching(
      /^14:\d+ streams\.things\.read\.paging\.kind: "ofset" is not one of .* → Did you mean "offset"\?$/,
    ),
  ])
  expect(
    changed(
      '      path: /things',
      '      path: /things\n      paging: { kind: cursor, total: response.n, next: response.n }',
    )[0],
  ).toContain('unknown key "total"')
})

test('an unknown name in an expression is named where it stands', () => {
  expect(changed('record.id', 'recrod.id')).toEqual(['11:10 unknown name "recrod" → Did you mean "record"?'])
  expect(changed('record.id', '$record.id')[0]).toContain('Write `record` without $')
  expect(changed('/things', `/\${ settings.ulr }/things`)).toEqual([
    '13:26 unknown setting "ulr" → Did you mean "url"?',
  ])
  expect(changed('/things', `/\${ cursr }`)).toEqual(['13:17 unknown name "cursr" → Did you mean "cursor"?'])
  expect(changed('record.id', '$lowercas(record.id)')).toEqual([
    '11:10 unknown function "$lowercas" → Did you mean "$lowercase"?',
  ])
})

test('a syntax error is named where it stands, also in block texts and quotes', () => {
  expect(changed('key: record.id', 'key: record.(id')[0]).toMatch(/^11:\d+ "record\.\(id" is not valid JSONata/)
  expect(changed('/things', `"/a/\${ settings.url + }"`)[0]).toMatch(/^13:\d\d .*not valid JSONata/)
  expect(changed('/things', `/a/\${ settings.url`)).toEqual([
    expect.stringMatching(/^13:\d\d the insert that begins here is not closed/),
  ])
  expect(changed('/things', `/a/\${ }`)[0]).toContain('the insert is empty')
})

test('what only JSONata’s own evaluator can do is refused', () => {
  expect(changed('record.id', '$eval(record.id)')[0]).toContain('cannot be used in a manifest')
})

test('faults of a whole file: YAML, protocol, folder, schema file', () => {
  expect(findings('language: 1\n  name: x')).toEqual([expect.stringMatching(/^\d+:\d+ not well-formed YAML/)])
  expect(changed('protocol: rest', 'protocol: rset')).toEqual([
    expect.stringMatching(/^4:11 protocol: "rset" is not one of .*Did you mean "rest"/),
  ])
  expect(changed('protocol: rest\n', '')[0]).toContain('"protocol" is missing')
  expect(changed('name: test', 'name: other')).toEqual([
    '2:7 name: the folder is called test → Give both the same name.',
  ])
  expect(changed('    read:', '    schema: schemas/thing.json\n    read:')[0]).toMatch(
    /^12:13 the file .*schemas\/thing\.json does not exist/,
  )
  const withSchema = whole.replace('    read:', '    schema: thing.json\n    read:')
  expect(findings(withSchema, { 'thing.json': '{"type": "object"' })[0]).toContain('is not JSON')
  expect(findings(withSchema, { 'thing.json': '[]' })[0]).toContain('is no JSON Schema')
  expect(findings(withSchema, { 'thing.json': '{"type":"object"}' })).toEqual([])
  expect(changed('    read:', '    schema: ../../etc/passwd\n    read:')[0]).toContain('outside')
})

const rules: [why: string, stream: string, expected: string][] = [
  [
    'a cursor that is never sent',
    'read: { path: /, paging: { kind: cursor, next: response.next } }',
    'never sends `cursor`',
  ],
  ['a page that is never sent', 'read: { path: /, paging: { kind: page } }', 'never sends `page`'],
  ['a watermark that is never sent', 'read: { path: /, incremental: { value: record.at } }', 'never sends `since`'],
  ['`since` without incremental', `read: { path: /, query: { s: "\${ since }" } }`, '`since` is used without'],
  ['a create that learns no id', 'write: { create: { path: / } }', 'which id a created record got'],
  [
    'results that are described and not found',
    'write: { update: { batch: { size: 2, path: /, failed: result.bad } } }',
    'not where the results are',
  ],
  [
    'errors without correlation',
    'write: { update: { batch: { size: 2, path: /, errors: response.e } } }',
    'which record an error is about',
  ],
  ['a stream that can do nothing', 'description: idle', 'can do nothing'],
  [
    'an exclusive bound over texts',
    `read: { path: /, query: { s: "\${ since }" }, incremental: { value: record.at, type: text, bound: exclusive } }`,
    'nothing can be taken off',
  ],
  [
    'content that no record has',
    'write: { delete: { path: / } }\ncontent: { locator: { id: "1" }, download: { path: / } }',
    'no record is ever read',
  ],
]
test.each(rules)('%s', (_why, stream, expected) => {
  const found = findings(restManifest(stream))
  expect(found).toHaveLength(1)
  expect(found[0]).toContain(expected)
})

test('rules of webhooks and sessions', () => {
  const top = (text: string) => findings(restManifest('read: { path: / }', text))
  expect(top('webhooks: { signature: { kind: none } }')[0]).toContain('which record an event is about')
  expect(top('auth: { kind: session, login: { path: /l }, token: response.t }')[0]).toContain('never used')
  expect(
    top('webhooks: { record: item, signature: { kind: hmac, secrets: [a], header: X, timestamp: headers.t } }')[0],
  ).toContain('not part of what is signed')
})

test('all findings of all connectors are collected, and the sound ones are there', () => {
  const catalogue = load(whole.replace('record.id', 'recrod.id').replace('title: Things', 'titel: Things'))
  expect(catalogue.findings).toHaveLength(3)
  expect(() => catalogue.get('test')).toThrow(expect.objectContaining({ code: 'CSW-2001' }))
  const sound = load(whole)
  expect(() => sound.get('tset')).toThrow(expect.objectContaining({ fix: 'Did you mean "test"?' }))
})

test('settings of a connection are checked with their place', async () => {
  const manifest = whole.replace(
    '  url: { type: url, required: true }',
    `  url: { type: url, required: true }
  size: { type: integer, minimum: 1, default: 50 }
  mode: { type: choice, options: [a, b] }
  key: { secret: true, required: true }
  tags: { type: list }
  on: { type: flag }`,
  )
  const connector = load(manifest).get('test')
  const check = (given: Record<string, never> | object) =>
    connector
      .checkSettings(given as never, (name) => ({ file: 'connections.yaml', line: name ? 7 : 1 }))
      .map(({ message, fix, place, code }) => `${code} ${place.line} ${message} → ${fix}`)
  expect(check({ url: 'https://x.example', key: 'k', size: 3, mode: 'a', tags: ['x'], on: false })).toEqual([])
  expect(check({ ulr: 'x', size: 0, mode: 'c', key: 17, tags: 'x', on: 'yes' })).toEqual([
    'CSW-2005 7 unknown setting "ulr" → Did you mean "url"?',
    expect.stringContaining('CSW-2005 1 the setting "url" is missing'),
    expect.stringContaining('7 the setting "size" must be at least 1'),
    expect.stringContaining('7 the setting "mode" must be one of a, b'),
    expect.stringContaining('7 the setting "key" must be a text'),
    expect.stringContaining('7 the setting "tags" must be a list of texts'),
    expect.stringContaining('7 the setting "on" must be true or false'),
  ])
  expect(check({ url: 'ftp://x', key: 'k' })[0]).toContain('must be an absolute http(s) URL')
  expect(check({ url: 'https://u:p@x', key: 'k' })[0]).not.toContain('u:p')
  await expect(connector.open({ name: 'c', settings: { url: 'https://x.example' } })).rejects.toMatchObject({
    code: 'CSW-2005',
  })
  expect(connector.secrets).toEqual(['key'])
  expect(connector.describe().settings).toMatchObject({
    required: ['url', 'key'],
    properties: { key: { type: 'string', 'x-secret': true }, size: { type: 'integer', minimum: 1, default: 50 } },
  })
})

const evaluated = (source: string, scope: Record<string, unknown>) => {
  const found: Finding[] = []
  const expression = compileSource(source, {
    placeOf: () => ({ file: 'x' }),
    check: { names: Object.keys(scope), settings: new Set() },
    findings: found,
  })
  expect(found).toEqual([])
  return expression.evaluate(scope)
}

test('text functions do with texts what JSONata does', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '$', ' ', 'ü', '😀'), maxLength: 8 })
  const limit = fc.option(fc.integer({ min: 0, max: 4 }), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(text, text, text, limit, async (record, b, c, n) => {
      const scope = { record, b, c, ...(n === undefined ? {} : { n }) }
      const sources = [
        '$contains(record, b)',
        '$split(record, b)',
        '$split(record, b, 2)',
        '$replace(record, b & "a", c)',
        '$replace(record, b & "a", c, 1)',
      ]
      if (n !== undefined) sources.push('$split(record, b, n)', '$replace(record, "a", c, n)')
      for (const source of sources) {
        const expected = await jsonata(source).evaluate(scope)
        expect(JSON.stringify(evaluated(source, scope))).toBe(JSON.stringify(expected))
      }
      expect(evaluated('$replace(record.x, "a", c)', { record: {}, c })).toBeUndefined()
    }),
  )
})
