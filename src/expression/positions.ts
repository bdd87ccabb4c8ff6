import { type AstNode, childrenOf } from './ast.ts'

/**
 * Where an expression begins in its source. JSONata keeps the offset behind the first token of a node, and for operators that
 * behind the operator, so the leftmost operand tells.
 */
export function startOf(node: AstNode, source: string): number {
  switch (node.type) {
    case 'name':
    case 'variable':
    case 'string':
    case 'number':
    case 'value':
    case 'regex':
      return tokenStart(node, source)
    case 'path':
      return startOf(node.steps![0]!, source)
    case 'binary':
    case 'apply':
    case 'bind':
      return startOf(node.lhs as AstNode, source)
    case 'condition':
      return startOf(conditionOf(node), source)
    case 'function':
    case 'partial':
      return startOf(node.procedure!, source)
    case 'sort':
      return node.expression ? startOf(node.expression, source) : before(node, 1)
    case 'lambda':
      return Math.max(0, source.slice(0, node.position ?? 0).search(/(?:function|λ)\s*\($/))
    default:
      return before(node, 1)
  }
}

/** `a ?? b` is parsed as a condition on a call that stands nowhere in the source. */
function conditionOf(node: AstNode): AstNode {
  const condition = node.condition!
  return condition.type === 'function' && condition.position === undefined ? condition.arguments![0]! : condition
}

const before = (node: AstNode, length: number): number =>
  Math.max(0, (node.position ?? childrenOf(node)[0]?.position ?? length) - length)

/** Where the token of a literal, name or variable (with its `$`) begins. */
export function tokenStart(node: AstNode, source: string): number {
  const end = Math.min(node.position ?? 0, source.length)
  const quote = source[end - 1]!
  if ((node.type === 'name' || node.type === 'string') && /["'`]/.test(quote)) return openingQuote(source, end, quote)
  if (node.type === 'number') return end - (/-?[0-9][0-9.eE+-]*$/.exec(source.slice(0, end))?.[0].length ?? 1)
  if (node.type === 'regex') return Math.max(0, source.lastIndexOf('/', source.lastIndexOf('/', end - 1) - 1))
  return Math.max(0, end - String(node.value).length - (node.type === 'variable' ? 1 : 0))
}

/** The quote that opens the token which the one before `end` closes; escaped ones stand inside it. */
function openingQuote(source: string, end: number, quote: string): number {
  let at = end - 2
  while (at > 0 && !(source[at] === quote && backslashesBefore(source, at) % 2 === 0)) at--
  return Math.max(0, at)
}

function backslashesBefore(source: string, at: number): number {
  let count = 0
  while (source[at - 1 - count] === '\\') count++
  return count
}
