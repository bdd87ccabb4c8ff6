/** Values on their way out: references to other entities, and what JSON of the version cannot say plainly. */
import { CausewayError, isObject, isRawNumber, type Json, type JsonObject, setOwn } from '../../../core/index.ts'
import { asText } from '../../language/index.ts'
import { sortableTimestamp } from '../../parts/timestamps.ts'
import { fieldsOf } from './answers.ts'
import type { ReferenceSpec } from './fields.ts'
import { keyPredicate, valuesOfId } from './keys.ts'
import type { ODataVersion } from './literals.ts'

export type Wire = {
  version: ODataVersion
  numbersAsText: boolean
  references: Record<string, ReferenceSpec>
  settings: JsonObject
}

/** The values as the service wants them; `schema` is the write schema of the stream, for types of values. */
export function wireValues(values: JsonObject, schema: Json | undefined, wire: Wire): JsonObject {
  const sent: JsonObject = {}
  const properties = fieldsOf(fieldsOf(schema).properties)
  for (const [name, value] of Object.entries(values)) {
    // What was read of an entity may hold its ETag, which is no property.
    if (name === '@odata.etag') continue
    const reference = Object.hasOwn(wire.references, name) ? wire.references[name]! : undefined
    if (reference) Object.assign(sent, referenceTo(reference, name, value, wire))
    else setOwn(sent, name, wireValue(value, properties[name], wire, name))
  }
  return sent
}

function referenceTo(spec: ReferenceSpec, name: string, value: Json, { version, settings }: Wire): JsonObject {
  const navigation = spec.navigation ?? name
  if (value === null) return version === 'v4' ? { [`${navigation}@odata.bind`]: null } : { [navigation]: null }
  const id = valuesOfId(asText(value), spec.keys)
  const uri = `${asText(spec.to.evaluate({ settings }) ?? '')}(${keyPredicate(id, spec.keys, version)})`
  return version === 'v4' ? { [`${navigation}@odata.bind`]: uri } : { [navigation]: { __metadata: { uri } } }
}

function wireValue(value: Json, schema: Json | undefined, wire: Wire, path: string): Json {
  if (value === null) return null
  const { properties, items, format } = fieldsOf(schema)
  if (Array.isArray(value)) return value.map((item, i) => wireValue(item, items, wire, `${path}[${i}]`))
  if (isObject(value)) return nested(value as JsonObject, fieldsOf(properties), wire, path)
  const isNumber = typeof value === 'number' || isRawNumber(value)
  const exact = wire.version === 'v2' || wire.numbersAsText
  if (isNumber && exact && (format === 'decimal' || format === 'int64')) return asText(value)
  if (typeof value !== 'string' || wire.version === 'v4') return value
  if (format === 'date-time' || format === 'iso-date-time' || format === 'date') return dateV2(value, format, path)
  return value
}

function nested(value: JsonObject, properties: JsonObject, wire: Wire, path: string): JsonObject {
  const sent: JsonObject = {}
  for (const [name, item] of Object.entries(value))
    if (name !== '@odata.etag') setOwn(sent, name, wireValue(item, properties[name], wire, `${path}.${name}`))
  return sent
}

/** `date-time` is a DateTimeOffset, which says its zone; `iso-date-time` and `date` are a DateTime, which has none. */
function dateV2(value: string, format: string, path: string): string {
  const at = sortableTimestamp(value)
  if (at === null)
    throw new CausewayError('CSW-2007', {
      what: `The value at ${path} is no ${format}, as the write schema says.`,
      fix: 'Correct the mapping or the write schema.',
    })
  const ms = Date.parse(`${format === 'date' ? `${at.slice(0, 10)}T00:00:00` : at.slice(0, 23)}Z`)
  return `/Date(${ms}${format === 'date-time' ? '+0000' : ''})/`
}
