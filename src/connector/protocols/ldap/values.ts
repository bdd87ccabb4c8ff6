/** Attribute values: from what the wire gives to stable JSON, and back into filters. */
import { CausewayError, isRawNumber, type Json, type JsonObject, setOwn } from '../../../core/index.ts'
import { sortableTimestamp } from '../../parts/timestamps.ts'
import type { AttributeSpec } from './fields.ts'
import { splitName } from './names.ts'

/** An entry with all values as bytes, attribute names in lower case. */
export type Entry = { dn: string; values: Map<string, Buffer[]> }

// A byte order mark inside a value belongs to it.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The values of one attribute as the stream declares them. Throws CSW-2054 where they are not so. */
export function attributeOf(entry: Entry, name: string, spec: AttributeSpec): Json {
  const raw = valuesOf(entry, name)
  if (spec.values === 'many') return raw.map((value) => scalarOf(value, name, spec.type))
  if (raw.length > 1 && spec.values === 'one')
    throw new CausewayError('CSW-2054', {
      what: `An entry has ${raw.length} values of ${name}, which the stream declares as one.`,
      fix: `Declare ${name} with \`values: many\` (a list) or \`values: first\` in the manifest.`,
    })
  return raw[0] === undefined ? null : scalarOf(raw[0], name, spec.type)
}

/** The body of an entry: id, dn, what it lies below, time of change and the declared attributes. */
export function bodyOf(
  entry: Entry,
  stream: { attributes: Record<string, AttributeSpec>; id_attribute: string; changed_attribute: string },
): JsonObject {
  const idType = stream.attributes[stream.id_attribute]?.type ?? 'text'
  const body: JsonObject = {
    id: attributeOf(entry, stream.id_attribute, { values: 'one', type: idType }),
    dn: entry.dn,
    parent: splitName(entry.dn).parent,
    changed_at: attributeOf(entry, stream.changed_attribute, { values: 'one', type: 'time' }),
  }
  for (const [name, spec] of Object.entries(stream.attributes)) setOwn(body, name, attributeOf(entry, name, spec))
  return body
}

function valuesOf(entry: Entry, name: string): Buffer[] {
  const exact = entry.values.get(name.toLowerCase())
  // Active Directory hands out large attributes in ranges; the first range alone would look like all there is.
  const ranged = exact?.length
    ? undefined
    : [...entry.values.keys()].find((key) => key.startsWith(`${name.toLowerCase()};range=`))
  if (ranged !== undefined)
    throw new CausewayError('CSW-2054', {
      what: `The directory gives ${name} of an entry in parts (${ranged}); reading the other parts is not supported.`,
      fix: `Raise MaxValRange there, or read the relation from its other side (for members: memberOf of the person).`,
    })
  return exact ?? []
}

function scalarOf(value: Buffer, name: string, type: AttributeSpec['type']): Json {
  if (type === 'binary') return value.toString('base64')
  if (type === 'guid') return guidOf(value, name)
  const text = textOf(value, name)
  return type === 'time' ? isoOf(text) : text
}

function textOf(value: Buffer, name: string): string {
  try {
    return decoder.decode(value)
  } catch {
    throw new CausewayError('CSW-2054', {
      what: `A value of ${name} is not text (UTF-8).`,
      fix: `Declare ${name} with \`type: binary\` in the manifest.`,
    })
  }
}

/** Generalized time (RFC 4517) as ISO; anything else as it came. */
function isoOf(text: string): string {
  const [, y, mo, d, h, mi, s, fraction] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,](\d+))?Z$/.exec(text) ?? []
  const digits = fraction?.replace(/0+$/, '')
  return y === undefined ? text : `${y}-${mo}-${d}T${h}:${mi}:${s}${digits ? `.${digits}` : ''}Z`
}

/** The first three groups are little-endian in Microsoft's form. */
function guidOf(value: Buffer, name: string): string {
  if (value.length !== 16)
    throw new CausewayError('CSW-2054', { what: `A value of ${name} is no GUID: it has ${value.length} bytes.` })
  const part = (from: number, to: number) => value.subarray(from, to).toString('hex')
  const little = (from: number, to: number) => Buffer.from(value.subarray(from, to)).reverse().toString('hex')
  return [little(0, 4), little(4, 6), little(6, 8), part(8, 10), part(10, 16)].join('-')
}

/** The bytes of a GUID in Microsoft's order, or null for anything else. */
export function guidBytes(text: string): Buffer | null {
  const hex = text.replaceAll('-', '')
  if (!/^[0-9a-f]{32}$/i.test(hex)) return null
  const bytes = Buffer.from(hex, 'hex')
  return Buffer.concat([
    bytes.subarray(0, 4).reverse(),
    bytes.subarray(4, 6).reverse(),
    bytes.subarray(6, 8).reverse(),
    bytes.subarray(8),
  ])
}

/** Time in a filter. With the fraction, which Active Directory insists on and others accept. */
export const generalizedTime = (sortable: string): string => `${sortable.slice(0, 19).replace(/[-:T]/g, '')}.0Z`

/** The values to write of one attribute, as bytes; null and empty texts are none. Throws CSW-2056 for what an attribute cannot hold. */
export function bytesToWrite(value: Json | undefined, name: string, spec: AttributeSpec): Buffer[] {
  const list = Array.isArray(value) ? value : [value]
  const bytes = list.flatMap((one) => scalarBytes(one, name, spec.type))
  if (bytes.length > 1 && spec.values !== 'many')
    throw new CausewayError('CSW-2056', { what: `${name} takes one value, and the mapping gives ${bytes.length}.` })
  return bytes.filter((one, index) => bytes.findIndex((other) => other.equals(one)) === index)
}

function scalarBytes(value: Json | undefined, name: string, type: AttributeSpec['type']): Buffer[] {
  if (value === null || value === undefined || value === '') return []
  if (isRawNumber(value)) return [Buffer.from(value.rawJSON)]
  if (typeof value === 'object')
    throw new CausewayError('CSW-2056', { what: `${name} takes texts, and the mapping gives a list or an object.` })
  if (typeof value === 'boolean') return [Buffer.from(value ? 'TRUE' : 'FALSE')]
  const text = String(value)
  if (type === 'binary') return [Buffer.from(text, 'base64')]
  if (type === 'text') return [Buffer.from(text)]
  const bytes = type === 'guid' ? guidBytes(text) : momentBytes(text)
  if (bytes) return [bytes]
  throw new CausewayError('CSW-2056', { what: `${name} takes ${type === 'guid' ? 'a GUID' : 'a date with time'}.` })
}

function momentBytes(text: string): Buffer | null {
  const sortable = sortableTimestamp(text)
  return sortable === null ? null : Buffer.from(generalizedTime(sortable))
}
