/** The end of a complete scan: what it did not meet is deleted, or held for a person. */
import type pg from 'pg'
import { withTransaction } from '../transaction.ts'
import { assertLease } from './lease-check.ts'
import type { LeaseProof } from './types.ts'

export type ScanCount = {
  /** Records that the scan met. */
  seen: number
  /** Records of the log that live, before anything is deleted. */
  live: number
  /** Of these, what the scan did not meet and what was neither first seen nor changed after it began. */
  vanished: number
  /** Records of this stream that could not be stored, so that they may be among those that were not met. */
  rejected: number
}

/** $1 stream · $2 scan */
const VANISHED = `
select r.id from record r, stream s
 where r.stream_id = $1 and s.id = $1 and not r.deleted and r.seq <= s.scan_began_seq
   and not exists (select from (select unnest(record_ids) as id from scan_page where stream_id = $1 and scan_id = $2) met
                    where met.id = r.id)`

/** What a hold holds and what did not change since. What a scan under way has met again lives. $1 stream · $2 hold */
const HELD = `
select r.id from held_record h join hold on hold.id = h.hold_id join record r on r.stream_id = $1 and r.id = h.record_id
 where h.hold_id = $2 and not r.deleted and r.seq <= hold.seq
   and not exists (select from (select unnest(record_ids) as id from scan_page where stream_id = $1) met where met.id = r.id)`

type Scan = { streamId: number; scanId: number }

export async function countScan(pool: pg.Pool, scan: Scan): Promise<ScanCount> {
  const { rows } = await pool.query<ScanCount>(
    `select (select count(distinct id) from (select unnest(record_ids) as id from scan_page where stream_id = $1 and scan_id = $2) met) as seen,
            (select count(*) from record where stream_id = $1 and not deleted) as live,
            (select count(*) from (${VANISHED}) v) as vanished,
            (select count(*) from dead_letter where kind = 'pull' and stream_id = $1 and state = 'open') as rejected`,
    [scan.streamId, scan.scanId],
  )
  return rows[0]!
}

/** Some of what the scan did not meet, by chance. */
export async function sampleVanished(pool: pg.Pool, scan: Scan, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(`${VANISHED} order by random() limit $3`, [
    scan.streamId,
    scan.scanId,
    limit,
  ])
  return rows.map(({ id }) => id)
}

/** Ends a complete scan: what it did not meet is gone from the source, but for `except`. Gives how many that were. */
export function finishScan(pool: pg.Pool, scan: Scan & { lease: LeaseProof; except: string[] }): Promise<number> {
  return withTransaction(pool, async (client) => {
    await assertLease(client, scan.lease)
    const gone = await markGone(client, VANISHED, scan.streamId, scan.scanId, scan.except)
    await endScan(client, scan.streamId)
    return gone
  })
}

/** Ends a complete scan without deleting: what it did not meet waits for a person, as one hold per stream, the latest. */
export function holdScan(
  pool: pg.Pool,
  scan: Scan & { lease: LeaseProof; runId: number; reason: string; live: number },
): Promise<number> {
  return withTransaction(pool, async (client) => {
    await assertLease(client, scan.lease)
    const { rows: ids } = await client.query<{ id: string }>(VANISHED, [scan.streamId, scan.scanId])
    await endScan(client, scan.streamId)
    const { rows } = await client.query<{ id: number }>(
      `insert into hold (kind, stream_id, run_id, reason, seq, records, live)
       select 'scan', id, $2, $3, scan_began_seq, $4, $5 from stream where id = $1 returning id`,
      [scan.streamId, scan.runId, scan.reason, ids.length, scan.live],
    )
    await client.query('insert into held_record (hold_id, record_id) select $1, unnest($2::text[])', [
      rows[0]!.id,
      ids.map(({ id }) => id),
    ])
    return ids.length
  })
}

/** Some of what a hold still holds, by chance. */
export async function sampleHeld(pool: pg.Pool, hold: { id: number; streamId: number }, limit: number) {
  const { rows } = await pool.query<{ id: string }>(`${HELD} order by random() limit $3`, [
    hold.streamId,
    hold.id,
    limit,
  ])
  return rows.map(({ id }) => id)
}

/** Deletes what an approved hold holds, but for `except` and what has changed or was met since. */
export function finishHold(
  pool: pg.Pool,
  hold: { id: number; streamId: number; lease: LeaseProof; except: string[] },
): Promise<number> {
  return withTransaction(pool, async (client) => {
    await assertLease(client, hold.lease)
    const gone = await markGone(client, HELD, hold.streamId, hold.id, hold.except)
    await client.query(`update hold set state = 'done' where id = $1 and state = 'approved'`, [hold.id])
    return gone
  })
}

async function markGone(
  client: pg.PoolClient,
  chosen: string,
  streamId: number,
  id: number,
  except: string[],
): Promise<number> {
  // The stream lock comes in a statement of its own: the next one must see what was committed before the lock was got.
  await client.query('select 1 from stream where id = $1 for update', [streamId])
  const { rowCount } = await client.query(
    `with chosen as materialized (${chosen}), gone as materialized (
       select id, row_number() over () as turn, count(*) over () as total from chosen where id <> all($3)),
     room as (update stream set seq = seq + coalesce((select max(total) from gone), 0) where id = $1 returning seq)
     update record set deleted = true, seq = room.seq - gone.total + gone.turn, observed_at = now()
       from room, gone where stream_id = $1 and record.id = gone.id`,
    [streamId, id, except],
  )
  return rowCount ?? 0
}

/** What an earlier scan held is judged anew by this one. */
async function endScan(client: pg.PoolClient, streamId: number): Promise<void> {
  await client.query('delete from scan_page where stream_id = $1', [streamId])
  await client.query(
    `update hold set state = 'superseded', decided_at = now() where kind = 'scan' and stream_id = $1 and state = 'open'`,
    [streamId],
  )
}
