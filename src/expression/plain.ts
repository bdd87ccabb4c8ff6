import { CausewayError, isRawNumber, type Json } from '../core/index.ts'

/**
 * The result of an expression as plain JSON, or `undefined` for nothing. JSONata's results may hold functions, numbers that
 * JSON has no word for, and arrays with marks on them; the first two are refused (CSW-4004), the marks are not part of JSON.
 * Returns the value itself: nothing is copied.
 */
export function plainJson(value: unknown): Json | undefined {
  if (value === undefined) return undefined
  check(value, '')
  return value as Json
}

function check(value: unknown, path: string): void {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return
    case 'number':
      if (!Number.isFinite(value)) throw refuse(path, 'infinity or NaN')
      return
    case 'object':
      if (value !== null) checkObject(value, path)
      return
    default:
      throw refuse(path, value === undefined ? 'a missing value inside an array' : 'a function')
  }
}

function checkObject(value: object, path: string): void {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) check(value[i], `${path}[${i}]`)
    return
  }
  if (isRawNumber(value)) return
  const marked = value as Record<string, unknown>
  if (marked._jsonata_function === true || marked._jsonata_lambda === true) throw refuse(path, 'a function')
  for (const key of Object.keys(value)) {
    if (marked[key] !== undefined) check(marked[key], path === '' ? key : `${path}.${key}`)
  }
}

function refuse(path: string, what: string): CausewayError {
  return new CausewayError('CSW-4004', {
    what: `The expression gave ${what}${path ? ` at ${path}` : ''}; only plain JSON can be passed on`,
    data: path ? { path } : {},
  })
}
