/** `compose.yaml` against the JSON schema of the Compose specification, as a linter brings it along. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { ROOT } from '../docs/readme.ts'

// It names its dialect, draft 7, in a way that no validator knows.
const { $schema: _, ...schema } = JSON.parse(
  readFileSync(join(import.meta.dirname, 'node_modules/dclint/schemas/compose.schema.json'), 'utf8'),
) as Record<string, unknown>
const text = readFileSync(join(ROOT, 'compose.yaml'), 'utf8')

/** What the specification says of a file, by place. */
function faultsOf(compose: string): string[] {
  // Its formats are durations and ports, which it also describes by patterns.
  const check = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(schema)
  check(parse(compose, { merge: true }))
  return (check.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

test('the compose file is one by the specification', () => {
  expect(faultsOf(text)).toEqual([])
})

test.each([
  [
    'a key that there is not',
    'read_only: true',
    'readonly: true',
    /^\/services\/serve must NOT have additional properties/,
  ],
  ['a condition that there is not', 'condition: service_healthy', 'condition: healthy', /\/depends_on/],
  ['a number for a list', 'tmpfs: [/tmp]', 'tmpfs: 7', /\/tmpfs/],
  ['options that are no object', 'options: { max-size: 20m, max-file: "5" }', 'options: 20m', /\/logging\/options/],
])('it would say so of %s', (_, right, wrong, fault) => {
  expect(text).toContain(right)
  expect(faultsOf(text.replaceAll(right, wrong)).join('\n')).toMatch(fault)
})
