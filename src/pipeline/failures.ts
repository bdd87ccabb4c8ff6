import { type CausewayError, digest, type SerializedError } from '../core/index.ts'

/**
 * Failures of a whole connection: every record would fail the same way, so they must not burn the attempts of records but
 * stop the lane and make the connection wait.
 */
const CONNECTION_CODES = new Set([
  'CSW-3001',
  'CSW-3002',
  'CSW-3003',
  'CSW-3005',
  'CSW-3006',
  'CSW-3007',
  'CSW-3010',
  'CSW-3011',
  'CSW-3022',
])

export const isConnectionFailure = (error: { code: string }): boolean => CONNECTION_CODES.has(error.code)

/** The other side asked for time: that is a wait with an end, no failure of anything. */
export const isWait = (error: { code: string }): boolean => error.code === 'CSW-3005'

/** The other writer of the same target record is done in a moment. */
export const CONTENDED_RETRY_MS = 300

/** Groups errors with one cause: code and message without what differs from record to record (numbers, quoted values, ids). */
export function fingerprintOf(error: SerializedError | CausewayError, scope: string): string {
  const text = 'what' in error ? error.what : error.message
  const shape = text
    .replace(/"[^"]*"|'[^']*'/g, '"…"')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '…')
    .replace(/\d+/g, '0')
    .replace(/\s+/g, ' ')
  return digest(`${error.code} ${scope} ${shape}`).slice(0, 12)
}
