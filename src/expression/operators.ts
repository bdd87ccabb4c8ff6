/** Binary operators with the reference evaluator's rules for missing values and types, and its error codes. */
import { forExpression, type Json } from '../core/index.ts'
import { builtin } from './builtins.ts'

export type Operator = (left: unknown, right: unknown) => unknown

const stringOf = builtin('string')!.implementation
const booleanOf = builtin('boolean')!.implementation
const focus = { environment: undefined, input: undefined, options: undefined, createSequence: () => [] } as never

/** JSONata's boolean of a value; `undefined` for a missing one. */
export function toBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean' || value === undefined) return value as boolean | undefined
  if (typeof value === 'string') return value !== ''
  return booleanOf.call(focus, value) as boolean
}

/** Whether a result counts as true, in JSONata's sense. */
export const isTrue = (value: unknown): boolean =>
  toBoolean(typeof value === 'object' ? forExpression(value as Json) : value) === true

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === undefined) return ''
  if (typeof value === 'number' && Number.isInteger(value)) return String(value)
  return stringOf.call(focus, value) as string
}

export function isNumeric(value: unknown): value is number {
  if (typeof value !== 'number' || Number.isNaN(value)) return false
  if (!Number.isFinite(value)) throw { code: 'D1001', value }
  return true
}

const arithmetic =
  (compute: (a: number, b: number) => number): Operator =>
  (left, right) => {
    if (left !== undefined && !isNumeric(left)) throw { code: 'T2001', value: left }
    if (right !== undefined && !isNumeric(right)) throw { code: 'T2002', value: right }
    return left === undefined || right === undefined ? undefined : compute(left, right)
  }

const isComparable = (value: unknown): boolean =>
  value === undefined || typeof value === 'string' || typeof value === 'number'

const comparison =
  (compare: (a: string | number, b: string | number) => boolean): Operator =>
  (left, right) => {
    if (!isComparable(left) || !isComparable(right)) throw { code: 'T2010', value: isComparable(left) ? right : left }
    if (left === undefined || right === undefined) return undefined
    if (typeof left !== typeof right) throw { code: 'T2009', value: left, value2: right }
    return compare(left as string, right as string)
  }

/** Deep equality of JSON values; -0 equals 0 and key order does not count. */
function equal(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  return deepEqual(left, right)
}

function deepEqual(left: object, right: object): boolean {
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, i) => equal(item, right[i]))
  const names = Object.getOwnPropertyNames(left)
  if (names.length !== Object.getOwnPropertyNames(right).length) return false
  return names.every(
    (name) =>
      Object.hasOwn(right, name) &&
      equal((left as Record<string, unknown>)[name], (right as Record<string, unknown>)[name]),
  )
}

export const operators: Record<string, Operator> = {
  '=': (left, right) => left !== undefined && right !== undefined && equal(left, right),
  '!=': (left, right) => left !== undefined && right !== undefined && !equal(left, right),
  '<': comparison((a, b) => a < b),
  '<=': comparison((a, b) => a <= b),
  '>': comparison((a, b) => a > b),
  '>=': comparison((a, b) => a >= b),
  '+': arithmetic((a, b) => a + b),
  '-': arithmetic((a, b) => a - b),
  '*': arithmetic((a, b) => a * b),
  '/': arithmetic((a, b) => a / b),
  '%': arithmetic((a, b) => a % b),
  '&': (left, right) => toText(left) + toText(right),
  in: (left, right) =>
    left !== undefined && right !== undefined && (Array.isArray(right) ? right : [right]).some((item) => item === left),
}

export function negate(value: unknown): unknown {
  if (value === undefined) return undefined
  if (!isNumeric(value)) throw { code: 'D1002', token: '-', value }
  return -value
}
