import { CausewayError } from '../core/index.ts'

/** Conditions under which the server, or the way to it, is gone: https://www.postgresql.org/docs/18/errcodes-appendix.html */
const LOST_SQLSTATES = new Set(['57P01', '57P02', '57P03', '57P05', '53300', '25P03'])
const LOST_SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
])
// node-pg raises these without a code.
const LOST_MESSAGES =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Query read timeout)/i

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/** True when the session or the server was lost, so the same work may succeed on a new session. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof CausewayError) return error.code === 'CSW-6001'
  // Several addresses of one host failed (happy eyeballs): one AggregateError around the reasons.
  if (error instanceof AggregateError && error.errors.length) return error.errors.every(isConnectionLoss)
  const code = codeOf(error)
  if (code !== undefined) return code.startsWith('08') || LOST_SQLSTATES.has(code) || LOST_SYSTEM_CODES.has(code)
  return error instanceof Error && LOST_MESSAGES.test(error.message)
}

/** True for a transaction that Postgres gave up for the sake of another one: repeating it is the documented answer. */
export function isTransactionConflict(error: unknown): boolean {
  const code = codeOf(error) ?? codeOf((error as { cause?: unknown } | null)?.cause)
  return code === '40001' || code === '40P01'
}

/** True for a row that is there already. */
export const isUniqueViolation = (error: unknown): boolean => codeOf(error) === '23505'

/** True where a lock was waited for longer than `lock_timeout`. */
export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03'

/** Names connection loss CSW-6001 and leaves everything else as it is (an SQL error is a defect, not a condition). */
export function asStoreError(error: unknown): unknown {
  if (error instanceof CausewayError || !isConnectionLoss(error)) return error
  const reason = codeOf(error) ?? (error instanceof Error ? error.message : String(error))
  return new CausewayError('CSW-6001', {
    what: `The connection to Postgres failed or was lost (${reason}).`,
    cause: error,
  })
}
