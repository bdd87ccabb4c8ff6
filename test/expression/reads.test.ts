/** What an expression is said to read is enough for it: without the rest of the record it gives the same. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Json, keepPaths } from '../../src/core/index.ts'
import { compileExpression, readsOf } from '../../src/expression/index.ts'

const sourceReads = (text: string): string[] =>
  (readsOf(compileExpression(text).ast).get('') ?? []).map((path) => path.join('.'))

test.each([
  ['properties.email', ['properties.email']],
  ['$uppercase($$.name) & $.city', ['name', 'city']],
  ['lines[price > 10].name', ['lines']],
  ['lines.{ "a": name }', ['lines']],
  ['lines^(price).name', ['lines']],
  ['a.b.(c & $$.d)', ['d', 'a.b']],
  ['$map(items, function($i) { $i.x & total })', ['items', 'total']],
  ['($p := properties; $p.email)', ['properties']],
  ['*.name', ['']],
  ['a.%.b', ['a', '']],
  ['$string()', ['']],
  ['$lookup($$, "x")', ['']],
  ['$lookup("x")', ['']],
  ['$map(tags, $string)', ['tags']],
  ['$keys($)', ['']],
  ['$eval("a")', ['']],
  ['($f := $string; $f())', ['']],
  ['$now()', []],
])('%s', (text, paths) => {
  expect(sourceReads(text).toSorted()).toEqual(paths.toSorted())
})

test('variables have paths of their own, and all of what is hidden by another of their name', () => {
  const reads = (text: string) => readsOf(compileExpression(text, { functions: {} }).ast).get('company')
  expect(reads('$company.address.city & name')).toEqual([['address', 'city']])
  expect(reads('$company')).toEqual([[]])
  expect(reads('($company := $company.parent; $company.name)')).toContainEqual([])
})

/** The public cases of JSONata, where they lie beside the checkout. */
const SUITE = process.env.CAUSEWAY_JSONATA_SUITE ?? '../shared/jsonata-suite'

test.skipIf(!existsSync(SUITE))('the public cases of JSONata give the same over what they read', async () => {
  const json = (...path: string[]) => JSON.parse(readFileSync(join(SUITE, ...path), 'utf8'))
  const shown = async (evaluate: () => unknown): Promise<string> => {
    try {
      return JSON.stringify(await evaluate()) ?? 'nothing'
    } catch (error) {
      return `fails with ${(error as { code?: string }).code}`
    }
  }
  let narrowed = 0
  for (const group of readdirSync(join(SUITE, 'groups')))
    for (const file of readdirSync(join(SUITE, 'groups', group)).filter((name) => name.endsWith('.json')))
      for (const one of [json('groups', group, file)].flat()) {
        const data = (one.dataset ? json('datasets', `${one.dataset}.json`) : one.data) as Json | undefined
        const expr: string = one.expr ?? readFileSync(join(SUITE, 'groups', group, one['expr-file']), 'utf8')
        if (data === undefined || /\$(now|millis|random|shuffle)\(/.test(expr) || one.timelimit) continue
        let compiled: ReturnType<typeof compileExpression>
        try {
          compiled = compileExpression(expr)
        } catch {
          continue
        }
        const kept = keepPaths(data, readsOf(compiled.ast).get('') ?? [])
        if (JSON.stringify(kept) !== JSON.stringify(data)) narrowed++
        const [whole, part] = [data, kept].map((input) => shown(() => compiled.evaluate(input, one.bindings ?? {})))
        expect(await part, `${group}/${file}: ${expr}`).toBe(await whole)
      }
  expect(narrowed).toBeGreaterThan(200)
})
