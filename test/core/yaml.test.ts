import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { compileSchema, parseYaml, validateYaml } from '../../src/core/index.ts'

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['name'],
  properties: {
    name: { type: 'string' },
    mode: { enum: ['upsert', 'mirror'] },
    streams: {
      type: 'object',
      additionalProperties: { type: 'object', additionalProperties: false, properties: { path: { type: 'string' } } },
    },
  },
}

test('an unknown key is reported with line, column and nearest name', () => {
  const yaml = parseYaml('name: a\nstreams:\n  contacts:\n    pth: /x\n', 'a.yaml')
  expect(validateYaml(yaml, compileSchema(schema))).toEqual([
    expect.objectContaining({
      message: 'streams.contacts: unknown key "pth"',
      fix: 'Did you mean "path"?',
      place: { file: 'a.yaml', line: 4, column: 5 },
    }),
  ])
})

test('a wrong option names the allowed ones, a missing key its object', () => {
  const yaml = parseYaml('mode: upsrt\n', 'a.yaml')
  const findings = validateYaml(yaml, compileSchema(schema))
  expect(findings.map((finding) => finding.message)).toEqual([
    '"name" is missing',
    'mode: "upsrt" is not one of "upsert", "mirror"',
  ])
  expect(findings[1]?.fix).toBe('Did you mean "upsert"?')
})

test('broken, bomb and too deep YAML is refused with a place', () => {
  expect(() => parseYaml('a: [1, 2', 'b.yaml')).toThrow(expect.objectContaining({ code: 'CSW-1004' }))
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefg'[i]}`).join(',')}]`).join('\n')}\n`
  expect(() => parseYaml(bomb, 'b.yaml')).toThrow(expect.objectContaining({ code: 'CSW-1004' }))
  expect(() => parseYaml('['.repeat(100) + ']'.repeat(100), 'b.yaml')).toThrow(/deeper/)
})

test('a file that would keep the parser busy is refused before it is parsed, with its line', () => {
  const deep = `a: 1\nb: ${'['.repeat(50_000)}${']'.repeat(50_000)}\n`
  expect(() => parseYaml(deep, 'b.yaml')).toThrow(
    expect.objectContaining({
      code: 'CSW-1004',
      message: expect.stringMatching(/deeper/),
      place: expect.objectContaining({ line: 2 }),
    }),
  )
  const many = Array.from({ length: 30_000 }, (_, i) => `k${i}: 1`).join('\n')
  expect(() => parseYaml(many, 'b.yaml')).toThrow(
    expect.objectContaining({ code: 'CSW-1004', message: expect.stringMatching(/150000 words/) }),
  )
  // Large and honest: one long text, or a thousand keys.
  expect(parseYaml(`text: ${'x '.repeat(100_000)}\n`, 'b.yaml').value).toHaveProperty('text')
  const keys = Array.from({ length: 5_000 }, (_, i) => `key_number_${i}: 1`).join('\n')
  expect(Object.keys(parseYaml(keys, 'b.yaml').value as object)).toHaveLength(5_000)
})

test('the place of a character inside a scalar is exact in every style', () => {
  const styles = [
    'k: first second third',
    "k: 'it''s second'",
    'k: "a\\tb\\u00e9 second"',
    'k: |\n  first\n    indented second\n  third\n',
    'k: >-\n  first line\n  goes second\n\n  para\n',
    'k: "first \\\n   second"',
    'k: first\n  folded second',
  ]
  for (const text of styles) {
    const yaml = parseYaml(text, 's.yaml')
    const decoded = (yaml.value as { k: string }).k
    const place = yaml.placeInScalar(['k'], decoded.indexOf('second'))
    expect(text.split('\n')[place.line! - 1]!.slice(place.column! - 1), text).toMatch(/^second/)
  }
})

test('property: every visible character of a random string is found where it stands', () => {
  const word = fc.stringMatching(/^[A-Za-z$.&"'\\{}é😀]{1,8}$/u)
  const style = fc.constantFrom('PLAIN', 'QUOTE_DOUBLE', 'QUOTE_SINGLE', 'BLOCK_LITERAL', 'BLOCK_FOLDED')
  fc.assert(
    fc.property(
      fc.array(fc.array(word, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
      style,
      (lines, type) => {
        const value = lines.map((words) => words.join(' ')).join('\n')
        const text = `before: 1\nk: ${indent(stringify(value, { defaultStringType: type as 'PLAIN', lineWidth: 30 }), type)}`
        const yaml = parseYaml(text, 'p.yaml')
        const decoded = (yaml.value as { k: string }).k
        const source = text.split('\n')
        for (let i = 0; i < decoded.length; i++) {
          if (!/[A-Za-z$]/.test(decoded[i]!)) continue
          const place = yaml.placeInScalar(['k'], i)
          expect(source[place.line! - 1]![place.column! - 1]).toBe(decoded[i])
        }
      },
    ),
    { numRuns: 300 },
  )
})

function indent(text: string, type: string): string {
  return type.startsWith('BLOCK') ? text.replaceAll('\n', '\n  ') : text.replaceAll('\n', '\n  ')
}

test('places hold behind blanks that double quotes write as escapes', () => {
  // As a YAML writer folds "(\n  $kept := 1;\n  $x\n)".
  const text = 'a: "(\n\n  \\  $kept := 1;\n\n  \\  $x\n\n  )"\n'
  const yaml = parseYaml(text, 'f.yaml')
  expect(yaml.value).toEqual({ a: '(\n  $kept := 1;\n  $x\n)' })
  expect(yaml.placeInScalar(['a'], 4)).toMatchObject({ line: 3, column: 6 })
  expect(yaml.placeInScalar(['a'], 19)).toMatchObject({ line: 5, column: 7 })
})

test.each([
  ['path: ${ parent ? parent.id : settings.id }', true],
  ['a:\n  path: /x/${ since ? "a" : "b" }', true],
  ["path: '${ a ? b : c }'\nb: [", false],
  ['b: c: d', false],
])('%s: whether quotes are what is missing', (text, hinted) => {
  const fault = (() => {
    try {
      parseYaml(text, 'f.yaml')
    } catch (error) {
      return error as { fix?: string; code: string }
    }
    return null
  })()
  expect(fault).toMatchObject({ code: 'CSW-1004' })
  expect(fault!.fix?.includes('quotes') ?? false).toBe(hinted)
})
