import { CausewayError, parseExact } from '../core/index.ts'
import { AS_OF, type InboxRow } from './ports.ts'

/** When what an event says was true: when it came, or the event whose id it has. */
export function trueAt({ receivedAt, headers }: InboxRow): Date {
  if (!headers.includes(AS_OF)) return receivedAt
  const at = (parseExact(headers) as Record<string, string>)[AS_OF]
  return at === undefined ? receivedAt : new Date(at)
}

/** Systems tell of a record before all of their servers have it. */
const ABSENT_LOOK_MS = 3_000

/** A record that an event names and that is not there is asked for once more before it counts as deleted. */
export function lookAgain(now: Date) {
  const what = 'a record that the event names is not there, and is asked for once more'
  const reason = JSON.stringify(new CausewayError('CSW-3009', { what }).toJSON())
  return { state: 'pending' as const, reason, nextAttemptAt: new Date(now.getTime() + ABSENT_LOOK_MS) }
}
