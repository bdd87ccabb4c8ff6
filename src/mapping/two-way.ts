/** A two-way mapping file as two mappings, each of which the rest of this room reads like a file of its own. */
import {
  digest,
  type Finding,
  isObject,
  type JsonObject,
  nearestName,
  setOwn,
  type YamlFile,
  type YamlPath,
} from '../core/index.ts'
import { readsOf } from '../expression/index.ts'
import type { CheckedExpression } from './check/expressions.ts'
import { CONFLICT_POLICIES, type ConflictPolicy, type SyncDefinition, type TwoWay } from './contract.ts'
import type { Program } from './program.ts'
import type { MappingFile } from './schema.ts'
import { leavesOf } from './template.ts'

/** A direction as it was read. */
type Mapping = {
  definition: SyncDefinition
  program: Omit<Program, 'schema'>
  yaml: YamlFile
  expressions: CheckedExpression[]
}

/** What one direction reads: a file without `both` and `back`, and where its keys really stand. */
export type Direction = { content: MappingFile; yaml: YamlFile }

const BACK = '~back'
const backName = (name: string): string => `${name}${BACK}`
/** No file can give a sync this ending, so its name tells the direction. */
export const isBack = (sync: string): boolean => sync.endsWith(BACK)

const isTwoWay = ({ both, back }: MappingFile): boolean => both !== undefined || back !== undefined

/** The directions of a file: one, or forward and back. `name` is the name of the sync. */
export function directionsOf(content: MappingFile, yaml: YamlFile, name: string): Direction[] {
  if (!isTwoWay(content)) return [{ content, yaml }]
  const {
    both = {},
    back = {},
    back_match,
    back_when,
    back_mode,
    back_deletes,
    conflict: _conflict,
    ...shared
  } = content
  const pairs = Object.entries(both)
  const forwardPaths = new Map(pairs.map(([from, to]) => [to, ['both', from]]))
  const backPaths = new Map(pairs.map(([from]) => [from, ['both', from]]))
  const forward: MappingFile = {
    ...shared,
    map: filled(
      content.map,
      pairs.map(([from, to]) => [to, from]),
    ),
  }
  const {
    when: _when,
    with: _with,
    each: _each,
    on_leave: _leave,
    deactivate: _values,
    content: _content,
    ...common
  } = shared
  const reverse: MappingFile = {
    ...common,
    sync: backName(name),
    from: content.to,
    to: content.from,
    match: back_match ?? mirroredMatch(content),
    map: filled(back, pairs),
    ...(back_when === undefined ? {} : { when: back_when }),
    mode: back_mode ?? 'upsert',
    deletes: { ...(typeof content.deletes === 'object' ? content.deletes : {}), policy: back_deletes ?? 'ignore' },
  }
  return [
    { content: forward, yaml: redirected(yaml, (path) => ofPair(path, forwardPaths) ?? path) },
    { content: reverse, yaml: redirected(yaml, (path) => ofPair(path, backPaths) ?? backPath(path)) },
  ]
}

/** The fields of `map` or `back`, and those of `both`, whose dots lead into objects. */
function filled(template: unknown, pairs: [target: string, source: string][]): JsonObject {
  const fields = copied(isObject(template) ? template : {})
  for (const [target, source] of pairs) {
    const steps = target.split('.')
    let at = fields
    for (const step of steps.slice(0, -1)) {
      if (!isObject(at[step])) setOwn(at, step, {})
      at = at[step] as JsonObject
    }
    setOwn(at, steps.at(-1)!, pathExpression(source))
  }
  return fields
}

const copied = (value: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(value).map(([key, item]) => [key, isObject(item) ? copied(item) : item]))

/** Names that mean something else in JSONata stand in back quotes. */
const pathExpression = (path: string): string =>
  path
    .split('.')
    .map((step) =>
      /^[A-Za-z_]\w*$/.test(step) && !['and', 'or', 'in', 'true', 'false', 'null'].includes(step)
        ? step
        : `\`${step}\``,
    )
    .join('.')

/** Match keys of `to` in the words of `from`, as far as `both` knows them. */
function mirroredMatch({ match = [], both = {} }: MappingFile): string[][] {
  const names = new Map(Object.entries(both).map(([from, to]) => [to, from]))
  return match.flatMap((key) => {
    const fields = [key].flat().map((field) => names.get(field))
    return fields.every((field) => field !== undefined) ? [fields] : []
  })
}

