/** What a page brought and the change log cannot hold: no usable id, or no object. */
import type pg from 'pg'
import { sealLetter } from './letter-seals.ts'
import type { PageCommit } from './types.ts'

/** A dead letter for each. `seals`: where what came is sealed, for a stream that is not kept in full. */
export async function saveRejected(client: pg.PoolClient, page: PageCommit, seals: pg.Pool | undefined): Promise<void> {
  for (const { body, error, fingerprint } of page.rejected) {
    // Without an id of its own the record is known by its content.
    const id = `?${fingerprint}`
    const input = seals ? await sealLetter(seals, client, id, body) : body
    await client.query(
      `insert into dead_letter (kind, stream_id, record_id, part, code, fingerprint, error, input, run_id)
       values ('pull', $1, $2, '', $3, $4, $5, $6, $7)
       on conflict (kind, coalesce(sync_id, 0), coalesce(stream_id, 0), record_id, part) where state = 'open'
       do update set attempts = dead_letter.attempts + 1, error = excluded.error, input = excluded.input`,
      [page.streamId, id, error.code, fingerprint, JSON.stringify(error), input, page.runId],
    )
  }
}
