/** The texts an expression can give, as far as they stand in it. */
import { type AstNode, parseExpression } from '../expression/index.ts'

const MOST = 16

/**
 * All texts that an expression may make: constants joined with `&`, both sides of a condition, and names of which all values
 * are known. Whatever depends on data is a hole.
 */
export function textsOf(source: string, known: Readonly<Record<string, readonly string[]>>, hole: string): string[] {
  return textsOfNode(parseExpression(source).ast, known, hole).slice(0, MOST)
}

/** Every way to write the pieces one after the other. */
export const joined = (pieces: readonly (readonly string[])[]): string[] =>
  pieces.reduce<string[]>(
    (made, piece) => made.flatMap((left) => piece.map((right) => left + right)).slice(0, MOST),
    [''],
  )

function textsOfNode(node: AstNode, known: Readonly<Record<string, readonly string[]>>, hole: string): string[] {
  const of = (inner: AstNode) => textsOfNode(inner, known, hole)
  switch (node.type) {
    case 'string':
    case 'number':
      return [String(node.value)]
    case 'binary':
      return node.value === '&' ? joined([of(node.lhs as AstNode), of(node.rhs!)]) : [hole]
    case 'condition':
      return [...new Set([...of(node.then!), ...(node.else ? of(node.else) : [])])]
    case 'block':
      return node.expressions?.length === 1 ? of(node.expressions[0]!) : [hole]
    case 'path':
      return node.steps?.length === 1 && node.steps[0]!.type === 'name' ? of(node.steps[0]!) : [hole]
    case 'name':
      return [...(known[String(node.value)] ?? [hole])]
    default:
      return [hole]
  }
}

/** The values of a list of texts that stands in an expression (`["open", "closed"]`); null where it is made of data. */
export function listedTexts(source: string): string[] | null {
  const { ast } = parseExpression(source)
  const items = ast.type === 'unary' && ast.value === '[' ? (ast.expressions ?? []) : null
  return items?.every(({ type }) => type === 'string') ? items.map(({ value }) => String(value)) : null
}
