import jsonata from 'jsonata'

/** A function as JSONata keeps it: `validate` checks and completes the arguments, with the context where one is missing. */
export type FunctionDefinition = {
  _jsonata_function: true
  implementation: (this: FunctionFocus, ...args: unknown[]) => unknown
  signature?: { definition: string; validate(args: unknown[], context: unknown): unknown[] }
}

/** What JSONata hands its functions as `this`. */
export type FunctionFocus = {
  environment: unknown
  input: unknown
  options: undefined
  createSequence: typeof sequence
}

/** A function that a room adds to the language; must be synchronous. */
export type HostFunction = {
  /** JSONata signature, e.g. `<s-:s>`; also tells the checker how many arguments there may be. */
  signature: string
  implementation: (...args: never[]) => unknown
}

export type Sequence = unknown[] & {
  sequence?: boolean
  keepSingleton?: boolean
  cons?: boolean
  outerWrapper?: boolean
  /** The items are tuples: the item under `@` and the variables that were bound on the way to it. */
  tupleStream?: boolean
}

/** A result sequence as the reference evaluator makes it, so that its functions recognise ours. */
export function sequence(...initial: unknown[]): Sequence {
  const made: Sequence = initial.length === 1 ? [initial[0]] : []
  made.sequence = true
  return made
}

type Environment = { lookup(name: string): FunctionDefinition | undefined }

/**
 * JSONata keeps its functions to itself; they are met in the environment that its entry hook is called with. The hook runs
 * before the first `await`, so this is synchronous.
 */
function environmentOf(functions: Readonly<Record<string, HostFunction>>): Environment {
  const expression = jsonata('null')
  for (const [name, { implementation, signature }] of Object.entries(functions))
    expression.registerFunction(name, implementation as (...args: unknown[]) => unknown, signature)
  let environment: Environment | undefined
  const hook = expression.assign as unknown as (name: symbol, value: unknown) => void
  hook(Symbol.for('jsonata.__evaluate_entry'), (_node: unknown, _input: unknown, seen: Environment) => {
    environment = seen
  })
  void expression.evaluate(null)
  if (!environment) throw new Error('JSONata no longer calls its entry hook synchronously')
  return environment
}

/** Names of all functions of JSONata 2.2. */
export const BUILTIN_NAMES: readonly string[] = (
  'sum count max min average string substring substringBefore substringAfter lowercase uppercase length trim pad match ' +
  'contains replace split join formatNumber formatBase formatInteger parseInteger number floor ceil round abs sqrt power ' +
  'random boolean not map zip filter single reduce sift keys lookup append exists spread merge reverse each error assert ' +
  'type sort shuffle distinct base64encode base64decode encodeUrlComponent encodeUrl decodeUrlComponent decodeUrl eval ' +
  'toMillis fromMillis clone now millis'
).split(' ')

const standard = environmentOf({})
const AsyncFunction = (async () => {}).constructor

export const builtin = (name: string): FunctionDefinition | undefined => standard.lookup(name)

/** Definitions of host functions, with their signatures parsed by JSONata itself. */
export function defineFunctions(functions: Readonly<Record<string, HostFunction>>): Map<string, FunctionDefinition> {
  const environment = environmentOf(functions)
  return new Map(Object.keys(functions).map((name) => [name, environment.lookup(name)!]))
}

export const isSynchronous = (definition: FunctionDefinition): boolean =>
  !(definition.implementation instanceof AsyncFunction)

/** How many arguments a function takes, by its JSONata signature; one that the context can stand in for is not counted as needed. */
export function arityOf(signature: string): { least: number; most: number } {
  const parameters = withoutTypeParameters(signature).match(/(?:\([^)]*\)|[snblaofjx])[-?+]*/g) ?? []
  return {
    least: parameters.filter((parameter) => !/[-?]$/.test(parameter)).length,
    most: parameters.some((parameter) => parameter.endsWith('+')) ? Number.POSITIVE_INFINITY : parameters.length,
  }
}

/** "<a<n>f<s:o>?:n>" → "af?" */
function withoutTypeParameters(signature: string): string {
  let depth = 0
  let plain = ''
  for (const char of signature.slice(1, -1)) {
    if (char === '<') depth++
    else if (char === '>') depth--
    else if (depth === 0 && char === ':') break
    else if (depth === 0) plain += char
  }
  return plain
}

/** Signature of a function of JSONata, or `undefined` when there is none of that name. */
export const signatureOf = (name: string): string | undefined =>
  name === 'now' ? '<s?s?:s>' : name === 'millis' ? '<:n>' : builtin(name)?.signature?.definition
