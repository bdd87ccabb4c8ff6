import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileSource } from '../../src/connector/language/compile-expression.ts'
import { compileExpression } from '../../src/expression/index.ts'

const key = fc.constantFrom('a', 'b', 'constructor', 'length', '__proto__')
const { body } = fc.letrec((tie) => ({
  body: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, 1, 'x', true, '', 0),
    fc.array(tie('body'), { maxLength: 3 }),
    fc.dictionary(key, tie('body'), { maxKeys: 3 }),
  ),
}))

test('a plain path gives what JSONata gives, whatever stands on its way', () => {
  fc.assert(
    fc.property(body, fc.array(key, { minLength: 1, maxLength: 3 }), (record, steps) => {
      const source = ['record', ...steps].join('.')
      const compiled = compileSource(source, {
        placeOf: () => ({ file: 'x' }),
        check: { names: ['record'], settings: new Set() },
        findings: [],
      })
      const general = compileExpression(source).evaluateSync({ record }, undefined, { exact: true })
      expect(JSON.stringify(compiled.evaluate({ record }))).toBe(JSON.stringify(general))
    }),
    { numRuns: 2_000 },
  )
})
