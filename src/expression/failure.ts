import { CausewayError, type ErrorCode, type Place } from '../core/index.ts'

/** What JSONata throws: a plain object, or an Error of the JavaScript engine. */
type JsonataFailure = {
  code?: string
  position?: number
  token?: unknown
  value?: unknown
  message?: string
  index?: number
  functionName?: string
}

/** Turns an offset inside an expression into a place in a file. */
export type PlaceOf = (offset: number) => Place

/**
 * Says what went wrong without the record's values: JSONata's own messages quote them, and these texts are logged.
 * Codes that are not listed are rare; they are named by code and place.
 */
const RUNTIME_TEXTS: Record<string, (failure: JsonataFailure) => string> = {
  T0410: (f) => `argument ${f.index ?? '?'} of ${nameOf(f)} is ${kindOf(f.value)}, which it does not take`,
  T0411: (f) => `${nameOf(f)} was called without argument, and the context is ${kindOf(f.value)}`,
  T0412: (f) => `argument ${f.index ?? '?'} of ${nameOf(f)} is an array with items of the wrong type`,
  T1003: (f) => `the key of an object is ${kindOf(f.value)}, not a string`,
  T1005: (f) => `${String(f.token)} is called like a function; functions start with $`,
  T1006: (f) => `${nameOf(f)} is not a function`,
  D1001: () => 'a number is out of range',
  D1002: (f) => `the minus sign stands before ${kindOf(f.value)}`,
  D1004: () => 'the regular expression matches an empty string',
  D1009: () => 'two keys of an object have the same name',
  D1011: () => 'the recursion is too deep',
  T2001: (f) => `the left side of ${String(f.token)} is ${kindOf(f.value)}, not a number`,
  T2002: (f) => `the right side of ${String(f.token)} is ${kindOf(f.value)}, not a number`,
  T2006: () => 'the right side of ~> is not a function',
  T2009: (f) => `the two sides of ${String(f.token)} have different types`,
  T2010: (f) => `one side of ${String(f.token)} is ${kindOf(f.value)}; only numbers and strings can be compared`,
  D2014: () => 'the range has more than ten million items',
  D3001: () => 'infinity or NaN cannot become a string',
  D3030: (f) => `${kindOf(f.value)} cannot be read as a number`,
  D3060: () => 'the root of a negative number',
  D3110: () => 'the text is not an ISO 8601 time',
  D3136: () => 'the picture does not say enough to read the time',
  // $error and $assert: the words are the author's own.
  D3137: (f) => String(f.message ?? 'an error raised by $error'),
  D3141: (f) => String(f.message ?? 'an assertion failed'),
  D3138: () => '$single found more than one match',
  D3139: () => '$single found no match',
}

/** The error of an expression that failed while it ran (CSW-4002 unless told otherwise). */
export function runtimeError(
  cause: unknown,
  source: string,
  placeOf?: PlaceOf,
  code: ErrorCode = 'CSW-4002',
): CausewayError {
  if (cause instanceof CausewayError) return cause
  if (cause instanceof RangeError) return growthError(cause, source, placeOf)
  const failure = asFailure(cause)
  const text = RUNTIME_TEXTS[failure.code ?? '']?.(failure) ?? plainText(failure)
  return new CausewayError(code, {
    what: `The expression ${excerpt(source)} failed: ${text}`,
    ...located(failure, source, placeOf),
  })
}

/** The engine's own limits: the call stack, and the length of a string or array. */
function growthError(cause: RangeError, source: string, placeOf?: PlaceOf): CausewayError {
  const what = /call stack/i.test(cause.message) ? 'recursion goes too deep' : 'a value grows beyond all bounds'
  const place = placeOf ? { place: placeOf(0) } : {}
  return new CausewayError('CSW-4003', { what: `In the expression ${excerpt(source)} ${what}`, ...place })
}

/** The error of text that is not JSONata (CSW-4001). */
export function syntaxError(cause: unknown, source: string, placeOf?: PlaceOf): CausewayError {
  const failure = asFailure(cause)
  return new CausewayError('CSW-4001', {
    what: `${excerpt(source)} is not valid JSONata: ${failure.message ?? failure.code ?? 'unknown reason'}`,
    ...located(failure, source, placeOf),
  })
}

function asFailure(cause: unknown): JsonataFailure {
  return typeof cause === 'object' && cause !== null ? (cause as JsonataFailure) : { message: String(cause) }
}

/** Messages with a code may quote values of the record; those of the engine (a bad regular expression) do not. */
const plainText = (failure: JsonataFailure): string =>
  failure.code ? `JSONata error ${failure.code}` : (failure.message ?? 'unknown reason')

/** JSONata names the offset behind a token (mostly); people look for its beginning. */
function startOfToken(failure: JsonataFailure, source: string): number | undefined {
  const { position, token } = failure
  if (position === undefined) return undefined
  if (token === '(end)') return source.length
  const text = typeof token === 'string' || typeof token === 'number' ? String(token) : ''
  // A failing call is named by its parenthesis.
  const callee = source[position - 1] === '(' ? /\$?[\p{L}\p{N}_]*\s*\($/u.exec(source.slice(0, position)) : null
  if (callee) return callee.index
  if (text && source.slice(position - text.length, position) === text) return position - text.length
  const quote = source[position - 1]
  if (text && (quote === '"' || quote === "'")) return Math.max(0, source.lastIndexOf(quote, position - 2))
  return Math.min(position, source.length)
}

function located(
  failure: JsonataFailure,
  source: string,
  placeOf?: PlaceOf,
): { data: Record<string, unknown>; place?: Place } {
  const offset = startOfToken(failure, source)
  return {
    data: { ...(failure.code ? { jsonata: failure.code } : {}), ...(offset === undefined ? {} : { offset }) },
    ...(placeOf ? { place: placeOf(offset ?? 0) } : {}),
  }
}

const nameOf = (failure: JsonataFailure): string => {
  const name = failure.functionName ?? failure.token
  return typeof name === 'string' && name !== '' && name !== '(' ? `$${name}` : 'the function'
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

const excerpt = (source: string): string => {
  const line = source.trim().replace(/\s+/g, ' ')
  return `"${line.length > 80 ? `${line.slice(0, 77)}...` : line}"`
}
