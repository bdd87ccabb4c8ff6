/** Values of which the target lists those it takes (`enum`): any other is refused here, where the place in the mapping is known. */
import { CausewayError, isRawNumber, type Json } from '../core/index.ts'
import { schemaBelow } from './spelling.ts'

/** Top-level fields of a schema with such a list in them or below; null where there is none, which is most schemas. */
export function fieldsWithOptions(schema: unknown): ReadonlySet<string> | null {
  const { properties = {} } = (schema ?? {}) as { properties?: Record<string, unknown> }
  const found = Object.keys(properties).filter((name) => hasOptions(properties[name], 0))
  return found.length > 0 ? new Set(found) : null
}

function hasOptions(schema: unknown, depth: number): boolean {
  if (typeof schema !== 'object' || schema === null || depth > MOST_LEVELS) return false
  const { enum: options, properties = {}, items } = schema as Enumerated
  return (
    Array.isArray(options) ||
    hasOptions(items, depth + 1) ||
    Object.values(properties).some((inner) => hasOptions(inner, depth + 1))
  )
}

type Enumerated = { enum?: unknown[]; properties?: Record<string, unknown>; items?: unknown }
const MOST_LEVELS = 16

/** Throws CSW-4008 where a value is none of those its schema lists. Nothing and null are no values; `at` is where it stands. */
export function demandOptions(value: Json, schema: unknown, at: readonly (string | number)[]): void {
  if (value === null || typeof schema !== 'object' || schema === null || at.length > MOST_LEVELS) return
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) demandOptions(item, schemaBelow(schema, index), [...at, index])
  } else if (typeof value === 'object' && !isRawNumber(value)) {
    for (const [key, item] of Object.entries(value))
      if (item !== undefined) demandOptions(item, schemaBelow(schema, key), [...at, key])
  } else {
    const { enum: options } = schema as Enumerated
    // A number that is sent as text is the same option.
    const text = isRawNumber(value) ? value.rawJSON : String(value)
    if (!Array.isArray(options) || options.some((option) => String(option) === text)) return
    const taken = options.filter((option) => option !== null).map((option) => JSON.stringify(option))
    // The value itself may be a person's.
    throw new CausewayError('CSW-4008', {
      what: `The mapping gave "${at.join('.')}" a value that the target does not take; it takes ${shortened(taken)}`,
    })
  }
}

const MOST_SHOWN = 12
const shortened = (options: string[]): string =>
  options.length > MOST_SHOWN
    ? `${options.slice(0, MOST_SHOWN).join(', ')} and ${options.length - MOST_SHOWN} others`
    : options.join(', ')
