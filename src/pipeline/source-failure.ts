import { asCausewayError, CausewayError } from '../core/index.ts'
import { isConnectionFailure } from './failures.ts'

export const SOURCE_RETRY_MS = 30_000

/** What the source fails at must not look like a failure of the target, where it would stop other syncs or cut links. */
export function sourceFailure(connection: string, thrown: unknown): CausewayError {
  const cause = asCausewayError(thrown)
  const outage = isConnectionFailure(cause) || cause.causeClass === 'hub'
  return new CausewayError('CSW-5008', {
    what: `${connection}: ${cause.message}`,
    data: { cause: cause.code, outage },
    retryAfterMs: cause.retryAfterMs ?? SOURCE_RETRY_MS,
    cause,
  })
}