const ofPair = (path: YamlPath, pairs: ReadonlyMap<string, YamlPath>): YamlPath | undefined =>
  path[0] === 'map' ? pairs.get(path.slice(1).join('.')) : undefined

const BACK_KEYS: Record<string, string> = {
  map: 'back',
  match: 'back_match',
  when: 'back_when',
  mode: 'back_mode',
  deletes: 'back_deletes',
  from: 'to',
  to: 'from',
}
const backPath = ([head, ...rest]: YamlPath): YamlPath =>
  head === undefined ? [] : [BACK_KEYS[String(head)] ?? head, ...rest]

/** The file with its keys found where they really stand. */
const redirected = (yaml: YamlFile, to: (path: YamlPath) => YamlPath): YamlFile => ({
  ...yaml,
  placeOf: (path) => yaml.placeOf(to(path)),
  placeOfKey: (path, key) => {
    const real = to([...path, key])
    return yaml.placeOfKey(real.slice(0, -1), String(real.at(-1)))
  },
  placeInScalar: (path, offset) => yaml.placeInScalar(to(path), offset),
  sourceAt: (path) => yaml.sourceAt(to(path)),
})

/** What a two-way file says against itself, and what only such a file may say. */
export function twoWayFindings(content: MappingFile, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  const report = (path: YamlPath, message: string, fix: string) =>
    findings.push({ severity: 'error', code: 'CSW-1005', message, fix, place: yaml.placeOf(path) })
  if (!isTwoWay(content)) {
    for (const key of ['back_match', 'back_when', 'back_mode', 'back_deletes', 'conflict'] as const)
      if (content[key] !== undefined)
        report([key], `"${key}" is for two-way syncs`, 'Add the fields under "both" or "back", or remove it.')
    return findings
  }
  if (content.each)
    report(['each'], '"each" has no way back', 'Give one target record per source record, or make it one-way.')
  if (content.both && content.map !== undefined && !isObject(content.map))
    report(['map'], '"both" needs "map" to be a list of fields', 'Write the fields of "map" one by one.')
  if (content.mode === 'create-only' || content.mode === 'mirror')
    report(['mode'], `"mode: ${content.mode}" leaves no way back`, 'Use upsert or update-only.')
  findings.push(...doubledFields(content, yaml))
  if (!mirroredMatch(content).length && !content.back_match && content.back_mode !== 'update-only')
    report(
      [content.back === undefined ? 'both' : 'back'],
      'nothing finds the records of "from" that a new record of "to" stands for, so it would be created a second time',
      'Add "back_match" with fields of "from", put the fields of "match" under "both", or say "back_mode: update-only".',
    )
  if (typeof content.conflict === 'string' && !CONFLICT_POLICIES.includes(content.conflict)) {
    const near = nearestName(content.conflict, CONFLICT_POLICIES)
    report(
      ['conflict'],
      `"${content.conflict}" is not a value for conflict`,
      near ? `Did you mean "${near}"?` : `Allowed: ${CONFLICT_POLICIES.join(', ')}.`,
    )
  }
  return findings
}

/** A field of `both` that the other side of it, or `map` or `back`, names as well. */
function doubledFields({ both = {}, map, back }: MappingFile, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  const seen = new Set<string>()
  for (const [from, to] of Object.entries(both)) {
    const where = seen.has(to)
      ? 'another line of "both"'
      : stands(map, to)
        ? '"map"'
        : stands(back, from)
          ? '"back"'
          : null
    seen.add(to)
    if (where === null) continue
    findings.push({
      severity: 'error',
      code: 'CSW-1005',
      message: `"${from}: ${to}" stands in ${where} too`,
      fix: 'Keep one of them.',
      place: yaml.placeOf(['both', from]),
    })
  }
  return findings
}

function stands(template: unknown, field: string): boolean {
  let at: unknown = template
  for (const step of field.split('.')) {
    if (!isObject(at) || !Object.hasOwn(at, step)) return false
    at = at[step as keyof typeof at]
  }
  return true
}

