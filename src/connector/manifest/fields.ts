/** Values that travel in another dress than they should have: numbers as text, `false` for nothing, ids of options. */
import { isObject, isRawNumber, type Json, type JsonObject, rawNumber, setOwn } from '../../core/index.ts'
import { asText, choice, flag, json, list, map, part, section, text, type ValueOf } from '../language/index.ts'
import { formatTimestamp } from '../parts/since.ts'
import { sortableTimestamp } from '../parts/timestamps.ts'

const WRITTEN = ['text', 'number', 'yes_no', 'iso', 'iso_seconds', 'date', 'sql', 'epoch', 'epoch_ms'] as const

const conversionPart = part({
  title: 'Field conversion',
  sense:
    'What a field really is. Records are converted when they are read, before anything looks at them, and back when they are written. A value that does not fit stays as it is.',
  fields: {
    as: choice(['decimal', 'boolean', 'text', 'timestamp', 'date'], {
      sense:
        '`decimal`: a text becomes a number, digit by digit. `boolean`: true, 1, yes, y, t and their opposites, in any case. `text`: a number or flag becomes text. `timestamp`: what comes in any usual spelling (also `/Date(…)/` and seconds or milliseconds since 1970) becomes ISO in UTC. `date`: the same, of which the day is kept.',
    }),
    comma: flag({ sense: 'Decimals come with a comma, and perhaps with blanks between thousands.', default: false }),
    written_as: choice(WRITTEN, {
      sense:
        'How it is written back: default is text for decimals, true and false for booleans, iso for timestamps. `number` makes booleans 1 and 0.',
    }),
    options: map(text({ sense: 'The label.' }), {
      sense: 'Labels of the ids that travel: records have the label, and it is written back as the id.',
      example: { '1': 'open', '2': 'closed' },
    }),
    null_when: list(json({ sense: 'A value.' }), {
      sense: 'Values that mean that there is none.',
      example: [false, '', '0000-00-00'],
    }),
    null_as: json({ sense: 'What "none" is written as, instead of null.', example: false }),
    list: flag({ sense: 'A list, also where a single value comes without one.', default: false }),
    dropped: flag({
      sense: 'It is no part of the record: what an answer says beside it, and not in every way of reading.',
      default: false,
    }),
  },
  example: `
fields:
  amount: { as: decimal }
  active: { as: boolean, written_as: number }
  manager_id: { null_when: [false], null_as: false }
  status: { options: { "1": open, "2": closed } }
  lines.price: { as: decimal }
  lines: { list: true }
  updated: { as: timestamp, written_as: epoch }
  due: { as: date }
  _links: { dropped: true }
`,
})
type Conversion = ValueOf<typeof conversionPart>

export const fieldsField = map(section(conversionPart, { sense: 'What the field really is.' }), {
  sense: 'Conversions by field: names with dots between them; lists on the way are gone through.',
  keys: '^[^.]+(\\.[^.]+)*$',
})
export type Conversions = Record<string, Conversion>

type Step = { path: string[]; conversion: Conversion; ids: ReadonlyMap<string, string> }

/** Converts the records of a stream, both ways. */
export class FieldConverter {
  private readonly steps: readonly Step[]

  constructor(conversions: Conversions) {
    // Lists first: what lies inside them is gone through as a list then.
    const entries = Object.entries(conversions).sort(([a], [b]) => a.split('.').length - b.split('.').length)
    this.steps = entries.map(([name, conversion]) => ({
      path: name.split('.'),
      conversion,
      ids: new Map(Object.entries(conversion.options ?? {}).map(([id, label]) => [label, id])),
    }))
  }

  /** Changes a body in place: it was received a moment ago and belongs to nobody else. */
  read(body: JsonObject): void {
    for (const { path, conversion } of this.steps)
      change(body, path, (value) => (conversion.dropped ? undefined : readValue(value, conversion)))
  }

  /** A copy of values as the system wants them. */
  write(values: JsonObject): JsonObject {
    return this.steps.reduce(
      (made, { path, conversion, ids }) =>
        changed(made, path, (value) => writeValue(value, conversion, ids)) as JsonObject,
      values,
    )
  }
}

/** Converts what stands at a path; nothing takes it out. */
function change(at: Json, [name, ...rest]: string[], convert: (value: Json) => Json | undefined): void {
  if (Array.isArray(at)) for (const item of at) change(item, [name!, ...rest], convert)
  else if (isObject(at) && Object.hasOwn(at, name!)) {
    const fields = at as JsonObject
    if (rest.length > 0) change(fields[name!]!, rest, convert)
    else put(fields, name!, convert(fields[name!]!))
  }
}

function put(fields: JsonObject, name: string, value: Json | undefined): void {
  if (value === undefined) delete fields[name]
  else fields[name] = value
}

