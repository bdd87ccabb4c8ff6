/**
 * JSON that keeps the spelling of numbers.
 *
 * A JavaScript double turns 9223372036854775807 into 9223372036854775808, 1e400 into Infinity and 0.10 into 0.1. Records
 * must arrive unchanged, so a number whose spelling a double would not reproduce is kept as a `RawNumber` (made by
 * `JSON.rawJSON`, which `JSON.stringify` writes back verbatim). Pages without such a number take the native fast path.
 */

/** A number kept as text; made by `rawNumber`, written unquoted by `JSON.stringify`. */
export type RawNumber = { readonly rawJSON: string }
export type Json = null | boolean | number | string | RawNumber | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

type RawJsonApi = {
  rawJSON(text: string): RawNumber
  isRawJSON(value: unknown): value is RawNumber
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown
}
// Node 24 has the TC39 "JSON.parse source text access" proposal; the ES2024 typings do not know it yet.
const native = JSON as unknown as RawJsonApi

export const rawNumber = (text: string): RawNumber => native.rawJSON(text)
export const isRawNumber = (value: unknown): value is RawNumber => native.isRawJSON(value)

/**
 * Finds pages that *may* hold a number with a spelling of its own: 16 or more characters, a trailing zero after the point,
 * an exponent, or minus zero, between delimiters (so that the ".000" of a timestamp does not count). Digits inside strings
 * may still raise a false alarm, which costs time and nothing else. Looks for ends of numbers and from there backwards,
 * because there are far fewer of them than places where one could begin.
 */
const ODD_NUMBER = /\d(?=[\s,\]}]|$)(?<=(?:^|[:,[\s])(?:-?\d[\d.]{15,}|-?\d+\.\d*0|-?\d+(?:\.\d+)?[eE][+-]?\d+|-0))/

/** Parses JSON text; numbers that a double would spell differently become `RawNumber`s. Throws SyntaxError as JSON.parse does. */
export const parseExact = (text: string): Json => parseNoting(text).value

/** As `parseExact`, and says whether there was any such number. */
export function parseNoting(text: string): { value: Json; exact: boolean } {
  if (!ODD_NUMBER.test(text)) return { value: JSON.parse(text) as Json, exact: false }
  let exact = false
  const value = native.parse(text, (_key, item, context) => {
    if (typeof item !== 'number' || context.source === undefined || context.source === String(item)) return item
    exact = true
    return native.rawJSON(context.source)
  }) as Json
  return { value, exact }
}

/** True when the double nearest to `text` stands for exactly the same decimal value (0.10 yes, 2^63−1 and 1e400 no). */
export function fitsDouble(text: string): boolean {
  const asDouble = Number(text)
  return Number.isFinite(asDouble) && decimalParts(text) === decimalParts(String(asDouble))
}

/** Sign, significant digits and exponent of a decimal numeral in one comparable string: "-0.10" → "-1e-1". */
function decimalParts(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = (whole + fraction).replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + (digits.length - significant.length)}`
}

/**
 * A value as an expression may see it: a `RawNumber` that a double holds becomes that number, any other becomes decimal text.
 * Shares what needs no change with its input.
 */
export function forExpression(value: Json): Json {
  if (isRawNumber(value)) return fitsDouble(value.rawJSON) ? Number(value.rawJSON) : value.rawJSON
  if (Array.isArray(value)) return value.map(forExpression)
  if (value !== null && typeof value === 'object') {
    const copy: JsonObject = {}
    // defineProperty semantics through Object.fromEntries would be slower; "__proto__" is the one key assignment loses.
    for (const [key, item] of Object.entries(value)) setOwn(copy, key, forExpression(item))
    return copy
  }
  return value
}

/** Sets an own property even when the key is `__proto__`, which plain assignment would swallow. */
export function setOwn(target: JsonObject, key: string, value: Json): void {
  if (key === '__proto__')
    Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true })
  else target[key] = value
}

export const isObject = (value: unknown): value is JsonObject =>
  value !== null && typeof value === 'object' && !Array.isArray(value) && !isRawNumber(value)

/** Equality of JSON values: key order does not count, number spelling does. */
export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined || a === null || b === null) return false
  if (isRawNumber(a) || isRawNumber(b)) return JSON.stringify(a) === JSON.stringify(b)
  if (Array.isArray(a)) return Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]))
  if (typeof a !== 'object' || typeof b !== 'object' || Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
}
