/** Compiles one JSONata expression of a manifest and checks what it refers to. */
import { CausewayError, type Finding, isObject, nearestName, type Place } from '../../core/index.ts'
import { BUILTIN_NAMES, type CompiledExpression, compileExpression, type Use } from '../../expression/index.ts'
import { byteFunctions } from './byte-functions.ts'
import type { Expression, Scope } from './expression.ts'
import { textFunctions } from './functions.ts'

export type NameCheck = {
  /** Names the expression may start from. */
  names: readonly string[]
  /** Settings the manifest declares. */
  settings: ReadonlySet<string>
}

export type SourceContext = {
  placeOf(offset: number): Place
  check: NameCheck
  findings: Finding[]
  /** Collects the root names that are used. */
  names?: Set<string>
}

/** What manifests may call besides the functions of JSONata. */
const OWN_FUNCTIONS = { ...textFunctions, ...byteFunctions }
const FUNCTION_NAMES = [...new Set([...BUILTIN_NAMES, ...Object.keys(OWN_FUNCTIONS)])]

/** Values of a page or record may hold numbers with a spelling of their own; expressions hand those on untouched. */
const EXACT = { exact: true } as const

/** Answers an expression that gives nothing when the source has faults; they are in the findings then. */
export function compileSource(source: string, context: SourceContext): Expression {
  const place = context.placeOf(0)
  const compiled = parsed(source, context)
  if (!compiled) return { source, place, evaluate: () => undefined, looksInto: new Set() }
  checkNames(compiled, context)
  return {
    source,
    place,
    evaluate: evaluatorOf(source.trim(), compiled),
    looksInto: looksInto(source.trim(), compiled, context.check.names),
  }
}

function evaluatorOf(source: string, compiled: CompiledExpression): Expression['evaluate'] {
  if (!compiled.isSync) return () => undefined
  const general = (scope: Scope) => compiled.evaluateSync(scope, undefined, EXACT)
  return PLAIN_PATH.test(source) ? alongPath(source.match(STEP)!.map(nameOf), general) : general
}

/** `record.updated_at`, headers.`x-time`: most of what manifests say, and evaluated for every record. */
const PLAIN_PATH = /^(?!(?:and|or|in|true|false|null)\b)[A-Za-z_]\w*(?:\.(?:[A-Za-z_]\w*|`[^`\\]+`))*$/
const STEP = /`[^`]+`|\w+/g
const nameOf = (step: string): string => (step.startsWith('`') ? step.slice(1, -1) : step)

/** Follows a path through objects. Lists, and whatever else is not plain, are the business of JSONata's own rules. */
function alongPath(steps: string[], general: Expression['evaluate']): Expression['evaluate'] {
  return (scope) => {
    let value: unknown = scope
    for (const step of steps) {
      if (!isObject(value) || !Object.hasOwn(value, step)) return general(scope)
      value = value[step]
    }
    return Array.isArray(value) ? general(scope) : value
  }
}

/** A single name is handed on; whatever takes the scope as a whole (`$`, `*`, a call without arguments) may look into all. */
function looksInto(source: string, { analysis }: CompiledExpression, all: readonly string[]): Set<string> {
  if (/\$\$|\$(?![A-Za-z_])|[*%]|\(\s*\)|~>/.test(source)) return new Set(all)
  const roots = analysis.paths.map(({ steps }) => steps[0]?.name ?? '')
  return new Set(roots.filter((name) => name !== source))
}

function parsed(source: string, context: SourceContext): CompiledExpression | null {
  try {
    return compileExpression(source, {
      functions: OWN_FUNCTIONS,
      placeOf: context.placeOf,
      failureCode: 'CSW-2011',
    })
  } catch (error) {
    if (!(error instanceof CausewayError)) throw error
    context.findings.push({
      severity: 'error',
      code: error.code,
      message: error.message,
      fix: error.fix,
      place: error.place ?? context.placeOf(0),
    })
    return null
  }
}

function checkNames(compiled: CompiledExpression, { placeOf, check, findings, names }: SourceContext): void {
  const before = findings.length
  const finding = (use: Use | undefined, message: string, fix: string) =>
    findings.push({ severity: 'error', code: 'CSW-1007', message, fix, place: placeOf(use?.offset ?? 0) })
  for (const { from, steps } of compiled.analysis.paths) {
    const [root, child] = steps
    if (from !== '' || !root) continue
    names?.add(root.name)
    if (!check.names.includes(root.name)) finding(root, `unknown name "${root.name}"`, hintFor(root.name, check.names))
    else if (root.name === 'settings' && child && !check.settings.has(child.name))
      finding(child, `unknown setting "${child.name}"`, hintFor(child.name, [...check.settings]))
  }
  for (const use of compiled.analysis.variables) {
    const fix = check.names.includes(use.name)
      ? `Write \`${use.name}\` without $; inside a nested step \`$$.${use.name}\`.`
      : hintFor(use.name, check.names)
    finding(use, `unknown variable "$${use.name}"`, fix)
  }
  for (const use of compiled.analysis.functions)
    if (!FUNCTION_NAMES.includes(use.name))
      finding(use, `unknown function "$${use.name}"`, hintFor(use.name, FUNCTION_NAMES, '$'))
  // An unknown function is not synchronous either; one finding says enough.
  if (!compiled.isSync && findings.length === before)
    finding(
      undefined,
      'this form of JSONata cannot be used in a manifest',
      'Use paths, predicates, conditions and plain functions; no lambdas, regular expressions, $map, $filter, $reduce, $sort, sorting, grouping or $now.',
    )
}

function hintFor(name: string, known: readonly string[], sigil = ''): string {
  const near = nearestName(name, known)
  if (near) return `Did you mean "${sigil}${near}"?`
  return known.length > 20
    ? 'See https://docs.jsonata.org for the functions.'
    : `Known here: ${known.join(', ') || 'none'}.`
}
