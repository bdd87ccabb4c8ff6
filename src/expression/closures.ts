/**
 * Compiles a syntax tree into closures that run synchronously. What is compiled gives exactly what the reference evaluator
 * gives (test/expression/differential.test.ts); a node that cannot be is signalled by `null`, and the caller runs the whole
 * expression on the reference evaluator. One limit is lower: recursion that is not in tail position ends at some thousand
 * levels, where the stack does (CSW-4003); the reference evaluator keeps going on the heap.
 */
import type { AstNode } from './ast.ts'
import { builtin, type FunctionDefinition, isSynchronous, type Sequence, sequence } from './builtins.ts'
import { compileApply, compileCall, compileLambda, compilePartial, compileTransform } from './compile-calls.ts'
import { compileBinary, compileUnary } from './compile-operators.ts'
import { compileFilter, compileGroup, compilePath } from './compile-paths.ts'
import { directForm } from './direct/index.ts'
import { toBoolean } from './operators.ts'
import { followName, followNames, lookup, unwrap } from './paths.ts'
import { matcherOf } from './regex.ts'
import { innerScope, plain, type Run, type Scope, variable } from './scope.ts'
import { boundNames, isUnwrapped, keyOf, NotCompilable, plainNames } from './tree-facts.ts'
import { descendants, wildcard } from './wildcards.ts'

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
  member(node: AstNode): Run {
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
    const filters = (node.predicate ?? []).map((stage) => compileFilter(this, stage))
    const group = node.type === 'path' ? undefined : compileGroup(this, node)
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
        return compilePath(this, node)
      case 'binary':
        return compileBinary(this, node)
      case 'unary':
        return compileUnary(this, node)
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
