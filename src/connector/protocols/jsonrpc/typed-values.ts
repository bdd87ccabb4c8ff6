/**
 * Values that travel as objects with a class name, because JSON has no word for them: decimals, dates, times, bytes. Read
 * into plain JSON; written back where the write schema of the stream says which type a field has.
 */
import { CausewayError, isObject, isRawNumber, type Json, type JsonObject, rawNumber } from '../../../core/index.ts'
import { part, text, type ValueOf } from '../../language/index.ts'
import { sortableTimestamp } from '../../parts/timestamps.ts'

export const typedValuesPart = part({
  title: 'Typed values',
  sense:
    'The system wraps decimals, dates, times and bytes into objects with a class name. They are read as plain numbers and texts. They are written back where the write schema says `format: decimal` (of a number), `date-time`, `date` or `time`, or `contentEncoding: base64` (of a string). In `params`, write `{ __class__: datetime, iso: … }` (or date, time) for a value of your own.',
  fields: {
    tag: text({ sense: 'The key that holds the class name.', default: '__class__' }),
    decimal: text({ sense: 'Class of decimals.', default: 'Decimal' }),
  },
  example: 'typed_values: {}',
})
export type TypedValues = ValueOf<typeof typedValuesPart>

const DECIMAL = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/

/** Replaces typed objects by plain values, in place: the value was parsed a moment ago and belongs to nobody else. */
export function plainInPlace(value: Json, typed: TypedValues): Json {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const item = value[i]!
      if (typeof item === 'object' && item !== null) value[i] = plainInPlace(item, typed)
    }
    return value
  }
  if (!isObject(value)) return value
  const fields = value as JsonObject
  if (typeof fields[typed.tag] === 'string') return plain(fields, typed)
  for (const key of Object.keys(fields)) {
    const item = fields[key]!
    if (typeof item === 'object' && item !== null) fields[key] = plainInPlace(item, typed)
  }
  return fields
}

function plain(value: JsonObject, typed: TypedValues): Json {
  const name = value[typed.tag]
  if (name === typed.decimal) return decimalOf(value.decimal)
  switch (name) {
    case 'datetime':
      return `${dateOf(value)}T${timeOf(value)}Z`
    case 'date':
      return dateOf(value)
    case 'time':
      return timeOf(value)
    case 'timedelta':
      return value.seconds ?? value
    case 'bytes':
    case 'bytearray':
      return value.base64 ?? value
    default:
      return value
  }
}

/** The decimal in its own spelling; NaN and infinity have none in JSON and stay text. */
function decimalOf(value: Json | undefined): Json {
  const text = isRawNumber(value) ? value.rawJSON : String(value)
  return DECIMAL.test(text) ? rawNumber(text) : text
}

const digits = (value: Json | undefined, width: number): string => String(value ?? 0).padStart(width, '0')
const dateOf = (value: JsonObject): string =>
  `${digits(value.year, 4)}-${digits(value.month, 2)}-${digits(value.day, 2)}`
function timeOf(value: JsonObject): string {
  const time = `${digits(value.hour, 2)}:${digits(value.minute, 2)}:${digits(value.second, 2)}`
  return value.microsecond ? `${time}.${digits(value.microsecond, 6)}` : time
}

/** Completes `{ __class__: datetime, iso: … }` in the parameters of a call. */
export function expandTyped(value: Json, typed: TypedValues): Json {
  if (Array.isArray(value)) return value.map((item) => expandTyped(item, typed))
  if (!isObject(value)) return value
  const fields = value as JsonObject
  const { iso } = fields
  if (typeof fields[typed.tag] === 'string' && typeof iso === 'string')
    return typedTime(String(fields[typed.tag]), iso, typed, 'iso')
  return Object.fromEntries(Object.entries(fields).map(([key, item]) => [key, expandTyped(item, typed)]))
}

/** Values as the system wants them, by the write schema. What the schema does not describe goes as it is. */
export function typedBySchema(value: Json, schema: Json | undefined, typed: TypedValues, path = ''): Json {
  if (value === null || !isObject(schema)) return value
  const { properties, items, format, contentEncoding } = schema as JsonObject
  if (Array.isArray(value)) return value.map((item, i) => typedBySchema(item, items, typed, `${path}[${i}]`))
  if (isObject(value)) {
    if (!isObject(properties)) return value
    const known = properties as JsonObject
    const entries = Object.entries(value as JsonObject)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, typedBySchema(item, known[key], typed, path ? `${path}.${key}` : key)]),
    )
  }
  if (format === 'decimal') return typedDecimal(value, typed, path)
  if (typeof value !== 'string') return value
  if (contentEncoding === 'base64') return { [typed.tag]: 'bytes', base64: value }
  const kind = { 'date-time': 'datetime', date: 'date', time: 'time' }[String(format)]
  return kind ? typedTime(kind, value, typed, path) : value
}

function typedDecimal(value: Json, typed: TypedValues, path: string): Json {
  const text = isRawNumber(value) ? value.rawJSON : String(value)
  if (!DECIMAL.test(text)) throw unusable(path, 'a decimal')
  return { [typed.tag]: typed.decimal, decimal: text }
}

function typedTime(kind: string, value: string, typed: TypedValues, path: string): Json {
  const moment = sortableTimestamp(kind === 'time' ? `1970-01-01T${value}` : value)
  if (moment === null) throw unusable(path, `a ${kind}`)
  const [year, month, day, hour, minute, second] = moment.slice(0, 19).split(/[-T:]/).map(Number)
  const date = { year: year!, month: month!, day: day! }
  const time = { hour: hour!, minute: minute!, second: second!, microsecond: Number(moment.slice(20, 26)) }
  const tag = { [typed.tag]: kind }
  return kind === 'date' ? { ...tag, ...date } : kind === 'time' ? { ...tag, ...time } : { ...tag, ...date, ...time }
}

const unusable = (path: string, what: string): CausewayError =>
  new CausewayError('CSW-2007', {
    what: `The value at ${path || 'the top'} is not ${what}, as the write schema says.`,
    fix: 'Correct the mapping or the write schema.',
  })
