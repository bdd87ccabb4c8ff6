import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorRegistry } from '../../src/core/index.ts'

const ROOT = join(import.meta.dirname, '../..')
const sources = globSync(['src/**/*.ts', 'workers/**/*.ts'], { cwd: ROOT }).filter(
  (file) => !file.includes('core/errors/'),
)
const used = new Map<string, string>()
for (const file of sources) {
  for (const [code] of readFileSync(join(ROOT, file), 'utf8').matchAll(/CSW-\d{4}/g)) used.set(code, file)
}

test('no code is used that the registry does not know', () => {
  expect([...used].filter(([code]) => !Object.hasOwn(errorRegistry, code))).toEqual([])
})

test('no code stands in the registry that nothing raises', () => {
  expect(Object.keys(errorRegistry).filter((code) => !used.has(code))).toEqual([])
})

test('every code has meaning and action as full sentences', () => {
  for (const [code, spec] of Object.entries(errorRegistry)) {
    expect(spec.meaning, code).toMatch(/^[A-Z].*\.$/)
    expect(spec.action, code).toMatch(/^[A-Z].*[.`]$/)
  }
})
