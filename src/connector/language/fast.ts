/**
 * Direct JavaScript for the simple forms that nearly all manifest expressions have: a path, a literal, a comparison, `and`,
 * `or`, `&`, `?:`, `??`, `$exists`, `$not`. JSONata's own evaluator costs 10 to 80 µs, which per record would be the whole
 * budget; these cost well under 0.1 µs. Whatever is not surely the same in JSONata (an array in the middle of a path, an
 * object compared) answers SLOW, and the caller lets JSONata decide. A property test holds both against each other.
 */
import { forExpression, isRawNumber, type Json } from '../../core/index.ts'
import type { Scope } from './expression.ts'

export const SLOW = Symbol('needs JSONata')
export type Fast = (scope: Scope) => unknown

type Token = { kind: 'name' | 'string' | 'number' | 'variable' | 'operator'; text: string }

const TOKEN =
  /\s*(?:(`[^`]*`|[A-Za-z_][A-Za-z0-9_]*)|("(?:[^"\\]|\\["\\/])*"|'(?:[^'\\]|\\['\\/])*')|(\d+(?:\.\d+)?(?![\w.]))|(\$[A-Za-z]+)|(\?:|\?\?|!=|[.=&()]))/y

/** A function for the expression, or null when it is not one of the simple forms. */
export function compileFast(source: string): Fast | null {
  const tokens = tokenize(source)
  if (!tokens) return null
  const reader = new Reader(tokens)
  const compiled = reader.expression(0)
  return compiled && reader.done ? compiled : null
}

function tokenize(source: string): Token[] | null {
  const tokens: Token[] = []
  const end = source.trimEnd().length
  TOKEN.lastIndex = 0
  while (TOKEN.lastIndex < end) {
    const match = TOKEN.exec(source)
    if (!match) return null
    const [, name, string, number, variable, operator] = match
    if (name !== undefined) tokens.push({ kind: 'name', text: name })
    else if (string !== undefined) tokens.push({ kind: 'string', text: unquote(string) })
    else if (number !== undefined) tokens.push({ kind: 'number', text: number })
    else if (variable !== undefined) tokens.push({ kind: 'variable', text: variable })
    else tokens.push({ kind: 'operator', text: operator! })
  }
  return tokens.length ? tokens : null
}

const unquote = (literal: string): string => literal.slice(1, -1).replace(/\\(.)/g, '$1')

/** Binding powers as in JSONata; `?:` and `??` take everything to their right. */
const POWER: Record<string, number> = { or: 25, and: 30, '=': 40, '!=': 40, '?:': 40, '??': 40, '&': 50 }

class Reader {
  readonly tokens: Token[]
  position = 0
  constructor(tokens: Token[]) {
    this.tokens = tokens
  }

  get done(): boolean {
    return this.position === this.tokens.length
  }

  expression(power: number): Fast | null {
    let left = this.operand()
    while (left && !this.done) {
      const operator = this.tokens[this.position]!
      const binds = operator.kind === 'operator' || operator.kind === 'name' ? POWER[operator.text] : undefined
      if (binds === undefined || binds <= power) break
      this.position++
      const right = this.expression(operator.text === '?:' || operator.text === '??' ? 0 : binds)
      left = right && combine(operator.text, left, right)
    }
    return left
  }

  private operand(): Fast | null {
    const token = this.tokens[this.position++]
    if (!token) return null
    if (token.kind === 'string') return () => token.text
    if (token.kind === 'number') {
      const value = Number(token.text)
      return () => value
    }
    if (token.kind === 'variable') return this.call(token.text)
    if (token.kind === 'name') return this.path(token.text)
    return token.text === '(' ? this.closed(this.expression(0)) : null
  }

  private closed(inner: Fast | null): Fast | null {
    return this.accept(')') ? inner : null
  }

  private call(name: string): Fast | null {
    if (!this.accept('(')) return null
    const argument = this.closed(this.expression(0))
    if (!argument) return null
    if (name === '$exists') return (scope) => pass(argument(scope), (value) => value !== undefined)
    if (name === '$not') return (scope) => pass(truth(argument(scope)), (value) => (value === undefined ? value : !value))
    return null
  }

  private path(first: string): Fast | null {
    if (first === 'true' || first === 'false') return this.peek('.') ? null : () => first === 'true'
    if (first === 'null') return this.peek('.') ? null : () => null
    if (first in POWER || first === 'in' || first === 'function') return null
    const steps = [fieldName(first)]
    while (this.accept('.')) {
      const step = this.tokens[this.position++]
      if (step?.kind !== 'name') return null
      steps.push(fieldName(step.text))
    }
    return walk(steps)
  }

  private peek(operator: string): boolean {
    const token = this.tokens[this.position]
    return token?.kind === 'operator' && token.text === operator
  }

  private accept(operator: string): boolean {
    if (!this.peek(operator)) return false
    this.position++
    return true
  }
}

const fieldName = (token: string): string => (token.startsWith('`') ? token.slice(1, -1) : token)

function walk([root, ...steps]: string[]): Fast {
  const name = root!
  const [first, second] = steps
  if (first === undefined) return (scope) => scope[name]
  if (second === undefined) return (scope) => field(scope[name], first)
  return (scope) => {
    let value: unknown = scope[name]
    for (const step of steps) {
      value = field(value, step)
      if (value === undefined || value === SLOW) return value
    }
    return value
  }
}

function field(value: unknown, name: string): unknown {
  if (value === null || typeof value !== 'object') return undefined
  // JSONata goes through every item of an array; a RawNumber looks like an object and is none.
  if (Array.isArray(value) || isRawNumber(value)) return SLOW
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined
}

function combine(operator: string, left: Fast, right: Fast): Fast {
  switch (operator) {
    case 'and':
      return (scope) => pass(truth(left(scope)), (value) => (value ? pass(truth(right(scope)), Boolean) : false))
    case 'or':
      return (scope) => pass(truth(left(scope)), (value) => (value ? true : pass(truth(right(scope)), Boolean)))
    case '?:':
      return (scope) => {
        const value = left(scope)
        return pass(truth(value), (yes) => (yes ? value : right(scope)))
      }
    case '??':
      return (scope) => pass(left(scope), (value) => (value === undefined ? right(scope) : value))
    case '&':
      return (scope) => pass(asText(left(scope)), (a) => pass(asText(right(scope)), (b) => String(a) + String(b)))
    default: {
      const wanted = operator === '='
      return (scope) => pass(comparable(left(scope)), (a) => pass(comparable(right(scope)), (b) => equal(a, b, wanted)))
    }
  }
}

const pass = (value: unknown, next: (value: unknown) => unknown): unknown => (value === SLOW ? SLOW : next(value))

/** Where one side is missing JSONata answers false to both `=` and `!=`. */
const equal = (a: unknown, b: unknown, wanted: boolean): boolean =>
  a === undefined || b === undefined ? false : (a === b) === wanted

function plain(value: unknown): unknown {
  return isRawNumber(value) ? forExpression(value as Json) : value
}

function comparable(value: unknown): unknown {
  const seen = plain(value)
  return seen !== null && typeof seen === 'object' ? SLOW : seen
}

function truth(value: unknown): unknown {
  const seen = plain(value)
  if (seen === undefined || seen === SLOW) return seen
  if (seen !== null && typeof seen === 'object') return SLOW
  return Boolean(seen)
}

function asText(value: unknown): unknown {
  const seen = plain(value)
  if (typeof seen === 'string') return seen
  if (seen === undefined) return ''
  if (typeof seen === 'number') return Number.isSafeInteger(seen) ? String(seen) : SLOW
  return seen === null || typeof seen === 'object' || seen === SLOW ? SLOW : String(seen)
}
