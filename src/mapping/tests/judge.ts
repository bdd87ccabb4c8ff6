/** What a test expects against what the mapping gave. */
import {
  isObject,
  isRawNumber,
  type Json,
  type JsonObject,
  parseExact,
  type SerializedError,
} from '../../core/index.ts'
import type { MapOutput, MappedPart } from '../contract.ts'
import type { TestCase } from '../schema.ts'
import { differences } from './difference.ts'

export type Verdict = { ok: boolean; difference?: string; actual?: Json; error?: SerializedError }

/** What a test may ask for beyond comparing: the snapshot it had, and whether expressions hold over the result. */
export type Witnesses = {
  snapshot(): Json | undefined
  /** Of the expressions, those that do not hold; or why one could not be evaluated. */
  failing(expressions: string[], actual: Json): Promise<string[]>
}

export async function judge({ given, expect }: TestCase, output: MapOutput, witnesses: Witnesses): Promise<Verdict> {
  if (output.status === 'failed') {
    if (expect.error === output.error.code) return { ok: true }
    const wanted = expect.error ? `expected ${expect.error}` : 'expected a record'
    return { ok: false, difference: `${wanted}, got ${output.error.code}: ${output.error.what}`, error: output.error }
  }
  if (output.status === 'filtered')
    return expect.filtered ? { ok: true } : { ok: false, difference: 'the record was filtered out by "when"' }
  const { parts, actual } = actualOf(output, given.references ?? {})
  const lines = [...expectations(expect, parts, actual), ...(await witnessed(expect, actual, witnesses))]
  return lines.length === 0 ? { ok: true, actual } : { ok: false, difference: lines.join('\n'), actual }
}

/** What a mapping gave, part by part and as tests speak of it, with references filled from linked ids. */
export function actualOf(
  { parts: made }: Extract<MapOutput, { status: 'mapped' }>,
  references: Record<string, string | number>,
): { parts: JsonObject; actual: Json } {
  const parts = Object.fromEntries(made.map((part) => [part.part, linked(part, references)]))
  return { parts, actual: made.length === 1 && Object.hasOwn(parts, '') ? parts['']! : parts }
}

function expectations(expect: TestCase['expect'], parts: JsonObject, actual: Json): string[] {
  const lines: string[] = []
  if (expect.filtered) lines.push('expected the record to be filtered out, got a record')
  if (expect.error) lines.push(`expected ${expect.error}, got a record`)
  for (const how of ['equals', 'contains'] as const) {
    const wanted = expect[how]
    if (wanted !== undefined) lines.push(...differences(jsonOf(wanted), actual, { how, spelling: isText(wanted) }))
  }
  if (expect.parts) lines.push(...partDifferences(expect.parts, parts))
  for (const [path, pattern] of Object.entries(expect.matches ?? {})) lines.push(...mismatch(path, pattern, actual))
  return lines
}

async function witnessed(expect: TestCase['expect'], actual: Json, witnesses: Witnesses): Promise<string[]> {
  const lines: string[] = []
  if (expect.jsonata !== undefined) lines.push(...(await witnesses.failing([expect.jsonata].flat(), actual)))
  if (!expect.snapshot) return lines
  const before = witnesses.snapshot()
  if (before === undefined) lines.push('there is no snapshot yet: look at the result, then run with --update')
  else lines.push(...differences(before, actual, { how: 'equals', spelling: true }))
  return lines
}

function mismatch(path: string, pattern: string, actual: Json): string[] {
  const value = valueAt(actual, path.split('.'))
  if (value === undefined) return [`${path}: expected a match of /${pattern}/, got nothing`]
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return new RegExp(pattern, 'u').test(text) ? [] : [`${path}: expected a match of /${pattern}/, got ${text}`]
}

/** The value at a path of names and list indexes, or undefined. */
export function valueAt(value: Json | undefined, path: readonly (string | number)[]): Json | undefined {
  let at: Json | undefined = value
  for (const step of path) {
    if (Array.isArray(at)) at = at[Number(step)]
    else if (isObject(at) && !isRawNumber(at)) at = Object.hasOwn(at, step) ? (at as JsonObject)[step] : undefined
    else return undefined
  }
  return at
}

function partDifferences(expected: Record<string, object | string>, parts: JsonObject): string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(parts)])].flatMap((key) => {
    const wanted = expected[key]
    if (wanted === undefined) return [`part "${key}": not expected`]
    const comparison = { how: 'equals', spelling: isText(wanted) } as const
    return differences(jsonOf(wanted), parts[key], comparison).map((line) => `part "${key}": ${line}`)
  })
}

const isText = (value: unknown): value is string => typeof value === 'string'
const jsonOf = (value: object | string): Json => (isText(value) ? parseExact(value) : (value as Json))

/** The values of a part with its references filled from the test's data; one that is not linked shows what it waits for. */
function linked(part: MappedPart, links: Record<string, string | number>): JsonObject {
  // Not structuredClone, which would turn exact numbers into ordinary objects.
  const values = parseExact(JSON.stringify(part.values)) as JsonObject
  for (const { path, from, id } of part.references) {
    const key = `${from.connection}:${from.stream}/${id}`
    const target = Object.hasOwn(links, key) ? String(links[key]) : { $ref: key }
    place(values, path, target)
  }
  return values
}

function place(values: Json, path: (string | number)[], value: Json): void {
  const last = path.at(-1)!
  const holder = path.slice(0, -1).reduce((at, step) => (at as Record<string | number, Json>)[step]!, values)
  ;(holder as Record<string | number, Json>)[last] = value
}
