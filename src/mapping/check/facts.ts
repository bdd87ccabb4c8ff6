/** What a condition tells about the names it reads, on either of its ways. */
import type { Json } from '../../core/index.ts'
import type { AstNode } from '../../expression/index.ts'
import { only, type Shape, without } from './shape.ts'

/** Narrowed shapes by the name an expression reads them under. */
export type Facts = ReadonlyMap<string, Shape>

const FALSE_VALUES: readonly Json[] = [null, false, 0, '']

/** The facts that hold where `condition` is true, or is not. `read` gives the shape that a name has so far. */
export function assume(condition: AstNode, truth: boolean, facts: Facts, read: (node: AstNode) => Shape): Facts {
  const { type, value } = condition
  if (type === 'block' && condition.expressions?.length === 1)
    return assume(condition.expressions[0]!, truth, facts, read)
  if (type === 'binary') {
    const { lhs, rhs } = condition as { lhs: AstNode; rhs: AstNode }
    // Both sides hold where "and" is true; neither holds where "or" is false.
    if (value === (truth ? 'and' : 'or')) {
      const first = assume(lhs, truth, facts, read)
      return assume(rhs, truth, first, read)
    }
    if (value === '=' || value === '!=') return compared(condition, (value === '=') === truth, facts, read)
    if (value === 'in') return listed(condition, truth, facts, read)
    return facts
  }
  if (type === 'function') {
    const name = condition.procedure?.value
    const [argument] = condition.arguments ?? []
    if (argument && name === 'not') return assume(argument, !truth, facts, read)
    if (argument && name === 'boolean') return assume(argument, truth, facts, read)
    return facts
  }
  const shape = type === 'path' || type === 'variable' ? read(condition) : undefined
  return truth && shape?.path ? withFact(facts, without(shape, FALSE_VALUES)) : facts
}

/** `x = literal` and its opposite. A missing x makes both false, so only what x can be is narrowed. */
function compared(node: AstNode, equal: boolean, facts: Facts, read: (node: AstNode) => Shape): Facts {
  const { lhs, rhs } = node as { lhs: AstNode; rhs: AstNode }
  for (const [side, other] of [
    [lhs, rhs],
    [rhs, lhs],
  ] as const) {
    const literal = literalOf(other)
    if (literal === undefined || literalOf(side) !== undefined) continue
    const shape = read(side)
    if (!shape.path || shape.several) return facts
    return withFact(facts, equal ? only(shape, [literal]) : without(shape, [literal]))
  }
  return facts
}

function listed(node: AstNode, truth: boolean, facts: Facts, read: (node: AstNode) => Shape): Facts {
  const { lhs, rhs } = node as { lhs: AstNode; rhs: AstNode }
  const values = rhs.type === 'unary' && rhs.value === '[' ? rhs.expressions!.map(literalOf) : [literalOf(rhs)]
  const shape = read(lhs)
  if (!shape.path || shape.several || values.some((value) => value === undefined)) return facts
  const known = values as Json[]
  return withFact(facts, truth ? only(shape, known) : without(shape, known))
}

export const literalOf = (node: AstNode | undefined): Json | undefined =>
  node && ['string', 'number', 'value'].includes(node.type) && !node.predicate ? (node.value as Json) : undefined

const withFact = (facts: Facts, shape: Shape): Facts => new Map([...facts, [shape.path!, shape]])
