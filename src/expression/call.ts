import { type FunctionDefinition, type FunctionFocus, sequence } from './builtins.ts'
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

/** A direct call of a synchronous function, with the argument rules and error decoration of the reference evaluator. */
export function compileCall(name: string, position: number | undefined, definition: FunctionDefinition) {
  const { implementation, signature } = definition
  const simple = signature ? simpleSignature(signature.definition) : null
  // A picture without a date takes it from the clock.
  const readsClock = name === 'toMillis'
  return (args: unknown[], input: unknown, scope: Scope): unknown => {
    const environment = readsClock ? { timestamp: new Date(scope.now ?? Date.now()) } : undefined
    const focus: FunctionFocus = { environment, input, options: undefined, createSequence: sequence }
    try {
      const checked =
        !signature || (simple && fits(simple, args)) ? args : signature.validate(args, plain(input, scope))
      return implementation.apply(focus, checked)
    } catch (error) {
      const failure = error as { position?: number; token?: unknown }
      if (typeof failure === 'object' && failure !== null && !(error instanceof Error)) {
        failure.position = position ?? 0
        failure.token ??= name
      }
      throw error
    }
  }
}
