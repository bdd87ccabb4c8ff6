/** Compiles what makes and calls functions: calls, lambdas, partial application, `~>` and transforms. */
import jsonata from 'jsonata'
import type { AstNode } from './ast.ts'
import { builtin, type FunctionDefinition } from './builtins.ts'
import type { Compiler } from './closures.ts'
import { directForm } from './direct/index.ts'
import { apply, asArgument, Lambda, OPEN, partialNative, place, type Site, TailCall } from './lambda.ts'
import { isFunction } from './marks.ts'
import { nativeCall } from './native-call.ts'
import { alwaysConsumes } from './regex.ts'
import { type Run, type Scope, variable } from './scope.ts'
import { transformer } from './transform.ts'
import { NotCompilable } from './tree-facts.ts'

/** A call; `given` is what `~>` puts before its arguments. */
type Call = (input: unknown, scope: Scope, given?: [unknown]) => unknown

export function compileCall(compiler: Compiler, node: AstNode): Run {
  const call = callOf(compiler, node)
  return ofText(compiler, node, call) ?? direct(compiler, node, call) ?? ((input, scope) => call(input, scope))
}

function callOf(compiler: Compiler, node: AstNode): Call {
  const procedure = node.procedure!
  const name = procedure.value as string
  const args = node.arguments!.map((argument) => compiler.compile(argument))
  const evaluated = (input: unknown, scope: Scope, given?: [unknown]): unknown[] => {
    const values: unknown[] = given ?? []
    for (const run of args) values.push(asArgument(run(input, scope), scope))
    return values
  }
  const definition = procedure.type === 'variable' && !procedure.predicate ? compiler.functionNamed(name) : undefined
  if (!definition) return dynamicCall(compiler, node, evaluated)
  const call = nativeCall(name, node.position, definition)
  return (input, scope, given) => call(evaluated(input, scope, given), input, scope)
}

function dynamicCall(compiler: Compiler, node: AstNode, evaluated: (...of: Parameters<Call>) => unknown[]): Call {
  const procedure = node.procedure!
  const run = compiler.compile(procedure)
  const site = siteOf(node)
  const misnamed = misnamedBy(compiler, node)
  return (input, scope, given) => {
    const callee = run(input, scope)
    if (callee === undefined && misnamed(scope)) throw { code: 'T1005', ...site }
    const args = evaluated(input, scope, given)
    try {
      // Functions of JavaScript cannot be told their place.
      return apply(callee, args, input, scope, typeof callee === 'function' ? undefined : site)
    } catch (error) {
      if (!(error as { position?: number } | null)?.position) place(error, site)
      throw error
    }
  }
}

/** The name and place that errors of a call bear. */
function siteOf(node: AstNode): Site {
  const { type, steps, value } = node.procedure!
  return { token: type === 'path' ? steps![0]!.value : value, position: node.position }
}

/** Whether `name(…)` misses only the `$` before it. */
function misnamedBy(compiler: Compiler, { procedure }: AstNode): (scope: Scope) => boolean {
  if (procedure!.type !== 'path') return () => false
  const name = procedure!.steps![0]!.value
  if (typeof name !== 'string') return () => false
  const definition = compiler.namedAnywhere(name)
  return (scope) => Boolean(variable(scope, name, definition))
}

const OF_TEXT: Record<string, (text: string) => string> = {
  string: (text) => text,
  lowercase: (text) => text.toLowerCase(),
  uppercase: (text) => text.toUpperCase(),
}

/** The functions of one text that nearly every field uses; anything but text takes the general way. */
function ofText(compiler: Compiler, node: AstNode, call: Call): Run | undefined {
  const name = node.procedure!.value as string
  if (node.procedure!.type !== 'variable' || node.procedure!.predicate || node.arguments!.length !== 1) return undefined
  if (!Object.hasOwn(OF_TEXT, name) || compiler.functionNamed(name) !== builtin(name)) return undefined
  const run = compiler.compile(node.arguments![0]!)
  const convert = OF_TEXT[name]!
  return (input, scope) => {
    const value = run(input, scope)
    if (typeof value === 'string') return convert(value)
    return name === 'string' && Number.isInteger(value) ? String(value) : call(input, scope)
  }
}

