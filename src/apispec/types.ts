/** What a value may be, as far as a description says: enough to know whether a member exists. */
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
  return flat.length === 1 ? flat[0]! : { kind: 'union', of: flat }
}

/** A schema as a type, one level at a time: schemas may refer to themselves. */
export function typeOfSchema(schema: RawSchema | undefined, lookup: Lookup): Type {
  const whole = resolved(schema, lookup)
  if (!whole) return ANY
  const branches = branchesOf(whole, lookup)
  if (branches.length > 1) return union(branches.map((branch) => typeOfSchema(branch, lookup)))
  const [only = whole] = branches
  const types = [only.type ?? (only.properties ? 'object' : only.items ? 'array' : [])]
    .flat()
    .filter((type) => type !== 'null')
  if (types.includes('array') || only.items) return listOf(typeOfSchema(only.items, lookup))
  if (types.includes('object') || only.properties) {
    // An object of which nothing is told may hold anything.
    if (!only.properties && only.additionalProperties === undefined) return ANY
    return { kind: 'schema', schema: only, lookup }
  }
  return types.length ? { kind: 'scalar', types, schema: only } : ANY
}

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

/** True where there may be members beyond those that are told of. */
export function isOpen(type: Type): boolean {
  if (type.kind === 'any') return true
  if (type.kind === 'union') return type.of.some(isOpen)
  if (type.kind === 'schema') return type.schema.additionalProperties === true
  return type.kind === 'object' && type.rest.kind === 'any'
}
