/** Questions to the JSON Schema of a record. Whatever a schema does not say for certain is answered with "do not know". */
import { nearestName } from '../core/index.ts'

export type Schema = Record<string, unknown>

/** The fields a schema lists, or `undefined` where it does not list any. */
export function fieldsOf(schema: unknown): Record<string, Schema> | undefined {
  if (!isSchema(schema) || schema.$ref !== undefined) return undefined
  const { properties } = schema
  return isSchema(properties) ? (properties as Record<string, Schema>) : undefined
}

/** The schema of the items where a list is described, the schema itself otherwise: JSONata looks through lists. */
export function throughLists(schema: unknown): unknown {
  return isSchema(schema) && isSchema(schema.items) ? throughLists(schema.items) : schema
}

/**
 * `absent` where the schema is closed; `misspelt` where it says nothing about other fields but has one of nearly the same
 * name; `unlisted` where the field may exist all the same.
 */
export type Verdict = 'known' | 'absent' | 'misspelt' | 'unlisted'

export function judgeField(schema: unknown, name: string): { verdict: Verdict; near: string | undefined } {
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

/** Short names differ little by nature, and so do numbered ones (address1, address2). */
const looksMisspelt = (name: string, near: string): boolean =>
  name.length >= 4 && name.replace(/\d/g, '') !== near.replace(/\d/g, '')

export const knownFields = (schema: unknown): string => {
  const names = Object.keys(fieldsOf(schema) ?? {})
  return names.length <= 20
    ? `Known fields: ${names.join(', ')}.`
    : 'Look the field up in the description of the stream.'
}

export const requiredOf = (schema: unknown): string[] =>
  isSchema(schema) && Array.isArray(schema.required) ? (schema.required as string[]) : []

/** Why a fixed value does not fit, or `undefined`: only options and plain types are judged. */
export function valueFault(schema: unknown, value: unknown): { message: string; near: string | undefined } | undefined {
  if (!isSchema(schema) || schema.$ref !== undefined || schema.anyOf || schema.oneOf || schema.allOf) return undefined
  const options = Array.isArray(schema.enum) ? schema.enum : schema.const !== undefined ? [schema.const] : undefined
  if (options && !options.includes(value)) {
    const listed = options.map((option) => JSON.stringify(option)).join(', ')
    const message = `${JSON.stringify(value)} is not one of ${listed}`
    return { message, near: nearestName(String(value), options.map(String)) }
  }
  const types = [schema.type ?? []].flat() as string[]
  if (types.length === 0 || types.some((type) => isOfType(value, type))) return undefined
  return { message: `${JSON.stringify(value)} is not ${types.join(' or ')}`, near: undefined }
}

function isOfType(value: unknown, type: string): boolean {
  if (value === null) return type === 'null'
  if (type === 'integer') return Number.isInteger(value)
  return typeof value === type
}

const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
