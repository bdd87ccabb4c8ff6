/** Calls of functions by name: whether the arguments fit, and what comes out. */
import { type AstNode, signatureOf } from '../../expression/index.ts'
import { mappingFunctions } from '../prepare.ts'
import { literalOf } from './facts.ts'
import type { Inference } from './infer.ts'
import { losesDigits, mayBeNull } from './operators.ts'
import { inWords, isList, itemOf, kindsSeen, oneKind, type Shape, severalOf, UNKNOWN } from './shape.ts'
import { type Parameter, readSignature } from './signature.ts'
import { inferTable } from './tables.ts'

export type Argument = { node: AstNode; shape: Shape }

const signatures = new Map<string, ReturnType<typeof readSignature> | null>()

function signatureFor(name: string) {
  if (!signatures.has(name)) {
    const text = mappingFunctions[name]?.signature ?? signatureOf(name)
    signatures.set(name, text === undefined ? null : readSignature(text))
  }
  return signatures.get(name) ?? null
}

/** Functions that round a number, or see it as a double. */
const ROUNDING = new Set([
  'sum',
  'average',
  'max',
  'min',
  'abs',
  'floor',
  'ceil',
  'round',
  'power',
  'sqrt',
  'formatNumber',
])

export function inferCall(inference: Inference, name: string, args: Argument[], node: AstNode): Shape {
  const signature = signatureFor(name)
  if (!signature) return UNKNOWN
  const { parameters } = signature
  // With fewer, JSONata may put the context in the place of the first; which, only the values tell.
  const aligned = args.length >= parameters.filter(({ optional }) => !optional).length
  if (aligned && node.type === 'function')
    for (const [i, argument] of args.entries())
      checkArgument(inference, name, i + 1, argument, parameters[Math.min(i, parameters.length - 1)])
  const first = args[0]?.shape ?? UNKNOWN
  if (ROUNDING.has(name)) {
    const item = itemOf(first)
    if ((item.exact && item.kinds?.has('number')) || item.lossy) losesDigits(inference, args[0]!.node, `$${name}`)
  }
  if (name === 'table') return inferTable(inference, args)
  return resultOf(name, args, first) ?? (signature.gives ? oneKind(signature.gives, decimals(name)) : UNKNOWN)
}

/** Text that these give is written as a number where the target takes one. */
const decimals = (name: string): Partial<Shape> =>
  /^decimal|^money|[mM]inor/.test(name) ? { kinds: new Set(['string', 'number'] as const) } : {}

function checkArgument(
  inference: Inference,
  name: string,
  index: number,
  { node, shape }: Argument,
  parameter?: Parameter,
) {
  if (!parameter?.kinds) return
  const { kinds: takes, items } = parameter
  if (takes.has('array')) {
    const item = itemOf(shape)
    if (items && item.kinds && ![...item.kinds].some((kind) => items.has(kind)))
      wrong(
        inference,
        name,
        index,
        node,
        { ...shape, certain: shape.certain === true && !isList(shape) },
        `a list of ${inWords(item.kinds)}`,
        shape.exact || item.exact,
      )
    return
  }
  const kinds = kindsSeen(shape)
  if (!kinds) return
  if (![...kinds].some((kind) => takes.has(kind)))
    wrong(inference, name, index, node, shape, inWords(kinds), shape.exact)
  else if (kinds.has('null') && !takes.has('null')) mayBeNull(inference, node, shape, `$${name} refuses`)
}

const wrong = (
  inference: Inference,
  name: string,
  index: number,
  node: AstNode,
  shape: Shape,
  what: string,
  exact?: boolean,
) =>
  inference.report(
    node,
    `argument ${index} of $${name} is ${what}, which it does not take`,
    exact
      ? 'Calculate with $decimalSum, $decimalAdd and their like, which take text.'
      : 'Convert it; $string and $number do.',
    shape.certain ? 'error' : 'warning',
  )

/** What comes out of functions whose signature does not say enough. */
function resultOf(name: string, args: Argument[], first: Shape): Shape | undefined {
  switch (name) {
    case 'filter':
      return severalOf(first)
    case 'map':
      return { kinds: null, several: true }
    case 'distinct':
      return first.several ? first : undefined
    case 'keys':
      return oneKind('string', { several: true })
    case 'each':
    case 'spread':
    case 'match':
      return { kinds: null, several: true }
    case 'sort':
    case 'reverse':
    case 'shuffle': {
      const { schema } = itemOf(first)
      return oneKind('array', schema === undefined ? {} : { schema: { type: 'array', items: schema } })
    }
    case 'append':
    case 'single':
    case 'reduce':
    case 'lookup':
    case 'eval':
    case 'merge':
    case 'sift':
    case 'clone':
    case 'error':
    case 'ref':
      return UNKNOWN
    case 'number':
      return oneKind('number', first.exact || first.lossy ? { lossy: true } : {})
    case 'string':
      return oneKind('string', first.lossy ? { lossy: true } : {})
    case 'substring':
      return cut(args, first)
    case 'lowercase':
    case 'uppercase':
    case 'trim':
      return oneKind('string', first.maxLength === undefined ? {} : { maxLength: first.maxLength })
    default:
      return undefined
  }
}

function cut(args: Argument[], first: Shape): Shape {
  const length = literalOf(args[2]?.node)
  const maxLength = typeof length === 'number' ? Math.max(0, length) : first.maxLength
  return oneKind('string', maxLength === undefined ? {} : { maxLength })
}
