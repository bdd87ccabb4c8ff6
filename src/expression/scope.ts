import { forExpression, isRawNumber, type Json, setOwn } from '../core/index.ts'
import type { Sequence } from './builtins.ts'
import { isFunction } from './marks.ts'

/** What is the same for all of one evaluation. */
type Evaluation = {
  readonly root: unknown
  /** True when values may hold RawNumbers: paths hand them on as they are, operators and functions see them as numbers or text. */
  readonly exact: boolean
  /** The instant that functions of time take for now; set at its first use where none is given. */
  now: number | undefined
}

/** What a compiled expression can see: variables by name, innermost first. */
export type Scope = {
  readonly variables: Record<string, unknown>
  readonly parent: Scope | null
  readonly evaluation: Evaluation
}

/** A compiled node: its context in, its value out. */
export type Run = (input: unknown, scope: Scope) => unknown

export const innerScope = (
  parent: Scope,
  variables: Record<string, unknown> = Object.create(null) as Record<string, unknown>,
): Scope => ({ variables, parent, evaluation: parent.evaluation })

/** The value of a variable, or `otherwise` where the name is not bound. */
export function variable(scope: Scope, name: string, otherwise?: unknown): unknown {
  if (name === '$') return scope.evaluation.root
  for (let at: Scope | null = scope; at; at = at.parent)
    if (Object.hasOwn(at.variables, name)) return at.variables[name]
  return otherwise
}

/** The same instant for all of one evaluation. */
export function instant({ evaluation }: Scope): number {
  evaluation.now ??= Date.now()
  return evaluation.now
}

/** A value as operators and functions take it: without RawNumbers. Scalars pass untouched. */
export function plain(value: unknown, scope: Scope): unknown {
  return scope.evaluation.exact && typeof value === 'object' && value !== null ? withoutRawNumbers(value) : value
}

function withoutRawNumbers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || isFunction(value)) return value
  if (isRawNumber(value)) return forExpression(value)
  if (Array.isArray(value)) {
    const copy = value.map(withoutRawNumbers) as Sequence
    // The marks of a sequence decide how it is unwrapped later on.
    if ((value as Sequence).sequence) copy.sequence = true
    if ((value as Sequence).keepSingleton) copy.keepSingleton = true
    if ((value as Sequence).outerWrapper) copy.outerWrapper = true
    if ((value as Sequence).cons) Object.defineProperty(copy, 'cons', { value: true })
    return copy
  }
  const copy = {}
  for (const [key, item] of Object.entries(value)) setOwn(copy, key, withoutRawNumbers(item) as Json)
  return copy
}
