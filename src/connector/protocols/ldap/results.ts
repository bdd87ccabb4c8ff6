/** What the result codes of RFC 4511 mean for us. */
import { ResultCodeError } from 'ldapts'
import { CausewayError, type ErrorCode } from '../../../core/index.ts'
import { dialFailure } from '../../../outbound/index.ts'

type Meaning = { code: ErrorCode; says: string }

/** Codes that ask for something else than "the directory failed". */
const ALWAYS: Record<number, Meaning> = {
  3: { code: 'CSW-3002', says: 'took longer than its time limit' },
  7: { code: 'CSW-3003', says: 'does not take a simple bind' },
  8: { code: 'CSW-3003', says: 'asks for a stronger bind' },
  10: { code: 'CSW-3014', says: 'sends us to another server; name that one in the connection' },
  11: { code: 'CSW-3011', says: 'has an administrative limit that this passes' },
  12: { code: 'CSW-3014', says: 'does not know a control we need (paged results)' },
  13: { code: 'CSW-3004', says: 'wants TLS; use ldaps or StartTLS' },
  48: { code: 'CSW-3003', says: 'does not take this kind of bind' },
  49: { code: 'CSW-3003', says: 'refused the credentials' },
  50: { code: 'CSW-3004', says: 'does not allow this to the user of the connection' },
  51: { code: 'CSW-3006', says: 'is busy' },
  52: { code: 'CSW-3006', says: 'is not available' },
}

const SEARCHES: Record<number, Meaning> = {
  4: { code: 'CSW-3011', says: 'has more entries than it gives at once' },
  18: { code: 'CSW-3016', says: 'cannot compare by the attribute of the filter' },
  21: { code: 'CSW-3016', says: 'refused a value in the filter' },
  32: { code: 'CSW-3014', says: 'has no entry with the base DN of the stream' },
  34: { code: 'CSW-3014', says: 'cannot read the base DN of the stream' },
}

/** Refusals of one entry. */
const WRITES: Record<number, string> = {
  16: 'has no such attribute or value in the entry',
  17: 'does not know an attribute that is written',
  19: 'has a constraint that a value breaks (its syntax, its length, or that it is unique)',
  20: 'has a value twice that is written',
  21: 'refused the syntax of a value',
  32: 'has no entry under the DN below which the new one belongs',
  34: 'cannot read a DN that is written',
  53: 'is unwilling to do this (a policy, or it is read-only)',
  64: 'does not allow a name of this kind there',
  65: 'refused the entry by its object classes: a required attribute is missing, or one is not allowed',
  66: 'keeps the entry, because others lie below it',
  67: 'does not let the attribute go that the entry is named by',
  68: 'has an entry of this name already',
  69: 'does not let the object class be changed',
  71: 'cannot move entries between its databases',
}

/** The entry is gone, or no longer under this name. */
export const NO_SUCH_OBJECT = 32

/** The result code behind an error; null where the directory answered none. */
export const resultOf = (error: unknown): number | null =>
  error instanceof CausewayError && typeof error.data?.result === 'number' ? error.data.result : null

/**
 * The coded error of a failed operation. Messages of the server may quote DNs, so only their code is passed on. An operation
 * that was sent and not answered is CSW-3012 where it must not be repeated blindly (`once`).
 */
export function failureOf(
  error: unknown,
  target: string,
  kind: { writes?: boolean; once?: boolean } = {},
): CausewayError {
  if (error instanceof CausewayError) return error
  if (error instanceof ResultCodeError) return answered(error.code, target, kind.writes === true)
  const message = error instanceof Error ? error.message : ''
  if (kind.once && message !== NOT_SENT)
    return new CausewayError('CSW-3012', { what: `The directory ${target} gave no answer to a new entry.` })
  if (/timed out|timeout/i.test(message))
    return new CausewayError('CSW-3002', { what: `The directory ${target} did not answer in time.` })
  if (error instanceof Error && 'code' in error) return dialFailure(error, target)
  return new CausewayError('CSW-3001', { what: `The connection to the directory ${target} broke.` })
}

/** Text of the error that stands for an operation for which there was no connection any more. */
export const NOT_SENT = 'connection lost'

function answered(result: number, target: string, writes: boolean): CausewayError {
  const refusal = writes ? WRITES[result] : undefined
  const { code, says } = (refusal !== undefined ? { code: 'CSW-3008' as const, says: refusal } : undefined) ??
    (writes ? undefined : SEARCHES[result]) ??
    ALWAYS[result] ?? { code: 'CSW-3006' as const, says: 'failed' }
  return new CausewayError(code, { what: `The directory ${target} ${says} (result ${result}).`, data: { result } })
}
