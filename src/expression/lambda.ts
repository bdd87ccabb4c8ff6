/** Functions as values: lambdas, JSONata's own functions handed around, regular expressions, and how each is applied. */
import { CausewayError } from '../core/index.ts'
import { type FunctionDefinition, type FunctionFocus, sequence } from './builtins.ts'
import { isFunction } from './marks.ts'
import { innerScope, instant, plain, type Run, type Scope, variable } from './scope.ts'

/** Where a function was last called, for the place of an error inside it. */
export type Site = { token: unknown; position: number | undefined }

type Code = {
  parameters: readonly string[]
  body: Run
  signature?: FunctionDefinition['signature']
}

/** `function($x) { … }` together with the variables it closes over. */
export class Lambda {
  // Read by JSONata's own functions.
  readonly _jsonata_lambda = true
  /** Own for each: lets JSONata's functions call it, and makes no two lambdas equal. */
  readonly apply: (self: unknown, args: unknown[]) => unknown
  site: Site | undefined
  readonly #code: Code
  readonly #input: unknown
  readonly #scope: Scope

  constructor(code: Code, input: unknown, scope: Scope) {
    this.#code = code
    this.#input = input
    this.#scope = scope
    this.apply = (_self, args) => apply(this, args, input, scope)
  }

  get arity(): number {
    return this.#code.parameters.length
  }

  get signature(): FunctionDefinition['signature'] {
    return this.#code.signature
  }

  enter(args: readonly unknown[]): unknown {
    const variables = Object.create(null) as Record<string, unknown>
    const { parameters, body } = this.#code
    for (let i = 0; i < parameters.length; i++) variables[parameters[i]!] = args[i]
    return body(this.#input, innerScope(this.#scope, variables))
  }

  /** The lambda of the parameters that `args` leaves open. */
  partial(args: readonly unknown[]): Lambda {
    const { parameters, body } = this.#code
    const bound = Object.create(null) as Record<string, unknown>
    const open = parameters.filter((name, i) => {
      if (args[i] === OPEN) return true
      bound[name] = args[i]
      return false
    })
    return new Lambda({ parameters: open, body }, this.#input, innerScope(this.#scope, bound))
  }
}

/** A call in tail position, made when the lambda around it has returned: recursion there needs no stack. */
export class TailCall {
  readonly _jsonata_lambda = true
  readonly next: () => { callee: unknown; args: unknown[]; site: Site }

  constructor(next: TailCall['next']) {
    this.next = next
  }
}

/** The mark of an argument that a partial application leaves open. */
export const OPEN = Symbol('?')

/** Applies any function to arguments, with the checks and error places of the reference evaluator. */
export function apply(callee: unknown, args: unknown[], input: unknown, scope: Scope, site?: Site): unknown {
  let result = applyOnce(callee, args, input, scope, site)
  while (result instanceof TailCall) {
    const next = result.next()
    result = applyOnce(next.callee, next.args, input, scope, next.site)
  }
  return result
}

function applyOnce(callee: unknown, args: unknown[], input: unknown, scope: Scope, site?: Site): unknown {
  if (site && callee instanceof Lambda) callee.site = site
  try {
    return enter(callee, args, input, scope)
  } catch (error) {
    if (callee !== undefined && typeof callee !== 'function')
      place(error, callee instanceof Lambda ? callee.site : site)
    throw error
  }
}

function enter(callee: unknown, args: unknown[], input: unknown, scope: Scope): unknown {
  if (callee instanceof Lambda) {
    return callee.enter(callee.signature ? callee.signature.validate(args, plain(input, scope)) : args)
  }
  if (typeof callee === 'function') return callee.apply(input, args)
  if (callee instanceof TailCall) {
    const next = callee.next()
    return apply(next.callee, next.args, input, scope, next.site)
  }
  if (!isFunction(callee)) throw callee === null ? new TypeError('null is called') : { code: 'T1006' }
  const { implementation, signature } = callee as FunctionDefinition
  // Data can carry the mark of a function; only what can be called is one.
  if (typeof implementation !== 'function') throw new TypeError('not a function')
  const plainArgs = args.map((arg) => plain(arg, scope))
  return implementation.apply(
    focusOf(input, scope),
    signature ? signature.validate(plainArgs, plain(input, scope)) : plainArgs,
  )
}

/** What JSONata's functions find as `this`. */
export const focusOf = (input: unknown, scope: Scope): FunctionFocus => ({
  environment: {
    get timestamp() {
      return new Date(instant(scope))
    },
  },
  input,
  options: undefined,
  createSequence: sequence,
})

/** The outer call gives the position, the inner one the name. */
export function place(error: unknown, site: Site | undefined): void {
  if (!site || typeof error !== 'object' || error === null || error instanceof CausewayError) return
  const failure = error as { position?: number | undefined; token?: unknown }
  failure.token ??= site.token
  failure.position = site.position || failure.position
}

/** Functions reach other functions as JavaScript functions that know how many arguments they take. */
export function asArgument(value: unknown, scope: Scope): unknown {
  if (!isFunction(value)) return value
  const closure = (...args: unknown[]) => apply(value, args, null, scope)
  return Object.assign(closure, { arity: arityOfValue(value) })
}

export function arityOfValue(value: unknown): number {
  const { arity, implementation, length } = value as { arity?: unknown; implementation?: unknown; length?: unknown }
  if (typeof arity === 'number') return arity
  if (typeof implementation === 'function') return implementation.length
  if (typeof length === 'number') return length
  return (value as { arguments: unknown[] }).arguments.length
}

/** A function of JSONata with some arguments given; like there, the rest is not checked against the signature. */
export function partialNative(
  callee: FunctionDefinition | FunctionDefinition['implementation'],
  args: unknown[],
  scope: Scope,
) {
  const native = typeof callee === 'function' ? callee : callee.implementation
  const parameters = Array.from({ length: Math.max(1, native.length) }, (_, i) => String(i))
  const body: Run = (_input, inner) => {
    const values = parameters.map((name) => variable(inner, name))
    return native.apply(focusOf(undefined, inner), values)
  }
  return new Lambda({ parameters, body }, undefined, scope).partial(args)
}
