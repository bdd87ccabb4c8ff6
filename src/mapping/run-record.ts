/** One record through a prepared program: filter, parts, fields. Runs in the sandbox. */
import { CausewayError, forExpression, isRawNumber, type Json, parseNoting, setOwn } from '../core/index.ts'
import { forgetDecimals, isTrue } from '../expression/index.ts'
import type { JoinKeys, MapOutput, MappedPart } from './contract.ts'
import { Output, type Provenance, recordOf } from './output.ts'
import type { PreparedExpression, PreparedProgram, PreparedTemplate } from './prepare.ts'
import type { RecordHead } from './program.ts'
import { Spellings } from './spelling.ts'

type Bindings = Record<string, unknown>

/** What expressions see of one record. The plain side is made only when the reference evaluator needs it. */
type View = {
  input: Json
  bindings: Bindings
  exact: boolean
  /** A fixed instant for $now and $millis; absent, the clock is read where it is asked for, which is cheaper. */
  now?: number
  spellings: Spellings | undefined
  /** `evaluated` when the items of `each` themselves come from the reference evaluator, exact numbers being text by then. */
  provenance: Provenance
}

/** Maps one record. Never throws: a failure is an outcome. */
export async function mapRecord(
  prepared: PreparedProgram,
  head: RecordHead,
  texts: string[],
  now: number | null,
): Promise<MapOutput> {
  forgetDecimals()
  try {
    const view = viewOf(head, texts, now)
    if (prepared.when && !isTrue(await evaluate(prepared.when, view))) return { status: 'filtered' }
    const parts = prepared.each
      ? await severalParts(prepared, prepared.each, view)
      : [await onePart(prepared, '', view)]
    return { status: 'mapped', parts }
  } catch (error) {
    return { status: 'failed', error: asMappingError(error).toJSON() }
  }
}

/** What the sandbox answers when it is asked for join keys. */
export type JoinKeysOutput = { status: 'keys'; keys: JoinKeys } | Extract<MapOutput, { status: 'failed' }>

/** The keys of a record's joins. Never throws. */
export async function joinKeysOf(
  prepared: PreparedProgram,
  head: RecordHead,
  texts: string[],
  now: number | null,
): Promise<JoinKeysOutput> {
  try {
    const view = viewOf(head, texts, now)
    const keys: JoinKeys = {}
    for (const { name, key } of prepared.joins) {
      const found = keyTexts(await evaluate(key, view), key)
      if (found.length > 0) keys[name] = found
    }
    return { status: 'keys', keys }
  } catch (error) {
    return { status: 'failed', error: asMappingError(error).toJSON() }
  }
}

function viewOf(head: RecordHead, texts: string[], now: number | null): View {
  const parsed = texts.map(parseRecordText)
  const input = parsed[0]!.value
  const bindings: Bindings = { id: head.id, deleted: head.deleted }
  for (const [i, name] of head.joins.entries()) bindings[name] = parsed[i + 1]!.value
  const exact = parsed.some((text) => text.exact)
  const spellings = exact ? new Spellings(parsed.map((text) => text.value)) : undefined
  return { input, bindings, exact, spellings, provenance: 'direct', ...(now === null ? {} : { now }) }
}

function parseRecordText(text: string): { value: Json; exact: boolean } {
  try {
    return parseNoting(text)
  } catch (cause) {
    throw new CausewayError('CSW-4002', { what: 'The stored record is not valid JSON', cause })
  }
}

async function severalParts(
  prepared: PreparedProgram,
  each: NonNullable<PreparedProgram['each']>,
  view: View,
): Promise<MappedPart[]> {
  const found = await evaluate(each.of, view)
  const items = found === undefined || found === null ? [] : Array.isArray(found) ? found : [found]
  const provenance = each.of.isSync ? 'direct' : 'evaluated'
  const parts = new Map<string, MappedPart>()
  for (const [index, item] of items.entries()) {
    const itemView: View = { ...view, bindings: { ...view.bindings, item, index }, provenance }
    const [key, ...more] = keyTexts(await evaluate(each.key, itemView), each.key)
    if (!key || more.length > 0) throw partError(each.key, `item ${index} has ${key ? 'several keys' : 'no key'}`)
    if (parts.has(key)) throw partError(each.key, `items share a key (item ${index} is the second one)`)
    parts.set(key, await onePart(prepared, key, itemView))
  }
  return [...parts.values()]
}

