/** Follows an expression over what is known of its input, and reports what cannot be meant. */
import { type AstNode, childrenOf, startOf, tokenStart } from '../../expression/index.ts'
import type { Tables } from '../tables.ts'
import { type Argument, inferCall } from './calls.ts'
import { assume, type Facts } from './facts.ts'
import { binaryShape } from './operators.ts'
import { fieldsOf, judgeField, knownFields } from './record-schema.ts'
import { fromSchema, inWords, isList, itemOf, kindOf, oneKind, type Shape, severalOf, UNKNOWN, union } from './shape.ts'

export type Remark = { severity: 'error' | 'warning'; offset: number; message: string; fix: string }

/** Where an expression stands: what `$`, `$$` and its variables are, and what conditions around it say. */
export type Context = {
  input: Shape
  root: Shape
  /** True while `$` is the input of the whole expression. */
  atRoot: boolean
  variables: ReadonlyMap<string, Shape>
  facts: Facts
  /** What `%` points to, by JSONata's label. */
  parents: ReadonlyMap<string, Shape>
}

/** A value that an expression can end in, with the node that gives it. */
export type Result = { node: AstNode; shape: Shape; context: Context; offset: number }

export class Inference {
  readonly source: string
  /** The value tables that the expression may read. */
  readonly tables: Tables
  readonly #remarks: (remark: Remark) => void

  constructor(source: string, tables: Tables, remarks: (remark: Remark) => void) {
    this.source = source
    this.tables = tables
    this.#remarks = remarks
  }

  report(at: AstNode | number, message: string, fix: string, severity: Remark['severity'] = 'warning'): void {
    this.#remarks({ severity, message, fix, offset: typeof at === 'number' ? at : startOf(at, this.source) })
  }

  /** The values an expression can end in: through blocks and both ways of conditions. */
  results(node: AstNode, context: Context): Result[] {
    if (node.predicate || node.group) return [this.#result(node, context)]
    if (node.type === 'condition') return this.#conditionResults(node, context)
    if (node.type === 'block') {
      const { last, inner } = this.#block(node, context)
      return last ? this.results(last, inner) : []
    }
    return [this.#result(node, context)]
  }

  #result(node: AstNode, context: Context): Result {
    return { node, shape: this.infer(node, context), context, offset: startOf(node, this.source) }
  }

  infer(node: AstNode, context: Context): Shape {
    const shape = this.#bare(node, context)
    if (node.type === 'path') return shape
    const filtered = this.#filter(node, shape, context)
    return node.keepArray ? listOf(filtered) : filtered
  }

  #bare(node: AstNode, context: Context): Shape {
    switch (node.type) {
      case 'string':
        return oneKind('string', { options: [node.value as string], ...lengthOf(node.value as string) })
      case 'number':
        return oneKind('number', { options: [node.value as number] })
      case 'value':
        return oneKind(kindOf(node.value), { options: [node.value as boolean | null] })
      case 'regex':
      case 'lambda':
      case 'partial':
        this.#lambda(node, context, [])
        return oneKind('function')
      case 'variable':
        return this.#variable(node, context)
      case 'name':
        return this.#field(node, context.input, context.atRoot ? '' : null, context.atRoot ? '' : null, context)
      case 'path':
        return this.#path(node, context)
      case 'condition':
      case 'block':
        return union(this.results(node, context).map(({ shape }) => shape))
      case 'binary':
        return this.#binary(node, context)
      case 'unary':
        return this.#unary(node, context)
      case 'function':
        return this.#call(node, context, [])
      case 'apply':
        return this.#apply(node, context)
      case 'bind':
        return this.infer(node.rhs!, context)
      default: {
        const inner = node.type === 'transform' ? inside(context, UNKNOWN) : context
        for (const child of childrenOf(node)) this.infer(child, inner)
        return UNKNOWN
      }
    }
  }

