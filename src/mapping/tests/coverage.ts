/** What of a mapping its tests reach: the target fields it fills, and both ways of its conditions. */
import type { Place } from '../../core/index.ts'
import { type AstNode, childrenOf } from '../../expression/index.ts'
import { branchId } from '../branches.ts'
import type { CheckedExpression } from '../check/expressions.ts'
import { resultsOf } from '../check/output.ts'
import type { MapOutput, MappedPart } from '../contract.ts'
import type { Mapping } from '../read.ts'
import type { Template } from '../template.ts'
import { valueAt } from './judge.ts'

/** One thing a test can reach. `name` is the field's path, or the condition and the way it went. */
export type CoverageItem = { kind: 'field' | 'branch'; name: string; place: Place; reached: boolean }
export type Coverage = { sync: string; file: string; items: CoverageItem[] }

/** Share of what is reached in percent, rounded down: 100 means all of it. */
export function percentReached(items: readonly CoverageItem[], kind: CoverageItem['kind']): number {
  const of = items.filter((item) => item.kind === kind)
  return of.length === 0 ? 100 : Math.floor((100 * of.filter(({ reached }) => reached).length) / of.length)
}

/** What a test run saw of one record: the outcome, and which ways conditions went. */
export type Seen = { output: MapOutput; branches: readonly string[] }

export function coverageOf(mapping: Mapping, seen: readonly Seen[]): Coverage {
  const { definition, program, yaml, expressions } = mapping
  const trees = new Map(expressions.map(({ text, compiled }) => [text.path.join('\0'), compiled.ast]))
  const parts = seen.flatMap(({ output }) => (output.status === 'mapped' ? output.parts : []))
  const fields = fieldsOfTemplate(program.template, trees, [], program.each ? ['each', 'map'] : ['map'])
  const taken = new Set(seen.flatMap(({ branches }) => branches))
  return {
    sync: definition.name,
    file: definition.file,
    items: [
      ...fields.map(({ at, path }): CoverageItem => {
        const place = yaml.placeOf(path)
        return { kind: 'field', name: at.join('.'), place, reached: parts.some((part) => holds(part, at)) }
      }),
      ...filterItems(mapping, seen),
      ...expressions.flatMap((expression) => branchItems(expression, mapping, taken)),
    ],
  }
}

/** A field has a value, or stands for the id of another record. */
const holds = ({ values, references }: MappedPart, at: readonly string[]): boolean =>
  valueAt(values.value, at) !== undefined || references.some(({ path }) => at.every((step, i) => path[i] === step))

type Field = { at: string[]; path: (string | number)[] }

/** Target fields a template can fill; a list counts as one field, and so does what an expression makes as a whole. */
function fieldsOfTemplate(
  template: Template,
  trees: ReadonlyMap<string, AstNode>,
  at: string[],
  path: (string | number)[],
): Field[] {
  if (template.kind === 'object')
    return template.entries.flatMap(([key, item]) => fieldsOfTemplate(item, trees, [...at, key], [...path, key]))
  if (template.kind === 'expression' && at.length === 0)
    return resultsOf(trees.get(path.join('\0'))).flatMap((node) => fieldsOfConstructor(node, path))
  return [{ at, path }]
}

function fieldsOfConstructor(node: AstNode, path: (string | number)[]): Field[] {
  if (node.type !== 'unary' || node.value !== '{') return []
  const pairs = node.lhs as [AstNode, AstNode][]
  return pairs.flatMap(([key]) => (key.type === 'string' ? [{ at: [key.value as string], path }] : []))
}

function filterItems({ program, yaml }: Mapping, seen: readonly Seen[]): CoverageItem[] {
  if (!program.when) return []
  const place = yaml.placeOf(program.when.path)
  const filtered = seen.some(({ output }) => output.status === 'filtered')
  const passed = seen.some(({ output }) => output.status === 'mapped')
  return [
    { kind: 'branch', name: 'when: passes', place, reached: passed },
    { kind: 'branch', name: 'when: left out', place, reached: filtered },
  ]
}

/** Conditions of compiled expressions; on the reference evaluator nobody sees which way they go. */
function branchItems({ text, compiled }: CheckedExpression, { yaml }: Mapping, taken: Set<string>): CoverageItem[] {
  if (!compiled.isSync) return []
  const offsets = new Set(conditionsIn(compiled.ast).map((node) => node.position ?? 0))
  return [...offsets].flatMap((offset) =>
    (['then', 'else'] as const).map((branch): CoverageItem => {
      const name = `${text.path.join('.')}: condition ${branch === 'then' ? 'true' : 'false'}`
      const place = yaml.placeInScalar(text.path, Math.max(0, offset - 1))
      return { kind: 'branch', name, place, reached: taken.has(branchId(text.path, offset, branch)) }
    }),
  )
}

function conditionsIn(node: AstNode): AstNode[] {
  const below = childrenOf(node).flatMap(conditionsIn)
  return node.type === 'condition' ? [node, ...below] : below
}
