/** Versions and watermarks as bytewise sortable text. */
import { isRawNumber } from '../../core/index.ts'
import { sortableTimestamp } from './timestamps.ts'

export type VersionType = 'timestamp' | 'number' | 'text'

/** Wide enough for 64-bit and most 128-bit counters. */
const DIGITS = 40

/** The sortable form of a version, or null when the value is not of its type. */
export function sortableVersion(value: unknown, type: VersionType): string | null {
  if (type === 'timestamp') return sortableTimestamp(value)
  if (type === 'number') return sortableNumber(value)
  if (typeof value === 'string') return value === '' || value.includes('\0') ? null : value
  return typeof value === 'number' ? String(value) : isRawNumber(value) ? value.rawJSON : null
}

/** Non-negative decimals: digits padded to a fixed width, trailing zeros of the fraction dropped. */
function sortableNumber(value: unknown): string | null {
  const text = isRawNumber(value) ? value.rawJSON : String(value)
  const match = /^(\d{1,40})(?:\.(\d+))?$/.exec(text)
  if (!match || (typeof value !== 'string' && typeof value !== 'number' && !isRawNumber(value))) return null
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  return match[1]!.padStart(DIGITS, '0') + (fraction && `.${fraction}`)
}

/** The number behind a sortable number, as text: for `since` parameters. */
export const plainNumber = (sortable: string): string => sortable.replace(/^0+(?=\d)/, '')
