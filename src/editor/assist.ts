/** What can be completed and said at a place of a mapping file. Pure: text and schemas in, suggestions out. */
import { BUILTIN_NAMES, type DocumentedFunction, integrationFunctions, signatureOf } from '../expression/index.ts'
import type { CheckedStream } from '../mapping/index.ts'
import { cursorAt, type ExpressionCursor, wordAround, wordBefore } from './cursor.ts'

/** The streams a mapping names, as far as they are known. */
export type MappingSystems = {
  from?: CheckedStream
  to?: CheckedStream
  joins: Readonly<Record<string, CheckedStream | undefined>>
  /** Streams whose records the hub links, as `connection:stream`. */
  linked?: readonly string[]
}

export type Suggestion = {
  label: string
  kind: 'field' | 'function' | 'variable' | 'name'
  detail: string
  documentation?: string
}

const VARIABLES: Record<string, string> = {
  id: 'the id of the record',
  deleted: 'whether the source deleted it',
  item: 'under each: the item',
  index: 'under each: its number',
}

export function complete(text: string, line: number, column: number, systems: MappingSystems): Suggestion[] {
  const cursor = cursorAt(text, line, column)
  if (!cursor) return []
  if (cursor.kind === 'key') return targetFields(cursor.path, cursor.siblings, systems)
  const named = namesInside(cursor.before, text, systems)
  if (named) return named
  const word = wordBefore(cursor.before)
  if (word.startsWith('$') && !word.includes('.')) return [...variables(systems), ...functions()]
  return sourceFields(word.split('.').slice(0, -1), systems)
}

