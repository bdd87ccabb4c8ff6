/**
 * Compiles a syntax tree into closures that run synchronously. What is compiled gives exactly what the reference evaluator
 * gives (test/expression/differential.test.ts); a node that cannot be is signalled by `null`, and the caller runs the whole
 * expression on the reference evaluator.
 */
import { setOwn } from '../core/index.ts'
import type { AstNode, Stage } from './ast.ts'
import { builtin, type FunctionDefinition, isSynchronous, type Sequence, sequence } from './builtins.ts'
import { compileCall } from './call.ts'
import { directForm } from './direct-strings.ts'
import { isNumeric, negate, operators, toBoolean } from './operators.ts'
import { flattenStep, followNames, lookup, unwrap } from './paths.ts'
import { innerScope, plain, type Scope, variable } from './scope.ts'

export type Run = (input: unknown, scope: Scope) => unknown

/** Functions of JSONata that answer from state of their own or need the environment. */
const NOT_DIRECT = new Set(['eval', 'now', 'millis'])

class NotCompilable extends Error {}

/** The compiled form, or `null` where the tree holds something that only the reference evaluator can do. */
export function compileTree(ast: AstNode, host: ReadonlyMap<string, FunctionDefinition>): Run | null {
  const compiler = new Compiler(host)
  try {
    const run = compiler.compile(ast)
    // An array as the whole input counts as one item, as in the reference evaluator.
    return (input, scope) => {
      if (!Array.isArray(input)) return run(input, scope)
      const wrapped = sequence(input)
      wrapped.outerWrapper = true
      return run(wrapped, scope)
    }
  } catch (error) {
    if (error instanceof NotCompilable) return null
    throw error
  }
}

class Compiler {
  readonly #host: ReadonlyMap<string, FunctionDefinition>

  constructor(host: ReadonlyMap<string, FunctionDefinition>) {
    this.#host = host
  }

  compile(node: AstNode): Run {
    if (node.tuple || node.focus || node.index || node.ancestor || node.group) throw new NotCompilable()
    const names = plainNames(node)
    if (names) return (input) => followNames(input, names)
    const run = this.#node(node)
    const filters = (node.predicate ?? []).map((stage) => this.#filter(stage))
    if (filters.length === 0 && !node.keepArray && ALREADY_UNWRAPPED.has(node.type)) return run
    return (input, scope) => {
      let result = run(input, scope)
      for (const filter of filters) result = filter(result, scope)
      return unwrap(result, node.keepArray)
    }
  }

  #node(node: AstNode): Run {
    switch (node.type) {
      case 'string':
      case 'number':
      case 'value':
        return () => node.value
      case 'name':
        return this.#name(node)
      case 'variable':
        return this.#variable(node)
      case 'path':
        return this.#path(node)
      case 'binary':
        return this.#binary(node)
      case 'unary':
        return this.#unary(node)
      case 'condition':
        return this.#condition(node)
      case 'block':
        return this.#block(node)
      case 'function':
        return this.#call(node)
      default:
        throw new NotCompilable()
    }
  }

