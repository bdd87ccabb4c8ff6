/**
 * Filters as objects, not as text: a value in them cannot become a filter of its own. (ldapts also reads escaped bytes above
 * 7f in filter text as characters and sends other bytes than were meant.)
 */
import { AndFilter, EqualityFilter, type Filter, FilterParser, GreaterThanEqualsFilter, OrFilter } from 'ldapts'
import { CausewayError } from '../../../core/index.ts'
import type { AttributeSpec } from './fields.ts'
import { generalizedTime, guidBytes } from './values.ts'

/** The filter of a manifest. Throws CSW-3016 when it is none. */
export function parseFilter(text: string): Filter {
  try {
    // In values parentheses are escaped, so they must come in pairs; ldapts reads on past a missing one.
    if (text.split('(').length !== text.split(')').length) throw new Error('parentheses are not balanced')
    return FilterParser.parseString(text)
  } catch (cause) {
    throw new CausewayError('CSW-3016', { what: `${JSON.stringify(text)} is not an LDAP filter (RFC 4515).`, cause })
  }
}

export const both = (one: Filter, other: Filter): Filter => new AndFilter({ filters: [one, other] })

/** Entries whose attribute has one of the values; null when none of the values can exist. */
export function anyOf(attribute: string, values: string[], type: AttributeSpec['type']): Filter | null {
  const filters = values
    .map((value) => bytesOf(value, type))
    .filter((value) => value !== null && value.length > 0)
    .map((value) => new EqualityFilter({ attribute, value: value as Buffer }))
  return filters.length ? new OrFilter({ filters }) : null
}

/** Entries changed at that time or later. */
export const changedSince = (attribute: string, sortable: string): Filter =>
  new GreaterThanEqualsFilter({ attribute, value: generalizedTime(sortable) })

function bytesOf(text: string, type: AttributeSpec['type']): Buffer | null {
  if (type === 'guid') return guidBytes(text)
  return type === 'binary' ? Buffer.from(text, 'base64') : Buffer.from(text)
}