/** Within the quotes of `$ref('…', '…'` the streams that syncs link, within those of `$table('…'` the tables of the file. */
function namesInside(before: string, text: string, { linked = [] }: MappingSystems): Suggestion[] | undefined {
  const [, call, rest] = /\$(ref|table)\(\s*([^()]*)$/.exec(before) ?? []
  if (call === undefined) return undefined
  const inQuotes = (rest!.match(/["']/g)?.length ?? 0) % 2 === 1
  const first = !rest!.includes(',')
  if (!inQuotes || (call === 'table' && !first)) return undefined
  if (call === 'ref')
    return linked.map((label) => ({
      label,
      kind: 'name',
      detail: first ? 'stream of the target' : 'stream of the source',
    }))
  return tablesOf(text).map((label) => ({ label, kind: 'name', detail: 'value table' }))
}

/** Names under `tables:`, also while the rest of the file is no YAML. */
function tablesOf(text: string): string[] {
  const block = /^tables:[^\S\n]*\n((?:[^\S\n]+.*\n|\s*\n)*)/m.exec(text)?.[1] ?? ''
  return [...block.matchAll(/^ {2}["']?([\w-]+)["']?:/gm)].map(([, name]) => name!)
}

function targetFields(path: string[], siblings: readonly string[], systems: MappingSystems): Suggestion[] {
  const below = path[0] === 'map' ? path.slice(1) : path[0] === 'each' && path[1] === 'map' ? path.slice(2) : undefined
  const schema = below && walk(systems.to?.writeSchema, below)
  if (!schema) return []
  const required = Array.isArray(schema.required) ? (schema.required as string[]) : []
  return fieldsOf(schema)
    .filter(([name]) => !siblings.includes(name))
    .map(([name, field]) => ({
      label: name,
      kind: 'field',
      detail: `${typeOf(field)}${required.includes(name) ? ', required' : ''}`,
      ...documented(field),
    }))
}

function sourceFields(path: string[], systems: MappingSystems): Suggestion[] {
  const schema = schemaAt(path, systems)
  return schema
    ? fieldsOf(schema).map(([name, field]) => ({
        label: name,
        kind: 'field',
        detail: typeOf(field),
        ...documented(field),
      }))
    : []
}

const variables = (systems: MappingSystems): Suggestion[] => [
  ...Object.entries(VARIABLES).map(([name, detail]): Suggestion => ({ label: `$${name}`, kind: 'variable', detail })),
  ...Object.keys(systems.joins).map((name): Suggestion => ({ label: `$${name}`, kind: 'variable', detail: 'join' })),
]

const functions = (): Suggestion[] => [
  ...Object.entries(integrationFunctions).map(
    ([name, { usage, sense }]): Suggestion => ({
      label: `$${name}`,
      kind: 'function',
      detail: usage,
      documentation: sense,
    }),
  ),
  ...BUILTIN_NAMES.map(
    (name): Suggestion => ({ label: `$${name}`, kind: 'function', detail: signatureOf(name) ?? '' }),
  ),
]

/** What a name means, in Markdown. */
export function hover(text: string, line: number, column: number, systems: MappingSystems): string | null {
  const cursor = cursorAt(text, line, column)
  if (!cursor) return null
  return cursor.kind === 'key' ? null : (hoverWord(cursor, systems) ?? hoverTarget(cursor, systems))
}

function hoverWord(cursor: ExpressionCursor, systems: MappingSystems): string | null {
  const word = wordAround(cursor.before, cursor.after)
  if (!word) return null
  const name = word.slice(1)
  if (word.startsWith('$') && !word.includes('.')) return hoverName(name, systems)
  const schema = schemaAt(word.split('.'), systems)
  return schema ? `\`${word}\`: ${describe(schema)}` : null
}

function hoverName(name: string, systems: MappingSystems): string | null {
  const own = (integrationFunctions as Record<string, DocumentedFunction | undefined>)[name]
  if (own) {
    const examples = own.examples.map(([call, gives]) => `${call} → ${JSON.stringify(gives)}`)
    return [`\`${own.usage}\``, own.sense, '```', ...examples, '```'].join('\n')
  }
  if (VARIABLES[name]) return `\`$${name}\`: ${VARIABLES[name]}`
  if (Object.hasOwn(systems.joins, name)) return `\`$${name}\`: a record of the joined stream`
  return BUILTIN_NAMES.includes(name) ? `\`$${name}\` of JSONata, \`${signatureOf(name) ?? ''}\`` : null
}

/** The target field that the expression fills. */
function hoverTarget({ path }: ExpressionCursor, systems: MappingSystems): string | null {
  const below = path[0] === 'map' ? path.slice(1) : path[0] === 'each' ? path.slice(2) : []
  const schema = below.length ? walk(systems.to?.writeSchema, below) : undefined
  return schema ? `target field \`${below.join('.')}\`: ${describe(schema)}` : null
}

type Schema = Record<string, unknown>
const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function schemaAt(path: string[], { from, joins }: MappingSystems): Schema | undefined {
  const [head, ...rest] = path
  if (head === '$$' || head === '$') return walk(from?.readSchema, rest)
  if (head?.startsWith('$')) return walk(joins[head.slice(1)]?.readSchema, rest)
  return walk(from?.readSchema, path)
}

/** The schema at a path; lists are looked through, as JSONata does. */
function walk(schema: unknown, path: readonly string[]): Schema | undefined {
  let at = throughLists(schema)
  for (const step of path) at = throughLists(isSchema(at?.properties) ? at.properties[step] : undefined)
  return at
}

const throughLists = (schema: unknown): Schema | undefined =>
  isSchema(schema) ? (isSchema(schema.items) ? throughLists(schema.items) : schema) : undefined

const fieldsOf = (schema: Schema): [string, Schema][] =>
  Object.entries(isSchema(schema.properties) ? schema.properties : {}).filter((entry): entry is [string, Schema] =>
    isSchema(entry[1]),
  )

const typeOf = ({ type, format, enum: options }: Schema): string => {
  if (Array.isArray(options)) return options.map((option) => JSON.stringify(option)).join(' | ')
  const types = [type ?? 'any'].flat().join(' | ')
  return typeof format === 'string' ? `${types} (${format})` : types
}

const documented = ({ description, title }: Schema): { documentation?: string } => {
  const text = description ?? title
  return typeof text === 'string' ? { documentation: text } : {}
}

const describe = (schema: Schema): string =>
  [typeOf(schema), documented(schema).documentation].filter(Boolean).join(' – ')
