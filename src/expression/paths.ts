/** Steps of a path as the reference evaluator takes them: look-up by own key, mapping over arrays, flattening by one level. */
import { type Sequence, sequence } from './builtins.ts'
import { isMarked, isSequence } from './marks.ts'

/** The value under a key; over an array, the values of all items as a sequence. */
export function lookup(input: unknown, key: string): unknown {
  if (typeof input !== 'object' || input === null) return undefined
  if (Array.isArray(input)) {
    const found = sequence()
    for (const item of input) {
      const value = lookup(item, key)
      if (value === undefined) continue
      if (Array.isArray(value)) for (const one of value) found.push(one)
      else found.push(value)
    }
    return found
  }
  const value = (input as Record<string, unknown>)[key]
  if (value === undefined || isMarked(input)) return undefined
  // What an object of data inherits are functions and its prototype; asking `hasOwn` first costs each look-up a call.
  const maybeInherited = typeof value === 'function' || key === '__proto__'
  return maybeInherited && !Object.hasOwn(input, key) ? undefined : value
}

/** What evaluation of every node ends with: a sequence of none is nothing, of one its item, unless it is to be kept. */
export function unwrap(result: unknown, keepArray?: boolean): unknown {
  if (!isSequence(result) || result.tupleStream) return result
  if (keepArray) result.keepSingleton = true
  if (result.length === 0) return undefined
  return result.length === 1 && !result.keepSingleton ? result[0] : result
}

/** Joins the results of one step into the input of the next. */
function flattenStep(results: unknown[], lastStep: boolean): Sequence {
  if (lastStep && results.length === 1 && isPlainList(results[0])) return results[0]
  const flat = sequence()
  for (const result of results) addFlat(flat, result)
  return flat
}

/** Adds what a step gave for one item: a list by its items, unless it was written as one. */
export function addFlat(flat: Sequence, result: unknown): void {
  if (!Array.isArray(result) || (result as Sequence).cons) flat.push(result)
  else for (const item of result) flat.push(item)
}

/** A list of data, which stays as it is where it is all that the last step gave. */
export const isPlainList = (value: unknown): value is Sequence => Array.isArray(value) && !isSequence(value)

/** A path of one name, the most frequent of all. */
export function followName(input: unknown, name: string): unknown {
  if (Array.isArray(input)) return unwrap(mapNames(input, [name], 0))
  const value = lookup(input, name)
  return Array.isArray(value) ? followNames(input, [name]) : value
}

/**
 * A path of plain names. While no array is met the value is followed directly; from the first array on, all steps that
 * remain go through the general rule.
 */
export function followNames(input: unknown, names: readonly string[]): unknown {
  if (Array.isArray(input)) return unwrap(mapNames(input, names, 0))
  let value = input
  for (let i = 0; i < names.length; i++) {
    value = unwrap(lookup(value, names[i]!))
    if (value === undefined) return undefined
    if (Array.isArray(value)) {
      const lastStep = i === names.length - 1
      const flat = flattenStep([value], lastStep)
      return unwrap(lastStep || flat.length === 0 ? flat : mapNames(flat, names, i + 1))
    }
  }
  return value
}

function mapNames(items: unknown[], names: readonly string[], from: number): Sequence {
  let current: Sequence = items
  for (let i = from; i < names.length; i++) {
    const results: unknown[] = []
    for (const item of current) {
      const value = unwrap(lookup(item, names[i]!))
      if (value !== undefined) results.push(value)
    }
    current = flattenStep(results, i === names.length - 1)
    if (current.length === 0) break
  }
  return current
}
