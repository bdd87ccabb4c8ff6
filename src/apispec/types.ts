/** What a value may be, as far as a description says: enough to know whether a member exists. */
import { isObject } from '../core/index.ts'
import { branchesOf, type Lookup, type RawSchema, resolved } from './schema.ts'

export type Type =
  /** Nothing is known: everything goes. */
  | { kind: 'any' }
  /** Never a value. */
  | { kind: 'none' }
  | { kind: 'scalar'; types: string[]; schema?: RawSchema }
  | { kind: 'list'; item: Type }
  | { kind: 'schema'; schema: RawSchema; lookup: Lookup }
  | { kind: 'object'; members: Map<string, Type>; rest: Type }
  | { kind: 'union'; of: Type[] }

export const ANY: Type = { kind: 'any' }
export const NONE: Type = { kind: 'none' }
export const scalar = (...types: string[]): Type => ({ kind: 'scalar', types })
export const listOf = (item: Type): Type => ({ kind: 'list', item })
export const objectOf = (members: Record<string, Type>, rest: Type = NONE): Type => ({
  kind: 'object',
  members: new Map(Object.entries(members)),
  rest,
})

export function union(types: Type[]): Type {
  const flat = types.flatMap((type) => (type.kind === 'union' ? type.of : type.kind === 'none' ? [] : [type]))
  if (flat.length === 0) return NONE
  if (flat.every(({ kind }) => kind === 'any')) return ANY
  return flat.length === 1 ? flat[0]! : { kind: 'union', of: flat }
}

/** A schema as a type, one level at a time: schemas may refer to themselves. */
export function typeOfSchema(schema: RawSchema | undefined, lookup: Lookup): Type {
  const whole = resolved(schema, lookup)
  if (!whole) return ANY
  const named = schema!.$ref ?? (schema!.allOf?.length === 1 ? schema!.allOf[0]!.$ref : undefined)
  const heirs = whole.discriminator && named !== undefined ? (lookup.heirs?.(named) ?? []) : []
  if (heirs.length) {
    // What is said of the kind in general, and of each of its kinds.
    const kinds = heirs.map((reference) => typeOfSchema({ $ref: reference }, lookup))
    return union([plainType(whole, lookup), ...kinds])
  }
  const branches = branchesOf(whole, lookup)
  if (branches.length > 1) return union(branches.map((branch) => typeOfSchema(branch, lookup)))
  return plainType(branches[0] ?? whole, lookup)
}

/** A schema without alternatives. Where it allows several kinds of values, each of them. */
function plainType(schema: RawSchema, lookup: Lookup): Type {
  const names = [schema.type ?? []].flat()
  if (names.length && names.every((name) => name === 'null')) return NONE
  const types = names.filter((name) => name !== 'null')
  if (types.length === 0)
    types.push(
      ...(schema.properties ? ['object'] : schema.items || schema.prefixItems ? ['array'] : typesOfValues(schema)),
    )
  if (types.length === 0 && schema.additionalProperties !== undefined) types.push('object')
  if (types.length === 0) return ANY
  const plain = types.filter((type) => type !== 'array' && type !== 'object')
  return union([
    ...(types.includes('array') ? [listOf(itemType(schema, lookup))] : []),
    ...(types.includes('object') ? [objectType(schema, lookup)] : []),
    ...(plain.length ? [{ kind: 'scalar' as const, types: plain, schema }] : []),
  ])
}

/** Where only values are listed, their types. */
function typesOfValues(schema: RawSchema): string[] {
  const values = 'const' in schema ? [schema.const] : (schema.enum ?? [])
  const types = values.map((value) => (Number.isInteger(value) ? 'integer' : value === null ? 'null' : typeof value))
  return [...new Set(types)].filter((type) => ['string', 'number', 'integer', 'boolean'].includes(type))
}

function itemType(schema: RawSchema, lookup: Lookup): Type {
  const tuple = (schema.prefixItems as RawSchema[] | undefined) ?? []
  if (tuple.length)
    return union([...tuple, ...(schema.items ? [schema.items] : [])].map((one) => typeOfSchema(one, lookup)))
  const example = exampleOf(schema)
  const shown: unknown = Array.isArray(example) ? example[0] : undefined
  return typeOfSchema(exemplified(schema.items, shown), lookup)
}

function objectType(schema: RawSchema, lookup: Lookup): Type {
  const patterns = Object.values((schema.patternProperties as Record<string, RawSchema> | undefined) ?? {})
  const rest =
    schema.additionalProperties ?? (schema.unevaluatedProperties as RawSchema | boolean | undefined) ?? patterns[0]
  const names = Object.keys(schema.properties ?? {})
  // An object of which nothing is told may hold anything.
  if (names.length === 0 && rest === undefined) return ANY
  const whole: RawSchema = rest === undefined ? schema : { ...schema, additionalProperties: rest }
  return { kind: 'schema', schema: completed(whole), lookup }
}

