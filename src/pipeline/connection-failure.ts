import type { CausewayError } from '../core/index.ts'
import { isConnectionFailure } from './failures.ts'
import type { Ports } from './ports.ts'

/**
 * Draws the consequence of a failure for the whole connection: refused credentials ask for a person, a quota or an outage
 * makes everybody wait. Failures of single records change nothing here.
 */
export async function noteConnectionFailure(
  ports: Ports,
  connectionId: number,
  error: CausewayError,
  waitMs: number,
): Promise<void> {
  if (!isConnectionFailure(error)) return
  if (error.code === 'CSW-3003') {
    await ports.ledger.askAuthorisation(connectionId, error.message)
    return
  }
  if (error.reaction === 'retry')
    await ports.ledger.setWait(connectionId, new Date(ports.clock.now().getTime() + waitMs), error.message)
}
