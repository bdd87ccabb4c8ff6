import { type Json, type JsonObject, parseExact, type SerializedError } from '../core/index.ts'
import type { MapInput, MapOutput, MappedPart, SyncDefinition, TestResult } from './contract.ts'
import { differences } from './difference.ts'
import { readSoundMapping } from './read.ts'
import { createMappingRunner, type SandboxedRunner } from './runner.ts'
import type { TestCase } from './schema.ts'

type RunTestsOptions = {
  /** Runs the mappings; one is made for the call otherwise. Its `targetSchema` decides how exact numbers are written. */
  runner?: SandboxedRunner
  /** What $now answers where a test does not say. */
  now?: Date
}

/** A fixed default, so that a test which forgets the clock gives the same today and in ten years. */
const DEFAULT_NOW = new Date('2026-01-01T00:00:00.000Z')

/** Runs the tests in a mapping file, in the sandbox, in the order of the file. */
export async function runTests(sync: SyncDefinition, options: RunTestsOptions = {}): Promise<TestResult[]> {
  const { content, yaml } = readSoundMapping(sync.source, sync.file)
  const cases = content.tests ?? []
  const runner = options.runner ?? createMappingRunner()
  try {
    return await Promise.all(
      cases.map(async (test, i): Promise<TestResult> => {
        const now = test.given.now ? new Date(test.given.now) : (options.now ?? DEFAULT_NOW)
        const [output] = await runner.map(sync, [inputOf(sync, test)], undefined, now)
        const verdict = judge(test, output!)
        return { sync: sync.name, name: test.name, place: yaml.placeOf(['tests', i]), ...verdict }
      }),
    )
  } finally {
    if (!options.runner) await runner.close()
  }
}

function inputOf(sync: SyncDefinition, { given }: TestCase): MapInput {
  const joins = sync.joins.map(({ name, take }) => {
    const value = given.with?.[name]
    return [name, value === undefined ? (take === 'many' ? '[]' : 'null') : jsonText(value)] as const
  })
  return {
    id: String(given.id ?? 'test'),
    body: jsonText(given.body ?? {}),
    joins: Object.fromEntries(joins),
    deleted: given.deleted ?? false,
  }
}

/** Text in a test is JSON already, with the spelling of its numbers; YAML values are written as JSON. */
const jsonText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

type Verdict = { ok: boolean; difference?: string; actual?: Json; error?: SerializedError }

function judge({ given, expect }: TestCase, output: MapOutput): Verdict {
  if (output.status === 'failed') {
    if (expect.error === output.error.code) return { ok: true }
    const wanted = expect.error ? `expected ${expect.error}` : 'expected a record'
    return { ok: false, difference: `${wanted}, got ${output.error.code}: ${output.error.what}`, error: output.error }
  }
  if (output.status === 'filtered')
    return expect.filtered ? { ok: true } : { ok: false, difference: 'the record was filtered out by "when"' }
  const parts = Object.fromEntries(output.parts.map((part) => [part.part, linked(part, given.references ?? {})]))
  const actual = output.parts.length === 1 && Object.hasOwn(parts, '') ? parts['']! : parts
  const lines = expectations(expect, parts, actual)
  return lines.length === 0 ? { ok: true, actual } : { ok: false, difference: lines.join('\n'), actual }
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
  return lines
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
