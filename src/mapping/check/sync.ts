/** Checks a sync against the systems it joins, before it runs. Says only what is certain: no finding is better than a false one. */
import { type Finding, formatPlace, type YamlPath } from '../../core/index.ts'
import type { SyncDefinition } from '../contract.ts'
import { type Mapping, mappingOf } from '../read.ts'
import { abilityFindings, matchFindings } from './abilities.ts'
import type { CheckedExpression } from './expressions.ts'
import { assume, type Facts } from './facts.ts'
import { type Context, Inference, verdictOf } from './infer.ts'
import { type Followed, OutputChecker, type Report } from './output.ts'
import { fieldsOf } from './record-schema.ts'
import { referenceFindings } from './references.ts'
import { fromSchema, itemOf, oneKind, type Shape, UNKNOWN } from './shape.ts'
import type { CheckedSystems } from './systems.ts'

/** All that is wrong with a sync as far as files and stream descriptions tell. */
export function checkSync(sync: SyncDefinition, systems: CheckedSystems): Finding[] {
  const mapping = mappingOf(sync)
  return once([
    ...new SyncChecker(mapping, systems).findings(),
    ...referenceFindings(mapping, systems.syncs),
    ...abilityFindings(mapping, systems),
    ...matchFindings(mapping, systems),
  ])
}

/** A part of an expression may be looked at twice; what is wrong with it is said once. */
function once(findings: Finding[]): Finding[] {
  const seen = new Set<string>()
  return findings.filter(({ place, message }) => {
    const key = `${formatPlace(place)} ${message}`
    return !seen.has(key) && seen.add(key)
  })
}

class SyncChecker {
  readonly #mapping: Mapping
  readonly #sound: Map<string, CheckedExpression>
  readonly #systems: CheckedSystems
  readonly #found: Finding[] = []

  constructor(mapping: Mapping, systems: CheckedSystems) {
    this.#mapping = mapping
    this.#sound = new Map(mapping.expressions.map((one) => [keyOf(one.text.path), one]))
    this.#systems = systems
  }

  findings(): Finding[] {
    const { definition, program, yaml } = this.#mapping
    const { readSchema } = this.#systems.from
    const record = readSchema ? { ...fromSchema(readSchema), kinds: null } : UNKNOWN
    const variables = new Map<string, Shape>([
      ['id', oneKind('string')],
      ['deleted', oneKind('boolean')],
    ])
    const context: Context = {
      input: record,
      root: record,
      atRoot: true,
      variables,
      facts: new Map(),
      parents: new Map(),
    }
    for (const join of program.joins) this.#follow(join.key.path, context)
    const joined = { ...context, variables: new Map([...variables, ...this.#joins()]) }
    const kept = { ...joined, facts: this.#when(joined) }
    const inItem = this.#each(kept)
    const report: Report = (place, message, fix, severity = 'error') =>
      this.#found.push({ severity, code: 'CSW-4005', message, fix, place })
    const followed = (path: YamlPath) => this.#followed(path, inItem)
    const checker = new OutputChecker(yaml, followed, definition.mode !== 'update-only', report)
    checker.check(program.template, this.#systems.to.writeSchema, program.each ? ['each', 'map'] : ['map'])
    return this.#found
  }

  #joins(): [string, Shape][] {
    return this.#mapping.definition.joins.map(({ name, take }): [string, Shape] => {
      const schema = this.#systems.joins?.[name]?.readSchema
      if (fieldsOf(schema) === undefined) return [name, UNKNOWN]
      if (take === 'many') return [name, { kinds: new Set(['array']), schema: { type: 'array', items: schema } }]
      return [name, { kinds: null, schema }]
    })
  }

  /** What is certain of a record that passed `when`. */
  #when(context: Context): Facts {
    const { when } = this.#mapping.program
    const followed = when ? this.#followed(when.path, context) : undefined
    if (!followed) return context.facts
    const { ast, inference } = followed
    const verdict = verdictOf(inference.infer(ast, context))
    if (verdict !== undefined)
      inference.report(ast, `"when" is never ${!verdict}`, verdict ? 'Remove it.' : 'Correct it: no record would pass.')
    const quiet = new Inference(inference.source, inference.tables, () => {})
    return assume(ast, true, context.facts, (node) => quiet.infer(node, context))
  }

  #each(context: Context): Context {
    const { each } = this.#mapping.program
    if (!each) return context
    const items = this.#follow(each.of.path, context)
    const variables = new Map([
      ...context.variables,
      ['item', itemOf(items)] as const,
      ['index', oneKind('number')] as const,
    ])
    const inItem = { ...context, variables }
    this.#follow(each.key.path, inItem)
    return inItem
  }

  #follow(path: YamlPath, context: Context): Shape {
    const followed = this.#followed(path, context)
    return followed ? followed.inference.infer(followed.ast, context) : UNKNOWN
  }

  #followed(path: YamlPath, context: Context): Followed | undefined {
    const one = this.#sound.get(keyOf(path))
    if (!one) return undefined
    const { yaml, program } = this.#mapping
    const inference = new Inference(one.compiled.source, program.tables, ({ severity, message, fix, offset }) =>
      this.#found.push({ severity, code: 'CSW-4005', message, fix, place: yaml.placeInScalar(path, offset) }),
    )
    return { ast: one.compiled.ast, inference, context }
  }
}

const keyOf = (path: YamlPath): string => path.join('\0')
