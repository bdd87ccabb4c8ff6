/** From a failure to what becomes of the items of a write. */
import type { CausewayError, ErrorCode } from '../../core/index.ts'
import type { WriteOutcome } from '../contract.ts'

type FailedStatus = Exclude<WriteOutcome['status'], 'written'>

const STATUS_OF: Partial<Record<ErrorCode, FailedStatus>> = {
  'CSW-3008': 'refused',
  'CSW-3009': 'missing',
  'CSW-3012': 'unknown',
  'CSW-3013': 'conflict',
  // The answer came and was too large to read, so the write was done or not.
  'CSW-3011': 'unknown',
  // Only this record makes the request impossible.
  'CSW-2007': 'refused',
  'CSW-2011': 'refused',
  'CSW-2056': 'refused',
  'CSW-3019': 'refused',
}

/**
 * The outcome a failure means for an item. What has no meaning of its own was not done and may be tried again; whether that
 * helps, the failure's own reaction says (a wrong password does not heal by itself). Lost answers are no case of their own:
 * outbound gives CSW-3012 wherever a repetition could do harm.
 */
export const failedOutcome = (ref: string, error: CausewayError): WriteOutcome => ({
  ref,
  status: STATUS_OF[error.code] ?? 'retry',
  error,
})
