/**
 * Compiles a syntax tree into closures that run synchronously. What is compiled gives exactly what the reference evaluator
 * gives (test/expression/differential.test.ts); a node that cannot be is signalled by `null`, and the caller runs the whole
 * expression on the reference evaluator. One limit is lower: recursion that is not in tail position ends at some thousand
 * levels, where the stack does (CSW-4003); the reference evaluator keeps going on the heap.
 */
import { setOwn } from '../core/index.ts'
import type { AstNode, Stage } from './ast.ts'
import { builtin, type FunctionDefinition, isSynchronous, type Sequence, sequence } from './builtins.ts'
import { compileApply, compileCall, compileLambda, compilePartial, compileTransform } from './compile-calls.ts'
import { directForm } from './direct/index.ts'
import { groupBy, groupContext, type Pair } from './groups.ts'
import { countKept, logical } from './logical.ts'
import { negate, operators, toBoolean } from './operators.ts'
import { orderBy } from './ordering.ts'
import { flattenStep, followName, followNames, lookup, unwrap } from './paths.ts'
import { matcherOf } from './regex.ts'
import { innerScope, plain, type Run, type Scope, variable } from './scope.ts'
import { boundNames, isUnwrapped, keyOf, NotCompilable, plainNames, RESERVED } from './tree-facts.ts'
import { contextOf, numbered, numberTuples, stepTuples, tupleScope, tupleStream } from './tuples.ts'
import { descendants, range, wildcard } from './wildcards.ts'

/** Told each time a condition was decided, with the offset of the condition; for coverage. */
export type OnBranch = (offset: number, branch: 'then' | 'else') => void

