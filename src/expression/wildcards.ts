/** `*`, `**` and `..` of the reference evaluator. */
import { isRawNumber } from '../core/index.ts'
import { type Sequence, sequence } from './builtins.ts'
import { isFunction } from './marks.ts'

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !isFunction(value) && !isRawNumber(value)

/** All values of an object, or of an array's items; arrays among them are flattened to the ground. */
export function wildcard(input: unknown): unknown {
  const from = (input as Sequence | undefined)?.outerWrapper ? (input as Sequence)[0] : input
  const found = sequence()
  let values: unknown[] = found
  if (!isObject(from)) return found
  for (const key of Object.keys(from)) {
    const value = (from as Record<string, unknown>)[key]
    // As `$append` does there: from the first array on the result is no sequence any more.
    if (Array.isArray(value)) values = values.concat(flatten(value, []))
    else values.push(value)
  }
  return values
}

function flatten(value: unknown, into: unknown[]): unknown[] {
  if (Array.isArray(value)) for (const item of value) flatten(item, into)
  else into.push(value)
  return into
}

/** The value itself and all values below it. */
export function descendants(input: unknown): unknown {
  if (input === undefined) return undefined
  const found = sequence()
  collect(input, found)
  return found.length === 1 ? found[0] : found
}

function collect(value: unknown, into: unknown[]): void {
  if (Array.isArray(value)) {
    for (const item of value) collect(item, into)
    return
  }
  into.push(value)
  if (isObject(value)) for (const item of Object.values(value)) collect(item, into)
}

/** JSONata's own limit. */
const MAX_RANGE = 1e7

export function range(from: unknown, to: unknown): unknown {
  if (from !== undefined && !Number.isInteger(from)) throw { code: 'T2003', value: from }
  if (to !== undefined && !Number.isInteger(to)) throw { code: 'T2004', value: to }
  const first = from as number
  const last = to as number
  if (from === undefined || to === undefined || first > last) return undefined
  const size = last - first + 1
  if (size > MAX_RANGE) throw { code: 'D2014', value: size }
  const items: Sequence = new Array<number>(size)
  for (let i = 0; i < size; i++) items[i] = first + i
  items.sequence = true
  return items
}
