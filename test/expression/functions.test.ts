/** Every function of ours does what its reference says. */
import { expect, test } from 'vitest'
import {
  compileExpression,
  integrationFunctionGroups,
  integrationFunctions,
  plainJson,
} from '../../src/expression/index.ts'

const all = Object.entries(integrationFunctions)
const give = (source: string, input: unknown = {}): unknown => {
  const compiled = compileExpression(source, { functions: integrationFunctions })
  expect(compiled.isSync).toBe(true)
  return plainJson(compiled.evaluateSync(input)) ?? null
}

test('every function has a usage that names it, a sense and an example that calls it', () => {
  for (const [name, { usage, sense, examples }] of all) {
    expect(usage.startsWith(`$${name}(`)).toBe(true)
    expect(sense).toMatch(/\.$/)
    expect(examples.some(([expression]) => expression.includes(`$${name}(`))).toBe(true)
  }
  const grouped = Object.values(integrationFunctionGroups).flatMap((group) => Object.keys(group))
  expect(grouped.sort()).toEqual(all.map(([name]) => name).sort())
})

test.each(all.flatMap(([, { examples }]) => examples))('%s', (expression, gives) => {
  expect(give(expression)).toEqual(gives)
})

test.each(all.map(([name]) => name))('$%s gives nothing for a missing argument', (name) => {
  const { signature } = integrationFunctions[name]!
  const parameters = [...signature.replace(/^<|:.*$/g, '').matchAll(/\([a-z]+\)|[a-z]/g)].length
  const required = parameters - (signature.match(/\?/g)?.length ?? 0)
  const rest = Array.from({ length: required - 1 }, (_, i) => ({ 1: '"PLN"', 2: '"days"' })[i + 1] ?? '1')
  const first = ['missing', ...rest].map((text, i) => (name === 'dateAdd' && i === 1 ? '1' : text))
  const call = name.startsWith('decimal') && first.length > 1 ? 'missing, 1' : first.join(', ')
  const zone = { dateLocal: 'missing, "UTC"', dateParse: 'missing, "yyyy"', dateFormat: 'missing, "yyyy"' }[name]
  const style = name === 'phoneFormat' ? 'missing, "national"' : undefined
  expect(give(`$${name}(${zone ?? style ?? call})`)).toBeNull()
})

test.each([
  '$phone("22", "XX")',
  '$phoneFormat("+48220001122", "loud")',
  '$countryName("PL", "zz")',
  '$countryCode("Niemcy", "../pl")',
  '$dateOnly("2026-01-01T00:00:00Z", "Mars/Crater")',
  '$dateAdd("2026-01-01T00:00:00Z", 1, "moons")',
  '$money(1, "XXQ")',
])('%s is a fault of the mapping, with a code', (expression) => {
  expect(() => give(expression)).toThrow(expect.objectContaining({ code: 'CSW-4002' }))
})

test('markup that is deep or long is done with in time', () => {
  const deep = '<div>'.repeat(50_000)
  expect(typeof give('$htmlToText(html)', { html: `${deep}x` })).toBe('string')
  expect(give('$textToHtml(t)', { t: '<img src=x onerror=alert(1)>' })).toBe(
    '<p>&lt;img src=x onerror=alert(1)&gt;</p>',
  )
})
