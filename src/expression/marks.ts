/** The marks by which JSONata tells functions and sequences from data. */
import type { Sequence } from './builtins.ts'

type Marked = { _jsonata_function?: unknown; _jsonata_lambda?: unknown }

/** A function of the language, of JavaScript, or an object that claims to be one. */
export const isFunction = (value: unknown): boolean =>
  typeof value === 'function' || (typeof value === 'object' && value !== null && isMarked(value))

export const isMarked = (value: object): boolean =>
  (value as Marked)._jsonata_function === true || (value as Marked)._jsonata_lambda === true

export const isSequence = (value: unknown): value is Sequence =>
  Array.isArray(value) && (value as Sequence).sequence === true
