/** What is known of a value before there is one: its types, its options, how long it is. */
import type { Json } from '../../core/index.ts'
import type { Schema } from './record-schema.ts'

export type Kind = 'string' | 'number' | 'boolean' | 'null' | 'object' | 'array' | 'function'

export type Shape = {
  /** Which of these it may be; `null` where nothing is known. Absence is not among them: any value may be missing. */
  kinds: ReadonlySet<Kind> | null
  /** Describes it where it is an object or a list. */
  schema?: unknown
  /** All it can be, where they are listed. */
  options?: readonly Json[]
  /** What it cannot be, because a condition before said so. */
  excluded?: readonly Json[]
  maxLength?: number
  minLength?: number
  /** What JSONata calls a sequence: nothing, one value, or a list of several. The rest describes one of them. */
  several?: boolean
  /** A number that a double may not hold, or text that is such a number. */
  exact?: boolean
  /** Went through a double although it was exact. */
  lossy?: boolean
  /** Follows from the expression itself, not from a description that may be wrong. */
  certain?: boolean
  /** How the expression names it, such as `address.city`; what conditions say of that name is remembered. */
  path?: string
  /** That it can only be this has been reported. */
  said?: boolean
  /** Nothing at all, as a condition without its other way gives. */
  nothing?: boolean
}

export const UNKNOWN: Shape = { kinds: null }

export const oneKind = (kind: Kind, more: Partial<Shape> = {}): Shape => ({
  kinds: new Set([kind]),
  certain: true,
  ...more,
})

/** What a schema says. Anything but plain types and options is taken as saying nothing. */
export function fromSchema(schema: unknown): Shape {
  if (typeof schema !== 'object' || schema === null) return UNKNOWN
  const { type, enum: listed, maxLength, anyOf, oneOf, allOf, $ref } = schema as Schema
  if ($ref !== undefined || anyOf || oneOf || allOf) return { kinds: null, schema }
  const options = Array.isArray(listed) && listed.every((one) => typeof one !== 'object' || one === null)
  const types = type === undefined ? (options ? listed.map(kindOf) : []) : [type].flat()
  if (types.length === 0) return { kinds: null, schema }
  return {
    kinds: new Set(types.map((one) => (one === 'integer' ? 'number' : one) as Kind)),
    schema,
    ...(options ? { options: listed as Json[] } : {}),
    ...(typeof maxLength === 'number' ? { maxLength } : {}),
    ...(isExact(schema as Schema) ? { exact: true } : {}),
  }
}

export const kindOf = (value: unknown): Kind =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : (typeof value as Kind)

/** Numbers beyond a double: declared as such, or as text of a decimal pattern. */
function isExact({ format, type, pattern }: Schema): boolean {
  if (format === 'int64' || format === 'decimal') return true
  if (typeof pattern !== 'string' || ![type].flat().includes('string')) return false
  try {
    const decimal = new RegExp(pattern, 'u')
    return decimal.test('12.34') && decimal.test('7') && !decimal.test('12.3a') && !decimal.test('1.2.3')
  } catch {
    return false
  }
}

export const isList = ({ kinds, several }: Shape): boolean => several === true || kinds?.has('array') === true

/** One of the items of a list, or the value itself. */
export function itemOf(shape: Shape): Shape {
  if (shape.several) {
    const { several, path, ...one } = shape
    return one
  }
  if (!shape.kinds?.has('array')) return shape
  const { items } = (shape.schema ?? {}) as { items?: unknown }
  return items === undefined ? UNKNOWN : fromSchema(items)
}

/** As JSONata gives the results of a walk through a list. */
export function severalOf(shape: Shape): Shape {
  const { path, ...item } = itemOf(shape)
  return { ...item, several: true }
}

/** One of several, as the ways of a condition give. */
export function union(shapes: readonly Shape[]): Shape {
  const present = shapes.filter((shape) => !shape.nothing)
  const first = present[0]
  if (!first) return { kinds: null, nothing: true }
  if (present.length === 1) return { ...first }
  const all = <T>(read: (shape: Shape) => T | undefined): T[] | undefined => {
    const values = present.map(read)
    return values.some((value) => value === undefined) ? undefined : (values as T[])
  }
  const kinds = all((shape) => shape.kinds ?? undefined)
  const options = all((shape) => shape.options)
  const longest = all((shape) => shape.maxLength)
  const schemas = new Set(present.map(({ schema }) => schema))
  return {
    kinds: kinds ? new Set(kinds.flatMap((one) => [...one])) : null,
    ...(schemas.size === 1 ? { schema: first.schema } : {}),
    ...(options ? { options: options.flat() } : {}),
    ...(longest ? { maxLength: Math.max(...longest) } : {}),
    ...(present.some((shape) => shape.several) ? { several: true } : {}),
    ...(present.some((shape) => shape.lossy) ? { lossy: true } : {}),
    ...(present.every((shape) => shape.certain) ? { certain: true } : {}),
  }
}

/** Without some of its values, as after a condition on it. */
export function without(shape: Shape, values: readonly Json[]): Shape {
  const kinds =
    shape.kinds && values.includes(null) ? new Set([...shape.kinds].filter((kind) => kind !== 'null')) : shape.kinds
  return {
    ...shape,
    kinds,
    ...(shape.options ? { options: shape.options.filter((option) => !values.includes(option)) } : {}),
    excluded: [...(shape.excluded ?? []), ...values],
  }
}

/** Only some of its values. */
export const only = (shape: Shape, values: readonly Json[]): Shape => ({
  ...shape,
  kinds: new Set(values.map(kindOf)),
  options: values,
})

/** The types that an operator or function sees; nothing is known where there may be several values. */
export const kindsSeen = (shape: Shape): ReadonlySet<Kind> | null => (shape.several ? null : shape.kinds)

const WORDS: Record<Kind, string> = {
  string: 'text',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
  object: 'an object',
  array: 'a list',
  function: 'a function',
}
export const inWords = (kinds: Iterable<Kind>): string => [...kinds].map((kind) => WORDS[kind]).join(' or ')
