/** What the operations of a SOAP service are for, as their names and what they take and answer suggest. */
import { type Listed, listedBy, quoted, singularOf } from '../guess.ts'
import { type Lookup, type RawSchema, resolved } from '../schema.ts'
import type { SoapOperation, Wsdl } from './document.ts'

type Kind = 'read' | 'create' | 'update' | 'delete'

export type Call = {
  operation: SoapOperation
  kind: Kind
  /** What it is about, in one word and lower case: `contact`. */
  noun: string
  /** Members of the request in their order. */
  input: RawSchema
  lookup: Lookup
}

const VERBS: Record<Kind, RegExp> = {
  read: /^(get|find|list|search|query|read|retrieve|fetch|select|load|export)$/,
  create: /^(create|add|insert|new|register|import)$/,
  update: /^(update|change|modify|edit|set|save|put)$/,
  delete: /^(delete|remove)$/,
}

/** The operations that say by a verb, at the beginning or the end of their names, what they do. */
export const callsOf = ({ operations, lookup }: Wsdl): Call[] =>
  operations.flatMap((operation) => {
    const words = operation.name
      .replace(/([a-z\d])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .split(/[_\W]+/)
      .filter(Boolean)
    const first = kindOf(words[0])
    const kind = first ?? kindOf(words.at(-1))
    if (!kind) return []
    const about = first ? words.slice(1) : words.slice(0, -1)
    const noun = singularOf(withoutFilling(about).join('_'))
    return [{ operation, kind, noun, input: resolved(operation.input, lookup) ?? {}, lookup }]
  })

const kindOf = (word: string | undefined): Kind | undefined =>
  (Object.keys(VERBS) as Kind[]).find((kind) => VERBS[kind].test(word ?? ''))

/** `contacts_by_name`, `all_contacts`, `contact_list`: what is left is what they are about. */
function withoutFilling(words: string[]): string[] {
  const end = words.findIndex((word) => ['by', 'for', 'from', 'with', 'since', 'in'].includes(word))
  return (end < 0 ? words : words.slice(0, end)).filter(
    (word) => !['all', 'list', 'the', 'a', 'info', 'details'].includes(word),
  )
}

/** A list of records with the type of one of them; null for operations that answer none. */
export function listOf(call: Call): (Listed & { reference: string | null }) | null {
  const { operation, noun, lookup } = call
  const listed = listedBy({
    method: 'GET',
    path: `/${noun}`,
    parameters: parametersOf(call).map(([name]) => ({ name, in: 'query', required: false })),
    ...(operation.output ? { answer: operation.output } : {}),
    lookup,
  })
  return listed && { ...listed, reference: referenceAt(operation.output, listed.records, lookup) }
}

/** The schema at the end of a path such as `response.a.b`, as it stands in its parent. */
function schemaAt(schema: RawSchema | undefined, path: string, lookup: Lookup): RawSchema | undefined {
  return path
    .split('.')
    .slice(1)
    .reduce<RawSchema | undefined>(
      (found, name) => resolved(found, lookup)?.properties?.[name.replaceAll('`', '')],
      schema,
    )
}

function referenceAt(schema: RawSchema | undefined, path: string, lookup: Lookup): string | null {
  const found = schemaAt(schema, path, lookup)
  return found?.items?.$ref ?? found?.$ref ?? null
}

/** The record's schema of a list. */
export const recordSchema = ({ operation, lookup }: Call, records: string): RawSchema | undefined => {
  const found = resolved(schemaAt(operation.output, records, lookup), lookup)
  return found?.items ?? found
}

/** Where an answer holds one record of a type: at the top, or in a member. */
export function singleOf({ operation, lookup }: Call, reference: string | null): string | null {
  if (!reference || !operation.output) return null
  if (operation.output.$ref === reference) return 'response'
  const found = Object.entries(resolved(operation.output, lookup)?.properties ?? {}).find(
    ([, one]) => one.$ref === reference,
  )
  return found ? `response.${quoted(found[0])}` : null
}

const isScalar = (schema: RawSchema | undefined, lookup: Lookup): boolean => {
  const type = resolved(schema, lookup)?.type
  return typeof type === 'string' && !['object', 'array'].includes(type)
}

/** Members that carry a single value: of the request, or of the one object in it. */
export function parametersOf({ input, lookup }: Call): [string, RawSchema][] {
  const scalars = (schema: RawSchema | undefined) =>
    Object.entries(schema?.properties ?? {}).filter(([, one]) => isScalar(one, lookup))
  const own = scalars(input)
  const wrapper = wrapperOf(input)
  return own.length || !wrapper ? own : scalars(resolved(input.properties![wrapper], lookup))
}

/** The one member that all others lie in; null where there is none. */
export function wrapperOf(input: RawSchema): string | null {
  const names = Object.keys(input.properties ?? {})
  return names.length === 1 ? names[0]! : null
}

/** The member that says which record is meant: `id`, `contactId`, `ids`, or the only one there is. */
export function idMember(call: Call, key: string): { name: string; many: boolean } | null {
  const { input, noun, lookup } = call
  const wanted = ['id', 'ids', key, `${key}s`, `${noun}_id`, `${noun}_ids`, 'guid'].map(plain)
  const members = Object.entries(input.properties ?? {}).filter(([, schema]) => {
    const whole = resolved(schema, lookup)
    return isScalar(schema, lookup) || (whole?.type === 'array' && isScalar(whole.items, lookup))
  })
  const named = members.find(([name]) => wanted.includes(plain(name)))
  const [only, ...others] = members
  const found =
    named ?? (only && others.length === 0 && Object.keys(input.properties ?? {}).length === 1 ? only : undefined)
  return found ? { name: found[0], many: resolved(found[1], lookup)?.type === 'array' } : null
}

export const plain = (name: string): string => name.replace(/[^A-Za-z\d]/g, '').toLowerCase()
