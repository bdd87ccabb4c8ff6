import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { manifestJsonSchema, printReference } from '../../src/connector/index.ts'
import type { Field, Fields, Part } from '../../src/connector/language/fields.ts'
import { sectionsOf } from '../../src/connector/language/reference.ts'
import { fieldSchema, partSchema } from '../../src/connector/language/schema.ts'
import { manifestPart } from '../../src/connector/manifest/manifest.ts'
import type { Protocol } from '../../src/connector/protocols/contract.ts'
import { graphql } from '../../src/connector/protocols/graphql/index.ts'
import { protocols } from '../../src/connector/protocols/index.ts'
import { jsonrpc } from '../../src/connector/protocols/jsonrpc/index.ts'
import { rest } from '../../src/connector/protocols/rest/index.ts'
import { compileSchema } from '../../src/core/index.ts'
import { indented, load, restManifest } from './open.ts'

test('the reference page is not stale', () => {
  const stale = 'run `node scripts/connector-language.ts` and commit what it writes'
  expect(readFileSync('docs/connector-language.md', 'utf8') === printReference(), stale).toBe(true)
})

const parts = Object.values(protocols).flatMap((protocol) =>
  sectionsOf('', manifestPart(protocol)).map((section) => ({ ...section, protocol: protocol.name })),
)

test('every field says what it is for, and its default and example are values it accepts', () => {
  const visit = (path: string, field: Field): void => {
    expect(field.sense.length, path).toBeGreaterThan(4)
    for (const value of [field.example, field.default]) {
      if (value !== undefined && field.kind !== 'file')
        expect(compileSchema(fieldSchema(field))(value), `${path}: ${JSON.stringify(value)}`).toEqual([])
    }
    if (field.item) visit(`${path}[]`, field.item)
  }
  const seen = new Set<Part>()
  for (const { path, part, protocol } of parts.filter(({ part }) => !seen.has(part) && seen.add(part)))
    for (const [name, field] of Object.entries(part.fields as Fields)) visit(`${protocol} ${path}.${name}`, field)
})

test('the schema of every part is closed', () => {
  for (const { part } of parts) expect(partSchema(part).additionalProperties).toBe(false)
})

const printed = new Set<Part>()
/** Examples of streams and of top-level parts, each as part of a manifest. */
const examples = [rest, jsonrpc, graphql].flatMap((protocol) =>
  sectionsOf('', manifestPart(protocol as unknown as Protocol), printed)
    .filter(({ part }) => part.example)
    .map((section) => ({ ...section, protocol: protocol.name })),
)
const wrapped = ({ path, part, protocol }: { path: string; part: Part; protocol: string }): string => {
  const text = part.example!.trim()
  const first = Object.keys(parse(text) as object)[0]!
  const inStream = [
    'read',
    'fetch',
    'lookup',
    'write',
    'content',
    'version',
    'unordered',
    'nested',
    'fields',
    'describe',
  ].includes(first)
  const settings = 'url,key,token,email,password,user,webhook_secret,webhook_token,webhook_password'
  const base = `
language: 1
name: test
title: Test
protocol: ${protocol}
settings:
${(first === 'settings' ? ['url'] : settings.split(',')).map((name) => `  ${name}: {}`).join('\n')}
base_url: \${ settings.url }
`
  const request = { rest: 'path: /', jsonrpc: 'call: x', graphql: "query: '{ x }'" }[protocol]
  const stream = (body: string) =>
    `streams:\n  contacts:\n    title: Things\n    key: record.id\n${indented(body, 4)}\n`
  const read = `read: { ${request} }`
  if (first === 'streams') return `${base}${text}\n`
  if (first === 'settings') return `${base.replace(/settings:[\s\S]*?base_url/, `${text}\nbase_url`)}${stream(read)}`
  if (first === 'signature' || first === 'handshake' || first === 'answer')
    return `${base}webhooks:\n  record: item\n${first !== 'signature' ? '  signature: { kind: none }\n' : ''}${indented(text, 2)}\n${stream(read)}`
  if (first === 'classes') return `${base}errors:\n${indented(text, 2)}\n${stream(read)}`
  if (first === 'paging') return `${base}${stream(`read:\n  ${request}\n${indented(text, 2)}`)}`
  if (first === 'correlate')
    return `${base}${stream(`write:\n  create:\n    batch:\n      size: 2\n      ${request}\n      results: response\n      id: result.id\n${indented(text, 6)}`)}`
  // How bytes are sent stands in an operation; where they come from stands in the stream.
  if (first === 'content' && path.includes('write.'))
    return `${base}${stream(`write:\n  create:\n    ${request}\n    id: response.id\n${indented(text, 4)}`)}`
  if (inStream) return `${base}${stream(first === 'read' ? text : `${text}\n${read}`)}`
  return `${base}${text}\n${stream(read)}`
}
test.each(examples.map((section) => [`${section.protocol} ${section.path}`, section] as const))(
  'the example of %s loads',
  (_name, section) => {
    expect(load(wrapped(section)).findings).toEqual([])
  },
)

test('a part of the language without example is a fault of the language', () => {
  // Parts that hold nothing but a request, or stand in the example of the part around them.
  const inside =
    /(job|bulk|count|result|server_cursor|changes|begin|create|renew|find|delete|subscriptions|before|after\[\]|describe|start|status|upload|close|outcomes\.<name>|each|login|steps\[\]|refresh|download|deletions|create|update|upsert|delete|batch|lookup\.<name>|streams\.<name>|session\)\.(start|part|progress|commit|form))$/
  const without = parts.filter(
    ({ part, path, protocol }) =>
      !part.example && path !== '' && !inside.test(path) && ['rest', 'jsonrpc', 'graphql'].includes(protocol),
  )
  expect(without.map(({ path }) => path)).toEqual([])
})

const editorSchema = compileSchema(manifestJsonSchema())
test.each(Object.values(protocols).map((protocol) => [protocol.name, protocol] as const))(
  'the editor schema takes the example of %s',
  (_name, { example }) => {
    const value = parse(example) as Record<string, unknown>
    expect(editorSchema(value)).toEqual([])
    expect(editorSchema({ ...value, serttings: {} })).not.toEqual([])
  },
)

test('the manifests of the protocols load', () => {
  expect(load(rest.example, {}, 'address-book').findings).toEqual([])
  expect(load(jsonrpc.example, {}, 'party-office').findings).toEqual([])
  expect(load(graphql.example, {}, 'shop-office').findings).toEqual([])
  expect(load(restManifest('read: { path: / }')).findings).toEqual([])
})