  #variable(node: AstNode, context: Context): Shape {
    const name = node.value as string
    if (name === '') return context.input
    if (name === '$') return context.root
    const shape = context.variables.get(name)
    return shape ? (context.facts.get(`$${name}`) ?? { ...shape, path: `$${name}` }) : UNKNOWN
  }

  #path(node: AstNode, context: Context): Shape {
    let at = context.input
    let inner = context
    let lost = false
    // The name under which conditions know the value, as long as only names were walked.
    let key: string | null = context.atRoot ? '' : null
    let label = context.atRoot ? '' : null
    for (const [i, step] of node.steps!.entries()) {
      if (step.ancestor) inner = { ...inner, parents: new Map([...inner.parents, [step.ancestor.label, itemOf(at)]]) }
      if (step.type === 'name') {
        const walked = isList(at)
        if (walked) key = null
        const field = lost ? UNKNOWN : this.#field(step, itemOf(at), key, label, inner)
        at = walked ? severalOf(field) : field
        key = key === null ? null : join(key, step.value as string)
        label = label === null ? `${step.value}` : join(label, step.value as string)
      } else {
        at = i === 0 ? this.#bare(step, inner) : this.#step(step, at, inner)
        key = i === 0 ? variableKey(step, context) : null
        label = key
      }
      if (step.focus || step.index)
        inner = withVariables(inner, [step.focus, step.index], [itemOf(at), oneKind('number')])
      if (step.focus) lost = true
      if (lost) at = UNKNOWN
      const filtered = this.#filter(step, at, inner)
      if (filtered !== at) key = null
      at = filtered
      for (const stage of step.stages ?? [])
        if (stage.type === 'index') inner = withVariables(inner, [stage.value], [oneKind('number')])
    }
    if (node.group) return this.#filter(node, at, inner)
    return node.keepSingletonArray ? listOf(at) : at
  }

  /** A step that is no name: evaluated for every item of what came before. */
  #step(step: AstNode, at: Shape, context: Context): Shape {
    const item = itemOf(at)
    const inner = inside(context, item)
    if (step.type === 'parent') {
      const parent = context.parents.get((step.slot as { label: string }).label) ?? UNKNOWN
      return isList(at) ? severalOf(parent) : parent
    }
    if (step.type === 'wildcard') {
      const fields = Object.values(fieldsOf(item.schema) ?? {})
      return fields.length ? { kinds: null, schema: { anyOf: fields.map(throughList) }, several: true } : UNKNOWN
    }
    if (step.type === 'sort') {
      for (const { expression } of step.terms ?? []) this.infer(expression, inner)
      return isList(at) ? severalOf(at) : at
    }
    const shape = this.#bare(step, inner)
    if (step.type === 'unary' && step.value === '[') return UNKNOWN
    return isList(at) ? severalOf(shape) : shape
  }

  /** A field of an object: `key` is the name under which conditions know the object, `label` what a person calls it. */
  #field(step: AstNode, container: Shape, key: string | null, label: string | null, context: Context): Shape {
    const name = step.value as string
    const { schema, kinds } = container
    const path = key === null ? undefined : join(key, name)
    const known = path === undefined ? undefined : context.facts.get(path)
    if (known) return known
    const at = tokenStart(step, this.source)
    if (kinds && !container.certain && !kinds.has('object') && !kinds.has('array')) {
      this.report(at, `${called(label)} is ${inWords(kinds)} and has no field "${name}"`, 'Correct the path.')
      return UNKNOWN
    }
    const { verdict, near } = judgeField(schema, name)
    if (verdict === 'absent' || verdict === 'misspelt')
      this.report(at, `${called(label)} has no field "${name}"`, near ? `Did you mean "${near}"?` : knownFields(schema))
    const field = verdict === 'known' ? fieldsOf(schema)?.[name] : undefined
    const shape = fromSchema(field)
    return path === undefined ? shape : { ...shape, path }
  }

  /** Predicates and groupings behind a node. */
  #filter(node: AstNode, shape: Shape, context: Context): Shape {
    let at = shape
    for (const stage of [...(node.stages ?? []), ...(node.predicate ?? [])]) {
      if (!stage.expr) continue
      if (stage.expr.type === 'number') {
        at = { ...itemOf(at) }
        delete at.path
        continue
      }
      this.infer(stage.expr, inside(context, itemOf(at)))
      if (isList(at)) at = severalOf(at)
    }
    if (!node.group) return at
    const inner = inside(context, itemOf(at))
    for (const child of node.group.lhs.flat()) this.infer(child, inner)
    return oneKind('object')
  }

  #block(node: AstNode, context: Context): { last: AstNode | undefined; inner: Context } {
    let inner = context
    const statements = node.expressions ?? []
    for (const statement of statements.slice(0, -1)) inner = this.#statement(statement, inner)
    return { last: statements.at(-1), inner }
  }

  #statement(node: AstNode, context: Context): Context {
    const shape = this.infer(node, context)
    if (node.type !== 'bind') return context
    return withVariables(context, [(node.lhs as AstNode).value as string], [shape])
  }

  #conditionResults(node: AstNode, context: Context): Result[] {
    const condition = node.condition!
    const verdict = verdictOf(this.infer(condition, context))
    if (verdict !== undefined)
      this.report(
        condition,
        `this condition is never ${!verdict}, so what follows "${verdict ? ':' : '?'}" is never reached`,
        'Correct the condition, or remove the way that is never taken.',
      )
    const read = (name: AstNode) => this.#quiet().infer(name, context)
    const ways = [node.then, node.else].map((way, i): Result[] => {
      if (!way) return [{ node, shape: { kinds: null, nothing: true }, context, offset: startOf(node, this.source) }]
      return this.results(way, { ...context, facts: assume(condition, i === 0, context.facts, read) })
    })
    return ways.flat()
  }

  #binary(node: AstNode, context: Context): Shape {
    const lhs = this.infer(node.lhs as AstNode, context)
    const read = (name: AstNode) => this.#quiet().infer(name, context)
    const logical = node.value === 'and' || node.value === 'or'
    const facts = logical ? assume(node.lhs as AstNode, node.value === 'and', context.facts, read) : context.facts
    const rhs = this.infer(node.rhs!, { ...context, facts })
    return binaryShape(this, node, lhs, rhs)
  }

  #unary(node: AstNode, context: Context): Shape {
    if (node.value === '[') {
      const items = (node.expressions ?? []).map((item) => this.infer(item, context))
      const all = union(items.map(itemOf))
      return oneKind('array', all.schema === undefined ? {} : { schema: { type: 'array', items: all.schema } })
    }
    if (node.value === '{') {
      for (const child of (node.lhs as [AstNode, AstNode][]).flat()) this.infer(child, context)
      return oneKind('object')
    }
    const shape = this.infer(node.expression!, context)
    return oneKind('number', shape.lossy || shape.exact ? { lossy: true } : {})
  }

  #apply(node: AstNode, context: Context): Shape {
    const first = { node: node.lhs as AstNode, shape: this.infer(node.lhs as AstNode, context) }
    const { rhs } = node as { rhs: AstNode }
    if (rhs.type === 'function') return this.#call(rhs, context, [first])
    if (rhs.type === 'variable' && !context.variables.has(rhs.value as string))
      return inferCall(this, rhs.value as string, [first], rhs)
    this.infer(rhs, rhs.type === 'transform' ? inside(context, UNKNOWN) : context)
    return UNKNOWN
  }

  #call(node: AstNode, context: Context, given: Argument[]): Shape {
    const { procedure } = node as { procedure: AstNode }
    const name = procedure.value as string
    const open = (node.arguments ?? []).filter((argument) => argument.type !== 'operator')
    const items = given[0]?.shape ?? (open[0]?.type === 'lambda' ? UNKNOWN : undefined)
    const args = [...given]
    for (const argument of open) {
      const list = items ?? args[0]?.shape ?? UNKNOWN
      if (argument.type === 'lambda') this.#lambda(argument, context, parametersFor(name, list))
      args.push({
        node: argument,
        shape: argument.type === 'lambda' ? oneKind('function') : this.infer(argument, context),
      })
    }
    if (procedure.type !== 'variable') {
      this.infer(procedure, context)
      return UNKNOWN
    }
    return context.variables.has(name) ? UNKNOWN : inferCall(this, name, args, node)
  }

  #lambda(node: AstNode, context: Context, given: Shape[]): void {
    if (!node.body) {
      for (const child of childrenOf(node)) if (child.type !== 'operator') this.infer(child, context)
      return
    }
    const names = (node.arguments ?? []).map((argument) => argument.value as string)
    this.infer(node.body, withVariables(context, names, given))
  }

  /** The same over the same source, saying nothing: for looking at a part a second time. */
  #quiet(): Inference {
    return new Inference(this.source, this.tables, () => {})
  }
}