/** Calls of regular expressions with text, by far the most frequent, without a match object for each match. */
function direct(compiler: Compiler, node: AstNode, call: Call): Run | undefined {
  const { procedure } = node
  const [text, pattern, by] = node.arguments!
  if (procedure!.type !== 'variable' || procedure!.predicate || pattern?.type !== 'regex' || pattern.predicate) return
  const name = procedure!.value as string
  const definition = compiler.functionNamed(name)
  const own = definition !== undefined && definition === directForm(name)
  const regex = new RegExp(pattern.value as RegExp)
  const count = node.arguments!.length
  const run = compiler.compile(text!)
  if (own && name === 'contains' && count === 2) {
    return (input, scope) => {
      const value = run(input, scope)
      if (typeof value !== 'string') return call(input, scope)
      regex.lastIndex = 0
      return regex.test(value)
    }
  }
  const replacement = by?.value
  const isText = by?.type === 'string' && !by.predicate && typeof replacement === 'string' && !replacement.includes('$')
  if (!own || name !== 'replace' || count !== 3 || !isText || !alwaysConsumes(regex)) return
  return (input, scope) => {
    const value = run(input, scope)
    return typeof value === 'string' ? value.replace(regex, replacement) : call(input, scope)
  }
}

export function compileLambda(compiler: Compiler, node: AstNode): Run {
  if (node.thunk) return compileTailCall(compiler, node.body!)
  const parameters = node.arguments!.map((parameter) => parameter.value as string)
  const { run: body } = compiler.inFrame(false, () => compiler.compile(node.body!))
  const code = { parameters, body, signature: node.signature }
  return (input, scope) => new Lambda(code, input, scope)
}

function compileTailCall(compiler: Compiler, node: AstNode): Run {
  const procedure = node.procedure!
  const callee = compiler.compile(procedure)
  const args = node.arguments!.map((argument) => compiler.compile(argument))
  const token = procedure.type === 'variable' ? procedure.value : undefined
  const site = { token, position: procedure.position }
  return (input, scope) =>
    new TailCall(() => {
      const next = callee(input, scope)
      if (!isFunction(next) && (typeof next !== 'object' || next === null)) throw new TypeError('not a function')
      return { callee: next, args: args.map((run) => run(input, scope)), site }
    })
}

export function compilePartial(compiler: Compiler, node: AstNode): Run {
  const args = node.arguments!.map((argument) =>
    argument.type === 'operator' && argument.value === '?' ? () => OPEN : compiler.compile(argument),
  )
  const procedure = compiler.compile(node.procedure!)
  const site = siteOf(node)
  const misnamed = misnamedBy(compiler, node)
  return (input, scope) => {
    const values = args.map((run) => run(input, scope))
    const callee = procedure(input, scope)
    if (callee instanceof Lambda) return callee.partial(values)
    if (callee === undefined && misnamed(scope)) throw { code: 'T1007', ...site }
    if (!isFunction(callee)) throw { code: 'T1008', ...site }
    return partialNative(callee as FunctionDefinition, values, scope)
  }
}

/** How JSONata itself defines `f ~> g` of two functions; parsed so that errors in it have the place they have there. */
const CHAIN = 'function($f, $g) { function($x){ $g($f($x)) } }'
let chain: AstNode | undefined

export function compileApply(compiler: Compiler, node: AstNode): Run {
  const left = compiler.compile(node.lhs as AstNode)
  // A predicate behind such a call is passed over, as there.
  if (node.rhs!.type === 'function') {
    const call = callOf(compiler, node.rhs!)
    return (input, scope) => call(input, scope, [left(input, scope)])
  }
  const right = compiler.compile(node.rhs!)
  chain ??= jsonata(CHAIN).ast() as AstNode
  const chained = compiler.compile(chain)
  return (input, scope) => {
    const value = left(input, scope)
    const callee = right(input, scope)
    if (!isFunction(callee)) throw { code: 'T2006', position: node.position, value: callee }
    return isFunction(value)
      ? apply(chained(null, scope), [value, callee], null, scope)
      : apply(callee, [value], null, scope)
  }
}

export function compileTransform(compiler: Compiler, node: AstNode): Run {
  const clause = (part: AstNode | undefined) => part && { run: compiler.compile(part), position: part.position }
  const clone = compiler.functionNamed('clone')
  if (!clone) throw new NotCompilable()
  return transformer({
    clone,
    pattern: compiler.compile(node.pattern!),
    update: clause(node.update)!,
    remove: clause(node.delete),
  })
}
