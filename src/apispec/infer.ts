/**
 * What an expression gives, worked out from what its names are: JSONata run over types instead of values. On the way, every
 * member that is read is looked up in the description.
 */
import { type AstNode, parseExpression } from '../expression/index.ts'
import {
  ANY,
  isAnnotation,
  itemOf,
  listOf,
  member,
  NONE,
  namesOf,
  objectOf,
  scalar,
  type Type,
  tellsOf,
  union,
} from './types.ts'

type Reading = { path: string; verdict: 'checked' | 'unknown' | 'wrong' }
export type Inferred = { type: Type; readings: Reading[] }

type Scope = { context: Type; root: Type; path: string; variables: Map<string, Type> }

/** Infers an expression over its names (`response`, `record` …). A name that is not in `names` is not looked at. */
export function infer(source: string, names: Record<string, Type>): Inferred {
  const readings: Reading[] = []
  const root = objectOf(names, ANY)
  const { ast } = parseExpression(source)
  const type = new Inference(readings, new Set(Object.keys(names))).of(ast, {
    context: root,
    root,
    path: '',
    variables: new Map(),
  })
  return { type, readings }
}

class Inference {
  private readonly readings: Reading[]
  private readonly names: ReadonlySet<string>

  constructor(readings: Reading[], names: ReadonlySet<string>) {
    this.readings = readings
    this.names = names
  }

  of(node: AstNode, scope: Scope): Type {
    switch (node.type) {
      case 'string':
        return scalar('string')
      case 'number':
        return scalar('number')
      case 'value':
        return scalar(node.value === null ? 'null' : typeof node.value)
      case 'regex':
        return ANY
      case 'name':
        return this.filtered(node, this.step(String(node.value), scope), scope)
      case 'path':
        return this.path(node, scope)
      case 'variable':
        return this.filtered(node, this.variable(node, scope), scope)
      case 'wildcard':
      case 'descendant':
      case 'parent':
        return ANY
      case 'condition': {
        this.of(node.condition!, scope)
        return union([this.of(node.then!, scope), node.else ? this.of(node.else, scope) : NONE])
      }
      case 'block':
        return this.filtered(node, this.block(node, scope), scope)
      case 'bind': {
        const type = this.of(node.rhs!, scope)
        scope.variables.set(String((node.lhs as AstNode).value), type)
        return type
      }
      case 'unary':
        return this.filtered(node, this.unary(node, scope), scope)
      case 'binary':
        return this.binary(node, scope)
      case 'function':
      case 'partial':
        return this.filtered(node, this.call(node, scope), scope)
      case 'apply': {
        this.of(node.lhs as AstNode, scope)
        if (node.rhs!.type === 'function') for (const argument of node.rhs!.arguments ?? []) this.of(argument, scope)
        return ANY
      }
      case 'sort':
        return scope.context
      case 'lambda':
        return ANY
      default:
        return ANY
    }
  }

  private variable({ value }: AstNode, scope: Scope): Type {
    if (value === '') return scope.context
    if (value === '$') return scope.root
    return scope.variables.get(String(value)) ?? ANY
  }

  /** One name read from the context, noted where the description can tell whether it exists. */
  private step(name: string, scope: Scope): Type {
    const found = member(scope.context, name)
    const path = scope.path ? `${scope.path}.${name}` : name
    // The names a field offers are the language's own, checked at load.
    if (scope.context === scope.root) return this.names.has(name) ? found : ANY
    if ((found.kind === 'none' || found.kind === 'any') && isAnnotation(name)) {
      this.readings.push({ path, verdict: 'checked' })
      return ANY
    }
    this.readings.push({
      path,
      verdict:
        scope.context.kind === 'any' || (found.kind === 'any' && !tellsOf(scope.context, name))
          ? 'unknown'
          : found.kind === 'none'
            ? 'wrong'
            : 'checked',
    })
    return found.kind === 'none' ? ANY : found
  }

  private path({ steps = [], group, ...node }: AstNode, scope: Scope): Type {
    let context = scope.context
    let path = scope.path
    const variables = new Map(scope.variables)
    for (const [index, step] of steps.entries()) {
      const inner: Scope = { context: index === 0 ? context : context, root: scope.root, path, variables }
      let type: Type
      if (step.type === 'name') type = this.filtered(step, this.step(String(step.value), inner), inner)
      else if (step.type === 'sort') {
        for (const term of step.terms ?? []) this.of(term.expression, { ...inner, context: itemOf(context) })
        type = context
      } else {
        const over = index === 0 ? inner : { ...inner, context: itemOf(context) }
        const made = this.of(step, over)
        type = index > 0 && context.kind === 'list' && made.kind !== 'list' ? listOf(made) : made
      }
      if (step.type === 'name') path = path ? `${path}.${String(step.value)}` : String(step.value)
      if (step.focus) variables.set(step.focus, itemOf(type))
      context = type
    }
    void group
    void node
    return context
  }

