/**
 * Whose words an error holds. What another system answered, and what is said of a record, may quote a person: a target that refuses a
 * record tends to print it. Code, cause, place and general advice never do, so that they may stand in logs and before readers of the hub
 * who may not read records.
 */
import type { CausewayError, SerializedError } from './causeway-error.ts'
import { type ErrorCode, registry } from './registry.ts'

/** Codes of what other systems said (3), and of mappings and records (4, 5) unless the hub itself is to blame. */
export function mayQuote(code: unknown): boolean {
  const family = typeof code === 'string' ? /^CSW-([345])/.exec(code)?.[1] : undefined
  return family === '3' || (family !== undefined && registry[code as ErrorCode]?.causeClass !== 'hub')
}

/** Stands where the words stood, for readers that print nothing but those. */
const WITHHELD = 'What was said is shown with the scope records:read.'

/** What of an error is left for who may not read records; `withheld` names the scope that shows the rest. */
export type ErrorWithoutWords = Omit<SerializedError, 'data'> & {
  data?: Record<string, unknown>
  withheld: 'records:read'
}

/**
 * A stored error without what may quote a record. Errors of the hub itself stay as they are; what is no error of ours (older or foreign
 * text, a defect, whose message quotes what it stumbled over) keeps nothing but its code.
 */
export function withoutWords(error: Readonly<Record<string, unknown>>): Record<string, unknown> | ErrorWithoutWords {
  const { code, place, retryAfterMs, data } = error
  const known = typeof code === 'string' && Object.hasOwn(registry, code) ? (code as ErrorCode) : undefined
  if (known !== undefined && known !== 'CSW-1001' && !mayQuote(known)) return error
  const { meaning, action, reaction, causeClass } = registry[known ?? 'CSW-1001']
  const particulars = plainParticulars(data)
  return {
    code: known ?? 'CSW-1001',
    what: `${meaning} ${WITHHELD}`,
    why: meaning,
    fix: action,
    reaction,
    causeClass,
    ...(typeof place === 'object' && place !== null ? { place: place as NonNullable<SerializedError['place']> } : {}),
    ...(typeof retryAfterMs === 'number' ? { retryAfterMs } : {}),
    ...(Object.keys(particulars).length ? { data: particulars } : {}),
    withheld: 'records:read',
  }
}

/** Named one by one: a number may be somebody's telephone. */
function plainParticulars(data: unknown): Record<string, unknown> {
  if (typeof data !== 'object' || data === null) return {}
  const { status, sent, outage, cause } = data as Record<string, unknown>
  return {
    ...(typeof status === 'number' ? { status } : {}),
    ...(sent === 'no' || sent === 'maybe' || sent === 'yes' ? { sent } : {}),
    ...(typeof outage === 'boolean' ? { outage } : {}),
    ...(typeof cause === 'string' && Object.hasOwn(registry, cause) ? { cause } : {}),
  }
}

/** One sentence about an error for places that everybody reads and that outlive it: what it means, its code and the status of the answer. */
export function plainReason(error: CausewayError): string {
  const status = typeof error.data.status === 'number' ? `, HTTP ${error.data.status}` : ''
  return `${registry[error.code].meaning.replace(/\.$/, '')} (${error.code}${status}).`
}