/** The compiled form, or `null` where the tree holds something that only the reference evaluator can do. */
export function compileTree(
  ast: AstNode,
  host: ReadonlyMap<string, FunctionDefinition>,
  onBranch?: OnBranch,
): Run | null {
  const compiler = new Compiler(host, boundNames(ast), onBranch)
  try {
    const run = compiler.compileWhole(ast)
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

export class Compiler {
  readonly #host: ReadonlyMap<string, FunctionDefinition>
  readonly #bound: ReadonlySet<string>
  /** Whether the frame that is being compiled binds a name; `racy` where the order of doing so is not defined. */
  #frame = { binds: false, racy: false }
  readonly #onBranch: OnBranch | undefined

  constructor(host: ReadonlyMap<string, FunctionDefinition>, bound: ReadonlySet<string>, onBranch?: OnBranch) {
    this.#host = host
    this.#bound = bound
    this.#onBranch = onBranch
  }

  /** A tree in a frame of variables of its own, which is made only when something is bound in it. */
  compileWhole(node: AstNode): Run {
    const { run, binds } = this.inFrame(false, () => this.compile(node))
    return binds ? (input, scope) => run(input, innerScope(scope)) : run
  }

  inFrame<Result>(racy: boolean, work: () => Result): { run: Result; binds: boolean } {
    const outer = this.#frame
    this.#frame = { binds: false, racy }
    const run = work()
    const { binds } = this.#frame
    this.#frame = outer
    return { run, binds }
  }

  /** The reference evaluator starts the members of a constructor together; what they bind for each other is chance. */
  #member(node: AstNode): Run {
    return this.inFrame(true, () => this.compile(node)).run
  }

  /** The function of that name, where the expression does not bind the name itself. */
  functionNamed(name: string): FunctionDefinition | undefined {
    if (this.#bound.has(name)) return undefined
    return this.namedAnywhere(name)
  }

  namedAnywhere(name: string): FunctionDefinition | undefined {
    const definition = this.#host.get(name) ?? directForm(name) ?? builtin(name)
    if (definition && (name === 'eval' || !isSynchronous(definition))) throw new NotCompilable()
    return definition
  }

  compile(node: AstNode): Run {
    const names = plainNames(node)
    if (names?.length === 1) return (input) => followName(input, names[0]!)
    if (names) return (input) => followNames(input, names)
    const run = this.#node(node)
    const filters = (node.predicate ?? []).map((stage) => this.#filter(stage))
    const group = node.type === 'path' ? undefined : this.#groupOf(node)
    if (filters.length === 0 && !group && !node.keepArray)
      return isUnwrapped(node) ? run : (input, scope) => unwrap(run(input, scope))
    return (input, scope) => {
      let result = run(input, scope)
      for (const filter of filters) result = filter(result, scope)
      if (group) result = group(result, scope)
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
      case 'bind':
        return this.#bind(node)
      case 'function':
        return compileCall(this, node)
      case 'partial':
        return compilePartial(this, node)
      case 'apply':
        return compileApply(this, node)
      case 'lambda':
        return compileLambda(this, node)
      case 'transform':
        return compileTransform(this, node)
      case 'regex':
        return () => matcherOf(node.value as RegExp, node.position)
      case 'wildcard':
        return wildcard
      case 'descendant':
        return descendants
      case 'parent':
        return (_input, scope) => variable(scope, node.slot!.label)
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
    const definition = this.namedAnywhere(name)
    return (_input, scope) => variable(scope, name, definition)
  }

  #path(node: AstNode): Run {
    const group = this.#groupOf(node)
    const walk = node.steps!.some((step) => step.tuple) ? this.#tuplePath(node) : this.#plainPath(node)
    const fromVariable = node.steps![0]!.type === 'variable'
    return (input, scope) => {
      let items = walk(Array.isArray(input) && !fromVariable ? (input as Sequence) : sequence(input), scope)
      if (node.keepSingletonArray) {
        if (Array.isArray(items) && items.cons && !items.sequence) items = sequence(items)
        items.keepSingleton = true
      }
      return group ? group(items, scope) : items
    }
  }

  #plainPath(node: AstNode): (items: Sequence, scope: Scope) => Sequence {
    const steps = node.steps!
    const compiled = steps.map((step, i) => this.#step(step, i === steps.length - 1))
    const wholeFirst = steps[0]!.consarray ? this.compile(steps[0]!) : undefined
    return (input, scope) => {
      let items = input
      for (let i = 0; i < compiled.length; i++) {
        items = i === 0 && wholeFirst ? (wholeFirst(items, scope) as Sequence) : compiled[i]!(items, scope)
        if (items === undefined || items.length === 0) break
      }
      return items
    }
  }

  #step(step: AstNode, last: boolean): (items: Sequence, scope: Scope) => Sequence {
    const filters = (step.stages ?? []).map((stage) => this.#filter(stage))
    if (step.type === 'sort') {
      const sort = this.#order(step)
      return (items, scope) => filters.reduce((sorted, filter) => filter(sorted, scope), sort(items, scope)) as Sequence
    }
    const run = this.compile(step)
    return (items, scope) => {
      const results: unknown[] = []
      for (const item of items) {
        let result = run(item, scope)
        for (const filter of filters) result = filter(result, scope)
        if (result !== undefined) results.push(result)
      }
      return flattenStep(results, last)
    }
  }

  /** A path with bindings: from the first step that has one, tuples are carried instead of items. */
  #tuplePath(node: AstNode): (items: Sequence, scope: Scope) => Sequence {
    const steps = node.steps!
    const first = steps.findIndex((step) => step.tuple)
    const before = steps.slice(0, first).map((step) => this.#step(step, false))
    if (steps[0]!.consarray) throw new NotCompilable()
    const rest = steps.slice(first).map((step) => this.#tupleStep(step))
    return (input, scope) => {
      let items = input
      for (const step of before) {
        items = step(items, scope)
        if (items === undefined || items.length === 0) break
      }
      let tuples: Sequence | undefined
      // Nothing to start from is an empty result before the first tuple step, as there.
      if (first > 0 && !(items?.length > 0)) return items
      for (const step of rest) tuples = step(items, tuples, scope)
      // Grouping needs the variables of each item too.
      if (node.tuple || node.group) return tuples!
      const results = sequence()
      for (const tuple of tuples!) results.push(contextOf(tuple))
      return results
    }
  }

  #tupleStep(step: AstNode): (items: Sequence, tuples: Sequence | undefined, scope: Scope) => Sequence {
    const stages = (step.stages ?? []).map((stage) =>
      stage.type === 'index' ? numberTuples(stage) : this.#filter(stage),
    )
    const staged = (tuples: unknown, scope: Scope) =>
      stages.reduce((result, stage) => stage(result, scope), tuples) as Sequence
    if (step.type === 'sort') {
      const sort = this.#order(step)
      return (items, tuples, scope) =>
        staged(tuples ? sort(tuples, scope) : numbered(sort(items, scope) as unknown[], step.index), scope)
    }
    const run = this.compile(step)
    const binding = { focus: step.focus, index: step.index, ancestor: step.ancestor?.label }
    return (items, tuples, scope) => staged(stepTuples(run, items, tuples, binding, scope), scope)
  }

  #order(step: AstNode): Run {
    const terms = step.terms!.map(({ expression, descending }) => ({ key: this.compile(expression), descending }))
    return (items, scope) => orderBy(items as unknown[], terms, scope, step.position)
  }

  #groupOf(node: AstNode): Run | undefined {
    if (!node.group) return undefined
    const pairs = this.#pairs(node.group.lhs)
    return (items, scope) => groupBy(items, pairs, scope, node.group!.position)
  }

  #pairs(pairs: [AstNode, AstNode][]): Pair[] {
    return pairs.map(([key, value]) => ({ key: this.compile(key), value: this.#member(value) }))
  }

  #filter(stage: Stage): Run {
    if (stage.type !== 'filter' || !stage.expr) throw new NotCompilable()
    if (stage.expr.type === 'number') {
      const wanted = Math.floor(stage.expr.value as number)
      return (input) => {
        const items: unknown[] = Array.isArray(input) ? input : [input]
        const item = items[wanted < 0 ? items.length + wanted : wanted]
        if (Array.isArray(item)) return item
        const kept = (input as Sequence | undefined | null)?.tupleStream ? tupleStream() : sequence()
        if (item !== undefined) kept.push(item)
        return kept
      }
    }
    const predicate = this.compile(stage.expr)
    return (input, scope) => {
      const items: unknown[] = Array.isArray(input) ? input : [input]
      const ofTuples = (input as Sequence | undefined | null)?.tupleStream === true
      const kept = ofTuples ? tupleStream() : sequence()
      for (const [index, item] of items.entries()) {
        const verdict = plain(
          ofTuples ? predicate(contextOf(item), tupleScope(scope, item)) : predicate(item, scope),
          scope,
        )
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
    if (token === 'and' || token === 'or') return logical(left, right, token, position)
    const operator = token === '..' ? range : Object.hasOwn(operators, token) ? operators[token]! : undefined
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
      const value = plain(operand(input, scope), scope)
      try {
        return negate(value)
      } catch (error) {
        throw Object.assign(error as object, { position: node.position })
      }
    }
  }

  #array(node: AstNode): Run {
    const items = node.expressions!.map((item) => ({ run: this.#member(item), nested: item.value === '[' }))
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

  #object(node: AstNode): Run {
    const all = node.lhs as [AstNode, AstNode][]
    const keys = all.map(([key]) => key.value as string)
    const fixed =
      all.every(([key]) => key.type === 'string' && !key.predicate) && !keys.some((key) => RESERVED.has(key))
    if (!fixed || new Set(keys).size !== keys.length) {
      const general = this.#pairs(all)
      return (input, scope) => groupBy(input, general, scope, node.position)
    }
    const values = all.map(([, value]) => this.#member(value))
    return (input, scope) => {
      const context = groupContext(input)
      const result = {}
      for (let i = 0; i < values.length; i++) {
        const value = values[i]!(context, scope)
        if (value !== undefined) setOwn(result, keys[i]!, value as never)
      }
      return result
    }
  }

  #condition(node: AstNode): Run {
    const test = this.compile(node.condition!)
    const yes = this.compile(node.then!)
    const no = node.else ? this.compile(node.else) : () => undefined
    const decide = (input: unknown, scope: Scope): boolean => toBoolean(plain(test(input, scope), scope)) === true
    const onBranch = this.#onBranch
    if (!onBranch) return (input, scope) => (decide(input, scope) ? yes(input, scope) : no(input, scope))
    return (input, scope) => {
      const taken = decide(input, scope)
      onBranch(node.position ?? 0, taken ? 'then' : 'else')
      return taken ? yes(input, scope) : no(input, scope)
    }
  }

  #block(node: AstNode): Run {
    const { run: statements, binds } = this.inFrame(false, () => node.expressions!.map((one) => this.compile(one)))
    if (!binds && statements.length === 1) return statements[0]!
    return (input, outer) => {
      const scope = binds ? innerScope(outer) : outer
      let result: unknown
      for (const statement of statements) result = statement(input, scope)
      return result
    }
  }

  #bind(node: AstNode): Run {
    if (this.#frame.racy) throw new NotCompilable()
    this.#frame.binds = true
    const name = (node.lhs as AstNode).value as string
    if (name === '' || name === '$') throw new NotCompilable()
    const run = this.compile(node.rhs!)
    return (input, scope) => {
      const value = run(input, scope)
      scope.variables[name] = value
      return value
    }
  }
}