/** Makes the two directions know each other. Findings say which fields go there and do not come back as they were. */
export function joinDirections(forward: Mapping, back: Mapping): Finding[] {
  const [there, home] = [topReads(forward), topReads(back)]
  const met = [...there].flatMap(([to, reads]) =>
    [...home].flatMap(([from, others]): [string, string][] => (reads.has(from) && others.has(to) ? [[to, from]] : [])),
  )
  const { conflict, both = {} } = rawOf(forward)
  const turned = <T>(list: [T, T][]): [T, T][] => list.map(([one, other]) => [other, one])
  const all = typeof conflict === 'string' ? { default: conflict } : (conflict ?? {})
  const policies = { default: all.default ?? ('ask' as const), fields: all.fields ?? {} }
  forward.definition.twoWay = {
    direction: 'forward',
    partner: back.definition.name,
    conflict: policies,
    pairs: listed(met),
    paths: Object.fromEntries(turned(Object.entries(both))),
  }
  back.definition.twoWay = {
    direction: 'back',
    partner: forward.definition.name,
    conflict: { default: policies.default, fields: inOtherWords(policies.fields, met) },
    pairs: listed(turned(met)),
    paths: { ...both },
  }
  // Who wins decides what comes out.
  for (const { definition } of [forward, back])
    definition.version = digest(`${definition.version} ${JSON.stringify(definition.twoWay!.conflict)}`)
  return [...policyFindings(forward, policies.fields, there), ...oddFindings(back, there, home)]
}

const listed = (pairs: [string, string][]): Record<string, string[]> =>
  Object.fromEntries([...Map.groupBy(pairs, ([one]) => one)].map(([one, met]) => [one, met.map(([, other]) => other)]))

/** The first of several fields of `to` that has a policy gives it to the field of `from` that they share. */
const inOtherWords = (
  fields: TwoWay['conflict']['fields'],
  pairs: [to: string, from: string][],
): Record<string, ConflictPolicy> =>
  Object.fromEntries(
    pairs
      .filter(([to]) => Object.hasOwn(fields, to))
      .map(([to, from]): [string, ConflictPolicy] => [from, fields[to]!])
      .reverse(),
  )

const rawOf = ({ yaml }: Mapping): MappingFile => yaml.value as MappingFile

/** Top-level fields of the target with the top-level fields that their expressions read. */
function topReads({ program, expressions }: Mapping): Map<string, Set<string>> {
  const asts = new Map(expressions.map(({ text, compiled }) => [text.path.join('\0'), compiled.ast]))
  const reads = new Map<string, Set<string>>()
  for (const { leaf, at } of leavesOf(program.template)) {
    const field = String(at[0] ?? '')
    const own = reads.get(field) ?? new Set<string>()
    const ast = asts.get(leaf.path.join('\0'))
    for (const [step] of (ast && readsOf(ast).get('')) ?? []) if (step !== undefined) own.add(String(step))
    reads.set(field, own)
  }
  return reads
}

function policyFindings(
  { yaml }: Mapping,
  fields: Readonly<Record<string, unknown>>,
  there: Map<string, unknown>,
): Finding[] {
  return Object.keys(fields)
    .filter((field) => !there.has(field))
    .map((field) => {
      const near = nearestName(field, there.keys())
      return {
        severity: 'error',
        code: 'CSW-4005',
        message: `"conflict" names "${field}", which is no field that is written to the stream under "to"`,
        fix: near ? `Did you mean "${near}"?` : 'Name a top-level field of "map" or "both".',
        place: yaml.placeOfKey(['conflict', 'fields'], field),
      }
    })
}

/** A field that comes back from one that was made of other fields overwrites what it was not made of. */
function oddFindings({ yaml }: Mapping, there: Map<string, Set<string>>, home: Map<string, Set<string>>): Finding[] {
  return [...home].flatMap(([from, reads]): Finding[] => {
    const made = [...reads].filter((to) => there.has(to))
    if (!made.length || made.some((to) => there.get(to)!.has(from))) return []
    return [
      {
        severity: 'warning',
        code: 'CSW-4005',
        message: `"${from}" comes back from "${made.join('", "')}", which the way there does not make of "${from}"`,
        fix: `Let the way there read "${from}", or take another field for the way back.`,
        place: yaml.placeOf(['map', from]),
      },
    ]
  })
}
