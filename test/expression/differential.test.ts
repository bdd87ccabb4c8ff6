/** What runs as direct JavaScript gives what JSONata gives: same value, same nothing, same error code and position. */
import fc from 'fast-check'
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import type { CausewayError } from '../../src/core/index.ts'
import { compileExpression } from '../../src/expression/index.ts'

const key = fc.constantFrom('a', 'b', 'c')
const scalar = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, 0, 1, -1, 2.5, '', 'x', 'y', '1'),
  fc.constantFrom<unknown>(0.1 + 0.2, 1e21, -0),
)
/** Small key sets and many arrays, so that paths run into nested, empty and single arrays often. */
const input = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    scalar,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(key, tie('any'), { maxKeys: 3 }),
  ),
})).any

const literal = fc.constantFrom('1', '0', '2.5', '-1', '"x"', "'y'", '""', 'true', 'false', 'null')
const name = fc.constantFrom('a', 'b', 'c', '`a`', '"b"')
const predicate = fc.letrec<{ p: string }>(() => ({
  p: fc.oneof(
    fc.constantFrom('0', '-1', '1', 'a', 'a=1', 'b="x"', '$', '[0,1]', 'a or b'),
    fc.constantFrom('a<2', '$=1', '"x"', '', 'c[0]'),
  ),
})).p
const step = fc.oneof(
  { weight: 6, arbitrary: name },
  { weight: 2, arbitrary: fc.tuple(name, predicate).map(([n, p]) => `${n}[${p}]`) },
)
const path = fc
  .tuple(fc.constantFrom('', '', '$.', '$$.', '$v.', '(a).'), fc.array(step, { minLength: 1, maxLength: 3 }))
  .map(([root, steps]) => root + steps.join('.'))

const expression = fc.letrec<{ e: string }>((tie) => {
  const e = tie('e')
  const two = fc.tuple(e, e)
  return {
    e: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      { weight: 5, arbitrary: path },
      { weight: 2, arbitrary: fc.oneof(literal, fc.constantFrom('$', '$$', '$v', '$w', '$v[0]', '$v[]')) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(two, fc.constantFrom(...'= != < <= > >= + - * / % & in and or'.split(' ')))
          .map(([[a, b], o]) => `(${a}) ${o} (${b})`),
      },
      fc.tuple(e, e, e).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      fc.tuple(e, e).map(([a, b]) => `(${a} ? ${b})`),
      two.map(([a, b]) => `(${a}) ?: (${b})`),
      two.map(([a, b]) => `(${a}) ?? (${b})`),
      fc.array(e, { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
      two.map(([a, b]) => `{"a": ${a}, "b": ${b}}`),
      fc.tuple(path, e).map(([p, a]) => `${p}.{"c": ${a}}`),
      fc.tuple(path, e).map(([p, a]) => `${p}.[${a}]`),
      fc.tuple(path, e).map(([p, a]) => `${p}.(${a})`),
      two.map(([a, b]) => `($x := ${a}; ${b} = $x ? $x : [$x])`),
      e.map((a) => `-(${a})`),
      fc
        .tuple(
          fc.constantFrom(
            'string',
            'count',
            'exists',
            'not',
            'boolean',
            'type',
            'keys',
            'distinct',
            'sum',
            'length',
            'uppercase',
            'number',
            'reverse',
            'merge',
          ),
          e,
        )
        .map(([f, a]) => `$${f}(${a})`),
      two.map(([a, b]) => `$append(${a}, ${b})`),
      two.map(([a, b]) => `$contains(${a}, ${b})`),
      fc
        .tuple(e, e, fc.constantFrom('', ', 1', ', 0', ', 1.5', ', -1', ', c'))
        .map(([a, b, n]) => `$split(${a}, ${b}${n})`),
      fc
        .tuple(
          e,
          fc.constantFrom('"x"', '"y"', '"xy"', '""', 'a'),
          e,
          fc.constantFrom('', ', 1', ', 0', ', 1.5', ', -1', ', c'),
        )
        .map(([a, b, c, n]) => `$replace(${a} & "xyx", ${b}, ${c}${n})`),
      fc.constantFrom('$string()', '$uppercase()', '$substring(b, 1)', '$lookup($, "a")', 'a.$string()', 'b.$type($)'),
    ),
  }
}).e

type Outcome = { value?: string; error?: string | undefined; position?: unknown }

/** JSON text tells everything that can leave an expression; `undefined` stays apart from null. */
const shown = (value: unknown): Outcome => ({ value: value === undefined ? 'nothing' : JSON.stringify(value) })

async function byReference(source: string, data: unknown, bindings: Record<string, unknown>): Promise<Outcome> {
  try {
    return shown(await jsonata(source).evaluate(data, bindings))
  } catch (error) {
    return { error: (error as { code?: string }).code ?? 'of the engine' }
  }
}

function compiled(source: string, data: unknown, bindings: Record<string, unknown>): Outcome {
  try {
    return shown(compileExpression(source).evaluateSync(data, bindings))
  } catch (error) {
    return { error: ((error as CausewayError).data.jsonata as string) ?? 'of the engine' }
  }
}

test('compiled expressions give what JSONata gives', async () => {
  let compiledOnes = 0
  const property = fc.asyncProperty(expression, input, input, async (source, data, v) => {
    if (!compileExpression(source).isSync) return
    compiledOnes++
    const ours = compiled(source, structuredClone(data), { v: structuredClone(v) })
    const theirs = await byReference(source, structuredClone(data), { v: structuredClone(v) })
    // JSONata starts the members of an object or array together: of two failing ones either may be reported.
    if (ours.error && theirs.error && /[[{]/.test(source)) return
    expect(ours, source).toEqual(theirs)
  })
  await fc.assert(property, { numRuns: Number(process.env.CAUSEWAY_PROPERTY_RUNS ?? 4000) })
  expect(compiledOnes).toBeGreaterThan(1000)
}, 60_000)
