/** Turns write items into one change of a file, and the change into outcomes. */
import { CausewayError, isRawNumber, type Json, type JsonObject } from '../../../core/index.ts'
import type { WriteItem, WriteOperation, WriteOutcome } from '../../contract.ts'
import type { FileFormat, OutRow, Row } from './format.ts'
import type { FilePlace } from './place.ts'
import { rewrite } from './rewrite.ts'

type Target = {
  place: FilePlace
  format: FileFormat
  keyField: string
  keyOf: (body: JsonObject) => string | null
  maySend?: (() => boolean) | undefined
}
type Planned = { item: WriteItem; key: string }

/**
 * Writes items to a file whose lock the caller holds: one rewrite for all of them, more only where a key occurs twice. Every
 * row with the key is changed, should there be several.
 */
export async function writeItems(
  target: Target,
  operation: WriteOperation,
  items: WriteItem[],
): Promise<WriteOutcome[]> {
  const outcomes = new Map<string, WriteOutcome>()
  let waiting: Planned[] = []
  for (const item of items) {
    const planned = plan(target, operation, item)
    if ('status' in planned) outcomes.set(item.ref, planned)
    else waiting.push(planned)
  }
  while (waiting.length) {
    const round = new Map<string, Planned>()
    const later = waiting.filter((planned) => round.has(planned.key) || !round.set(planned.key, planned))
    for (const outcome of await writeRound(target, operation, round)) outcomes.set(outcome.ref, outcome)
    waiting = later
  }
  return items.map((item) => outcomes.get(item.ref)!)
}

async function writeRound(
  target: Target,
  operation: WriteOperation,
  round: Map<string, Planned>,
): Promise<WriteOutcome[]> {
  const found = new Set<string>()
  const each = (row: Row): OutRow | null => {
    const key = row.body && target.keyOf(row.body)
    const planned = key === null ? undefined : round.get(key)
    if (!planned || row.body === null) return { kept: row }
    found.add(planned.key)
    return operation === 'delete' ? null : { body: { ...row.body, ...planned.item.values } }
  }
  const mayAdd = operation === 'create' || operation === 'upsert'
  const added = () =>
    mayAdd
      ? [...round.values()].flatMap(({ item, key }) => (found.has(key) ? [] : [withKey(item, key, target.keyField)]))
      : []
  await rewrite(target.place, target.format, {
    // A create follows a look-up that found nothing, so the old rows need not be read again.
    ...(operation === 'create' ? {} : { each }),
    append: added,
    maySend: target.maySend,
    fields: operation === 'delete' ? [] : fieldsOf(round.values(), target.keyField),
  })
  return [...round.values()].map(({ item, key }) =>
    mayAdd || found.has(key) ? { ref: item.ref, status: 'written', id: key } : missing(item, target.place.name),
  )
}

const withKey = (item: WriteItem, key: string, field: string): JsonObject =>
  Object.hasOwn(item.values, field) ? item.values : { [field]: key, ...item.values }

function* fieldsOf(planned: Iterable<Planned>, keyField: string): Generator<string> {
  yield keyField
  for (const { item } of planned) yield* Object.keys(item.values)
}

/** The item with its key, or why it cannot be written. */
function plan(target: Target, operation: WriteOperation, item: WriteItem): Planned | WriteOutcome {
  const key = item.id ?? item.key?.value ?? keyText(item.values[target.keyField])
  if (!key) return refused(item, `the key column ${JSON.stringify(target.keyField)} has no value`)
  const own = item.values[target.keyField]
  if (operation !== 'delete' && own !== undefined && keyText(own) !== key)
    return refused(item, `the key column ${JSON.stringify(target.keyField)} cannot be changed`)
  const fault = operation === 'delete' ? null : target.format.fault(item.values)
  return fault ? { ref: item.ref, status: 'refused', error: fault } : { item, key }
}

function keyText(value: Json | undefined): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'number') return String(value)
  return isRawNumber(value) ? value.rawJSON : null
}

const refused = (item: WriteItem, why: string): WriteOutcome => ({
  ref: item.ref,
  status: 'refused',
  error: new CausewayError('CSW-2056', { what: `The row cannot be written: ${why}.` }),
})

const missing = (item: WriteItem, file: string): WriteOutcome => ({
  ref: item.ref,
  status: 'missing',
  error: new CausewayError('CSW-3009', { what: `File ${JSON.stringify(file)} has no row with that key.` }),
})
