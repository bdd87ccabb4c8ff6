/** Everything the expressions of a write may refer to, for each of its records. */
import { asCausewayError, type JsonObject, type JsonText } from '../../core/index.ts'
import type { WriteItem, WriteOutcome } from '../contract.ts'
import type { Scope } from '../language/index.ts'
import { documentOf } from './document.ts'
import { failedOutcome } from './outcome.ts'
import { passesValues } from './pass-through.ts'
import { usedNames } from './read-checks.ts'
import type { WriteOperationSpec } from './write-fields.ts'
import type { Prepared, WriterContext } from './writer.ts'

/** Records with their names, and the outcome of each that cannot be written down. */
export function preparedOf<R>(
  context: WriterContext<R>,
  operation: WriteOperationSpec<R>,
  items: readonly WriteItem[],
): { prepared: Prepared[]; unfit: WriteOutcome[] } {
  const used = new Set([operation, operation.batch ?? {}, operation.bulk ?? {}].flatMap((part) => [...usedNames(part)]))
  const prepared: Prepared[] = []
  const unfit: WriteOutcome[] = []
  for (const [index, item] of items.entries()) {
    try {
      prepared.push({ item, index, scope: scopeOf(context, operation, item, used) })
    } catch (error) {
      unfit.push(failedOutcome(item.ref, asCausewayError(error)))
    }
  }
  return { prepared, unfit }
}

function scopeOf<R>(
  context: WriterContext<R>,
  operation: WriteOperationSpec<R>,
  item: WriteItem,
  used: ReadonlySet<string>,
): Scope {
  const values = valuesOf(context, operation, item)
  const { settings, writeSchema } = context
  const scope: Scope = {
    values,
    ref: item.ref,
    idempotency_key: item.idempotencyKey,
    settings,
    id: item.id,
    key: item.key,
    version: item.ifVersion,
    known: item.known,
  }
  if (operation.document) scope.document = documentOf(operation.document, { values, settings }, writeSchema)
  // Copying every record would cost more than all the rest here, and few manifests ask for it.
  if (used.has('record')) scope.record = operation.partial === false ? values : { ...item.known, ...values }
  return scope
}

function valuesOf<R>(
  { encode, texts }: WriterContext<R>,
  operation: WriteOperationSpec<R>,
  item: WriteItem,
): JsonObject | JsonText {
  if (texts && item.text && !item.content && !operation.apart && !operation.document && passesValues(operation))
    return item.text
  const whole = operation.partial === false ? { ...item.known, ...item.values } : item.values
  const values = withNulls(without(whole, operation.apart), operation.nulls)
  return encode ? encode(values) : values
}

function withNulls(values: JsonObject, nulls: 'send' | 'omit' | 'empty_text' | undefined): JsonObject {
  if (nulls === undefined || nulls === 'send' || !Object.values(values).includes(null)) return values
  const entries = Object.entries(values)
  return Object.fromEntries(
    nulls === 'omit'
      ? entries.filter(([, value]) => value !== null)
      : entries.map(([name, value]) => [name, value ?? '']),
  )
}

function without(values: JsonObject, apart: readonly string[] | undefined): JsonObject {
  return apart ? Object.fromEntries(Object.entries(values).filter(([name]) => !apart.includes(name))) : values
}
