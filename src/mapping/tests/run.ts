import { resolve } from 'node:path'
import { type Finding, type Json, type Place, throwOnErrors } from '../../core/index.ts'
import type { MapInput, MapOutput, SyncDefinition, TestResult } from '../contract.ts'
import { type Mapping, mappingOf } from '../read.ts'
import { createMappingRunner, type SandboxedRunner } from '../runner.ts'
import type { TestCase } from '../schema.ts'
import { type Coverage, coverageOf, type Seen } from './coverage.ts'
import { judge, type Verdict, type Witnesses } from './judge.ts'
import { type Mutant, mutantsOf } from './mutants.ts'
import { Snapshots } from './snapshots.ts'
import { type SuiteCase, suiteOf } from './suite.ts'

export type RunTestsOptions = {
  /** Where the sync's file stands, when its name is not the whole path. */
  dir?: string
  /** Runs the mappings; one is made for the call otherwise. Its `targetSchema` decides how exact numbers are written. */
  runner?: SandboxedRunner
  /** What $now answers where a test does not say. */
  now?: Date
  /** Snapshots are written anew from what the mapping gives. */
  update?: boolean
  /** Also changes the mapping in small ways and counts which changes no test notices. */
  mutate?: boolean
}

/** A change of the mapping that no test noticed. */
type Survivor = { what: string; place: Place }
/** Of how many mutants tests noticed how many; undefined where tests fail already. */
export type Mutation = { sync: string; made: number; noticed: number; survivors: Survivor[] }
export type SuiteResult = { results: TestResult[]; coverage: Coverage; findings: Finding[]; mutation?: Mutation }

/** A fixed default, so that a test which forgets the clock gives the same today and in ten years. */
export const DEFAULT_NOW = new Date('2026-01-01T00:00:00.000Z')
/** More mutants than this say nothing new and take minutes; then every nth is taken. */
const MAX_MUTANTS = 400

/** Runs the tests of a mapping in the sandbox, in the order of its files. */
export async function runTests(sync: SyncDefinition, options: RunTestsOptions = {}): Promise<TestResult[]> {
  const { results, findings } = await runSuite(sync, options)
  throwOnErrors(findings)
  return results
}

/** Runs the tests of a mapping and says what of it they reach. */
export async function runSuite(sync: SyncDefinition, options: RunTestsOptions = {}): Promise<SuiteResult> {
  const mapping = mappingOf(sync)
  const { cases, findings } = suiteOf(mapping, options.dir)
  const runner = options.runner ?? createMappingRunner()
  const run = new SuiteRun(sync, mapping, runner, options)
  try {
    const done = await Promise.all(cases.map((one) => run.one(one)))
    if (options.update) run.snapshots.save()
    const results = done.map(({ result }) => result)
    const coverage = coverageOf(
      mapping,
      done.flatMap(({ result, seen }) => (result.ok ? [seen] : [])),
    )
    const mutation =
      options.mutate && cases.length && results.every(({ ok }) => ok) ? await run.mutation(cases) : undefined
    return { results, coverage, findings, ...(mutation ? { mutation } : {}) }
  } finally {
    if (!options.runner) await runner.close()
  }
}

class SuiteRun {
  readonly snapshots: Snapshots
  readonly #sync: SyncDefinition
  readonly #mapping: Mapping
  readonly #runner: SandboxedRunner
  readonly #options: RunTestsOptions

  constructor(sync: SyncDefinition, mapping: Mapping, runner: SandboxedRunner, options: RunTestsOptions) {
    this.#sync = sync
    this.#mapping = mapping
    this.#runner = runner
    this.#options = options
    this.snapshots = new Snapshots(resolve(options.dir ?? '.', sync.file), sync.twoWay?.direction === 'back')
  }

  async one({ test, yaml, path }: SuiteCase): Promise<{ result: TestResult; seen: Seen }> {
    const seen = await this.#map(test, this.#mapping.program)
    const verdict = await this.#verdict(test, seen.output)
    if (test.expect.snapshot && verdict.actual !== undefined) this.snapshots.keep(test.name, verdict.actual)
    return { result: { sync: this.#sync.name, name: test.name, place: yaml.placeOf(path), ...verdict }, seen }
  }

  async mutation(cases: readonly SuiteCase[]): Promise<Mutation> {
    const all = mutantsOf(this.#mapping)
    const step = Math.max(1, Math.ceil(all.length / MAX_MUTANTS))
    const mutants = all.filter((_mutant, i) => i % step === 0)
    const noticed = await Promise.all(mutants.map((mutant) => this.#isNoticed(mutant, cases)))
    const survivors = mutants.flatMap(({ what, path, offset }, i): Survivor[] =>
      noticed[i] ? [] : [{ what, place: this.#mapping.yaml.placeInScalar(path, offset) }],
    )
    return {
      sync: this.#sync.name,
      made: mutants.length,
      noticed: mutants.length - survivors.length,
      survivors,
    }
  }

  async #isNoticed({ program }: Mutant, cases: readonly SuiteCase[]): Promise<boolean> {
    for (const { test } of cases) {
      const { output } = await this.#map(test, program)
      if (!(await this.#verdict(test, output)).ok) return true
    }
    return false
  }

  async #map(test: TestCase, program: Mapping['program']): Promise<Seen> {
    const now = test.given.now ? new Date(test.given.now) : (this.#options.now ?? DEFAULT_NOW)
    const [seen] = await this.#runner.mapTraced(this.#sync, program, [inputOf(this.#sync, test)], now)
    return seen!
  }

  #verdict(test: TestCase, output: MapOutput): Promise<Verdict> {
    const witnesses: Witnesses = {
      snapshot: () => (this.#options.update ? undefined : this.snapshots.of(test.name)),
      failing: (expressions, actual) => this.#failing(expressions, actual),
    }
    // What is being written anew cannot differ from itself.
    const { snapshot, ...rest } = test.expect
    return judge({ ...test, expect: this.#options.update && snapshot ? rest : test.expect }, output, witnesses)
  }

  /** Expressions over the result run in the sandbox like the mapping itself. */
  async #failing(expressions: string[], actual: Json): Promise<string[]> {
    const program: Mapping['program'] = {
      ...this.#mapping.program,
      when: null,
      each: null,
      joins: [],
      template: {
        kind: 'object',
        entries: expressions.map((source, i) => [
          `${i}`,
          { kind: 'expression', source: `$boolean((${source}\n)) ? 1 : 0`, path: [] },
        ]),
      },
    }
    const input = { id: 'result', body: JSON.stringify(actual) }
    const [seen] = await this.#runner.mapTraced(this.#sync, program, [input], DEFAULT_NOW)
    const { output } = seen!
    if (output.status === 'failed') return [`${expressions.join('; ')}: ${output.error.what}`]
    const values = output.status === 'mapped' ? output.parts[0]!.values.value : {}
    return expressions.flatMap((source, i) => (values[`${i}`] === 1 ? [] : [`does not hold: ${source}`]))
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
