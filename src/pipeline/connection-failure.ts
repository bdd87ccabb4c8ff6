import type { ConnectorSession } from '../connector/index.ts'
import { type CausewayError, plainReason } from '../core/index.ts'
import { isConnectionFailure } from './failures.ts'
import type { Ports } from './ports.ts'

/** Until work goes on with credentials that were rotated; other processes find out by their own refusal. */
const ROTATED_MS = 1_000

/** Lets connections work again whose credentials are no longer those that were refused. */
export async function retryChangedCredentials(ports: Ports): Promise<void> {
  for (const { id, name, refusedWith } of await ports.ledger.readRefused()) {
    const mark = await ports.credentials.markOf(name)
    if (mark === null || refusedWith === null || mark === refusedWith) continue
    await ports.credentials.forget(name)
    await ports.ledger.setConnectionState(id, 'active', null)
    ports.log.info({ connection: name }, 'credentials changed, the connection is tried again')
  }
}

/**
 * Draws the consequence of a failure for the whole connection: refused credentials ask for a person, a quota or an outage
 * makes everybody wait. Failures of single records change nothing here. `session`: which one it happened to, where one was open.
 */
export async function noteConnectionFailure(
  ports: Ports,
  connectionId: number,
  error: CausewayError,
  waitMs: number,
  session?: ConnectorSession,
): Promise<void> {
  if (!isConnectionFailure(error)) return
  if (error.code === 'CSW-3003') {
    const name = (await ports.ledger.readConnection(connectionId))?.name
    // Rotated while the session was open: nobody needs to be asked, the new ones are to be tried. Somebody else may have begun with these, while
    // this work went on with the former ones.
    if (name !== undefined && (await ports.credentials.isOutdated(name, session))) {
      if (await ports.credentials.isOutdated(name)) await ports.credentials.forget(name)
      await ports.ledger.setWait(connectionId, new Date(ports.clock.now().getTime() + ROTATED_MS), plainReason(error))
      return
    }
    const mark = name === undefined ? null : await ports.credentials.markOf(name)
    await ports.ledger.askAuthorisation(connectionId, plainReason(error), mark)
    return
  }
  if (error.reaction === 'retry')
    await ports.ledger.setWait(connectionId, new Date(ports.clock.now().getTime() + waitMs), plainReason(error))
}