function changed(at: Json, [name, ...rest]: string[], convert: (value: Json) => Json): Json {
  if (Array.isArray(at)) return at.map((item) => changed(item, [name!, ...rest], convert))
  if (!isObject(at) || !Object.hasOwn(at, name!)) return at
  const copy: JsonObject = { ...(at as JsonObject) }
  setOwn(copy, name!, rest.length > 0 ? changed(copy[name!]!, rest, convert) : convert(copy[name!]!))
  return copy
}

function readValue(value: Json, conversion: Conversion): Json {
  if (conversion.list) {
    const items = value === null ? [] : Array.isArray(value) ? value : [value]
    return items.map((item) => readOne(item, conversion))
  }
  return Array.isArray(value) && conversion.options
    ? value.map((item) => readOne(item, conversion))
    : readOne(value, conversion)
}

function readOne(value: Json, { as, comma, options, null_when }: Conversion): Json {
  if (null_when?.some((none) => JSON.stringify(none) === JSON.stringify(value))) return null
  if (value === null) return null
  if (options && !isPlainObject(value)) {
    const id = asText(value)
    return Object.hasOwn(options, id) ? options[id]! : value
  }
  switch (as) {
    case 'decimal':
      return decimalOf(value, comma)
    case 'boolean':
      return booleanOf(value)
    case 'text':
      return isPlainObject(value) || Array.isArray(value) ? value : asText(value)
    case 'timestamp':
      return isoOf(value)
    case 'date':
      return dayOf(value)
    default:
      return value
  }
}

function writeValue(value: Json, conversion: Conversion, ids: ReadonlyMap<string, string>): Json {
  if (Array.isArray(value)) return value.map((item) => writeValue(item, conversion, ids))
  const { as, options, null_as, written_as } = conversion
  if (value === null) return null_as === undefined ? null : null_as
  if (options && typeof value === 'string' && ids.has(value)) {
    const id = ids.get(value)!
    return written_as === 'number' && DECIMAL.test(id) ? rawNumber(id) : id
  }
  switch (as) {
    case 'decimal':
      return written_as === 'number' || !isNumber(value) ? value : commaText(asText(value), conversion.comma)
    case 'boolean':
      return typeof value !== 'boolean' ? value : writtenBoolean(value, written_as)
    case 'timestamp':
      return writtenTime(value, written_as)
    default:
      return value
  }
}

const DECIMAL = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/
const isNumber = (value: Json): boolean => typeof value === 'number' || isRawNumber(value)
const isPlainObject = (value: Json): boolean => isObject(value) && !isRawNumber(value)
const commaText = (number: string, comma: boolean): string => (comma ? number.replace('.', ',') : number)

function decimalOf(value: Json, comma: boolean): Json {
  if (typeof value !== 'string') return value
  const plain = comma ? value.replace(/[\s\u00a0.]/g, '').replace(',', '.') : value.trim()
  // A plus and leading zeros are no spelling of JSON.
  const number = plain.replace(/^\+/, '').replace(/^(-?)0+(?=\d)/, '$1')
  return DECIMAL.test(number) ? rawNumber(number) : value
}

function booleanOf(value: Json): Json {
  const text = typeof value === 'boolean' ? '' : isPlainObject(value) || Array.isArray(value) ? '' : asText(value)
  if (/^(true|1|yes|y|t)$/i.test(text)) return true
  return /^(false|0|no|n|f)$/i.test(text) ? false : value
}

function writtenBoolean(value: boolean, written: Conversion['written_as']): Json {
  if (written === 'number') return value ? 1 : 0
  if (written === 'yes_no') return value ? 'yes' : 'no'
  return written === 'text' ? String(value) : value
}

/** `/Date(1573755038314+0000)/`: milliseconds since 1970; the offset says only where it was written. */
const WRAPPED = /^\/Date\((-?\d+)([+-]\d{4})?\)\/$/

export function isoOf(value: Json): Json {
  const wrapped = typeof value === 'string' ? WRAPPED.exec(value) : null
  const moment = wrapped ? new Date(Number(wrapped[1])).toISOString() : value
  // A day is a day everywhere; a moment of it would be another one.
  if (typeof moment === 'string' && /^\d{4}-\d\d-\d\d$/.test(moment)) return moment
  const sortable = sortableTimestamp(moment)
  return sortable === null ? value : (formatTimestamp(sortable, 'iso') as string)
}

/** The day of a moment, in UTC. */
function dayOf(value: Json): Json {
  const moment = isoOf(value)
  return typeof moment === 'string' && /^\d{4}-\d\d-\d\dT/.test(moment) ? moment.slice(0, 10) : moment
}

function writtenTime(value: Json, written: Conversion['written_as']): Json {
  if (written === undefined || written === 'text' || written === 'number' || written === 'yes_no') return value
  const sortable = sortableTimestamp(value)
  return sortable === null ? value : (formatTimestamp(sortable, written) as Json)
}
