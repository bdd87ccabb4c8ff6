/** Webhook events that could not be turned into records: each has a dead letter of its own. */
import type pg from 'pg'
import type { CausewayError, SerializedError } from '../../core/index.ts'
import { withTransaction } from '../transaction.ts'
import { sealLetter } from './letter-seals.ts'

/** Longer bodies stay in the inbox only. */
const LETTER_CHARACTERS = 100_000

/** Gives an event up: it is dead in the inbox, and a letter asks for a person. Both or neither. */
export function buryEvent(
  pool: pg.Pool,
  event: { id: number; receivedAt: Date; attempts: number; body: Buffer; fault?: CausewayError; sealed?: boolean },
  connectionId: number,
  error: SerializedError,
  fingerprint: string,
): Promise<void> {
  // Postgres text holds no U+0000; what is shown need not be what is replayed, which is the inbox row.
  const shown = JSON.stringify(event.body.toString('utf8').slice(0, LETTER_CHARACTERS).toWellFormed()).replaceAll(
    '\\u0000',
    '\\ufffd',
  )
  return withTransaction(pool, async (client) => {
    const input = event.fault ? null : event.sealed ? await sealLetter(pool, client, String(event.id), shown) : shown
    await client.query(
      `update inbox set state = 'dead', reason = $3, next_attempt_at = null, attempts = attempts + 1
        where id = $1 and received_at between $2::timestamptz - interval '1 ms' and $2::timestamptz + interval '1 ms'`,
      [event.id, event.receivedAt, JSON.stringify(error)],
    )
    await client.query(
      `insert into dead_letter as d (kind, connection_id, record_id, part, code, fingerprint, error, input, attempts)
       values ('inbox', $1, $2, '', $3, $4, $5, $6, $7)
       on conflict (kind, coalesce(sync_id, 0), coalesce(stream_id, 0), record_id, part) where state = 'open'
       do update set code = excluded.code, fingerprint = excluded.fingerprint, error = excluded.error, attempts = excluded.attempts`,
      [connectionId, String(event.id), error.code, fingerprint, JSON.stringify(error), input, event.attempts + 1],
    )
  })
}

/** Dead events become due again. Gives the connections that have work now. */
export async function reviveEvents(client: pg.Pool | pg.PoolClient, letterIds: number[]): Promise<number[]> {
  const { rows } = await client.query<{ connection_id: number }>(
    `update inbox i set state = 'pending', attempts = 0, next_attempt_at = now()
       from dead_letter d where d.id = any($1) and d.kind = 'inbox' and i.id = d.record_id::bigint and i.state = 'dead'
     returning i.connection_id`,
    [letterIds],
  )
  return [...new Set(rows.map((row) => row.connection_id))]
}
