/**
 * Tuple streams: steps with `@$x`, `#$i` or `%` after them carry, with each item, what was bound on the way to it. A tuple
 * keeps the item under `@` and the variables under their names.
 */
import type { Stage } from './ast.ts'
import { type Sequence, sequence } from './builtins.ts'
import { innerScope, type Run, type Scope } from './scope.ts'

export type Tuple = Record<string, unknown>

/** How one step of a path adds to a tuple. */
export type Binding = { focus?: string | undefined; index?: string | undefined; ancestor?: string | undefined }

export const contextOf = (tuple: unknown): unknown => (tuple as Tuple)['@']

/** A copy: what an expression binds for itself is not carried on. */
export const tupleScope = (scope: Scope, tuple: unknown): Scope => innerScope(scope, tupleOf(tuple as Tuple))

export function tupleStream(tuples: Tuple[] = []): Sequence {
  const stream = sequence()
  stream.tupleStream = true
  for (const tuple of tuples) stream.push(tuple)
  return stream
}

const tupleOf = (...parts: object[]): Tuple => Object.assign(Object.create(null) as Tuple, ...parts)

export const numbered = (items: readonly unknown[], index: string | undefined): Sequence =>
  tupleStream(items.map((item, i) => tupleOf({ '@': item }, index === undefined ? {} : { [index]: i })))

/** One step from every tuple; the first step of a stream starts from the plain items. */
export function stepTuples(
  run: Run,
  items: readonly unknown[],
  tuples: Sequence | undefined,
  binding: Binding,
  scope: Scope,
): Sequence {
  const result = tupleStream()
  const from = (tuples ?? items.map((item) => tupleOf({ '@': item }))) as Tuple[]
  for (const tuple of from) {
    const found = run(tuple['@'], tupleScope(scope, tuple))
    if (found === undefined) continue
    const all: unknown[] = Array.isArray(found) ? found : [found]
    const carried = (found as Sequence | null)?.tupleStream === true
    for (let i = 0; i < all.length; i++)
      result.push(carried ? tupleOf(tuple, all[i] as object) : bound(tuple, all[i], i, binding))
  }
  return result
}

function bound(tuple: Tuple, item: unknown, position: number, { focus, index, ancestor }: Binding): Tuple {
  const next = tupleOf(tuple)
  if (focus !== undefined) next[focus] = item
  else next['@'] = item
  if (index !== undefined) next[index] = position
  if (ancestor !== undefined) next[ancestor] = tuple['@']
  return next
}

/** The tuples of one group as one: each variable holds the values of all. */
export function joinTuples(tuples: unknown): Tuple {
  if (!Array.isArray(tuples)) return tuples as Tuple
  const joined = tupleOf(tuples[0] as Tuple)
  for (const tuple of tuples.slice(1) as Tuple[])
    for (const [name, value] of Object.entries(tuple)) joined[name] = append(joined[name], value)
  return joined
}

function append(left: unknown, right: unknown): unknown {
  if (left === undefined || right === undefined) return left === undefined ? right : left
  return (Array.isArray(left) ? left : [left]).concat(right)
}

/** `#$i` behind a predicate numbers what is left. */
export const numberTuples =
  (stage: Stage): Run =>
  (tuples) => {
    for (const [i, tuple] of (tuples as Tuple[]).entries()) tuple[stage.value!] = i
    return tuples
  }
