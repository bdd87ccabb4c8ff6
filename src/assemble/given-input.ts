/** The record that the playground maps or makes a test of: one that the hub has, or one that somebody brings. */
import { CausewayError, isObject, type Json, type JsonObject, parseExact } from '../core/index.ts'
import type { TrialInput } from '../http/index.ts'
import type { MapInput, SyncDefinition } from '../mapping/index.ts'
import { broughtInput, type Ports, recordedInput } from '../pipeline/index.ts'

/** Joined records are what the ledger has for the joins of `definition`, unless they were given. Throws CSW-8003. */
export async function givenInput(
  ports: Ports,
  syncId: number,
  { given, definition, signal }: { given: TrialInput; definition: SyncDefinition; signal: AbortSignal },
): Promise<MapInput> {
  const joins = given.joins === undefined ? undefined : joinsOf(given.joins, definition)
  // With its joins given nothing is to be looked up for it.
  const wish = { signal, definition: joins ? { ...definition, joins: [] } : definition }
  const input =
    'record' in given
      ? await recordedInput(ports, syncId, { ...wish, record: given.record })
      : await broughtInput(ports, syncId, { ...wish, id: given.id, body: asJson(given.text, 'record').text })
  return joins ? { ...input, joins } : input
}

function asJson(text: string, what: string): { text: string; value: Json } {
  try {
    return { text, value: parseExact(text) }
  } catch (error) {
    throw new CausewayError('CSW-8003', { what: `The ${what} is no JSON: ${(error as Error).message}` })
  }
}

/** By name of the join: an object or null where it takes one record, a list where it takes many. */
function joinsOf(text: string, { joins }: SyncDefinition): Record<string, string> {
  const { value } = asJson(text, 'text of joined records')
  if (!isObject(value)) throw refusal('The joined records are no object with the names of the joins.', joins)
  const all: JsonObject = value
  const names = joins.map(({ name }) => name)
  const unknown = Object.keys(all).filter((name) => !names.includes(name))
  if (unknown.length) throw refusal(`The mapping joins nothing under the name ${unknown.join(', ')}.`, joins)
  return Object.fromEntries(
    joins.map(({ name, take }) => {
      const given = all[name] ?? (take === 'many' ? [] : null)
      if (take === 'many' ? !Array.isArray(given) : given !== null && !isObject(given))
        throw refusal(`${name} must be ${take === 'many' ? 'a list of records' : 'one record or null'}.`, joins)
      return [name, JSON.stringify(given)]
    }),
  )
}

function refusal(what: string, joins: SyncDefinition['joins']): CausewayError {
  const shape = joins.map(({ name, take }) => `"${name}": ${take === 'many' ? '[…]' : '{…}'}`).join(', ')
  return new CausewayError('CSW-8003', { what, fix: `Write {${shape}}, as under \`with\` in a test.` })
}
