/** Checks of values against the kinds a description names: `text`, `integer!`, `1..100`, a list of options. */
import type { ValueKind } from './description.ts'
import { type Item, isItem, leaves, put } from './paths.ts'

const CHECKS: Record<string, (value: unknown) => boolean> = {
  any: () => true,
  text: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number' && Number.isFinite(value),
  integer: (value) => Number.isSafeInteger(value),
  boolean: (value) => typeof value === 'boolean',
  decimal: (value) => typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value),
  digits: (value) => typeof value === 'string' && /^-?\d+$/.test(value),
  flag: (value) => value === 'true' || value === 'false',
  email: (value) => typeof value === 'string' && /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(value),
  date: (value) => typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value)),
  datetime: (value) =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value) && !Number.isNaN(Date.parse(value)),
  list: Array.isArray,
  texts: (value) => Array.isArray(value) && value.every((item) => typeof item === 'string'),
  object: isItem,
}

/**
 * Why a value is not of a kind; null when it is. `fromText` is for query and form values, which arrive as text: numbers and
 * booleans are read from it. Null is taken unless the kind ends in `!`.
 */
export function faultOf(kind: ValueKind, value: unknown, fromText = false): string | null {
  if (Array.isArray(kind)) {
    const wanted = kind.map((option) => (fromText ? String(option) : option))
    return value === null || wanted.includes(value as string) ? null : `must be one of ${kind.join(', ')}`
  }
  const strict = kind.endsWith('!')
  const name = strict ? kind.slice(0, -1) : kind
  if (value === null) return strict ? 'must not be null' : null
  const range = /^(-?\d+)\.\.(-?\d+)$/.exec(name)
  if (range) {
    const number = fromText && typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
    const fits =
      Number.isSafeInteger(number) && (number as number) >= Number(range[1]) && (number as number) <= Number(range[2])
    return fits ? null : `must be an integer from ${range[1]} to ${range[2]}`
  }
  const longest = /^text<=(\d+)$/.exec(name)
  if (longest)
    return typeof value === 'string' && [...value].length <= Number(longest[1])
      ? null
      : `must be a text of at most ${longest[1]} characters`
  const check = CHECKS[name]
  if (!check)
    throw new Error(
      `There is no kind of value "${name}"; known: ${Object.keys(CHECKS).join(', ')}, 1..100, text<=80, a list of options.`,
    )
  return check(fromText ? fromTextOf(name, value) : value) ? null : `must be of kind ${name}`
}

function fromTextOf(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value
  if (name === 'number' || name === 'integer') return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
  if (name === 'boolean')
    return value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value
  return value
}

/** The values of a form as the kinds they stand for. An empty text clears a member. */
export function unformed(values: Item, kinds: Record<string, ValueKind>): Item {
  const result: Item = {}
  for (const [path, value] of leaves(values)) {
    const kind = kinds[path]
    const name = typeof kind === 'string' ? (/^-?\d+\.\./.test(kind) ? 'integer' : kind.replace('!', '')) : ''
    if (path) put(result, path, value === '' ? null : fromTextOf(name, value))
  }
  return result
}
