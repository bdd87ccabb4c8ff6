import { isRawNumber } from '../core/index.ts'
import type { FunctionDefinition, FunctionFocus } from './builtins.ts'
import { sequence } from './builtins.ts'
import { focusOf, place } from './lambda.ts'
import { plain, type Scope } from './scope.ts'

const TYPE_LETTERS: Record<string, string> = { s: 'string', n: 'number', b: 'boolean', x: '' }

/**
 * JSONata checks every call by a regular expression over the types of the arguments. For signatures of plain scalars that
 * check is done by `typeof` when all arguments are there, which gives the same answer at a tenth of the cost.
 */
type SimpleSignature = { types: string[]; required: number }

function simpleSignature(definition: string): SimpleSignature | null {
  const inner = /^<((?:[snbx][-?]?)*)(?::.*)?>$/.exec(definition)?.[1]
  if (inner === undefined) return null
  const parameters = inner.match(/[snbx][-?]?/g) ?? []
  return {
    types: parameters.map((parameter) => TYPE_LETTERS[parameter[0]!]!),
    required: parameters.filter((parameter) => parameter[1] !== '?').length,
  }
}

const fits = (signature: SimpleSignature, args: unknown[]): boolean =>
  args.length >= signature.required &&
  args.length <= signature.types.length &&
  args.every((arg, i) => signature.types[i] === '' || typeof arg === signature.types[i])

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
