/** Operators, and the constructors of lists and objects. */
import { setOwn } from '../core/index.ts'
import type { AstNode } from './ast.ts'
import type { Sequence } from './builtins.ts'
import type { Compiler } from './closures.ts'
import { compilePairs } from './compile-paths.ts'
import { groupBy, groupContext } from './groups.ts'
import { logical } from './logical.ts'
import { negate, operators } from './operators.ts'
import { plain, type Run } from './scope.ts'
import { NotCompilable, RESERVED } from './tree-facts.ts'
import { range } from './wildcards.ts'

export function compileBinary(compiler: Compiler, node: AstNode): Run {
  const left = compiler.compile(node.lhs as AstNode)
  const right = compiler.compile(node.rhs!)
  const token = node.value as string
  const position = node.position
  if (token === 'and' || token === 'or') return logical(left, right, token, position)
  const operator = token === '..' ? range : Object.hasOwn(operators, token) ? operators[token]! : undefined
  if (!operator) throw new NotCompilable()
  const word = node.rhs!
  // `status = "customer"`: nothing but the same text equals a text.
  if (token === '=' && word.type === 'string' && !word.predicate && !word.group)
    return (input, scope) => plain(left(input, scope), scope) === word.value
  const joins = token === '&'
  return (input, scope) => {
    const one = left(input, scope)
    const two = right(input, scope)
    if (joins && typeof one === 'string' && typeof two === 'string') return one + two
    const a = plain(one, scope)
    const b = plain(two, scope)
    try {
      return operator(a, b)
    } catch (error) {
      throw Object.assign(error as object, { position, token })
    }
  }
}

export function compileUnary(compiler: Compiler, node: AstNode): Run {
  if (node.value === '[') return compileArray(compiler, node)
  if (node.value === '{') return compileObject(compiler, node)
  const operand = compiler.compile(node.expression!)
  return (input, scope) => {
    const value = plain(operand(input, scope), scope)
    try {
      return negate(value)
    } catch (error) {
      throw Object.assign(error as object, { position: node.position })
    }
  }
}

const setPlain = (target: Record<string, unknown>, key: string, value: unknown): void => {
  target[key] = value
}

function compileArray(compiler: Compiler, node: AstNode): Run {
  const items = node.expressions!.map((item) => ({ run: compiler.member(item), nested: item.value === '[' }))
  return (input, scope) => {
    const result: Sequence = []
    for (const { run, nested } of items) {
      const value = run(input, scope)
      if (value === undefined) continue
      if (!nested && Array.isArray(value)) for (const one of value) result.push(one)
      else result.push(value)
    }
    if (node.consarray) Object.defineProperty(result, 'cons', { value: true })
    return result
  }
}

function compileObject(compiler: Compiler, node: AstNode): Run {
  const all = node.lhs as [AstNode, AstNode][]
  const keys = all.map(([key]) => key.value as string)
  const fixed = all.every(([key]) => key.type === 'string' && !key.predicate) && !keys.some((key) => RESERVED.has(key))
  if (!fixed || new Set(keys).size !== keys.length) {
    const general = compilePairs(compiler, all)
    return (input, scope) => groupBy(input, general, scope, node.position)
  }
  const values = all.map(([, value]) => compiler.member(value))
  const set = keys.includes('__proto__') ? setOwn : setPlain
  return (input, scope) => {
    const context = groupContext(input)
    const result = {}
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!(context, scope)
      if (value !== undefined) set(result, keys[i]!, value as never)
    }
    return result
  }
}
