/** Values by schema: XML knows texts only, and wants its elements in order. */
import { isObject, type Json, type JsonObject, parseExact, setOwn } from '../../../core/index.ts'

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

type Shape = { type?: unknown; properties?: JsonObject; items?: Json }
const shapeOf = (schema: Json | undefined): Shape => (isObject(schema) ? (schema as Shape) : {})
const allows = ({ type }: Shape, wanted: string): boolean => (Array.isArray(type) ? type : [type]).includes(wanted)

/** Numbers, booleans and lists where the schema says so; an empty text that must be a number becomes null. */
export function typedBySchema(value: Json, schema: Json | undefined): Json {
  const shape = shapeOf(schema)
  if (allows(shape, 'array')) {
    const items = Array.isArray(value) ? value : value === '' || value === null ? [] : [value]
    return items.map((item) => typedBySchema(item, shape.items))
  }
  if (Array.isArray(value)) return value.map((item) => typedBySchema(item, shape.items))
  if (isObject(value)) {
    const made: JsonObject = {}
    for (const [name, item] of Object.entries(value as JsonObject))
      setOwn(made, name, typedBySchema(item, shape.properties?.[name]))
    return made
  }
  if (typeof value !== 'string' || allows(shape, 'string')) return value
  const text = value.trim()
  if (allows(shape, 'boolean') && /^(true|false|0|1)$/.test(text)) return text === 'true' || text === '1'
  if (!allows(shape, 'number') && !allows(shape, 'integer')) return value
  return text === '' ? null : (numberOf(text) ?? value)
}

/** In its own spelling; a plus sign, leading zeros and bare points are no JSON. */
function numberOf(text: string): Json | null {
  if (!NUMBER.test(text)) return null
  const plain = text
    .replace(/^\+/, '')
    .replace(/^(-?)0+(?=\d)/, '$1')
    .replace(/^(-?)\./, '$10.')
    .replace(/\.(?=$|[eE])/, '')
  return parseExact(plain) as Json
}

/** The same fields in the order of the schema's properties; what it does not know comes last. */
export function inOrder(value: Json, schema: Json | undefined): Json {
  const { properties, items } = shapeOf(schema)
  if (Array.isArray(value)) return value.map((item) => inOrder(item, items))
  if (!isObject(value) || !isObject(properties)) return value
  const given = value as JsonObject
  const known = Object.keys(properties).filter((name) => Object.hasOwn(given, name))
  const others = Object.keys(given).filter((name) => !Object.hasOwn(properties, name))
  const made: JsonObject = {}
  for (const name of [...known, ...others]) setOwn(made, name, inOrder(given[name]!, properties[name]))
  return made
}
