/** A real record as a test of its mapping. */
import { isRawNumber, type Json, parseExact, stringifyYaml } from '../../core/index.ts'
import { type AstNode, childrenOf, parseExpression } from '../../expression/index.ts'
import type { MapInput, MapOutput, SyncDefinition } from '../contract.ts'
import { mappingOf } from '../read.ts'
import type { SandboxedRunner } from '../runner.ts'
import type { TestCase } from '../schema.ts'
import { actualOf } from './judge.ts'
import { Pseudonyms } from './pseudonyms.ts'
import { DEFAULT_NOW } from './run.ts'

type SavedTest = {
  /** The test as an item of `tests`, in YAML. */
  test: string
  /** What becomes of the record: `mapped`, `filtered`, or the code of the error. */
  outcome: string
  /** What becomes of it with its values replaced, as the test expects it. */
  tested: string
}

type SaveOptions = { name: string; keep?: readonly string[]; runner: Pick<SandboxedRunner, 'map'> }

/**
 * Makes a test of a record: its values are masked and replaced by the rules of their fields, and expected is what the mapping makes
 * of those, so that nothing of the record can come in by the result either. The clock stands where it does in tests.
 */
export async function saveAsTest(
  sync: SyncDefinition,
  input: MapInput,
  { name, keep = [], runner }: SaveOptions,
): Promise<SavedTest> {
  const pseudonyms = new Pseudonyms({ keep: new Set(keep), known: textsOf(sync) })
  const told = (text: MapInput['body']): Json => pseudonyms.of(parseExact(textOf(text)))
  const body = told(input.body)
  const joins = Object.fromEntries(Object.entries(input.joins ?? {}).map(([join, text]) => [join, told(text)]))
  const deleted = input.deleted ?? false
  const replaced: MapInput = {
    id: pseudonyms.id(input.id),
    body: JSON.stringify(body),
    joins: Object.fromEntries(Object.entries(joins).map(([join, value]) => [join, JSON.stringify(value)])),
    deleted,
  }
  // One after the other, for a batch that holds an id twice is none.
  const [real] = await runner.map(sync, [input], undefined, DEFAULT_NOW)
  const [output] = await runner.map(sync, [replaced], undefined, DEFAULT_NOW)
  const test: TestCase = {
    name,
    given: {
      id: replaced.id,
      body: written(body) as object | string,
      ...(sync.joins.length > 0
        ? { with: Object.fromEntries(Object.entries(joins).map(([k, v]) => [k, written(v)])) }
        : {}),
      ...(deleted ? { deleted } : {}),
    },
    expect: expectationOf(output!, sync.multipart),
  }
  return { test: stringifyYaml([test]), outcome: outcomeOf(real!), tested: outcomeOf(output!) }
}

const outcomeOf = (output: MapOutput): string => (output.status === 'failed' ? output.error.code : output.status)

function expectationOf(output: MapOutput, multipart: boolean): TestCase['expect'] {
  if (output.status === 'failed') return { error: output.error.code }
  if (output.status === 'filtered') return { filtered: true }
  const { parts, actual } = actualOf(output, {})
  if (!multipart) return { equals: written(actual) as object | string }
  return {
    parts: Object.fromEntries(Object.entries(parts).map(([key, part]) => [key, written(part!) as object | string])),
  }
}

/** YAML where that says the same, the JSON text where a number would lose its spelling. */
const written = (value: Json): Json => (hasRawNumber(value) ? JSON.stringify(value) : value)

const hasRawNumber = (value: Json): boolean =>
  isRawNumber(value) ||
  (typeof value === 'object' && value !== null && Object.values(value).some((one) => hasRawNumber(one as Json)))

const textOf = (text: MapInput['body']): string =>
  typeof text === 'string' ? text : Buffer.from(text).toString('utf8')

/** Texts and numbers that a mapping compares with or looks up: they are in git already, and replacing them would change the way a record takes. */
function textsOf(sync: SyncDefinition): ReadonlySet<string> {
  const { program, expressions } = mappingOf(sync)
  const texts = new Set(Object.values(program.tables).flatMap((table) => Object.keys(table)))
  const look = (node: AstNode): void => {
    if (node.type === 'string' || node.type === 'number') texts.add(String(node.value))
    for (const child of childrenOf(node)) look(child)
  }
  for (const { text } of expressions) look(parseExpression(text.source).ast)
  return texts
}
