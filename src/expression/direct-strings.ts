import { builtin, type FunctionDefinition } from './builtins.ts'

/**
 * JSONata's $contains, $split and $replace are asynchronous because their pattern may be a function. In compiled
 * expressions a pattern is always text (regular expressions and lambdas are left to the reference evaluator), so these do
 * the same without a promise.
 */
const implementations: Record<string, (...args: never[]) => unknown> = {
  contains: (text?: string, part?: string) =>
    text === undefined || part === undefined ? undefined : text.includes(part),

  split: (text: string | undefined, separator: string | undefined, limit?: number) => {
    if (text === undefined) return undefined
    if (limit !== undefined && limit < 0) throw { code: 'D3020', value: limit, index: 3 }
    if (limit === 0) return []
    return text.split(present(separator), limit)
  },

  replace: (text: string | undefined, pattern: string | undefined, replacement: string, limit = Infinity) => {
    if (text === undefined) return undefined
    if (pattern === '') throw { code: 'D3010', value: pattern, index: 2 }
    if (limit < 0) throw { code: 'D3011', value: limit, index: 4 }
    if (limit === 0) return text
    const pieces = text.split(present(pattern))
    let result = pieces[0]!
    for (const [i, piece] of pieces.slice(1).entries()) result += (i < limit ? replacement : pattern) + piece
    return result
  },
}

/** A missing pattern is called like a function by the reference evaluator, which ends in the same kind of error. */
function present(pattern: string | undefined): string {
  if (pattern === undefined) throw new TypeError('the pattern is missing')
  return pattern
}

/** The definition with a synchronous implementation, where there is one. */
export function directForm(name: string): FunctionDefinition | undefined {
  const implementation = Object.hasOwn(implementations, name) ? implementations[name] : undefined
  return implementation && { ...builtin(name)!, implementation: implementation as FunctionDefinition['implementation'] }
}
