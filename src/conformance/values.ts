/** Values for the fields of a write schema: its examples, or what its type and format allow. */
import type { JsonObject } from '../core/index.ts'

type Schema = {
  type?: string | string[]
  properties?: Record<string, Schema>
  items?: Schema
  enum?: unknown[]
  const?: unknown
  examples?: unknown[]
  format?: string
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  readOnly?: boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
}

const typesOf = ({ type, anyOf, oneOf }: Schema): string[] =>
  type !== undefined ? [type].flat() : [...(anyOf ?? []), ...(oneOf ?? [])].flatMap(typesOf)

/** A record with a value for every field; `n` makes it another one. */
export function sampleOf(schema: JsonObject | undefined, n: number): JsonObject {
  return (valueFor((schema ?? {}) as Schema, 'record', n) ?? {}) as JsonObject
}

function valueFor(schema: Schema, name: string, n: number): unknown {
  if (schema.examples?.length) return schema.examples[n % schema.examples.length]
  if (schema.const !== undefined) return schema.const
  const options = schema.enum?.filter((option) => option !== null && option !== '')
  if (options?.length) return options[n % options.length]
  const branch = (schema.anyOf ?? schema.oneOf)?.find((one) => !typesOf(one).includes('null'))
  if (branch) return valueFor(branch, name, n)
  const type = typesOf(schema).find((one) => one !== 'null') ?? (schema.properties ? 'object' : 'string')
  switch (type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([key, item]) => [key, valueFor(item, key, n)]),
      )
    case 'array':
      return schema.items ? [valueFor(schema.items, name, n)] : []
    case 'boolean':
      return n % 2 === 0
    case 'integer':
      return Math.min(schema.maximum ?? Infinity, (schema.minimum ?? 0) + (n % 50) + 1)
    case 'number':
      return Math.min(schema.maximum ?? Infinity, (schema.minimum ?? 0) + (n % 50) + 0.25)
    default:
      return textOf(schema, name, n)
  }
}

const TEXTS: Record<string, (n: number) => string> = {
  email: (n) => `neu.${n}@postbox.example`,
  'date-time': (n) => `2026-06-${String((n % 28) + 1).padStart(2, '0')}T08:30:00Z`,
  date: (n) => `2026-06-${String((n % 28) + 1).padStart(2, '0')}`,
  uri: (n) => `https://neu.example/${n}`,
  uuid: (n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
}

function textOf({ format, pattern, maxLength, minLength }: Schema, name: string, n: number): string {
  const made = format && TEXTS[format]?.(n)
  if (made) return made
  if (pattern) {
    const fits = ['17.5', '17', String(n), 'AB', 'PL', 'EUR', 'pl', 'A1', '00000', `${n}`.padStart(10, '0')].find(
      (text) => new RegExp(pattern, 'u').test(text),
    )
    if (fits !== undefined) return fits
  }
  const text = `Neu ${name} „Ł” ${n}`
  return maxLength !== undefined && text.length > maxLength
    ? String(n)
        .slice(-maxLength)
        .padStart(minLength ?? 1, '0')
    : text.padEnd(minLength ?? 0, 'x')
}
