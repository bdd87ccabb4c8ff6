/** How the fields of a stream become columns of a plain table, and the values of a record what those columns hold. */
import { isObject, isRawNumber, type Json, type JsonObject, setOwn } from '../../core/index.ts'

export type ColumnType = 'text' | 'bigint' | 'numeric' | 'boolean' | 'date' | 'timestamptz' | 'jsonb'
export type Column = { field: string; name: string; type: ColumnType }

/** Columns that every table has; their names begin with an underscore, those of fields never do. */
export const OWN_COLUMNS: readonly { name: string; type: ColumnType }[] = [
  { name: '_id', type: 'text' },
  { name: '_seq', type: 'bigint' },
  { name: '_version', type: 'text' },
  { name: '_deleted', type: 'boolean' },
  { name: '_observed_at', type: 'timestamptz' },
  // Fields that the schema of the stream does not name.
  { name: '_more', type: 'jsonb' },
  // Values that do not fit their column, as they came.
  { name: '_unfit', type: 'jsonb' },
]

/** And those of a history: from when to when a state held; null = it holds now. */
export const SPAN_COLUMNS: readonly { name: string; type: ColumnType }[] = [
  { name: '_valid_from', type: 'timestamptz' },
  { name: '_valid_to', type: 'timestamptz' },
]

/** Postgres cuts names after 63 bytes; what is left makes room for a number and for `_history`. */
const LONGEST = 50
/** A table has at most 1,600 columns; what is beyond goes to `_more`. */
const MOST_FIELDS = 1_000

/**
 * One column per property at the top of a record schema (JSON Schema, draft-07), in its order. Objects and lists are kept as
 * `jsonb`, and so is what may be of several types.
 */
export function columnsOf(schema: JsonObject | undefined): Column[] {
  const properties = isObject(schema?.properties) ? schema.properties : {}
  const taken = new Set<string>()
  return Object.entries(properties)
    .slice(0, MOST_FIELDS)
    .map(([field, raw]) => {
      const name = unique(plainName(field), taken)
      taken.add(name)
      return { field, name, type: typeOf(resolved(raw, schema!)) }
    })
}

/** A name that needs no quotes in SQL: `firstName` is `first_name`, `Straße 2` is `stra_e_2`. Never empty, never with `_` in front. */
export function plainName(text: string): string {
  const words = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
  const named = /^[a-z]/.test(words) ? words : `f_${words}`
  return named.slice(0, LONGEST).replace(/_+$/, '')
}

function unique(name: string, taken: ReadonlySet<string>): string {
  for (let number = 2, tried = name; ; number++) {
    if (!taken.has(tried)) return tried
    tried = `${name}_${number}`
  }
}

/** What a reference of the same document stands for; one step is what schemas of connectors take. */
function resolved(raw: Json | undefined, schema: JsonObject): JsonObject {
  const property: JsonObject = isObject(raw) ? raw : {}
  const reference = /^#\/(definitions|\$defs)\/([^/]+)$/.exec(typeof property.$ref === 'string' ? property.$ref : '')
  if (!reference) return property
  const part = schema[reference[1]!]
  const definitions: JsonObject = isObject(part) ? part : {}
  const found = Object.hasOwn(definitions, reference[2]!) ? definitions[reference[2]!] : null
  return isObject(found) ? found : {}
}

function typeOf(property: JsonObject): ColumnType {
  const types = [property.type].flat().filter((type) => type !== 'null')
  if (types.length !== 1) return types.length === 2 && isNumeric(types) ? 'numeric' : 'jsonb'
  switch (types[0]) {
    case 'string':
      return property.format === 'date' ? 'date' : property.format === 'date-time' ? 'timestamptz' : 'text'
    case 'integer':
      return 'bigint'
    case 'number':
      return 'numeric'
    case 'boolean':
      return 'boolean'
    default:
      return 'jsonb'
  }
}

const isNumeric = (types: readonly unknown[]): boolean => types.every((type) => type === 'integer' || type === 'number')

/**
 * A record as a row: a value of JSON by column. What does not fit its column is null there and stands under its field in
 * `_unfit`, so that nothing is lost and no record stops the others.
 */
export function rowOf(columns: readonly Column[], body: JsonObject): JsonObject {
  const row: JsonObject = {}
  const unfit: JsonObject = {}
  const known = new Set<string>()
  for (const { field, name, type } of columns) {
    known.add(field)
    const value = Object.hasOwn(body, field) ? body[field]! : null
    if (fits(value, type)) row[name] = storable(value)
    else setOwn(unfit, storableText(field), storable(value))
  }
  const more: JsonObject = {}
  for (const [field, value] of Object.entries(body))
    if (!known.has(field)) setOwn(more, storableText(field), storable(value))
  row._more = Object.keys(more).length ? more : null
  row._unfit = Object.keys(unfit).length ? unfit : null
  return row
}

const INTEGER = /^-?\d{1,18}$/
const NUMBER = /^-?\d+(\.\d+)?([eE][+-]?\d{1,3})?$/
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
/** RFC 3339 with a zone: without one nobody knows which moment it is. */
const MOMENT = /^(\d{4}-\d{2}-\d{2})[Tt ]([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$/

function fits(value: Json, type: ColumnType): boolean {
  if (value === null || type === 'jsonb') return true
  switch (type) {
    case 'text':
      return typeof value === 'string'
    case 'boolean':
      return typeof value === 'boolean'
    case 'bigint':
      return INTEGER.test(spelled(value))
    case 'numeric':
      return NUMBER.test(spelled(value))
    case 'date':
      return typeof value === 'string' && isDay(value)
    case 'timestamptz': {
      const day = typeof value === 'string' ? MOMENT.exec(value)?.[1] : undefined
      return day !== undefined && isDay(day)
    }
  }
}

/** The digits of a number; empty for anything else. */
const spelled = (value: Json): string =>
  isRawNumber(value) ? value.rawJSON : typeof value === 'number' ? String(value) : ''

/** A day that the calendar has, from the year 1 on. */
function isDay(text: string): boolean {
  const [, year, month, day] = DATE.exec(text) ?? []
  if (year === undefined || year === '0000') return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day)
}

/** What `jsonb` and `text` of Postgres take: no U+0000, no half of a surrogate pair, no number without end. */
function storable(value: Json): Json {
  if (typeof value === 'string') return storableText(value)
  if (isRawNumber(value)) return NUMBER.test(value.rawJSON) ? value : value.rawJSON
  if (Array.isArray(value)) return value.map(storable)
  if (!isObject(value)) return value
  const copy: JsonObject = {}
  for (const [key, item] of Object.entries(value)) setOwn(copy, storableText(key), storable(item))
  return copy
}

const storableText = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()
