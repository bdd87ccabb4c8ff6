/** Services of OData that are described in OpenAPI: what tools make of their metadata, and SAP and Microsoft publish. */
import type { Operation } from './contract.ts'
import type { Lookup, RawSchema } from './schema.ts'

/**
 * True where the calls are those of entity sets: `/Customers` and `/Customers('{id}')`. Where entities are reached by a step of
 * the path as well (`/users/{id}`, Microsoft Graph), brackets are alternate keys and functions, and sets have no names of their own.
 */
export function isOfSets(operations: readonly Operation[]): boolean {
  const lists = new Set(operations.filter(({ method }) => method === 'GET').map(({ path }) => path))
  const behind = (path: string, key: RegExp) => key.test(path) && lists.has(path.replace(key, ''))
  return (
    operations.some(({ path }) => behind(path, /\([^()/]*\{[^()]*\}[^()/]*\)$/)) &&
    !operations.some(({ path }) => behind(path, /\/\{[^{}/]+\}$/))
  )
}

/** What is sent to a set stands by itself; some tools of version 2 describe it in the envelope of an answer (`d`). */
export function withoutEnvelope(operation: Operation): Operation {
  const { properties = {} } = operation.body?.schema ?? {}
  const [only, ...others] = Object.entries(properties)
  return only?.[0] === 'd' && others.length === 0
    ? { ...operation, body: { ...operation.body!, schema: only[1] } }
    : operation
}

/**
 * What an entity leads to need not stand in its schema (Business Central): `$expand` names it, and then it comes with the entity.
 * What is in it is not told there.
 */
export function withExpansions(operation: Operation): Operation {
  const { items } = operation.parameters.find(({ name }) => name === '$expand')?.schema ?? {}
  const names = (items?.enum ?? []).filter((name) => typeof name === 'string' && /^\w+$/.test(name)) as string[]
  if (!operation.answer || names.length === 0) return operation
  return {
    ...operation,
    answer: expanded(operation.answer, { properties: Object.fromEntries(names.map((n) => [n, {}])) }),
  }
}

/** Version 4 lists entities in `value`; anything else is one entity. */
function expanded(answer: RawSchema, further: RawSchema): RawSchema {
  const { value } = answer.properties ?? {}
  const many = value?.items && { ...value, items: { allOf: [further, value.items] } }
  return many ? { ...answer, properties: { ...answer.properties, value: many } } : { allOf: [further, answer] }
}

/** References as version 4 has them: version 2 puts each list into an object of its own (`results`). */
export function flatLookup(lookup: Lookup): Lookup {
  const flat: Lookup = (reference) => flatLists(lookup(reference))
  return lookup.heirs ? Object.assign(flat, { heirs: lookup.heirs }) : flat
}

/** A schema whose lists are lists, wherever they stand. */
export function flatLists<S extends RawSchema | undefined>(schema: S): S {
  if (!schema) return schema
  const { properties, items, allOf } = schema as RawSchema
  const list = properties?.results
  if (list?.type === 'array' && Object.keys(properties!).every((name) => name === 'results' || name.startsWith('__')))
    return flatLists(list) as S
  return {
    ...schema,
    ...(properties ? { properties: mapped(properties) } : {}),
    ...(items ? { items: flatLists(items) } : {}),
    ...(allOf ? { allOf: allOf.map((part) => flatLists(part)) } : {}),
  }
}

const mapped = (properties: Record<string, RawSchema>): Record<string, RawSchema> =>
  Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, flatLists(schema)]))
