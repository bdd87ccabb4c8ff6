/** What waits for a person's approval. */
import type pg from 'pg'
import { withTransaction } from '../transaction.ts'
import { assertLease } from './lease-check.ts'
import type { LeaseProof } from './types.ts'

export type ApprovedHold = { id: number; runId: number; streamId: number; records: number }

export type DecidedHold = {
  kind: 'scan' | 'push'
  streamId: number
  syncId: number | null
  records: number
}

/**
 * Answers the open hold of a run; undefined when it has none. An approved scan waits for its stream's next worker; what a sync
 * held becomes due at once, or stays in the target as it is.
 */
export function decideHold(
  pool: pg.Pool,
  runId: number,
  decision: { approved: boolean; actor: string; note: string | null },
): Promise<DecidedHold | undefined> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<DecidedHold & { id: number }>(
      `update hold set state = $2, actor = $3, note = $4, decided_at = now() from run r
        where r.id = $1 and r.outcome = 'held' and hold.state = 'open'
          and hold.stream_id = r.stream_id and hold.sync_id is not distinct from r.sync_id
       returning hold.id, hold.kind, hold.stream_id as "streamId", hold.sync_id as "syncId", hold.records`,
      [runId, decision.approved ? 'approved' : 'rejected', decision.actor, decision.note],
    )
    const hold = rows[0]
    if (hold?.syncId != null) await settleHeld(client, { id: hold.id, syncId: hold.syncId }, decision.approved)
    return hold
  })
}

/** Holds of scans that a person approved and nobody has carried out yet, oldest first. */
export async function readApprovedScans(pool: pg.Pool, streamId: number): Promise<ApprovedHold[]> {
  const { rows } = await pool.query<ApprovedHold>(
    `select id, run_id as "runId", stream_id as "streamId", records from hold
      where stream_id = $1 and kind = 'scan' and state = 'approved' order by id`,
    [streamId],
  )
  return rows
}

/** Adds records to the open hold of a sync, or opens one. */
export function holdPush(
  pool: pg.Pool,
  hold: { syncId: number; streamId: number; runId: number; lease: LeaseProof; live: number; records: string[] },
): Promise<void> {
  return withTransaction(pool, async (client) => {
    await assertLease(client, hold.lease)
    const { rows } = await client.query<{ id: number }>(
      `insert into hold (kind, stream_id, sync_id, run_id, reason, seq, records, live)
       select 'push', $2, $1, $3, 'share', seq, 0, $4 from stream where id = $2
       on conflict (kind, stream_id, coalesce(sync_id, 0)) where state = 'open' do update set live = excluded.live
       returning id`,
      [hold.syncId, hold.streamId, hold.runId, hold.live],
    )
    await client.query(
      `with added as (insert into held_record (hold_id, record_id) select $1, unnest($2::text[]) on conflict do nothing returning 1)
       update hold set records = records + (select count(*) from added) where id = $1`,
      [rows[0]!.id, hold.records],
    )
  })
}

/** Which records may leave the target because a person approved that: for the sync, or as deletions of the stream. */
export async function findApprovedRecords(
  pool: pg.Pool,
  streamId: number,
  syncId: number,
  recordIds: string[],
): Promise<Set<string>> {
  const { rows } = await pool.query<{ record_id: string }>(
    `select h.record_id from hold join held_record h on h.hold_id = hold.id
      where hold.stream_id = $1 and hold.state in ('approved', 'done') and (hold.kind = 'scan' or hold.sync_id = $2)
        and h.record_id = any($3)`,
    [streamId, syncId, recordIds],
  )
  return new Set(rows.map((row) => row.record_id))
}

/** How many records of a sync the target is known to hold. */
export async function countDelivered(pool: pg.Pool, syncId: number): Promise<number> {
  const { rows } = await pool.query<{ n: number }>(
    'select count(*) as n from delivery where sync_id = $1 and delivered is not null',
    [syncId],
  )
  return rows[0]!.n
}

async function settleHeld(
  client: pg.PoolClient,
  hold: { id: number; syncId: number },
  approved: boolean,
): Promise<void> {
  await client.query(
    `update delivery d set next_attempt_at = case when $3 then now() end, state = case when $3 then 'pending' else 'skipped' end, error = null
       from held_record h where h.hold_id = $1 and d.sync_id = $2 and d.record_id = h.record_id and d.state = 'parked' and d.parked_id is null`,
    [hold.id, hold.syncId, approved],
  )
}
