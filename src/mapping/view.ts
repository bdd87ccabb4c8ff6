import { CausewayError, forExpression, type Json, parseNoting } from '../core/index.ts'
import { located } from './failure.ts'
import type { Provenance } from './output.ts'
import type { PreparedExpression, PreparedProgram } from './prepare.ts'
import type { RecordHead } from './program.ts'
import { Spellings } from './spelling.ts'

type Bindings = Record<string, unknown>

/** What expressions see of one record. The plain side is made only when the reference evaluator needs it. */
export type View = {
  input: Json
  bindings: Bindings
  exact: boolean
  /** A fixed instant for $now and $millis; absent, the clock is read where it is asked for, which is cheaper. */
  now?: number
  spellings: Spellings | undefined
  /** `evaluated` when the items of `each` themselves come from the reference evaluator, exact numbers being text by then. */
  provenance: Provenance
}

/** Parses a record and its joins. Throws CSW-4002 for text that is no JSON. */
export function viewOf(head: RecordHead, texts: string[], now: number | null): View {
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

/** One expression over a record, wherever it can run. */
export async function evaluate(expression: PreparedExpression, view: View): Promise<unknown> {
  try {
    if (expression.isSync) return expression.evaluateSync(view.input, view.bindings, view)
    return await expression.evaluate(plainInput(view), plainBindings(view), clockOf(view))
  } catch (error) {
    throw located(error, expression)
  }
}

/** The fields that need the reference evaluator, all at once, by their slot. */
export async function evaluateTogether(
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
