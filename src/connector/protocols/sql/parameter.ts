import { CausewayError, isRawNumber, type Json } from '../../../core/index.ts'
import type { Column, SqlValue } from './dialect.ts'

/** What a database without types for parameters wants of a value, by the type of its column. */
export type ParameterRules = {
  binary: RegExp
  /** Columns that take lists and objects, as JSON text. */
  structured: RegExp
  /** A text as this column spells it: times, JSON. */
  text(value: string, type: string): string
}

/** Gives what is sent for a value. CSW-2056 where a list or an object meets a column that holds none. */
export function parameterOf(value: Json, column: Column, rules: ParameterRules): SqlValue {
  if (value === null) return null
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (isRawNumber(value)) return value.rawJSON
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string')
    return rules.binary.test(column.type) ? Buffer.from(value, 'base64') : rules.text(value, column.type)
  if (rules.structured.test(column.type)) return JSON.stringify(value)
  throw new CausewayError('CSW-2056', {
    what: `Column ${JSON.stringify(column.name)} (${column.type}): the mapping gives ${Array.isArray(value) ? 'a list' : 'an object'}.`,
  })
}