  /** Predicates see an item of what they filter; an index picks one. */
  private filtered(node: AstNode, type: Type, scope: Scope): Type {
    let picked = type
    for (const stage of [...(node.stages ?? []), ...(node.predicate ?? [])]) {
      if (!stage.expr) continue
      const item = itemOf(type)
      const path =
        node.type === 'name' ? (scope.path ? `${scope.path}.${String(node.value)}` : String(node.value)) : scope.path
      const index = stage.expr.type === 'number' || (stage.expr.type === 'unary' && stage.expr.value === '-')
      if (index) picked = item
      else this.of(stage.expr, { ...scope, context: item, path })
    }
    return node.group ? ANY : picked
  }

  private block({ expressions = [] }: AstNode, scope: Scope): Type {
    const inner = { ...scope, variables: new Map(scope.variables) }
    let last: Type = NONE
    for (const expression of expressions) last = this.of(expression, inner)
    return last
  }

  private unary(node: AstNode, scope: Scope): Type {
    if (node.value === '[') return listOf(union((node.expressions ?? []).map((one) => itemOf(this.of(one, scope)))))
    if (node.value === '{') {
      const members: Record<string, Type> = {}
      let open = false
      for (const [key, value] of node.lhs as [AstNode, AstNode][]) {
        const type = this.of(value, scope)
        if (key.type === 'string') members[String(key.value)] = type
        else {
          this.of(key, scope)
          open = true
        }
      }
      return objectOf(members, open ? ANY : NONE)
    }
    if (node.expression) this.of(node.expression, scope)
    return scalar('number')
  }

  private binary(node: AstNode, scope: Scope): Type {
    this.of(node.lhs as AstNode, scope)
    this.of(node.rhs!, scope)
    if (node.value === '&') return scalar('string')
    return ['and', 'or', '=', '!=', '<', '<=', '>', '>=', 'in'].includes(String(node.value))
      ? scalar('boolean')
      : node.value === '..'
        ? listOf(scalar('number'))
        : scalar('number')
  }

  private call(node: AstNode, scope: Scope): Type {
    const name = String(node.procedure?.value ?? '')
    const given = (node.arguments ?? []).map((argument) =>
      argument.type === 'operator' ? ANY : this.argument(argument, scope),
    )
    if (STRINGS.has(name)) return scalar('string')
    if (NUMBERS.has(name)) return scalar('number')
    if (BOOLEANS.has(name)) return scalar('boolean')
    switch (name) {
      case 'merge':
        return mergedOf(given[0] ?? scope.context)
      case 'append':
        return listOf(union(given.map(itemOf)))
      case 'distinct':
      case 'reverse':
      case 'sort':
      case 'filter':
      case 'shuffle':
        return given[0] ?? ANY
      case 'single':
        return given[0] ? itemOf(given[0]) : ANY
      case 'keys':
      case 'split':
        return listOf(scalar('string'))
      case 'sift':
      case 'map':
        return ANY
      default:
        return ANY
    }
  }

  /** A function written in place sees the items of the list it is called on, which is not followed. */
  private argument(node: AstNode, scope: Scope): Type {
    return node.type === 'lambda' ? ANY : this.of(node, scope)
  }
}

function mergedOf(list: Type): Type {
  const parts = list.kind === 'list' ? (list.item.kind === 'union' ? list.item.of : [list.item]) : [list]
  const members: Record<string, Type> = {}
  let rest: Type = NONE
  for (const part of parts) {
    for (const name of namesOf(part)) members[name] = member(part, name)
    // Members of a map (name: value) are all alike.
    const other = member(part, '\u0000')
    if (part.kind === 'any' || other.kind !== 'none') rest = other.kind === 'none' ? ANY : other
  }
  return objectOf(members, rest)
}

const STRINGS = new Set(
  'string substring substringBefore substringAfter uppercase lowercase trim pad join replace now fromMillis formatNumber base64encode base64decode encodeUrlComponent decodeUrlComponent formatInteger'.split(
    ' ',
  ),
)
const NUMBERS = new Set(
  'number count sum max min average abs floor ceil round power sqrt toMillis millis length parseInteger'.split(' '),
)
const BOOLEANS = new Set('exists not boolean contains'.split(' '))
