import { parseExact } from '../core/index.ts'
import { AS_OF, type InboxRow } from './ports.ts'

/** When what an event says was true: when it came, or the event whose id it has. */
export function trueAt({ receivedAt, headers }: InboxRow): Date {
  if (!headers.includes(AS_OF)) return receivedAt
  const at = (parseExact(headers) as Record<string, string>)[AS_OF]
  return at === undefined ? receivedAt : new Date(at)
}