async function onePart(prepared: PreparedProgram, part: string, view: View): Promise<MappedPart> {
  const { program, hasReferences } = prepared
  const output = new Output({ ...program, hasReferences }, view.spellings)
  const evaluated = prepared.evaluated ? await evaluateTogether(prepared.evaluated, view) : undefined
  const values = recordOf(new Filler(view, evaluated, output).fill(prepared.template))
  return { part, values, references: output.references }
}

/** Fills the template for one part: compiled fields run here, the others were evaluated together before. */
class Filler {
  readonly #view: View
  readonly #evaluated: Record<string, unknown> | undefined
  readonly #output: Output
  /** Where in the output the field at hand stands; one array that grows and shrinks, because this runs for every field. */
  readonly #at: (string | number)[] = []

  constructor(view: View, evaluated: Record<string, unknown> | undefined, output: Output) {
    this.#view = view
    this.#evaluated = evaluated
    this.#output = output
  }

  fill(template: PreparedTemplate): Json | undefined {
    switch (template.kind) {
      case 'constant':
        return template.value
      case 'expression':
        return this.#field(template.expression)
      case 'object': {
        const result = {}
        for (const [key, item] of template.entries) {
          const value = this.#below(key, item)
          if (value !== undefined) setOwn(result, key, value)
        }
        return result
      }
      case 'array': {
        const result: Json[] = []
        for (const [i, item] of template.items.entries()) {
          const value = this.#below(result.length, item)
          if (value === undefined) continue
          if (template.flatten[i] && Array.isArray(value)) result.push(...value)
          else result.push(value)
        }
        return result
      }
    }
  }

  #below(step: string | number, template: PreparedTemplate): Json | undefined {
    this.#at.push(step)
    const value = this.fill(template)
    this.#at.pop()
    return value
  }

  #field(expression: PreparedExpression): Json | undefined {
    const { input, bindings, provenance } = this.#view
    try {
      if (expression.slot >= 0) return this.#output.accept(this.#evaluated?.[expression.slot], this.#at, 'evaluated')
      return this.#output.accept(expression.evaluateSync(input, bindings, this.#view), this.#at, provenance)
    } catch (error) {
      const failure = located(error, expression)
      failure.data.field = this.#at.join('.')
      throw failure
    }
  }
}

async function evaluate(expression: PreparedExpression, view: View): Promise<unknown> {
  try {
    if (expression.isSync) return expression.evaluateSync(view.input, view.bindings, view)
    return await expression.evaluate(plainInput(view), plainBindings(view), clockOf(view))
  } catch (error) {
    throw located(error, expression)
  }
}

async function evaluateTogether(
  { fields, all }: NonNullable<PreparedProgram['evaluated']>,
  view: View,
): Promise<Record<string, unknown>> {
  const input = plainInput(view)
  const bindings = plainBindings(view)
  try {
    return (await all.evaluate(input, bindings, clockOf(view))) as Record<string, unknown>
  } catch (error) {
    // One of them failed; alone, each can be told apart and blamed at its own place.
    for (const field of fields) await evaluate(field, view)
    throw error
  }
}

const clockOf = (view: View): { now?: number } => (view.now === undefined ? {} : { now: view.now })
const plainInput = (view: View): unknown => (view.exact ? forExpression(view.input) : view.input)
const plainBindings = (view: View): Bindings =>
  view.exact
    ? Object.fromEntries(Object.entries(view.bindings).map(([name, value]) => [name, plainValue(value)]))
    : view.bindings
const plainValue = (value: unknown): unknown => (value === undefined ? undefined : forExpression(value as Json))

/** Keys are texts or numbers, one or several; what is missing or null is no key. */
function keyTexts(value: unknown, expression: PreparedExpression): string[] {
  if (value === undefined || value === null || value === '') return []
  if (Array.isArray(value)) return [...new Set(value.flatMap((item) => keyTexts(item, expression)))]
  if (typeof value === 'string') return [value]
  if (typeof value === 'number' && Number.isFinite(value)) return [String(value)]
  if (isRawNumber(value)) return [value.rawJSON]
  throw partError(expression, 'a key must be a text or a number')
}

const partError = (expression: PreparedExpression, what: string): CausewayError =>
  located(new CausewayError('CSW-4004', { what: `A key cannot be used: ${what}` }), expression)

/** Adds where in the mapping file the expression stands; the caller outside the sandbox turns it into line and column. */
function located(error: unknown, expression: PreparedExpression): CausewayError {
  const known = asMappingError(error)
  known.data.mappingPath ??= expression.path
  return known
}

function asMappingError(error: unknown): CausewayError {
  if (error instanceof CausewayError) return error
  return new CausewayError('CSW-4002', { what: `The mapping failed: ${(error as Error).message}`, cause: error })
}