  #name(node: AstNode): Run {
    const key = keyOf(node)
    return (input) => lookup(input, key)
  }

  #variable(node: AstNode): Run {
    const name = node.value as string
    if (name === '') return (input) => ((input as Sequence | undefined)?.outerWrapper ? (input as Sequence)[0] : input)
    // As a value, a function name means the function; only the reference evaluator can pass those around.
    if (builtin(name) || this.#host.has(name)) throw new NotCompilable()
    return (_input, scope) => variable(scope, name)
  }

  #path(node: AstNode): Run {
    const steps = node.steps!
    const compiled = steps.map((step) => ({
      run: this.compile(step),
      filters: (step.stages ?? []).map((stage) => this.#filter(stage)),
      whole: step.consarray === true,
    }))
    const fromVariable = steps[0]!.type === 'variable'
    return (input, scope) => {
      let items: Sequence = Array.isArray(input) && !fromVariable ? (input as Sequence) : sequence(input)
      for (const [i, step] of compiled.entries()) {
        if (i === 0 && step.whole) {
          items = step.run(items, scope) as Sequence
        } else {
          const results: unknown[] = []
          for (const item of items) {
            let result = step.run(item, scope)
            for (const filter of step.filters) result = filter(result, scope)
            if (result !== undefined) results.push(result)
          }
          items = flattenStep(results, i === compiled.length - 1)
        }
        if (items === undefined || items.length === 0) break
      }
      if (node.keepSingletonArray) {
        if (Array.isArray(items) && items.cons && !items.sequence) items = sequence(items)
        items.keepSingleton = true
      }
      return items
    }
  }

  #filter(stage: Stage): Run {
    if (stage.type !== 'filter' || !stage.expr) throw new NotCompilable()
    if (stage.expr.type === 'number') {
      const wanted = Math.floor(stage.expr.value as number)
      return (input) => {
        const items: unknown[] = Array.isArray(input) ? input : [input]
        const item = items[wanted < 0 ? items.length + wanted : wanted]
        if (Array.isArray(item)) return item
        return item === undefined ? sequence() : sequence(item)
      }
    }
    const predicate = this.compile(stage.expr)
    return (input, scope) => {
      const items: unknown[] = Array.isArray(input) ? input : [input]
      const kept = sequence()
      for (const [index, item] of items.entries()) {
        const verdict = plain(predicate(item, scope), scope)
        for (let n = countKept(verdict, index, items.length); n > 0; n--) kept.push(item)
      }
      return kept
    }
  }

  #binary(node: AstNode): Run {
    const left = this.compile(node.lhs as AstNode)
    const right = this.compile(node.rhs!)
    const token = node.value as string
    const position = node.position
    if (token === 'and') return (i, s) => !!toBoolean(plain(left(i, s), s)) && !!toBoolean(plain(right(i, s), s))
    if (token === 'or') return (i, s) => !!toBoolean(plain(left(i, s), s)) || !!toBoolean(plain(right(i, s), s))
    const operator = Object.hasOwn(operators, token) ? operators[token]! : undefined
    if (!operator) throw new NotCompilable()
    return (input, scope) => {
      const a = plain(left(input, scope), scope)
      const b = plain(right(input, scope), scope)
      try {
        return operator(a, b)
      } catch (error) {
        throw Object.assign(error as object, { position, token })
      }
    }
  }

  #unary(node: AstNode): Run {
    if (node.value === '[') return this.#array(node)
    if (node.value === '{') return this.#object(node)
    const operand = this.compile(node.expression!)
    return (input, scope) => {
      try {
        return negate(plain(operand(input, scope), scope))
      } catch (error) {
        throw Object.assign(error as object, { position: node.position })
      }
    }
  }

  #array(node: AstNode): Run {
    const items = node.expressions!.map((item) => ({ run: this.compile(item), nested: item.value === '[' }))
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

  /** Object constructors with fixed keys over one item; computed keys and grouping stay with the reference evaluator. */
  #object(node: AstNode): Run {
    const pairs = (node.lhs as [AstNode, AstNode][]).map(([key, value]) => {
      if (key.type !== 'string' || key.predicate) throw new NotCompilable()
      return [key.value as string, this.compile(value)] as const
    })
    if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new NotCompilable()
    if (pairs.some(([key]) => key === '_jsonata_lambda' || key === '_jsonata_function')) throw new NotCompilable()
    return (input, scope) => {
      const context = groupContext(input)
      const result = {}
      for (const [key, run] of pairs) {
        const value = run(context, scope)
        if (value !== undefined) setOwn(result, key, value as never)
      }
      return result
    }
  }

  #condition(node: AstNode): Run {
    const test = this.compile(node.condition!)
    const yes = this.compile(node.then!)
    const no = node.else ? this.compile(node.else) : () => undefined
    return (input, scope) => (toBoolean(plain(test(input, scope), scope)) ? yes(input, scope) : no(input, scope))
  }

  #block(node: AstNode): Run {
    const statements = node.expressions!.map((statement) =>
      statement.type === 'bind' ? this.#bind(statement) : this.compile(statement),
    )
    const binds = node.expressions!.some((statement) => statement.type === 'bind')
    if (!binds && statements.length === 1) return statements[0]!
    return (input, outer) => {
      const scope = binds ? innerScope(outer) : outer
      let result: unknown
      for (const statement of statements) result = statement(input, scope)
      return result
    }
  }

  #bind(node: AstNode): Run {
    const name = (node.lhs as AstNode).value as string
    if (node.predicate || node.keepArray || builtin(name) || this.#host.has(name) || name === '')
      throw new NotCompilable()
    const run = this.compile(node.rhs!)
    return (input, scope) => {
      const value = run(input, scope)
      scope.variables[name] = value
      return value
    }
  }

  #call(node: AstNode): Run {
    const procedure = node.procedure!
    const name = procedure.value as string
    const definition =
      procedure.type === 'variable' ? (this.#host.get(name) ?? directForm(name) ?? builtin(name)) : undefined
    if (!definition || procedure.predicate || NOT_DIRECT.has(name) || !isSynchronous(definition))
      throw new NotCompilable()
    const args = node.arguments!.map((arg) => this.compile(arg))
    const call = compileCall(name, node.position, definition)
    return (input, scope) => {
      const values = args.map((arg) => plain(arg(input, scope), scope))
      return call(values, input, scope)
    }
  }
}

/** Nodes whose closure never answers an unwrapped sequence. */
const ALREADY_UNWRAPPED = new Set(['string', 'number', 'value', 'binary', 'unary'])

/** The keys of a path that is nothing but names, by far the most frequent expression in a mapping. */
function plainNames(node: AstNode): string[] | null {
  if (node.type !== 'path' || node.keepSingletonArray || node.keepArray || node.predicate) return null
  return node.steps!.every(isPlainName) ? node.steps!.map(keyOf) : null
}

const isPlainName = (step: AstNode): boolean =>
  step.type === 'name' &&
  step.value !== 'rawJSON' &&
  !(
    step.stages ||
    step.predicate ||
    step.keepArray ||
    step.tuple ||
    step.focus ||
    step.index ||
    step.ancestor ||
    step.group
  )

/** `rawJSON` is how exact numbers look from inside; a field of that name must not look into them. */
function keyOf(node: AstNode): string {
  if (node.value === 'rawJSON') throw new NotCompilable()
  return node.value as string
}

/** How often an item passes a predicate: by position when the verdict is a number or numbers, else by truth. */
function countKept(verdict: unknown, index: number, length: number): number {
  const numbers = isNumeric(verdict) ? [verdict] : verdict
  if (Array.isArray(numbers) && numbers.every(isNumeric)) {
    return numbers.filter((one) => {
      const wanted = Math.floor(one)
      return (wanted < 0 ? length + wanted : wanted) === index
    }).length
  }
  return toBoolean(verdict) ? 1 : 0
}

/** A constructor groups over an array; with fixed keys that means one object over all items, appended to one another. */
function groupContext(input: unknown): unknown {
  if (!Array.isArray(input)) return input
  return input.reduce((all: unknown, item: unknown, i: number) => {
    if (i === 0 || all === undefined) return item
    return item === undefined ? all : (Array.isArray(all) ? all : [all]).concat(Array.isArray(item) ? item : [item])
  }, undefined)
}
