import { forExpression, type Json } from '../core/index.ts'
import type { Sequence } from './builtins.ts'

/** What a compiled expression can see: variables by name, the whole input, and whether exact numbers may occur in it. */
export type Scope = {
  readonly variables: Record<string, unknown>
  readonly parent: Scope | null
  readonly root: unknown
  /** True when values may hold RawNumbers: paths hand them on as they are, operators and functions see `forExpression` of them. */
  readonly exact: boolean
  /** The instant that functions of time take for now; the clock where none is given. */
  readonly now: number | undefined
}

export const innerScope = (parent: Scope): Scope => ({ ...parent, variables: Object.create(null), parent })

export function variable(scope: Scope, name: string): unknown {
  if (name === '$') return scope.root
  for (let at: Scope | null = scope; at; at = at.parent)
    if (Object.hasOwn(at.variables, name)) return at.variables[name]
  return undefined
}

/** A value as operators and functions take it: without RawNumbers. Scalars pass untouched. */
export function plain(value: unknown, scope: Scope): unknown {
  if (!scope.exact || typeof value !== 'object' || value === null) return value
  if (!Array.isArray(value)) return forExpression(value as Json)
  const copy = (value as Sequence).map((item) => plain(item, scope)) as Sequence
  // The marks of a sequence decide how it is unwrapped later on.
  if ((value as Sequence).sequence) copy.sequence = true
  if ((value as Sequence).keepSingleton) copy.keepSingleton = true
  if ((value as Sequence).outerWrapper) copy.outerWrapper = true
  if ((value as Sequence).cons) Object.defineProperty(copy, 'cons', { value: true })
  return copy
}
