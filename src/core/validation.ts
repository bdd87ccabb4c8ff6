import type { Ajv, ErrorObject, ValidateFunction } from 'ajv'
import { lazily } from './lazily.ts'
import { nearestName } from './nearest.ts'

/** One thing a schema does not accept, where in the value it is and how to say it. */
export type Violation = {
  /** Path to the offending value; for an unknown or missing key, to the object that has or lacks it. */
  path: (string | number)[]
  /** The key in question, when the violation is about a key. */
  key?: string
  message: string
  fix: string
}

export type Validator = (value: unknown) => Violation[]

const ajvPackage = lazily<typeof import('ajv')>('ajv')
const formatsPackage = lazily<{ default: (ajv: Ajv) => Ajv }>('ajv-formats')

/** The one Ajv of the hub: every schema is compiled with the same options. `strictTypes` off because schemas use unions. */
let ajv: Ajv | undefined
function theAjv(): Ajv {
  if (ajv) return ajv
  ajv = new (ajvPackage().Ajv)({
    allErrors: true,
    strict: true,
    strictTypes: false,
    strictTuples: false,
    verbose: true,
    discriminator: true,
    // Most schemas are compiled at the start of a command that uses them once: both halve that, and V8 does the rest.
    inlineRefs: false,
    code: { optimize: false },
  })
  formatsPackage().default(ajv)
  // Says of a number that it is exact; nothing more to check.
  ajv.addFormat('decimal', true)
  for (const keyword of ['x-kind', 'x-variables', 'x-secret', 'x-title', 'x-since', 'x-name', 'example'])
    ajv.addKeyword(keyword)
  return ajv
}

const compiled = new WeakMap<object, Validator>()

/** Compiles a JSON Schema (draft-07) once per schema object. */
export function compileSchema(schema: object): Validator {
  const known = compiled.get(schema)
  if (known) return known
  const validate = theAjv().compile(schema)
  const validator: Validator = (value) => (validate(value) ? [] : explain(validate))
  compiled.set(schema, validator)
  return validator
}

/** Nobody reads more at once, and a file with a hundred thousand faults must not take minutes to be refused. */
const MOST_VIOLATIONS = 500

function explain(validate: ValidateFunction): Violation[] {
  const errors = (validate.errors ?? []).filter((error) => error.keyword !== 'if')
  // A failed union reports each of its branches; the branch that got furthest into the value says what is meant.
  const deepest = new Map<string, number>()
  const unions = errors.filter((error) => error.keyword === 'oneOf' || error.keyword === 'anyOf')
  for (const union of unions) {
    const inside = errors.filter((error) => error.schemaPath.startsWith(union.schemaPath) && error !== union)
    deepest.set(union.instancePath, Math.max(0, ...inside.map((error) => error.instancePath.length)))
  }
  const telling = errors.filter((error) => {
    const union = unions.find(
      (candidate) => error !== candidate && error.instancePath.startsWith(candidate.instancePath),
    )
    if (!union) return !unions.includes(error) || deepest.get(error.instancePath) === 0
    return (
      error.instancePath.length === deepest.get(union.instancePath) &&
      error.instancePath.length > union.instancePath.length
    )
  })
  const seen = new Set<string>()
  return (telling.length ? telling : errors)
    .slice(0, MOST_VIOLATIONS)
    .map(violation)
    .filter((found) => {
      const text = JSON.stringify(found)
      return seen.has(text) ? false : seen.add(text)
    })
}

function violation(error: ErrorObject): Violation {
  const path = error.instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  const params = error.params as Record<string, unknown>
  switch (error.keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties': {
      const key = String(params.additionalProperty ?? params.unevaluatedProperty)
      const names = Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {})
      const near = nearestName(key, names)
      return {
        path,
        key,
        message: `unknown key "${key}"`,
        fix: near ? `Did you mean "${near}"?` : `Known keys here: ${names.join(', ') || 'none'}.`,
      }
    }
    case 'required': {
      const key = String(params.missingProperty)
      return { path, message: `"${key}" is missing`, fix: `Add the key "${key}".` }
    }
    case 'enum':
    case 'const': {
      const allowed = (error.keyword === 'enum' ? params.allowedValues : [params.allowedValue]) as unknown[]
      const near = nearestName(String(error.data), allowed.map(String))
      return {
        path,
        message: `${JSON.stringify(error.data)} is not one of ${allowed.map((value) => JSON.stringify(value)).join(', ')}`,
        fix: near ? `Did you mean "${near}"?` : 'Use one of the values listed.',
      }
    }
    case 'type':
      return { path, message: `must be ${String(params.type)}`, fix: `Give a value of type ${String(params.type)}.` }
    default:
      return { path, message: error.message ?? error.keyword, fix: correction(error.parentSchema as Bounds) }
  }
}

type Bounds = { examples?: unknown[]; minimum?: number; maximum?: number } | undefined

/** What would be accepted, where the schema says it. */
function correction({ examples, minimum, maximum }: Bounds = {}): string {
  if (minimum !== undefined && maximum !== undefined) return `Give a number from ${minimum} to ${maximum}.`
  return examples?.length ? `Write it like ${JSON.stringify(examples[0])}.` : 'Correct the value.'
}
