import { type AstNode, childrenOf } from './ast.ts'
import { tokenStart } from './positions.ts'

/** A name used in an expression; `offset` is where it begins (for variables and functions: the `$`). */
export type Use = { name: string; offset: number }
/** `arguments` is -1 where the call leaves some open (partial application). */
type FunctionUse = Use & { arguments: number }
/** A path from the input (`from` '') or from a variable, as far as it consists of names. */
type PathUse = { from: string; steps: Use[]; complete: boolean }

export type Analysis = {
  /** Variables that are read and not bound inside the expression, without `$`; `$` itself and `$$` are not listed. */
  variables: Use[]
  /** Functions that are called by name, without `$`. */
  functions: FunctionUse[]
  /** Paths read from the input of the whole expression or from free variables; nothing whose context is not certain. */
  paths: PathUse[]
}

/** What an expression reads. Only certain facts: where the context of a path is not known, the path is left out. */
export function analyse(ast: AstNode, source: string): Analysis {
  const reader = new Reader(source)
  reader.visit(ast, { bound: new Set(), atRoot: true })
  return reader.analysis
}

/** `atRoot` is true while the context is the input of the whole expression. */
type Context = { bound: ReadonlySet<string>; atRoot: boolean }

class Reader {
  readonly analysis: Analysis = { variables: [], functions: [], paths: [] }
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  visit(node: AstNode, context: Context): void {
    switch (node.type) {
      case 'variable':
        this.#readVariable(node, context)
        this.#visitAll(filtersOf(node), inside(context))
        break
      case 'path':
        this.#visitPath(node, context)
        break
      case 'name':
        this.#readPath([node], '', context)
        break
      case 'function':
      case 'partial':
        this.#visitCall(node, context)
        break
      case 'apply':
        this.visit(node.lhs as AstNode, context)
        // The left side of ~> becomes the first argument of the call on the right.
        if (node.rhs!.type === 'function') this.#visitCall(node.rhs!, context, 1)
        else this.visit(node.rhs!, context)
        break
      case 'lambda':
        this.visit(node.body!, { ...context, bound: new Set([...context.bound, ...parametersOf(node)]) })
        break
      case 'block':
        this.#visitBlock(node, context)
        break
      case 'bind':
        this.visit(node.rhs!, context)
        break
      case 'transform':
        this.visit(node.pattern!, context)
        this.#visitAll([node.update, node.delete], inside(context))
        break
      default: {
        const filters = filtersOf(node)
        const direct = childrenOf(node).filter((child) => !filters.includes(child))
        this.#visitAll(direct, node.type === 'sort' ? inside(context) : context)
        this.#visitAll(filters, inside(context))
      }
    }
  }

  #visitAll(nodes: (AstNode | undefined)[], context: Context): void {
    for (const node of nodes) if (node) this.visit(node, context)
  }

  #visitPath(node: AstNode, context: Context): void {
    const steps = node.steps!
    const within: Context = { bound: new Set([...context.bound, ...steps.flatMap(boundByStep)]), atRoot: false }
    this.#readFirstSteps(steps, context)
    for (const [i, step] of steps.entries()) {
      if (step.type === 'name') this.#visitAll(filtersOf(step), within)
      else if (i > 0) this.visit(step, within)
    }
    this.#visitAll(filtersOf(node), within)
  }

  #readFirstSteps(steps: AstNode[], context: Context): void {
    const first = steps[0]!
    if (first.type === 'name') {
      this.#readPath(steps.slice(0, leadingNames(steps)), '', context, steps.length)
      return
    }
    this.visit(first, context)
    const name = first.value as string
    if (first.type !== 'variable' || first.predicate || first.focus || context.bound.has(name)) return
    // `$$.a` is read from the input wherever it stands, `$.a` only while the context is the input.
    if (name === '' && !context.atRoot) return
    const rest = steps.slice(1)
    const root: Context = { ...context, atRoot: true }
    this.#readPath(rest.slice(0, leadingNames(rest)), name === '$' ? '' : name, root, rest.length)
  }

  #readPath(steps: AstNode[], from: string, context: Context, total = steps.length): void {
    if (steps.length === 0 || !context.atRoot) return
    const uses = steps.map((step) => ({ name: step.value as string, offset: tokenStart(step, this.#source) }))
    this.analysis.paths.push({ from, steps: uses, complete: steps.length === total })
  }

  #visitCall(node: AstNode, context: Context, given = 0): void {
    const procedure = node.procedure!
    const args = node.arguments ?? []
    const name = procedure.value as string
    if (procedure.type !== 'variable') this.visit(procedure, context)
    else if (!context.bound.has(name)) {
      const count = node.type === 'partial' ? -1 : given + args.length
      this.analysis.functions.push({ name, offset: tokenStart(procedure, this.#source), arguments: count })
    }
    // A partial application marks open arguments with an operator node.
    this.#visitAll(
      args.filter((argument) => argument.type !== 'operator'),
      context,
    )
    this.#visitAll(filtersOf(node), inside(context))
  }

  #visitBlock(node: AstNode, context: Context): void {
    // A name bound anywhere in a block is taken as bound in all of it: functions may call each other before they stand.
    const bound = new Set(context.bound)
    for (const statement of node.expressions!) collectBinds(statement, bound)
    this.#visitAll(node.expressions!, { ...context, bound })
    this.#visitAll(filtersOf(node), { bound, atRoot: false })
  }

  #readVariable(node: AstNode, context: Context): void {
    const name = node.value as string
    if (name === '' || name === '$' || context.bound.has(name)) return
    this.analysis.variables.push({ name, offset: tokenStart(node, this.#source) })
  }
}

/** How many names stand in a row at the beginning; a step that keeps its context (`@$x`) ends the row. */
function leadingNames(steps: AstNode[]): number {
  const end = steps.findIndex((step, i) => step.type !== 'name' || (i > 0 && steps[i - 1]!.focus !== undefined))
  return end < 0 ? steps.length : end
}

function boundByStep(step: AstNode): string[] {
  const indexes = (step.stages ?? []).filter((stage) => stage.type === 'index').map((stage) => stage.value)
  return [step.focus, step.index, ...indexes].filter((name) => name !== undefined)
}

function collectBinds(node: AstNode, bound: Set<string>): void {
  if (node.type === 'bind') bound.add((node.lhs as AstNode).value as string)
  if (node.type === 'lambda' || node.type === 'block') return
  for (const child of childrenOf(node)) collectBinds(child, bound)
}

const inside = (context: Context): Context => ({ ...context, atRoot: false })
const parametersOf = (node: AstNode): string[] => (node.arguments ?? []).map((argument) => argument.value as string)

/** Expressions that are evaluated in the context of the node's own result: predicates and groupings. */
const filtersOf = (node: AstNode): AstNode[] => [
  ...[...(node.stages ?? []), ...(node.predicate ?? [])].flatMap((stage) => (stage.expr ? [stage.expr] : [])),
  ...(node.group?.lhs ?? []).flat(),
]
