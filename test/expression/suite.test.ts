/**
 * JSONata's public test cases, where they lie beside the checkout (they are not part of the project). Each gives what the case
 * says and what the reference evaluator does, position of errors included, and most of them run compiled.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import jsonata from 'jsonata'
import { expect, test } from 'vitest'
import { CausewayError } from '../../src/core/index.ts'
import { runtimeError } from '../../src/expression/failure.ts'
import { compileExpression } from '../../src/expression/index.ts'

const SUITE = process.env.CAUSEWAY_JSONATA_SUITE ?? '../shared/jsonata-suite'
const LEAST_COMPILED = 0.9

type Case = {
  name: string
  expr: string
  data: unknown
  bindings?: Record<string, unknown>
  result?: unknown
  undefinedResult?: boolean
  code?: string
  error?: { code: string }
  unordered?: boolean
}
type Outcome = { value?: string; code?: unknown; offset?: unknown }

const json = (...path: string[]): unknown => JSON.parse(readFileSync(join(SUITE, ...path), 'utf8'))

function casesOf(group: string): Case[] {
  const files = readdirSync(join(SUITE, 'groups', group)).filter((file) => file.endsWith('.json'))
  return files.flatMap((file) =>
    [json('groups', group, file)].flat().map((one, i) => {
      const raw = one as Case & { 'expr-file'?: string; dataset?: string | null }
      const expr = raw['expr-file'] ? readFileSync(join(SUITE, 'groups', group, raw['expr-file']), 'utf8') : raw.expr
      const data = raw.dataset ? json('datasets', `${raw.dataset}.json`) : raw.data
      return { ...raw, expr, data, name: `${group}/${file}[${i}]` }
    }),
  )
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'nothing'
const sorted = (value: unknown): unknown => (Array.isArray(value) ? value.map(shown).sort() : value)
const failed = (error: unknown, source: string): Outcome => {
  const { data } = error instanceof CausewayError ? error : runtimeError(error, source)
  return { code: data.jsonata, offset: data.offset }
}

async function outcome({ expr, unordered }: Case, evaluate: () => unknown): Promise<Outcome> {
  try {
    const value = await evaluate()
    return { value: shown(unordered ? sorted(value) : value) }
  } catch (error) {
    return failed(error, expr)
  }
}

/** The evaluator's own limits of time and depth; here the sandbox sets those. */
const isAboutLimits = ({ code, error }: Case) => /^D101[12]$/.test(code ?? error?.code ?? '')
/** Answers that differ from call to call. */
const isByChance = ({ expr }: Case) => /\$(now|millis|random|shuffle)\(/.test(expr)

const present = existsSync(join(SUITE, 'groups'))
if (!present) console.warn(`JSONata's public test cases are not at ${SUITE}: the test of them is skipped`)

test.skipIf(!present)(
  'the public test cases of JSONata run compiled and give the same',
  async () => {
    const cases = readdirSync(join(SUITE, 'groups')).flatMap(casesOf)
    const differences: unknown[] = []
    const fallen: string[] = []
    let valid = 0
    for (const one of cases.filter((one) => !isAboutLimits(one))) {
      let compiled: ReturnType<typeof compileExpression>
      try {
        compiled = compileExpression(one.expr)
      } catch {
        continue // Syntax errors are the parser's, which is JSONata's own.
      }
      valid++
      if (!compiled.isSync) fallen.push(`${one.name} ${one.expr}`)
      const input = () => structuredClone(one.data)
      const ours = await outcome(one, () => compiled.evaluate(input(), one.bindings))
      const theirs = await outcome(one, () => jsonata(one.expr).evaluate(input(), one.bindings))
      if (!isByChance(one) && shown(ours) !== shown(theirs))
        differences.push({ name: one.name, expr: one.expr, ours, theirs })
      const wanted = one.code ?? one.error?.code
      if (wanted ? ours.code !== wanted : 'result' in one && !isByChance(one) && !matches(one, ours))
        differences.push({ name: one.name, expr: one.expr, ours, wanted: wanted ?? one.result })
    }
    console.info(`${valid - fallen.length} of ${valid} valid expressions (${cases.length} cases) compiled`)
    if (process.env.CAUSEWAY_SUITE_DETAILS) console.info(fallen.join('\n'))
    expect(differences).toEqual([])
    expect((valid - fallen.length) / valid).toBeGreaterThanOrEqual(LEAST_COMPILED)
  },
  600_000,
)

function matches({ result, unordered }: Case, { value }: Outcome): boolean {
  if (value === undefined || value === 'nothing') return false
  try {
    expect(JSON.parse(value)).toEqual(unordered ? sorted(result) : result)
    return true
  } catch {
    return false
  }
}
