/** JSON Schema (draft-07) of parts and fields: closed, so that an unknown key is an error with the nearest known name. */
import { isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { Field, Part } from './fields.ts'

/** The schema of a part for reading and for editors, complete in itself. */
export function partSchema(part: Part): JsonObject {
  return closedSchema(part, (inner, variant) => withTag(partSchema(inner), inner, variant))
}

/**
 * The schema of a part for checking: without words, and what stands in many places (a request in every read, look-up and write)
 * is there once. Written out, the schema of a protocol was 200 kB, and compiling it took most of the start of every command.
 */
export function checkingSchema(part: Part): JsonObject {
  const definitions: JsonObject = {}
  // By what they say: parts are made where they are used, so equal ones are not the same object.
  const names = new Map<string, string>()
  const refer: Nested = (inner, variant) => {
    const schema = withoutWords(withTag(closedSchema(inner, refer), inner, variant))
    const text = JSON.stringify(schema)
    const name = names.get(text) ?? `part-${names.size + 1}`
    names.set(text, name)
    definitions[name] = schema
    return { $ref: `#/definitions/${name}` }
  }
  return { ...withoutWords(closedSchema(part, refer)), definitions }
}

/** How the schema of a part inside another one is put there; as a variant it has its tag as one more key. */
type Nested = (part: Part, variant?: Variant) => JsonObject
type Variant = { tag: string; name: string }

function closedSchema(part: Part, nested: Nested): JsonObject {
  return {
    type: 'object',
    title: part.title,
    description: part.sense,
    properties: Object.fromEntries(Object.entries(part.fields).map(([name, field]) => [name, ofField(field, nested)])),
    ...required(part),
    additionalProperties: false,
  }
}

const withTag = (schema: JsonObject, part: Part, variant: Variant | undefined): JsonObject =>
  variant
    ? {
        ...schema,
        properties: {
          [variant.tag]: { const: variant.name, description: part.sense },
          ...(schema.properties as JsonObject),
        },
      }
    : schema

function required(part: Part): JsonObject {
  const names = Object.entries(part.fields).flatMap(([name, field]) => (field.required ? [name] : []))
  return names.length ? { required: names } : {}
}

const WORDS = new Set(['title', 'description', 'default', 'examples'])

/** Leaves out what checks nothing. Names of properties are no keywords. */
function withoutWords(schema: JsonObject): JsonObject {
  const bare: JsonObject = {}
  for (const [keyword, value] of Object.entries(schema)) {
    if (WORDS.has(keyword)) continue
    bare[keyword] =
      keyword === 'properties'
        ? Object.fromEntries(
            Object.entries(value as JsonObject).map(([name, inner]) => [name, withoutWords(inner as JsonObject)]),
          )
        : bareValue(value)
  }
  return bare
}

const bareValue = (value: Json): Json =>
  Array.isArray(value) ? value.map(bareValue) : isObject(value) ? withoutWords(value) : value

/** The schema of a single field, complete in itself. */
export const fieldSchema = (field: Field): JsonObject =>
  ofField(field, (part, variant) => withTag(partSchema(part), part, variant))

const ofField = (field: Field, nested: Nested): JsonObject => ({
  description: describe(field),
  ...shape(field, nested),
  ...extras(field),
})

const describe = (field: Field): string =>
  field.names ? `${field.sense} Names: ${field.names.join(', ')}.` : field.sense

const extras = (field: Field): JsonObject => ({
  ...(field.default === undefined ? {} : { default: field.default }),
  ...(field.example === undefined ? {} : { examples: [field.example] }),
})

function shape(field: Field, nested: Nested): JsonObject {
  switch (field.kind) {
    case 'text':
      return { type: 'string', minLength: 1, ...(field.pattern ? { pattern: field.pattern } : {}) }
    case 'integer':
    case 'number':
      return {
        type: field.kind,
        ...(field.minimum === undefined ? {} : { minimum: field.minimum }),
        ...(field.maximum === undefined ? {} : { maximum: field.maximum }),
      }
    case 'flag':
      return { type: 'boolean' }
    case 'choice':
      return { enum: [...(field.options ?? [])] }
    case 'expression':
      return { type: 'string', minLength: 1 }
    case 'template':
      return { type: ['string', 'number', 'boolean'] }
    case 'file':
      return { type: ['string', 'object'], minLength: 1 }
    case 'list':
      return { type: 'array', items: ofField(field.item!, nested), minItems: 1 }
    case 'map':
      return {
        type: 'object',
        additionalProperties: ofField(field.item!, nested),
        ...(field.keys ? { propertyNames: { pattern: field.keys } } : {}),
      }
    case 'part':
      return nested(field.part!)
    case 'variant':
      return variantSchema(field, nested)
    default:
      return {}
  }
}

/**
 * The tag decides which closed schema applies. `if`/`then` rather than `oneOf`: only the branch that is meant reports its
 * faults, and editors complete it.
 */
function variantSchema(field: Field, nested: Nested): JsonObject {
  const tag = field.tag!
  const variants = Object.entries(field.variants!)
  return {
    type: 'object',
    properties: { [tag]: { enum: variants.map(([name]) => name) } },
    required: [tag],
    allOf: variants.map(([name, part]) => ({
      if: { properties: { [tag]: { const: name } }, required: [tag] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word.
      then: nested(part, { tag, name }),
    })),
  }
}
