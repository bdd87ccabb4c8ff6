/** One record through a prepared program: filter, parts, join keys. Runs in the sandbox. */
import { CausewayError, isRawNumber, JsonText } from '../core/index.ts'
import { forgetDecimals, isTrue } from '../expression/index.ts'
import type { JoinKeys, MapOutput, MappedPart } from './contract.ts'
import { asMappingError, located } from './failure.ts'
import { Filler } from './fill.ts'
import { Output, recordOf } from './output.ts'
import type { PreparedExpression, PreparedProgram } from './prepare.ts'
import type { RecordHead } from './program.ts'
import { evaluate, evaluateTogether, type View, viewOf } from './view.ts'

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
    await demandJoins(prepared, view)
    const parts = prepared.each
      ? await severalParts(prepared, prepared.each, view)
      : [await onePart(prepared, '', view)]
    return { status: 'mapped', parts }
  } catch (error) {
    return { status: 'failed', error: asMappingError(error).toJSON() }
  }
}

/** A join that must find something fails the record where the record names somebody and nobody is there. */
async function demandJoins(prepared: PreparedProgram, view: View): Promise<void> {
  for (const { name, key, required } of prepared.joins) {
    if (!required) continue
    const found = view.bindings[name]
    if (found !== null && found !== undefined && !(Array.isArray(found) && found.length === 0)) continue
    if (keyTexts(await evaluate(key, view), key).length === 0) continue
    throw located(
      new CausewayError('CSW-4007', { what: `The join "${name}" found no record`, data: { join: name } }),
      key,
    )
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
  const { program, hasReferences, options } = prepared
  const output = new Output({ ...program, hasReferences, options }, view.spellings)
  const evaluated = prepared.evaluated ? await evaluateTogether(prepared.evaluated, view) : undefined
  const values = recordOf(new Filler(view, evaluated, output).fill(prepared.template))
  return { part, values: JsonText.of(values), references: output.references }
}

/** Keys are texts or numbers, one or several; what is missing, null or empty is no key. */
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
