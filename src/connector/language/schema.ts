/** JSON Schema (draft-07) of parts and fields: closed, so that an unknown key is an error with the nearest known name. */
import type { JsonObject } from '../../core/index.ts'
import type { Field, Part } from './fields.ts'

export function partSchema(part: Part): JsonObject {
  return {
    type: 'object',
    title: part.title,
    description: part.sense,
    properties: Object.fromEntries(Object.entries(part.fields).map(([name, field]) => [name, fieldSchema(field)])),
    ...required(part),
    additionalProperties: false,
  }
}

function required(part: Part): JsonObject {
  const names = Object.entries(part.fields).flatMap(([name, field]) => (field.required ? [name] : []))
  return names.length ? { required: names } : {}
}

export function fieldSchema(field: Field): JsonObject {
  return { description: describe(field), ...shape(field), ...extras(field) }
}

const describe = (field: Field): string =>
  field.names ? `${field.sense} Names: ${field.names.join(', ')}.` : field.sense

const extras = (field: Field): JsonObject => ({
  ...(field.default === undefined ? {} : { default: field.default }),
  ...(field.example === undefined ? {} : { examples: [field.example] }),
})

function shape(field: Field): JsonObject {
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
      return { type: 'array', items: fieldSchema(field.item!), minItems: 1 }
    case 'map':
      return {
        type: 'object',
        additionalProperties: fieldSchema(field.item!),
        ...(field.keys ? { propertyNames: { pattern: field.keys } } : {}),
      }
    case 'part':
      return partSchema(field.part!)
    case 'variant':
      return variantSchema(field)
    default:
      return {}
  }
}

/**
 * The tag decides which closed schema applies. `if`/`then` rather than `oneOf`: only the branch that is meant reports its
 * faults, and editors complete it.
 */
function variantSchema(field: Field): JsonObject {
  const tag = field.tag!
  const variants = Object.entries(field.variants!)
  return {
    type: 'object',
    properties: { [tag]: { enum: variants.map(([name]) => name) } },
    required: [tag],
    allOf: variants.map(([name, part]) => ({
      if: { properties: { [tag]: { const: name } }, required: [tag] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema's own word.
      then: branchSchema(tag, name, part),
    })),
  }
}

function branchSchema(tag: string, name: string, part: Part): JsonObject {
  const schema = partSchema(part)
  return {
    ...schema,
    properties: { [tag]: { const: name, description: part.sense }, ...(schema.properties as JsonObject) },
  }
}
