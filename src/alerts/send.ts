/** Sends what is due, route by route: at least once, in order for each thing, and however long a receiver is away at a bounded cost. */
import type { AlertRoute } from '../config/index.ts'
import { asCausewayError, type BackoffPolicy, backoffMs, CausewayError, digest, type Logger } from '../core/index.ts'
import {
  type AlertMessageRow,
  dueAlertMessages,
  endAlertMessage,
  foldAlertMessages,
  noteAlertAttempt,
  type Store,
  withTransaction,
} from '../store/index.ts'
import type { Channel, Message, Subject, Turn } from './contract.ts'

const BACKOFF: BackoffPolicy = { baseMs: 5_000, capMs: 30 * 60_000 }
const GIVE_UP_MS = 24 * 60 * 60_000
/** Of one round of a route, secrets and all. Longer than any channel needs for a message; it holds the others up no longer. */
const ROUTE_MS = 60_000
/** More than these at once are one message, for nobody reads them singly. */
const MOST_SINGLE = 10
const MOST_FOLDED = 1_000
const LISTED_IN_DIGEST = 50

export type SendParts = {
  pool: Store['pool']
  log: Logger
  open(route: AlertRoute): Promise<Channel>
  /** For tests. */
  routeMs?: number
  /** False once this process is no longer the one that sends. */
  maySend(): boolean
}

/** Sends what is due of all routes. One that does not answer holds up no other one. */
export async function sendDue(parts: SendParts, routes: readonly AlertRoute[]): Promise<void> {
  await Promise.all(routes.map((route) => sendRoute(parts, route)))
}

async function sendRoute(parts: SendParts, route: AlertRoute): Promise<void> {
  const { pool } = parts
  await foldMany(pool, route.name)
  const due = await dueAlertMessages(pool, route.name, MOST_SINGLE + 1)
  if (!due.length) return
  const over = AbortSignal.timeout(parts.routeMs ?? ROUTE_MS)
  let channel: Channel | undefined
  try {
    for (const row of due) {
      if (over.aborted || !parts.maySend()) return
      await noteAlertAttempt(pool, row.id, backoffMs(row.attempts + 1, BACKOFF))
      let partly: CausewayError | undefined
      try {
        channel ??= await within(over, route, parts.open(route), (late) => late.close())
        partly = await within(over, route, channel.send(messageOf(row)))
      } catch (thrown) {
        // Most likely the others would fare the same now; this one comes again later and is in nobody's way then.
        return await noteFailure(parts, route, row, asCausewayError(thrown))
      }
      await endAlertMessage(pool, row.id, { state: 'sent', error: partly?.toJSON() ?? null })
    }
  } finally {
    channel?.close()
  }
}

/** What comes later is let go, by `drop`; a channel is closed under what it still does. */
async function within<T>(
  over: AbortSignal,
  route: AlertRoute,
  work: Promise<T>,
  drop: (late: T) => void = () => undefined,
): Promise<T> {
  const late = Promise.withResolvers<never>()
  const leave = () => {
    work.then(drop, () => undefined)
    late.reject(new CausewayError('CSW-3002', { what: `Alert route ${route.name} took too long.` }))
  }
  if (over.aborted) leave()
  else over.addEventListener('abort', leave)
  try {
    return await Promise.race([work, late.promise])
  } finally {
    over.removeEventListener('abort', leave)
  }
}

async function noteFailure(
  { pool, log }: SendParts,
  route: AlertRoute,
  row: AlertMessageRow,
  error: CausewayError,
): Promise<void> {
  const since = row.firstTriedAt?.getTime() ?? Date.now()
  const over = Date.now() - since > GIVE_UP_MS
  await endAlertMessage(pool, row.id, { state: over ? 'given_up' : 'waiting', error: error.toJSON() })
  const about = { route: route.name, attempt: row.attempts + 1, code: error.code, err: error }
  if (over) log.error(about, 'an alert was given up after a day of tries')
  else log.warn(about, 'an alert did not get through and is sent again')
}

/** Only what nobody can have seen yet is put together; what was tried once keeps its id. */
async function foldMany(pool: Store['pool'], route: string): Promise<void> {
  await withTransaction(pool, async (client) => {
    const rows = (await dueAlertMessages(client, route, MOST_FOLDED)).filter(
      ({ attempts, change }) => attempts === 0 && change !== 'digest',
    )
    if (rows.length <= MOST_SINGLE) return
    const ids = rows.map(({ id }) => id)
    const items = rows
      .slice(0, LISTED_IN_DIGEST)
      .map(({ change, content }) => ({ change, subject: JSON.parse(content) as Subject }))
    const content = JSON.stringify({ total: rows.length, items })
    await foldAlertMessages(client, route, { id: `msg_${digest(JSON.stringify(ids))}`, content }, ids)
  })
}

function messageOf({ id, change, content, createdAt: at }: AlertMessageRow): Message {
  if (change !== 'digest') return { id, at, change, subject: JSON.parse(content) as Subject }
  const { total, items } = JSON.parse(content) as { total: number; items: { change: Turn; subject: Subject }[] }
  return { id, at, change, total, items }
}
