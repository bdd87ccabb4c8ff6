/** Questions to the JSON Schema of a record. Whatever a schema does not say for certain is answered with "do not know". */
import { nearestName } from '../../core/index.ts'

export type Schema = Record<string, unknown>

/** The fields a schema lists, or `undefined` where it does not list any. */
export function fieldsOf(schema: unknown): Record<string, Schema> | undefined {
  if (!isSchema(schema) || schema.$ref !== undefined) return undefined
  const { properties } = schema
  return isSchema(properties) ? (properties as Record<string, Schema>) : undefined
}

/**
 * `absent` where the schema is closed; `misspelt` where it says nothing about other fields but has one of nearly the same
 * name; `unlisted` where the field may exist all the same.
 */
export type Verdict = 'known' | 'absent' | 'misspelt' | 'unlisted'

export function judgeField(schema: unknown, name: string): { verdict: Verdict; near: string | undefined } {
  if (isSchema(schema) && Array.isArray(schema.anyOf)) return judgeVariants(schema.anyOf, name)
  const fields = fieldsOf(schema)
  if (!fields) return { verdict: 'unlisted', near: undefined }
  if (Object.hasOwn(fields, name)) return { verdict: 'known', near: undefined }
  const { additionalProperties, patternProperties } = schema as Schema
  const near = nearestName(name, Object.keys(fields))
  if (patternProperties !== undefined) return { verdict: 'unlisted', near }
  if (additionalProperties === false) return { verdict: 'absent', near }
  const likely = additionalProperties === undefined && near !== undefined && looksMisspelt(name, near)
  return { verdict: likely ? 'misspelt' : 'unlisted', near }
}

/** Of several that it may be: wrong only where none has the field. */
function judgeVariants(variants: unknown[], name: string): { verdict: Verdict; near: string | undefined } {
  const objects = variants.filter(
    (one) => !isSchema(one) || one.type === undefined || [one.type].flat().includes('object'),
  )
  const judged = objects.map((one) => judgeField(one, name))
  const wrong = judged.length > 0 && judged.every(({ verdict }) => verdict === 'absent' || verdict === 'misspelt')
  const near = judged.find((one) => one.near)?.near
  return wrong ? { verdict: 'absent', near } : { verdict: 'unlisted', near: undefined }
}

/** Short names differ little by nature, and so do numbered ones (address1, address2). */
const looksMisspelt = (name: string, near: string): boolean =>
  Math.max(name.length, near.length) >= 4 && name.replace(/\d/g, '') !== near.replace(/\d/g, '')

export const knownFields = (schema: unknown): string => {
  const names = Object.keys(fieldsOf(schema) ?? {})
  return names.length <= 20
    ? `Known fields: ${names.join(', ')}.`
    : 'Look the field up in the description of the stream.'
}

export const requiredOf = (schema: unknown): string[] =>
  isSchema(schema) && Array.isArray(schema.required) ? (schema.required as string[]) : []

/** Why a fixed value does not fit, or `undefined`: options, plain types, length, pattern and limits are judged. */
export function valueFault(schema: unknown, value: unknown): { message: string; near: string | undefined } | undefined {
  if (!isPlain(schema)) return undefined
  const options = Array.isArray(schema.enum) ? schema.enum : schema.const !== undefined ? [schema.const] : undefined
  if (options && !options.includes(value)) {
    const listed = options.map((option) => JSON.stringify(option)).join(', ')
    const message = `${JSON.stringify(value)} is not one of ${listed}`
    return { message, near: nearestName(String(value), options.map(String)) }
  }
  const types = typesOf(schema)
  if (types.length > 0 && !types.some((type) => isOfType(value, type)))
    return { message: `${JSON.stringify(value)} is not ${types.join(' or ')}`, near: undefined }
  const message =
    typeof value === 'string'
      ? textFault(schema, value)
      : typeof value === 'number'
        ? sizeFault(schema, value)
        : undefined
  return message === undefined ? undefined : { message, near: undefined }
}

function textFault({ maxLength, minLength, pattern }: Schema, value: string): string | undefined {
  const length = [...value].length
  if (typeof maxLength === 'number' && length > maxLength) return `${tooLong(length, maxLength)}`
  if (typeof minLength === 'number' && length < minLength)
    return `${JSON.stringify(value)} is shorter than ${minLength} characters`
  if (typeof pattern !== 'string') return undefined
  try {
    return new RegExp(pattern, 'u').test(value) ? undefined : `${JSON.stringify(value)} does not match ${pattern}`
  } catch {
    return undefined
  }
}

export const tooLong = (length: number, most: number): string =>
  `${length} characters are more than the ${most} that the target takes`

function sizeFault({ minimum, maximum }: Schema, value: number): string | undefined {
  if (typeof maximum === 'number' && value > maximum) return `${value} is more than ${maximum}`
  return typeof minimum === 'number' && value < minimum ? `${value} is less than ${minimum}` : undefined
}

/** The types a plain schema names; none where it says nothing, or says it in a way that is not judged. */
export const typesOf = (schema: unknown): string[] => (isPlain(schema) ? ([schema.type ?? []].flat() as string[]) : [])

const isPlain = (schema: unknown): schema is Schema =>
  isSchema(schema) && schema.$ref === undefined && !schema.anyOf && !schema.oneOf && !schema.allOf

function isOfType(value: unknown, type: string): boolean {
  if (value === null) return type === 'null'
  if (Array.isArray(value)) return type === 'array'
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
