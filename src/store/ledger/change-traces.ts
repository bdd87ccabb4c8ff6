/** Which traces changes belong to. */
import type pg from 'pg'
import { arrayText } from './array-text.ts'

/** Notes the traces of changed records, in the transaction that changes them. */
export async function noteTraces(
  client: pg.PoolClient,
  streamId: number,
  changes: readonly { seq: number; trace: string }[],
): Promise<void> {
  await client.query({
    name: 'note-traces',
    text: `insert into change_trace (stream_id, seq, traceparent) select $1, * from unnest($2::bigint[], $3::text[])
           on conflict do nothing`,
    values: [streamId, changes.map(({ seq }) => seq), arrayText(changes.map(({ trace }) => trace))],
  })
}

/** The traces of states of records, by their numbers. */
export async function readTraces(pool: pg.Pool, streamId: number, seqs: readonly number[]): Promise<string[]> {
  const { rows } = await pool.query<{ traceparent: string }>({
    name: 'read-traces',
    text: 'select traceparent from change_trace where stream_id = $1 and seq = any($2::bigint[]) order by seq',
    values: [streamId, seqs],
  })
  return rows.map(({ traceparent }) => traceparent)
}
