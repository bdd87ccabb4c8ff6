/** What operators give, and what they make of the wrong operands. */
import type { Json } from '../../core/index.ts'
import type { AstNode } from '../../expression/index.ts'
import { literalOf } from './facts.ts'
import type { Inference } from './infer.ts'
import { inWords, type Kind, kindOf, kindsSeen, oneKind, type Shape } from './shape.ts'

const ARITHMETIC = new Set(['+', '-', '*', '/', '%'])
const ORDER = new Set(['<', '<=', '>', '>='])

export function binaryShape(inference: Inference, node: AstNode, lhs: Shape, rhs: Shape): Shape {
  const operator = node.value as string
  const sides = [
    { shape: lhs, node: node.lhs as AstNode },
    { shape: rhs, node: node.rhs! },
  ]
  if (ARITHMETIC.has(operator)) return arithmetic(inference, operator, sides)
  if (operator === '&') return joined(inference, sides)
  if (ORDER.has(operator)) return ordered(inference, operator, sides)
  if (operator === '=' || operator === '!=') return compared(inference, operator, sides)
  if (operator === 'in') return contained(inference, node, lhs)
  if (operator === '..') return oneKind('array')
  return oneKind('boolean')
}

type Side = { shape: Shape; node: AstNode }

function arithmetic(inference: Inference, operator: string, sides: Side[]): Shape {
  for (const { shape, node } of sides) {
    const kinds = kindsSeen(shape)
    if (kinds && !kinds.has('number'))
      wrongOperand(inference, operator, { shape, node }, kinds, 'calculates with numbers')
    else if (kinds?.has('null')) mayBeNull(inference, node, shape, `${operator} refuses`)
    const { exact, lossy } = shape
    if ((exact && kinds?.has('number')) || lossy) losesDigits(inference, node, operator)
  }
  return oneKind('number')
}

const wrongOperand = (
  inference: Inference,
  operator: string,
  { shape, node }: Side,
  kinds: ReadonlySet<Kind>,
  what: string,
) =>
  inference.report(
    node,
    `${operator} ${what}, and this is ${inWords(kinds)}`,
    shape.exact
      ? 'Calculate with $decimalAdd, $decimalMultiply and their like, which take text.'
      : 'Convert it with $number.',
    shape.certain ? 'error' : 'warning',
  )

export const losesDigits = (inference: Inference, node: AstNode, by: string): void =>
  inference.report(
    node,
    `this number may have more digits than a double holds, and ${by} would round it`,
    'Use the $decimal functions, which calculate exactly.',
  )

export const mayBeNull = (inference: Inference, node: AstNode, { path }: Shape, what: string): void =>
  inference.report(
    node,
    `${path ? `"${path}"` : 'this'} may be null, which ${what}`,
    `Say what holds then, such as "${path ?? 'x'} ? … : …".`,
  )

function joined(inference: Inference, sides: Side[]): Shape {
  for (const { shape, node } of sides)
    if (shape.path && kindsSeen(shape)?.has('null') && shape.kinds!.size > 1)
      mayBeNull(inference, node, shape, '& writes as the word "null"')
  const [a, b] = sides.map(({ shape }) => shape) as [Shape, Shape]
  const minLength = (a.certain ? (a.minLength ?? 0) : 0) + (b.certain ? (b.minLength ?? 0) : 0)
  const literals = sides.map(({ node }) => literalOf(node))
  const whole = literals.every((one) => typeof one === 'string') ? literals.join('') : undefined
  return oneKind('string', { minLength, ...(whole === undefined ? {} : { options: [whole] }) })
}