const join = (key: string, name: string): string => (key === '' ? name : `${key}.${name}`)
const called = (label: string | null): string =>
  label === null ? 'the item' : label === '' ? 'the source record' : /^\$\w+$/.test(label) ? label : `"${label}"`

/** The name under which conditions know the variable that begins a path. */
function variableKey({ type, value }: AstNode, { atRoot }: Context): string | null {
  if (type !== 'variable') return null
  if (value === '$' || value === '') return value === '$' || atRoot ? '' : null
  return `$${String(value)}`
}

const lengthOf = (text: string) => ({ maxLength: [...text].length, minLength: [...text].length })
const inside = (context: Context, input: Shape): Context => {
  const facts = new Map([...context.facts].filter(([key]) => key.startsWith('$')))
  return { ...context, input, atRoot: false, facts }
}
const listOf = (shape: Shape): Shape => {
  const { schema } = itemOf(shape)
  return oneKind('array', schema === undefined ? {} : { schema: { type: 'array', items: schema } })
}
const throughList = (schema: unknown): unknown => (schema as { items?: unknown }).items ?? schema

function withVariables(context: Context, names: (string | undefined)[], shapes: Shape[]): Context {
  const variables = new Map(context.variables)
  const facts = new Map(context.facts)
  for (const [i, name] of names.entries()) {
    if (name === undefined) continue
    const { path, ...shape } = shapes[i] ?? UNKNOWN
    variables.set(name, shape)
    // A name that is bound anew is not what conditions outside spoke of.
    for (const key of facts.keys()) if (key === `$${name}` || key.startsWith(`$${name}.`)) facts.delete(key)
  }
  return { ...context, variables, facts }
}

/** Whether a condition can only go one way, where that has not been said yet. */
export function verdictOf({ options, kinds, certain, said }: Shape): boolean | undefined {
  if (kinds?.size === 1 && kinds.has('function')) return false
  return options?.length === 1 && certain && !said ? Boolean(options[0]) : undefined
}

/** What JSONata hands to the functions that its own functions call. */
function parametersFor(name: string, list: Shape): Shape[] {
  const item = itemOf(list)
  if (name === 'map' || name === 'filter' || name === 'single') return [item, oneKind('number'), list]
  if (name === 'sort') return [item, item]
  return name === 'reduce' ? [UNKNOWN, item, oneKind('number')] : [UNKNOWN, oneKind('string')]
}
