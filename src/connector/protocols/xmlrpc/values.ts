/** Values of XML-RPC (xmlrpc.com/spec, with the common `i8` and `nil`), from and to JSON. */
import {
  CausewayError,
  isObject,
  isRawNumber,
  type Json,
  type JsonObject,
  parseExact,
  setOwn,
} from '../../../core/index.ts'
import { sortableTimestamp } from '../../parts/timestamps.ts'
import { escapeXml, type XmlNode, xmlFields, xmlList, xmlText } from '../../parts/xml.ts'

/** Marks a value whose type JSON does not tell: `{ $type: dateTime.iso8601, $value: … }`. */
const TYPED = ['dateTime.iso8601', 'base64', 'double', 'int', 'i8', 'string', 'boolean'] as const
type Typed = (typeof TYPED)[number]

const WHOLE = /^-?\d+$/
const DECIMAL = /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/

export function encodeValue(value: Json): string {
  return `<value>${encoded(value)}</value>`
}

function encoded(value: Json): string {
  if (value === null) return '<nil/>'
  if (typeof value === 'string') return `<string>${escapeXml(value)}</string>`
  if (typeof value === 'boolean') return `<boolean>${value ? 1 : 0}</boolean>`
  if (typeof value === 'number') return number(String(value))
  if (isRawNumber(value)) return number(value.rawJSON)
  if (Array.isArray(value)) return `<array><data>${value.map(encodeValue).join('')}</data></array>`
  const { $type, $value } = value as JsonObject
  if (typeof $type === 'string' && $value !== undefined && Object.keys(value).length === 2) return typed($type, $value)
  const members = Object.entries(value as JsonObject).map(
    ([name, item]) => `<member><name>${escapeXml(name)}</name>${encodeValue(item)}</member>`,
  )
  return `<struct>${members.join('')}</struct>`
}

function number(text: string): string {
  if (!WHOLE.test(text)) return `<double>${text}</double>`
  const whole = BigInt(text)
  if (whole < -(2n ** 63n) || whole >= 2n ** 63n) throw unfit('a whole number of 64 bits')
  return BigInt.asIntN(32, whole) === whole ? `<int>${text}</int>` : `<i8>${text}</i8>`
}

function typed(type: string, value: Json): string {
  if (!TYPED.includes(type as Typed)) throw unfit(`one of the types ${TYPED.join(', ')}`)
  if (value === null) return '<nil/>'
  const text = isRawNumber(value) ? value.rawJSON : typeof value === 'object' ? JSON.stringify(value) : String(value)
  switch (type as Typed) {
    case 'dateTime.iso8601': {
      const at = sortableTimestamp(value)
      if (at === null) throw unfit('a date or time')
      return `<dateTime.iso8601>${at.slice(0, 19).replaceAll('-', '')}</dateTime.iso8601>`
    }
    case 'base64':
      if (!/^[A-Za-z0-9+/=\s]*$/.test(text)) throw unfit('base64')
      return `<base64>${text}</base64>`
    case 'boolean':
      return `<boolean>${text === 'true' || text === '1' ? 1 : 0}</boolean>`
    case 'string':
      return `<string>${escapeXml(text)}</string>`
    default:
      if (!(type === 'double' ? DECIMAL : WHOLE).test(text))
        throw unfit(type === 'double' ? 'a number' : 'a whole number')
      return `<${type}>${text}</${type}>`
  }
}

/** The value of a `<value>` element. Throws CSW-3007 for what is none. */
export function decodeValue(node: XmlNode | undefined): Json {
  // Without an element inside, a value is a text.
  if (typeof node === 'string') return node
  const fields = xmlFields(node)
  const [type] = Object.keys(fields).filter((name) => name !== '#text')
  if (type === undefined) return xmlText(node) ?? ''
  const inner = fields[type]!
  const text = (xmlText(inner) ?? '').trim()
  switch (type) {
    case 'string':
      return xmlText(inner) ?? ''
    case 'int':
    case 'i1':
    case 'i2':
    case 'i4':
    case 'i8':
    case 'double':
    case 'bigdecimal':
      return numberOf(text)
    case 'boolean':
      return text === '1' || text === 'true'
    case 'dateTime.iso8601':
      return text.replace(/^(\d{4})(\d\d)(\d\d)T/, '$1-$2-$3T')
    case 'base64':
      return text.replace(/\s+/g, '')
    case 'nil':
      return null
    case 'array':
      return xmlList(xmlFields(xmlFields(inner).data).value).map(decodeValue)
    case 'struct':
      return structOf(inner)
    default:
      throw new CausewayError('CSW-3007', { what: `The answer holds a value of the unknown type ${type}.` })
  }
}

function structOf(node: XmlNode): JsonObject {
  const made: JsonObject = {}
  for (const member of xmlList(xmlFields(node).member)) {
    const { name, value } = xmlFields(member)
    setOwn(made, (xmlText(name) ?? '').trim(), decodeValue(value))
  }
  return made
}

/** In its own spelling; a plus sign and leading zeros are no JSON. */
function numberOf(text: string): Json {
  const plain = text
    .replace(/^\+/, '')
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.$/, '')
  return DECIMAL.test(plain) ? parseExact(plain) : text
}

/** Values of a record as the service wants them, by the write schema; what it does not describe goes as it is. */
export function typedBySchema(value: Json, schema: Json | undefined): Json {
  if (value === null || !isObject(schema)) return value
  const { properties, items, format, contentEncoding, type } = schema as JsonObject
  if (Array.isArray(value)) return value.map((item) => typedBySchema(item, items))
  if (isObject(value)) {
    const known = (isObject(properties) ? properties : {}) as JsonObject
    const entries = Object.entries(value as JsonObject)
    return Object.fromEntries(entries.map(([name, item]) => [name, typedBySchema(item, known[name])]))
  }
  const types = Array.isArray(type) ? type : [type]
  if (typeof value === 'string' && /^(date-time|iso-date-time|date)$/.test(String(format)))
    return { $type: 'dateTime.iso8601', $value: value }
  if (typeof value === 'string' && contentEncoding === 'base64') return { $type: 'base64', $value: value }
  const isNumber = typeof value === 'number' || isRawNumber(value)
  return isNumber && types.includes('number') ? { $type: 'double', $value: value } : value
}

const unfit = (what: string): CausewayError =>
  new CausewayError('CSW-2007', {
    what: `A parameter is not ${what}.`,
    fix: 'Correct the mapping, the write schema, or the parameters in the manifest.',
  })
