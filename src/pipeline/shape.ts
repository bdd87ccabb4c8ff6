/** What the records of a stream look like: which fields there are, how often, of which types; and how that changed. Pure. */
import { digest, isObject, isRawNumber, type Json, type JsonObject } from '../core/index.ts'

const TYPES = ['text', 'number', 'boolean', 'list', 'object'] as const
type FieldType = (typeof TYPES)[number]
/** Types as bits, in the order of `TYPES`: records have dozens of fields, and a set for each would be most of the work. */
type TypeBits = number

/** `seen` of `records` had the field; the last `missing` in a row did not: those of `without`, in so many pulls. */
type FieldShape = { seen: number; missing: number; types: FieldType[]; without?: Without }
/** Marks of different records, never more than are asked for; the pulls that brought them, and the last of these. */
type Without = { records: string[]; pulls: number; last: number }
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
/** Which record this is, and of which pull. */
type Seen = { id: string; pull: number; learning?: boolean; closely?: boolean }

/**
 * When a field counts as gone: so many records in a row had it, all of them, and then so many different ones of so many pulls did
 * not: a quarter of as many as had it, within bounds. Records are not drawn by chance: they come by kinds, by imports, and one of
 * them again and again where reads overlap. Where somebody asked for care (`closely`), less is enough.
 */
const LEAST_WITHOUT = 10
const MOST_WITHOUT = 50
const GONE = {
  without: (had: number): number => Math.min(MOST_WITHOUT, Math.max(LEAST_WITHOUT, Math.ceil(had / 4))),
  pulls: 3,
}
const GONE_CLOSELY = { without: (): number => LEAST_WITHOUT, pulls: 1 }
/** Records with keys made of data would have endless fields. */
const MOST_FIELDS = 1_000

export const emptyShape = (): Shape => ({ records: 0, fields: {} })

/**
 * Takes a record into the shape, and gives what is new about it. The shape is changed. `learning`: the stream is read for the
 * first time, so that nothing is missed yet.
 */
export function observe(shape: Shape, body: JsonObject, at: Seen): ShapeChange[] {
  const { learning = false } = at
  const changes: ShapeChange[] = []
  const found = typesOf(body)
  // Counted when something new shows up, which is next to never.
  let room: number | undefined
  found.forEach((types, field) => {
    const known = Object.hasOwn(shape.fields, field) ? shape.fields[field]! : undefined
    const added = addedTo(known?.types ?? NONE, types)
    if (known && !added.length) {
      known.seen++
      known.missing = 0
      if (known.without) delete known.without
      return
    }
    const note = (kind: 'new' | 'type') =>
      changes.push({ kind, field, before: known?.types ?? [], after: added, by: 'records' })
    room ??= MOST_FIELDS - Object.keys(shape.fields).length
    if (!known && room-- <= 0) return
    if (!known && shape.records >= ESTABLISHED && !isDeclared(shape, field)) note('new')
    else if (known && added.length && known.types.length && known.seen >= ESTABLISHED) note('type')
    Object.defineProperty(shape.fields, field, {
      value: { seen: (known?.seen ?? 0) + 1, missing: 0, types: [...(known?.types ?? []), ...added] },
      enumerable: true,
      configurable: true,
      writable: true,
    })
  })
  for (const field in shape.fields) {
    if (learning || found.has(field)) continue
    const known = shape.fields[field]!
    const before = shape.records - known.missing
    // Of a field that some records never had nothing can be said, nor of parts where the whole is null or an empty list.
    if (known.seen < before || !hasRoomFor(found, field)) {
      delete known.without
      continue
    }
    known.missing++
    if (!isGone(known, before, at)) continue
    changes.push({ kind: 'vanished', field, before: known.types, after: [], by: 'records' })
    // Should it come back, that is news again.
    delete shape.fields[field]
  }
  shape.records++
  return learning ? [] : withoutBelow(changes)
}

const NONE: FieldType[] = []

function addedTo(known: readonly FieldType[], bits: TypeBits): FieldType[] {
  let left = bits
  for (const type of known) left &= ~bitOf(type)
  return left === 0 ? NONE : TYPES.filter((type) => left & bitOf(type))
}

/** Notes one more record without a field that every one before had; whether that is enough. */
function isGone(known: FieldShape, before: number, { id, pull, closely }: Seen): boolean {
  const enough = closely ? GONE_CLOSELY : GONE
  known.without ??= { records: [], pulls: 0, last: -1 }
  const { without } = known
  if (without.records.length < MOST_WITHOUT) {
    const mark = digest(id).slice(0, 8)
    if (!without.records.includes(mark)) without.records.push(mark)
  }
  if (without.last !== pull) without.pulls++
  without.last = pull
  return before >= ESTABLISHED && without.records.length >= enough.without(before) && without.pulls >= enough.pulls
}

/** Whether the nearest part of a record that is there and would hold the field is an object. */
function hasRoomFor(found: ReadonlyMap<string, TypeBits>, field: string): boolean {
  for (let end = field.lastIndexOf('.'); end > 0; end = field.lastIndexOf('.', end - 1)) {
    const types = found.get(field.slice(0, end))
    if (types !== undefined) return (types & bitOf('object')) !== 0
  }
  return true
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
function typesOf(body: JsonObject): Map<string, TypeBits> {
  const found = new Map<string, TypeBits>()
  for (const name of Object.keys(body)) noteTypes(found, body[name]!, name)
  return found
}

function noteTypes(found: Map<string, TypeBits>, value: Json, field: string): void {
  const type = typeOf(value)
  found.set(field, (found.get(field) ?? 0) | (type === null ? 0 : bitOf(type)))
  if (type === 'list') for (const item of value as Json[]) noteTypes(found, item, field)
  else if (type === 'object')
    for (const name of Object.keys(value as JsonObject))
      noteTypes(found, (value as JsonObject)[name]!, pathTo(field, name))
}

/** Paths come again with every record: one that was made before need be neither joined nor hashed. */
function pathTo(field: string, name: string): string {
  const known = paths.get(field)?.get(name)
  if (known !== undefined) return known
  // What is made of data must not pile up.
  if (pathCount++ >= MOST_PATHS) {
    paths.clear()
    pathCount = 0
  }
  const path = `${field}.${name}`
  const beside = paths.get(field) ?? new Map<string, string>()
  paths.set(field, beside.set(name, path))
  return path
}

const MOST_PATHS = 10_000
const paths = new Map<string, Map<string, string>>()
let pathCount = 0

const BITS: Record<FieldType, TypeBits> = { text: 1, number: 2, boolean: 4, list: 8, object: 16 }
const bitOf = (type: FieldType): TypeBits => BITS[type]

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
  return kind === 'type' && after.some((type) => ((types ?? 0) & bitOf(type)) !== 0)
}
