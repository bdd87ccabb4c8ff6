/** How the values of a target record came to be: the ledger says which delivery, the mapping's text which line. */
import {
  CausewayError,
  isObject,
  isRawNumber,
  type Json,
  type JsonObject,
  parseExact,
  type SerializedError,
} from '../core/index.ts'
import type { ExplainedField, Explanation } from '../http/index.ts'
import { type FieldOrigin, originsOf } from '../mapping/index.ts'
import type { Store } from '../store/index.ts'
import { type SourceOfTarget, sourcesOfTarget } from '../store/views/index.ts'

export async function explainTarget(
  pool: Store['pool'],
  { stream, id, field }: { stream: string; id: string; field?: string },
): Promise<Explanation | undefined> {
  const found = await sourcesOfTarget(pool, stream, id)
  if (!found) return undefined
  return {
    stream,
    id,
    entity: found.entity,
    deliveries: found.sources.map((source) => ({
      sync: source.sync,
      from: source.from,
      record: source.record,
      part: source.part,
      state: source.state,
      mappingVersion: source.mappingVersion,
      runId: source.last?.runId ?? source.runId,
      at: source.last?.at ?? source.at,
      operation: source.last?.operation ?? null,
      notKept: notKeptOf(source),
      fields: fieldsOf(source).filter((one) => field === undefined || one.field === field),
    })),
  }
}

/** What is not kept is said, for an empty value would look like one. */
function notKeptOf({ shrunk, last, record }: SourceOfTarget): SerializedError | null {
  if (!shrunk || last?.input) return null
  return new CausewayError('CSW-5018', { what: `the values of record ${record} are not kept in full` }).toJSON()
}

function fieldsOf(source: SourceOfTarget): ExplainedField[] {
  const values = objectOf(source.delivered)
  // The journal holds what the mapping saw then; where retention dropped it, the log holds what the source says now.
  const input = objectOf(source.last?.input?.text ?? source.body)
  const origins =
    source.source === null ? [] : originsOf(source.source, `${source.sync}@${source.mappingVersion}`, source.sync)
  const whole = origins.find((origin) => origin.field === '')
  return Object.entries(values)
    .filter(([field]) => !field.startsWith('~'))
    .flatMap(([field, value]): ExplainedField[] => {
      const nested = origins.filter((origin) => origin.field === field || origin.field.startsWith(`${field}.`))
      if (!nested.length) return [explained(field, value, whole, input)]
      return nested.map((origin) => explained(origin.field, valueAt(values, origin.field), origin, input))
    })
}

function explained(
  field: string,
  value: Json | null,
  origin: FieldOrigin | undefined,
  input: JsonObject,
): ExplainedField {
  return {
    field,
    value,
    expression: origin?.expression ?? null,
    place: origin?.place ?? null,
    reads: (origin?.reads ?? []).map((path) => ({ path, value: path.startsWith('$') ? null : valueAt(input, path) })),
  }
}

export function objectOf(text: string | null | undefined): JsonObject {
  const value = text ? parseExact(text) : {}
  return isObject(value) && !isRawNumber(value) ? (value as JsonObject) : {}
}

export function valueAt(value: Json, path: string): Json | null {
  let at: Json | undefined = value
  for (const step of path.split('.'))
    at = isObject(at) && !isRawNumber(at) && Object.hasOwn(at, step) ? (at as JsonObject)[step] : undefined
  return at ?? null
}
