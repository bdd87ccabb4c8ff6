import { isRawNumber } from '../core/index.ts'
import type { FunctionDefinition, FunctionFocus } from './builtins.ts'
import { sequence } from './builtins.ts'
import { focusOf, place } from './lambda.ts'
import { plain, type Scope } from './scope.ts'

/**
 * JSONata checks every call by a regular expression over the types of the arguments. For signatures of scalars, arrays of
 * scalars and arrays that check is done by `typeof` when all arguments are there, which gives the same answer at a tenth of
 * the cost.
 */
type SimpleSignature = { parameters: ((arg: unknown) => boolean)[]; required: number }

const PARAMETER = /(?:a<[snb]>|[snbxa])[-?]?/g
const SCALARS: Record<string, string> = { s: 'string', n: 'number', b: 'boolean' }

function simpleSignature(definition: string): SimpleSignature | null {
  const inner = /^<((?:(?:a<[snb]>|[snbxa])[-?]?)*)(?::.*)?>$/.exec(definition)?.[1]
  if (inner === undefined) return null
  const parameters = inner.match(PARAMETER) ?? []
  return { parameters: parameters.map(checkOf), required: parameters.filter((one) => !one.endsWith('?')).length }
}

function checkOf(parameter: string): (arg: unknown) => boolean {
  if (parameter[0] === 'x') return () => true
  if (parameter[0] !== 'a') return isOfType(SCALARS[parameter[0]!]!)
  if (parameter[1] !== '<') return Array.isArray
  const isItem = isOfType(SCALARS[parameter[2]!]!)
  return (arg) => Array.isArray(arg) && arg.every(isItem)
}

const isOfType =
  (type: string) =>
  (arg: unknown): boolean =>
    typeof arg === type

function fits({ parameters, required }: SimpleSignature, args: unknown[]): boolean {
  if (args.length < required || args.length > parameters.length) return false
  for (let i = 0; i < args.length; i++) if (!parameters[i]!(args[i])) return false
  return true
}

/** Functions that ask what time it is; all others do without the cost of being told. */
const READS_CLOCK = new Set(['toMillis', 'now', 'millis'])

/** Functions that only hand items on; exact numbers pass through them as they are. */
const HANDS_ON = new Set(['map', 'filter', 'single', 'reduce', 'each', 'sift', 'sort', 'append', 'reverse', 'zip'])

/** Arguments as a function takes them; a number that stands alone, or is to be sorted by its size, it must see as a number. */
function plainArguments(name: string, args: unknown[], scope: Scope): unknown[] {
  const handsOn = HANDS_ON.has(name) && (name !== 'sort' || args.length > 1)
  return args.map((arg) => (handsOn && !isRawNumber(arg) ? arg : plain(arg, scope)))
}

/** A direct call of a function known by name, with the argument rules and error places of the reference evaluator. */
export function nativeCall(name: string, position: number | undefined, definition: FunctionDefinition) {
  const { implementation, signature } = definition
  const simple = signature ? simpleSignature(signature.definition) : null
  const site = { token: name, position }
  return (args: unknown[], input: unknown, scope: Scope): unknown => {
    const focus: FunctionFocus = READS_CLOCK.has(name)
      ? focusOf(input, scope)
      : { environment: undefined, input, options: undefined, createSequence: sequence }
    try {
      const values = scope.evaluation.exact ? plainArguments(name, args, scope) : args
      const checked =
        !signature || (simple && fits(simple, values)) ? values : signature.validate(values, plain(input, scope))
      return implementation.apply(focus, checked)
    } catch (error) {
      place(error, site)
      throw error
    }
  }
}
