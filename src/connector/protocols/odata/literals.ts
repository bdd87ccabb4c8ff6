/**
 * Values as they stand in OData URLs. Version 4 writes most of them bare, version 2 marks their type (OData 4.01 part 2,
 * section 5.1.1.14; OData 2.0 "Overview", section 6). A value that is not of its type is refused: it could say more than a value.
 */
import { CausewayError, isRawNumber } from '../../../core/index.ts'
import { sortableTimestamp } from '../../parts/timestamps.ts'

export const VERSIONS = ['v4', 'v2'] as const
export type ODataVersion = (typeof VERSIONS)[number]

/** Primitive types that keys, look-ups and times of change may have, without the `Edm.` before them. */
export const TYPES = [
  'string',
  'guid',
  'int32',
  'int64',
  'decimal',
  'double',
  'boolean',
  'date',
  'datetime',
  'datetimeoffset',
] as const
export type EdmType = (typeof TYPES)[number]

const SHAPE: Partial<Record<EdmType, RegExp>> = {
  guid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  int32: /^-?\d{1,10}$/,
  int64: /^-?\d{1,19}$/,
  decimal: /^-?\d+(\.\d+)?$/,
  double: /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/,
  boolean: /^(true|false)$/,
}

/** A value as a literal of its type. Throws CSW-2007 for what is no such value. */
export function literal(value: unknown, type: EdmType, version: ODataVersion): string {
  const text = plainText(value)
  if (text === null) throw notOf(type, value)
  if (type === 'string') return `'${text.replaceAll("'", "''")}'`
  if (type === 'date' || type === 'datetime' || type === 'datetimeoffset') return moment(text, type, version)
  if (!SHAPE[type]!.test(text)) throw notOf(type, value)
  if (version === 'v4') return text
  switch (type) {
    case 'guid':
      return `guid'${text}'`
    case 'int64':
      return `${text}L`
    case 'decimal':
      return `${text}M`
    case 'double':
      return `${text}d`
    default:
      return text
  }
}

/** Whether a value is one of the type. */
export function isOfType(value: unknown, type: EdmType): boolean {
  try {
    literal(value, type, 'v4')
    return true
  } catch {
    return false
  }
}

function moment(text: string, type: 'date' | 'datetime' | 'datetimeoffset', version: ODataVersion): string {
  const at = sortableTimestamp(text)
  if (at === null) throw notOf(type, text)
  const day = at.slice(0, 10)
  if (type === 'date') return version === 'v4' ? day : `datetime'${day}T00:00:00'`
  // Seven digits of a second are the most that services keep.
  const fraction = at.slice(20, 27).replace(/0+$/, '')
  const second = at.slice(0, 19) + (fraction && `.${fraction}`)
  if (version === 'v4') return `${second}Z`
  return type === 'datetime' ? `datetime'${second}'` : `datetimeoffset'${second}Z'`
}

/** The value behind a literal; a text that is none is taken as it stands. */
export function valueOfLiteral(text: string, type: EdmType): string {
  const quoted = /^(?:[A-Za-z.]+)?'([\s\S]*)'$/.exec(text)
  const value = quoted ? quoted[1]!.replaceAll("''", "'") : text
  if (type === 'guid') return value.toLowerCase()
  return !quoted && /^(int64|decimal|double)$/.test(type) ? value.replace(/[LlMmDdFf]$/, '') : value
}

/** A key value as part of an id: guids in one case, so that two spellings are one record. */
export function keyText(value: unknown, type: EdmType): string | null {
  const text = plainText(value)
  return text === null || text === '' ? null : type === 'guid' ? text.toLowerCase() : text
}

function plainText(value: unknown): string | null {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value))) return String(value)
  return isRawNumber(value) ? value.rawJSON : null
}

const notOf = (type: EdmType, value: unknown): CausewayError =>
  new CausewayError('CSW-2007', {
    what: `${typeof value === 'string' ? 'A text' : 'A value'} that stands for an OData ${type} is none.`,
    fix: `Correct the mapping, or the type in the manifest (types: ${TYPES.join(', ')}).`,
  })
