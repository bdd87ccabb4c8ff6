/** What the records of a stream look like: which fields there are, how often, of which types; and how that changed. Pure. */
import { isObject, isRawNumber, type Json, type JsonObject } from '../core/index.ts'

type FieldType = 'text' | 'number' | 'boolean' | 'list' | 'object'

/** `seen` of `records` had the field; the last `missing` in a row did not. */
type FieldShape = { seen: number; missing: number; types: FieldType[] }
export type Shape = {
  records: number
  fields: Record<string, FieldShape>
  /** What the system itself declares, where it does: types by field. */
  declared?: Record<string, FieldType[]>
}

/** `vanished`: it was there and no longer is. `type`: it has a type that it never had. `new`: it was never seen. */
export type ShapeChange = {
  kind: 'new' | 'vanished' | 'type'
  /** Dotted path of the field; through lists without a mark. */
  field: string
  before: FieldType[]
  after: FieldType[]
  /** By what it was noticed. */
  by: 'records' | 'schema'
}

/** Below so many records nothing can be said about what is new. */
const ESTABLISHED = 20
/** A type is believed after so many records. */
const FEW = 3
/** How unlikely it has to be that a field is missing by chance. */
const BY_CHANCE = 1e-6
/** Records with keys made of data would have endless fields. */
const MOST_FIELDS = 1_000

export const emptyShape = (): Shape => ({ records: 0, fields: {} })

/**
 * Takes a record into the shape, and gives what is new about it. The shape is changed. `learning`: the stream is read for the
 * first time, so that nothing is missed yet.
 */
export function observe(shape: Shape, body: JsonObject, { learning = false } = {}): ShapeChange[] {
  const changes: ShapeChange[] = []
  const found = typesOf(body)
  for (const [field, types] of found) {
    const known = Object.hasOwn(shape.fields, field) ? shape.fields[field]! : undefined
    const added = [...types].filter((type) => !known?.types.includes(type))
    const note = (kind: 'new' | 'type') =>
      changes.push({ kind, field, before: known?.types ?? [], after: added, by: 'records' })
    if (!known && Object.keys(shape.fields).length >= MOST_FIELDS) continue
    if (!known && shape.records >= ESTABLISHED && !isDeclared(shape, field)) note('new')
    else if (known && added.length && known.types.length && known.seen >= FEW) note('type')
    Object.defineProperty(shape.fields, field, {
      value: { seen: (known?.seen ?? 0) + 1, missing: 0, types: [...(known?.types ?? []), ...added] },
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }
  for (const [field, known] of Object.entries(shape.fields)) {
    if (learning || found.has(field)) continue
    known.missing++
    if (!isGone(known, shape.records)) continue
    changes.push({ kind: 'vanished', field, before: known.types, after: [], by: 'records' })
    // Should it come back, that is news again.
    delete shape.fields[field]
  }
  shape.records++
  return learning ? [] : withoutBelow(changes)
}

/**
 * Whether a field that was always there would be missing so often in a row by chance. Of one that some records never had nothing
 * can be said: records come in an order, all companies before all persons.
 */
function isGone({ seen, missing }: FieldShape, records: number): boolean {
  const before = records - missing + 1
  if (seen < before) return false
  const share = (seen + 1) / (before + 2)
  return (1 - share) ** missing < BY_CHANCE
}

const isDeclared = ({ declared }: Shape, field: string): boolean =>
  declared !== undefined && Object.hasOwn(declared, field)

/** What the system declares now against what it declared before; the shape is changed. */
export function compareDeclared(shape: Shape, schema: JsonObject): ShapeChange[] {
  const before = shape.declared
  const now = declaredTypes(schema)
  shape.declared = now
  if (!before) return []
  const changes: ShapeChange[] = []
  for (const field of new Set([...Object.keys(before), ...Object.keys(now)])) {
    const [old, young] = [before, now].map((side) => (Object.hasOwn(side, field) ? side[field]! : null))
    const change = { field, before: old ?? [], after: young ?? [], by: 'schema' as const }
    if (!old) changes.push({ kind: 'new', ...change })
    else if (!young) changes.push({ kind: 'vanished', ...change })
    else if (old.length && young.length && young.some((type) => !old.includes(type)))
      changes.push({ kind: 'type', ...change })
  }
  return withoutBelow(changes)
}

/** Types by field of a body, null being of no type. */
function typesOf(body: JsonObject): Map<string, Set<FieldType>> {
  const found = new Map<string, Set<FieldType>>()
  const walk = (value: Json, field: string): void => {
    const types = found.get(field) ?? new Set()
    if (field !== '') found.set(field, types)
    const type = typeOf(value)
    if (type) types.add(type)
    if (Array.isArray(value)) for (const item of value) walk(item, field)
    else if (isObject(value))
      for (const [name, item] of Object.entries(value as JsonObject))
        walk(item, field === '' ? name : `${field}.${name}`)
  }
  walk(body, '')
  return found
}

function typeOf(value: Json): FieldType | null {
  if (value === null) return null
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'number' || isRawNumber(value)) return 'number'
  if (typeof value === 'string') return 'text'
  return typeof value === 'boolean' ? 'boolean' : 'object'
}

const SCHEMA_TYPES: Record<string, FieldType> = {
  string: 'text',
  number: 'number',
  integer: 'number',
  boolean: 'boolean',
  array: 'list',
  object: 'object',
}

function declaredTypes(schema: JsonObject, before = ''): Record<string, FieldType[]> {
  const found: [string, FieldType[]][] = []
  const { properties } = schema
  for (const [name, property] of Object.entries(isObject(properties) ? (properties as JsonObject) : {})) {
    if (!isObject(property)) continue
    const of = property as JsonObject
    const types = [of.type ?? []].flat().flatMap((type) => SCHEMA_TYPES[String(type)] ?? [])
    found.push([before + name, types])
    const items = isObject(of.items) ? (of.items as JsonObject) : of
    found.push(...Object.entries(declaredTypes(items, `${before}${name}.`)))
  }
  return Object.fromEntries(found)
}

/** Of what vanished or came as a whole, its parts need not be named. */
const withoutBelow = (changes: ShapeChange[]): ShapeChange[] =>
  changes.filter(
    ({ kind, field }) =>
      !changes.some((other) => other.kind === kind && kind !== 'type' && field.startsWith(`${other.field}.`)),
  )

/** Whether a record shows a change: has the new type, or lacks what vanished. */
export function shows(body: JsonObject, { kind, field, after }: ShapeChange): boolean {
  const types = typesOf(body).get(field)
  if (kind === 'vanished') return types === undefined
  return kind === 'type' && after.some((type) => types?.has(type))
}