/**
 * A schema whose own example has members that it does not name is not complete: those of the example exist, and others may.
 */
function completed(schema: RawSchema): RawSchema {
  const { properties = {} } = schema
  const example = exampleOf(schema)
  if (!isObject(example as never) || schema.additionalProperties === false) return schema
  const shown = Object.entries(example as Record<string, unknown>)
  const further = shown.filter(([name]) => !Object.hasOwn(properties, name))
  return {
    ...schema,
    properties: {
      ...Object.fromEntries(further.map(([name]) => [name, {}])),
      ...Object.fromEntries(
        Object.entries(properties).map(([name, inner]) => [name, exemplified(inner, (example as RawSchema)[name])!]),
      ),
    },
    ...(further.length ? { additionalProperties: schema.additionalProperties ?? true } : {}),
  }
}

const exampleOf = (schema: RawSchema): unknown =>
  schema.example ?? (Array.isArray(schema.examples) ? schema.examples[0] : undefined)

/** A schema with the example that is given of it from outside. */
export const exemplified = (schema: RawSchema | undefined, example: unknown): RawSchema | undefined =>
  schema && typeof example === 'object' && example !== null ? { allOf: [schema], example } : schema

/** A member of a value: lists give that of their items, as JSONata does. `none` where it certainly does not exist. */
export function member(type: Type, name: string): Type {
  switch (type.kind) {
    case 'any':
      return ANY
    case 'list': {
      const found = member(type.item, name)
      return found.kind === 'none' ? NONE : found.kind === 'list' ? found : listOf(found)
    }
    case 'object':
      return type.members.get(name) ?? type.rest
    case 'schema': {
      const { properties, additionalProperties } = type.schema
      if (properties && Object.hasOwn(properties, name)) return typeOfSchema(properties[name], type.lookup)
      if (additionalProperties === true) return ANY
      return typeof additionalProperties === 'object'
        ? Object.keys(additionalProperties).length
          ? typeOfSchema(additionalProperties, type.lookup)
          : ANY
        : NONE
    }
    case 'union':
      return union(type.of.map((one) => member(one, name)))
    default:
      return NONE
  }
}

/** What a list holds; anything else is its own item. */
export function itemOf(type: Type): Type {
  if (type.kind === 'list') return type.item
  return type.kind === 'union' ? union(type.of.map(itemOf)) : type
}

/** Names of the members that are told of. */
export function namesOf(type: Type): string[] {
  if (type.kind === 'object') return [...type.members.keys()]
  if (type.kind === 'schema') return Object.keys(type.schema.properties ?? {})
  if (type.kind === 'list') return namesOf(type.item)
  return type.kind === 'union' ? [...new Set(type.of.flatMap(namesOf))] : []
}

/**
 * True for a map: an object that names no member and says what each is (`additionalProperties`), so that any name is one of its.
 */
function takesAnyName(type: Type): boolean {
  if (type.kind === 'union') return type.of.length > 0 && type.of.every(takesAnyName)
  if (type.kind === 'list') return takesAnyName(type.item)
  if (type.kind !== 'schema') return false
  const { properties, additionalProperties } = type.schema
  return Object.keys(properties ?? {}).length === 0 && Boolean(additionalProperties)
}

/** True where the description says that such a member may be there: it names it, or says what members of any name are. */
export const tellsOf = (type: Type, name: string): boolean => namesOf(type).includes(name) || takesAnyName(type)

/** True where there may be members beyond those that are told of. */
export function isOpen(type: Type): boolean {
  if (type.kind === 'any') return true
  if (type.kind === 'union') return type.of.some(isOpen)
  if (type.kind === 'schema') return type.schema.additionalProperties === true
  return type.kind === 'object' && type.rest.kind === 'any'
}

/** True where the description says that there are no other members than those it names. */
export const refusesOthers = (type: Type): boolean =>
  type.kind === 'union'
    ? type.of.length > 0 && type.of.every(refusesOthers)
    : type.kind === 'list'
      ? refusesOthers(type.item)
      : type.kind === 'schema' && type.schema.additionalProperties === false

/** Annotations of OData (`@odata.nextLink`, `@removed`, `@vendor.term`) may stand in any object, and no schema names them. */
export const isAnnotation = (name: string): boolean => /^@(removed|[\w-]+(\.[\w-]+)+)$/.test(name)

/** True for what answers have, and requests must not. */
export const isReadOnly = (type: Type): boolean =>
  type.kind === 'union'
    ? type.of.length > 0 && type.of.every(isReadOnly)
    : (type.kind === 'schema' || type.kind === 'scalar') && type.schema?.readOnly === true
