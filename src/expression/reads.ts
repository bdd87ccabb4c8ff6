import { type AstNode, childrenOf } from './ast.ts'
import { arityOf, BUILTIN_NAMES, signatureOf } from './builtins.ts'

/**
 * Paths that an expression may read, by where they begin: '' is its input, other names are variables. An empty path is all of
 * it. Rather too much than too little: what is not listed here is read by no evaluation.
 */
export type Reads = Map<string, string[][]>

type Context = { bound: ReadonlySet<string>; atRoot: boolean }

/** What an expression may read of its input and of free variables. */
export function readsOf(ast: AstNode): Reads {
  const reader = new Reader()
  reader.visit(ast, { bound: new Set(), atRoot: true })
  return reader.reads
}

/** Functions that take the context where an argument is missing, with how many arguments they have. */
const CONTEXT_FUNCTIONS = new Map(
  BUILTIN_NAMES.flatMap((name) => {
    const signature = signatureOf(name)
    return signature?.includes('-') ? [[name, arityOf(signature).most] as const] : []
  }),
)

class Reader {
  readonly reads: Reads = new Map()

  visit(node: AstNode, context: Context): void {
    switch (node.type) {
      case 'path':
        this.#visitPath(node, context)
        break
      case 'name':
      case 'variable':
        this.#visitPath({ type: 'path', steps: [node] }, context)
        break
      case 'wildcard':
      case 'descendant':
        if (context.atRoot) this.#read('', [])
        this.#visitBelow(node, context)
        break
      case 'parent':
        // It climbs to wherever the path came from.
        this.#readEverything()
        break
      case 'function':
      case 'partial':
        this.#visitCall(node, context, 0)
        break
      case 'apply':
        this.visit(node.lhs as AstNode, context)
        if (node.rhs!.type === 'function') this.#visitCall(node.rhs!, context, 1)
        else this.#visitArgument(node.rhs!, context)
        break
      case 'lambda': {
        const parameters = (node.arguments ?? []).map((argument) => argument.value as string)
        this.#visitBound(parameters, [node.body!], context)
        break
      }
      case 'block': {
        const binds = new Set<string>()
        for (const statement of node.expressions!) collectBinds(statement, binds)
        this.#visitBound([...binds], node.expressions!, context)
        this.#visitAll(filtersOf(node), inside(context))
        break
      }
      case 'bind':
        this.visit(node.rhs!, context)
        break
      default:
        this.#visitBelow(node, context)
    }
  }

  #visitAll(nodes: (AstNode | undefined)[], context: Context): void {
    for (const node of nodes) if (node) this.visit(node, context)
  }

  #visitBelow(node: AstNode, context: Context): void {
    const filters = filtersOf(node)
    const direct = childrenOf(node).filter((child) => !filters.includes(child))
    this.#visitAll(direct, node.type === 'sort' ? inside(context) : context)
    this.#visitAll(filters, inside(context))
  }

  /** A name that is bound somewhere may hide a variable, or stand before its binding: then all of that variable counts. */
  #visitBound(names: string[], nodes: AstNode[], context: Context): void {
    for (const name of names) this.#read(name, [])
    this.#visitAll(nodes, { ...context, bound: new Set([...context.bound, ...names]) })
  }

  #visitPath(node: AstNode, context: Context): void {
    const steps = node.steps!
    const [first] = steps as [AstNode]
    const marks = steps.flatMap((step) => [step.focus, step.index]).filter((name) => name !== undefined)
    for (const name of marks) this.#read(name, [])
    // Steps behind `@$x` read again what the step with it read from.
    if (steps.some((step) => step.focus !== undefined)) this.#readEverything()
    const within: Context = { bound: new Set([...context.bound, ...marks]), atRoot: false }
    if (first.type === 'name') {
      if (context.atRoot) this.#read('', certainNames(steps))
    } else if (first.type === 'variable') this.#readVariable(first, steps.slice(1), context)
    else this.visit(first, context)
    for (const [i, step] of steps.entries()) {
      if (step.type === 'name' || step.type === 'variable') this.#visitAll(filtersOf(step), within)
      if (i > 0 && step.type !== 'name') this.visit(step, within)
    }
    this.#visitAll(filtersOf(node), within)
  }

  #readVariable(node: AstNode, rest: AstNode[], context: Context): void {
    const name = node.value as string
    const isInput = name === '$' || (name === '' && context.atRoot)
    if (!isInput && (name === '' || context.bound.has(name))) return
    if (CONTEXT_FUNCTIONS.has(name)) {
      // Kept under another name it may be called without its argument.
      this.#read('', [])
      return
    }
    this.#read(isInput ? '' : name, isSelecting(node) ? [] : certainNames(rest))
  }

  #visitCall(node: AstNode, context: Context, given: number): void {
    const procedure = node.procedure!
    const args = node.arguments ?? []
    const name = procedure.value as string
    if (procedure.type !== 'variable') this.visit(procedure, context)
    else if (!context.bound.has(name)) {
      const most = CONTEXT_FUNCTIONS.get(name)
      const open = node.type === 'partial' || (most !== undefined && given + args.length < most)
      if (name === 'eval' || (most !== undefined && open && context.atRoot)) this.#readEverything()
    }
    for (const argument of args) if (argument.type !== 'operator') this.#visitArgument(argument, context)
    this.#visitAll(filtersOf(node), inside(context))
  }

  /** A function handed to another one is called with arguments. */
  #visitArgument(node: AstNode, context: Context): void {
    if (node.type === 'variable' && CONTEXT_FUNCTIONS.has(node.value as string)) return
    this.visit(node, context)
  }

  #read(root: string, path: string[]): void {
    this.reads.set(root, [...(this.reads.get(root) ?? []), path])
  }

  #readEverything(): void {
    this.#read('', [])
    this.#read(EVERY_VARIABLE, [])
  }
}

/** Stands in `Reads` for all variables at once. */
export const EVERY_VARIABLE = '*'

/** The names at the beginning of a path, up to where something is chosen or made of what they lead to. */
function certainNames(steps: AstNode[]): string[] {
  const names: string[] = []
  for (const step of steps) {
    if (step.type !== 'name') break
    names.push(step.value as string)
    if (isSelecting(step)) break
  }
  return names
}

const isSelecting = (step: AstNode): boolean =>
  filtersOf(step).length > 0 ||
  (step.stages?.length ?? 0) > 0 ||
  [step.index, step.ancestor].some((mark) => mark !== undefined)

function collectBinds(node: AstNode, bound: Set<string>): void {
  if (node.type === 'bind') bound.add((node.lhs as AstNode).value as string)
  if (node.type === 'lambda' || node.type === 'block') return
  for (const child of childrenOf(node)) collectBinds(child, bound)
}

const inside = (context: Context): Context => ({ ...context, atRoot: false })

/** Expressions that are evaluated in the context of the node's own result. */
const filtersOf = (node: AstNode): AstNode[] => [
  ...[...(node.stages ?? []), ...(node.predicate ?? [])].flatMap((stage) => (stage.expr ? [stage.expr] : [])),
  ...(node.group?.lhs ?? []).flat(),
]
