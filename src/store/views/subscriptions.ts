import { type Database, rows } from './database.ts'
import { type Verbatim, verbatimError } from './verbatim.ts'

/** A webhook that the hub ordered, or is about to. Its secret is never shown. */
export type SubscriptionView = {
  id: number
  connection: string
  /** Null where one serves all streams of the connection. */
  stream: string | null
  url: string
  events: string[]
  /** `ordering`: not confirmed yet. `active`: it lives. `leaving`: about to be removed. */
  state: 'ordering' | 'active' | 'leaving'
  remoteId: string | null
  expiresAt: Date | null
  renewAt: Date | null
  seenAt: Date | null
  failures: number
  nextAt: Date | null
  error: Verbatim | null
}

/** All of them, or those of one connection; they are few. */
export async function listSubscriptions(db: Database, connection?: string): Promise<SubscriptionView[]> {
  const found = await rows<Omit<SubscriptionView, 'error'> & { error: string | null }>(
    db,
    `select w.id, c.name as connection, w.stream, w.url, w.events::json as events, w.state, w.remote_id as "remoteId",
            w.expires_at as "expiresAt", w.renew_at as "renewAt", w.seen_at as "seenAt", w.failures, w.next_at as "nextAt", w.error
       from webhook_subscription w join connection c on c.id = w.connection_id
      where $1::text is null or c.name = $1 order by c.name, w.stream nulls first, w.id`,
    [connection ?? null],
  )
  return found.map((row) => ({ ...row, error: verbatimError(row.error) }))
}