function ordered(inference: Inference, operator: string, sides: Side[]): Shape {
  const [a, b] = sides.map(({ shape }) => kindsSeen(shape)) as [ReadonlySet<Kind> | null, ReadonlySet<Kind> | null]
  for (const { shape, node } of sides) {
    const kinds = kindsSeen(shape)
    if (kinds && !kinds.has('number') && !kinds.has('string'))
      wrongOperand(inference, operator, { shape, node }, kinds, 'compares numbers or texts')
    else if (kinds?.has('null') && shape.path) mayBeNull(inference, node, shape, `${operator} refuses`)
  }
  if (a && b && disjoint(a, b, ['number', 'string']))
    inference.report(
      sides[1]!.node,
      `${operator} compares ${inWords(a)} with ${inWords(b)}`,
      'Compare like with like; $number and $string convert.',
    )
  return oneKind('boolean')
}

/** True where both sides are numbers or texts, and never the same of them. */
function disjoint(a: ReadonlySet<Kind>, b: ReadonlySet<Kind>, among: Kind[]): boolean {
  const [left, right] = [a, b].map((kinds) => among.filter((kind) => kinds.has(kind)))
  return left!.length > 0 && right!.length > 0 && !left!.some((kind) => right!.includes(kind))
}

function compared(inference: Inference, operator: string, sides: Side[]): Shape {
  const unequal = operator === '!='
  const [lhs, rhs] = sides as [Side, Side]
  const literals = sides.map(({ node }) => literalOf(node))
  if (literals[0] !== undefined && literals[1] !== undefined) {
    const equal = literals[0] === literals[1]
    return oneKind('boolean', { options: [equal !== unequal] })
  }
  for (const [side, other, literal] of [
    [lhs, rhs, literals[1]],
    [rhs, lhs, literals[0]],
  ] as const)
    if (literal !== undefined && neverEquals(inference, side.shape, literal, other.node, unequal)) return NEVER(unequal)
  const [a, b] = [kindsSeen(lhs.shape), kindsSeen(rhs.shape)]
  if (literals.every((one) => one === undefined) && a && b && ![...a].some((kind) => b.has(kind))) {
    inference.report(
      rhs.node,
      `${inWords(a)} never equals ${inWords(b)}`,
      'Compare like with like; $number and $string convert.',
    )
    return NEVER(unequal)
  }
  return oneKind('boolean')
}

/** A comparison whose outcome is certain and has been reported. */
const NEVER = (unequal: boolean): Shape => oneKind('boolean', { options: [unequal], said: true })

function neverEquals(inference: Inference, shape: Shape, literal: Json, at: AstNode, unequal: boolean): boolean {
  const kinds = kindsSeen(shape)
  if (!kinds || (shape.certain && !shape.path)) return false
  const name = shape.path ? `"${shape.path}"` : 'this'
  const outcome = unequal ? 'the comparison is true whatever it is' : 'the comparison is never true'
  if (shape.excluded?.includes(literal)) {
    inference.report(
      at,
      `${name} cannot be ${JSON.stringify(literal)} here, because a condition before has asked for it; ${outcome}`,
      'Remove one of the two conditions.',
    )
    return true
  }
  if (literal === null && !kinds.has('null')) {
    inference.report(
      at,
      `${name} is never null, so ${outcome}; where it is missing, = and != are both false`,
      'Ask with $exists whether it is there.',
    )
    return true
  }
  if (!kinds.has(kindOf(literal))) {
    inference.report(
      at,
      `${name} is ${inWords(kinds)} and never equals ${JSON.stringify(literal)}; ${outcome}`,
      `Compare it with ${inWords(kinds)}.`,
    )
    return true
  }
  if (!shape.options || shape.options.includes(literal)) return false
  inference.report(
    at,
    `${name} is never ${JSON.stringify(literal)}; ${outcome}`,
    `It can be ${shape.options.map((one) => JSON.stringify(one)).join(', ') || 'nothing here'}.`,
  )
  return true
}

function contained(inference: Inference, node: AstNode, lhs: Shape): Shape {
  const { rhs } = node as { rhs: AstNode }
  const items = rhs.type === 'unary' && rhs.value === '[' ? (rhs.expressions ?? []) : [rhs]
  for (const item of items) {
    const literal = literalOf(item)
    if (literal !== undefined && !lhs.several) neverEquals(inference, lhs, literal, item, false)
  }
  return oneKind('boolean')
}
