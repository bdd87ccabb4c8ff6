import { CausewayError } from '../../core/index.ts'
import type { Expression } from './expression.ts'
import { asText } from './template.ts'

/**
 * A value as part of a URL path. Dot segments survive percent-encoding (browsers and servers normalise `%2e%2e` too) and an
 * empty value would address the collection instead of the record, so both are refused.
 */
export function encodeSegment(value: unknown, expression: Expression): string {
  const text = asText(value)
  if (text === '' || text === '.' || text === '..')
    throw new CausewayError('CSW-2007', {
      what: `\${ ${expression.source.trim()} } is ${text === '' ? 'empty' : `"${text}"`}, which cannot stand in a path.`,
      place: expression.place,
    })
  return encodeURIComponent(text.toWellFormed())
}
