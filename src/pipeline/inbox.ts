import type { ConnectorSession, SourceRecord } from '../connector/index.ts'
import { asCausewayError, backoffMs, type CausewayError, parseExact, withUrgency } from '../core/index.ts'
import { noteConnectionFailure } from './connection-failure.ts'
import { isConnectionFailure } from './failures.ts'
import type { InboxRow, Ports } from './ports.ts'
import { toCommit } from './pull.ts'
import { wakeFollowers } from './wake-followers.ts'

const BATCH = 100
const EVENT_BACKOFF = { baseMs: 2_000, capMs: 10 * 60_000 }
const EVENT_ATTEMPTS = 10
const OUTAGE_WAIT_MS = 30_000

/**
 * Turns the webhooks of a connection into changed records, oldest first. Polling and webhooks of one stream merge in the
 * change log: the same rule decides which state is newer. Null when somebody else does it.
 */
export async function readInbox(
  ports: Ports,
  connectionId: number,
  signal: AbortSignal,
): Promise<{ events: number } | null> {
  const lease = await ports.holdLease(`inbox:${connectionId}`)
  if (!lease) return null
  let events = 0
  try {
    const connection = await ports.ledger.readConnection(connectionId)
    if (connection?.state !== 'active' || (connection.waitUntil && connection.waitUntil > ports.clock.now()))
      return null
    const session = await ports.session(connection.name)
    for (;;) {
      const batch = await ports.ledger.readInbox(connectionId, BATCH)
      if (!batch.length) return { events }
      for (const event of batch) {
        if (signal.aborted || lease.signal.aborted) return { events }
        if (!(await withUrgency('webhook', () => takeEvent(ports, connection, session, event, signal))))
          return { events }
        events++
      }
    }
  } finally {
    await lease.release()
  }
}

/** False when the source cannot be used now, so that the events after this one need not be tried. */
async function takeEvent(
  ports: Ports,
  connection: { id: number; name: string },
  session: ConnectorSession,
  event: InboxRow,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const headers = parseExact(event.headers) as Record<string, string>
    const requestedAt = ports.clock.now()
    const changes = await session.readEvent({ headers, body: event.body, stream: event.stream, signal })
    let stored = 0
    for (const change of changes) {
      const fetched = change.fetch.length
        ? await session.fetch({ stream: change.stream, ids: change.fetch, signal })
        : []
      const missing = change.fetch.filter((id) => !fetched.some((record) => record.id === id))
      const gone = missing.map((id): SourceRecord => ({ id, version: null, body: {}, deleted: true }))
      // What the body of an event says was true when it was sent, what we fetched is true now.
      await commitChange(ports, connection.name, change.stream, change.records, event.receivedAt)
      await commitChange(ports, connection.name, change.stream, [...fetched, ...gone], requestedAt)
      stored += change.records.length + fetched.length + gone.length
    }
    const reason = stored ? `${stored} records` : 'the event concerns no stream that is synced'
    await ports.ledger.settleEvent(event, { state: stored ? 'done' : 'skipped', reason, nextAttemptAt: null })
    return true
  } catch (thrown) {
    const error = asCausewayError(thrown)
    if (error.code === 'CSW-6001' || signal.aborted) throw error
    if (isConnectionFailure(error)) {
      await putOff(ports, connection.id, event, error)
      return false
    }
    const last = error.reaction !== 'retry' || event.attempts + 1 >= EVENT_ATTEMPTS
    const waitMs = error.retryAfterMs ?? backoffMs(event.attempts + 1, EVENT_BACKOFF)
    await ports.ledger.settleEvent(event, {
      state: last ? 'dead' : 'pending',
      reason: JSON.stringify(error.toJSON()),
      nextAttemptAt: last ? null : new Date(ports.clock.now().getTime() + waitMs),
    })
    return true
  }
}

/** However long the source is away, that costs an event none of its attempts. */
async function putOff(ports: Ports, connectionId: number, event: InboxRow, error: CausewayError): Promise<void> {
  const waitMs = error.retryAfterMs ?? OUTAGE_WAIT_MS
  await ports.ledger.settleEvent(event, {
    state: 'pending',
    reason: JSON.stringify(error.toJSON()),
    nextAttemptAt: new Date(ports.clock.now().getTime() + waitMs),
    free: true,
  })
  await noteConnectionFailure(ports, connectionId, error, waitMs)
}

async function commitChange(
  ports: Ports,
  connection: string,
  stream: string,
  records: SourceRecord[],
  requestedAt: Date,
): Promise<void> {
  const streamId = ports.model().streamId({ connection, stream })
  if (streamId === undefined || !records.length) return
  const row = (await ports.ledger.readStream(streamId))!
  const result = await ports.ledger.commitPage(toCommit({ records, rejected: [], requestedAt }, row, null))
  if (result.changed.length) await wakeFollowers(ports, streamId, { now: true })
}
