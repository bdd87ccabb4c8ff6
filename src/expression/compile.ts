import type jsonata from 'jsonata'
import type { ErrorCode } from '../core/index.ts'
import { type Analysis, analyse } from './analysis.ts'
import type { AstNode } from './ast.ts'
import { defineFunctions, type FunctionDefinition, type HostFunction } from './builtins.ts'
import { clockFunctions } from './clock-functions.ts'
import { compileTree, type OnBranch } from './closures.ts'
import { type PlaceOf, runtimeError } from './failure.ts'
import { parseExpression } from './parse.ts'
import type { Scope } from './scope.ts'

type ExpressionOptions = {
  /** Functions beyond JSONata's own, by name without `$`. */
  functions?: Readonly<Record<string, HostFunction>>
  /** Where an offset of the source stands in a file; gives errors their place. */
  placeOf?: PlaceOf
  /** Code of errors while it runs; CSW-4002 unless another room has its own. */
  failureCode?: ErrorCode
  /** Told which way conditions go, for coverage; only compiled expressions tell. */
  onBranch?: OnBranch
}

type Bindings = Readonly<Record<string, unknown>>

/** What a caller may fix for one evaluation. */
type EvaluationOptions = {
  /** Milliseconds that $now and $millis answer; the clock otherwise. */
  now?: number
  /** True when input or bindings may hold RawNumbers. Only compiled expressions can take them. */
  exact?: boolean
}

/**
 * An expression ready to run. Bindings are named without `$` and must not be named like a function. Results are what
 * JSONata gives: `undefined` for nothing; pass them through `plainJson` before they leave the room.
 */
export type CompiledExpression = {
  readonly source: string
  readonly analysis: Analysis
  readonly ast: AstNode
  /** True when it runs as direct JavaScript; then `evaluateSync` is available. */
  readonly isSync: boolean
  evaluate(input: unknown, bindings?: Bindings, options?: EvaluationOptions): Promise<unknown>
  /** Throws when `isSync` is false. */
  evaluateSync(input: unknown, bindings?: Bindings, options?: EvaluationOptions): unknown
}

const NO_FUNCTIONS = {}
const definitions = new WeakMap<object, Map<string, FunctionDefinition>>()

/**
 * Parses and compiles a JSONata expression. Throws CSW-4001 when it is not valid; errors while it runs are CausewayErrors
 * that name the place, never the record's values.
 */
export function compileExpression(source: string, options: ExpressionOptions = {}): CompiledExpression {
  const { expression, ast } = parseExpression(source, options.placeOf)
  const functions = options.functions ?? NO_FUNCTIONS
  const run = compileTree(ast, definitionsOf(functions), options.onBranch)
  const fail = (cause: unknown) => runtimeError(cause, source, options.placeOf, options.failureCode)
  const reference = run ? undefined : new Reference(expression, functions)
  const evaluateSync: CompiledExpression['evaluateSync'] = (input, bindings = {}, evaluation = {}) => {
    if (!run) throw new TypeError(`${source} cannot run synchronously`)
    try {
      return run(input, scopeOf(input, bindings, evaluation))
    } catch (cause) {
      throw fail(cause)
    }
  }
  return {
    source,
    ast,
    analysis: analyse(ast, source),
    isSync: run !== null,
    evaluateSync,
    evaluate: async (input, bindings, evaluation) => {
      if (!reference) return evaluateSync(input, bindings, evaluation)
      try {
        return await reference.evaluate(input, bindings, evaluation)
      } catch (cause) {
        throw fail(cause)
      }
    },
  }
}

const scopeOf = (root: unknown, variables: Bindings, options: EvaluationOptions): Scope => ({
  variables: variables as Record<string, unknown>,
  parent: null,
  evaluation: { root, exact: options.exact ?? false, now: options.now },
})

function definitionsOf(functions: Readonly<Record<string, HostFunction>>): Map<string, FunctionDefinition> {
  const known = definitions.get(functions) ?? defineFunctions(functions)
  definitions.set(functions, known)
  return known
}

/** The expression on JSONata's own evaluator. */
class Reference {
  readonly #expression: jsonata.Expression

  constructor(expression: jsonata.Expression, functions: Readonly<Record<string, HostFunction>>) {
    this.#expression = expression
    for (const [name, { implementation, signature }] of Object.entries(functions))
      expression.registerFunction(name, implementation as (...args: unknown[]) => unknown, signature)
  }

  async evaluate(input: unknown, bindings: Bindings = {}, options: EvaluationOptions = {}): Promise<unknown> {
    if (options.now === undefined) return this.#expression.evaluate(input, bindings)
    return this.#expression.evaluate(input, { ...clockFunctions(options.now), ...bindings })
  }
}
