/** Records that a person corrected on the error desk, and events that are read again. */
import type pg from 'pg'
import { withTransaction } from '../transaction.ts'
import { openCorrection, sealCorrection } from './letter-seals.ts'

type CorrectionResult = 'corrected' | 'moved-on' | 'not-open'

/**
 * Keeps a corrected body for one state of a record and makes its delivery due. `moved-on`: the source has said something newer
 * since the letter, so the correction would write older data.
 */
export function correctRecord(
  pool: pg.Pool,
  correction: { letterId: number; body: string; actor: string },
): Promise<CorrectionResult> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{
      sync_id: number
      record_id: string
      part: string
      source_seq: number
      seq: number
      partly: boolean
    }>(
      `select d.sync_id, d.record_id, d.part, d.source_seq, r.seq, s.keeping <> 'full' as partly from dead_letter d
         join sync y on y.id = d.sync_id join stream s on s.id = y.from_stream left join record r on r.stream_id = y.from_stream and r.id = d.record_id
        where d.id = $1 and d.state = 'open' and d.kind = 'push' for update of d`,
      [correction.letterId],
    )
    const letter = rows[0]
    if (!letter) return 'not-open'
    if (letter.seq !== letter.source_seq) return 'moved-on'
    const { sync_id: syncId, record_id: recordId } = letter
    const body = letter.partly
      ? await sealCorrection(pool, client, [syncId, recordId], correction.body)
      : correction.body
    await client.query(
      `insert into correction (sync_id, record_id, source_seq, body, actor) values ($1, $2, $3, $4, $5)
       on conflict (sync_id, record_id) do update
          set source_seq = excluded.source_seq, body = excluded.body, actor = excluded.actor, corrected_at = now()`,
      [syncId, recordId, letter.source_seq, body, correction.actor],
    )
    return 'corrected'
  })
}

/** Corrected bodies by record id, with the sequence number of the state they hold for. */
export async function readCorrections(
  pool: pg.Pool,
  syncId: number,
  recordIds: string[],
): Promise<Map<string, { seq: number; body: string }>> {
  if (!recordIds.length) return new Map()
  const { rows } = await pool.query<{ record_id: string; seq: number; body: string }>(
    'select record_id, source_seq as seq, body from correction where sync_id = $1 and record_id = any($2)',
    [syncId, recordIds],
  )
  const found = new Map<string, { seq: number; body: string }>()
  for (const { record_id, seq, body } of rows)
    found.set(record_id, { seq, body: await openCorrection(pool, syncId, record_id, body) })
  return found
}

export async function assignDeadLetter(
  pool: pg.Pool,
  id: number,
  to: { assignee: string | null; note: string | null },
): Promise<void> {
  await pool.query(`update dead_letter set assignee = $2, note = nullif(coalesce($3, note), '') where id = $1`, [
    id,
    to.assignee,
    to.note,
  ])
}

type EventChoice = {
  ids?: number[]
  connectionId?: number
  stream?: string
  state?: 'done' | 'skipped' | 'dead'
  since?: Date
  until?: Date
}

/**
 * Makes settled events pending again, at most `limit`, oldest first. `to`: 0 = for all syncs, else for this one. `notKept`: how
 * many of them have no bytes any more, because of how the hub keeps their streams or because somebody was erased.
 */
export async function replayEvents(
  pool: pg.Pool | pg.PoolClient,
  choice: EventChoice,
  to: number,
  limit: number,
): Promise<{ replayed: number; notKept: number; connections: number[] }> {
  const { rows } = await pool.query<{ connection_ids: number[]; replayed: number; chosen: number }>(
    `with chosen as (
            select id, received_at, length(body) > 0 as kept from inbox
              where state <> 'pending' and ($2::bigint[] is null or id = any($2)) and ($3::int is null or connection_id = $3)
                and ($4::text is null or stream = $4) and ($5::text is null or state = $5)
                and ($6::timestamptz is null or received_at >= $6) and ($7::timestamptz is null or received_at < $7)
              order by id limit $8
     ), replayed as (
       update inbox i set state = 'pending', attempts = 0, next_attempt_at = now(), replay_to = $1
         from chosen where i.id = chosen.id and i.received_at = chosen.received_at and chosen.kept
       returning i.connection_id
     ) select array(select distinct connection_id from replayed) as connection_ids,
              (select count(*) from replayed) as replayed, (select count(*) from chosen) as chosen`,
    [
      to,
      choice.ids ?? null,
      choice.connectionId ?? null,
      choice.stream ?? null,
      choice.state ?? null,
      choice.since ?? null,
      choice.until ?? null,
      limit,
    ],
  )
  const { replayed, chosen, connection_ids: connections } = rows[0]!
  return { replayed, notKept: chosen - replayed, connections }
}

/** Lets records go through some syncs once more, whether they changed or not. */
export async function makeDue(pool: pg.Pool, syncIds: number[], recordIds: string[]): Promise<void> {
  if (!syncIds.length || !recordIds.length) return
  await pool.query(
    `update delivery set next_attempt_at = now(), attempts = 0,
            state = case when state in ('in_doubt', 'parked') then state else 'pending' end
      where sync_id = any($1) and record_id = any($2)`,
    [syncIds, recordIds],
  )
}
