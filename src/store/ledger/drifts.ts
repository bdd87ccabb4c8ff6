/** What the records of streams looked like, and what changed about them. */
import type pg from 'pg'
import { withTransaction } from '../transaction.ts'

/** The shape of a stream as JSON text; null before anything was seen. */
export async function readShape(pool: pg.Pool, streamId: number): Promise<string | null> {
  const { rows } = await pool.query<{ shape: string | null }>('select shape from stream where id = $1', [streamId])
  return rows[0]?.shape ?? null
}

export async function saveShape(pool: pg.Pool, streamId: number, shape: string): Promise<void> {
  await pool.query('update stream set shape = $2 where id = $1', [streamId, shape])
}

/** Notes a drift together with the shape that knows it, so that it is noted once. `open`: a person has to look at it. */
export function addDrift(
  pool: pg.Pool,
  drift: { streamId: number; runId: number; changes: string; open: boolean; shape: string },
): Promise<number> {
  return withTransaction(pool, async (client) => {
    await client.query('update stream set shape = $2 where id = $1', [drift.streamId, drift.shape])
    const { rows } = await client.query<{ id: number }>(
      `insert into drift (stream_id, run_id, changes, state, closed_at)
       values ($1, $2, $3, case when $4 then 'open' else 'accepted' end, case when $4 then null else now() end) returning id`,
      [drift.streamId, drift.runId, drift.changes, drift.open],
    )
    return rows[0]!.id
  })
}

/** The changes of drifts of a stream that nobody has accepted, as JSON texts. */
export async function readOpenDrifts(pool: pg.Pool, streamId: number): Promise<string[]> {
  const { rows } = await pool.query<{ changes: string }>(
    `select changes from drift where stream_id = $1 and state = 'open' order by id`,
    [streamId],
  )
  return rows.map(({ changes }) => changes)
}

/**
 * A person has looked at a drift: what was held for its sake is due, syncs that it paused go on. Undefined when it is not open.
 * Gives the syncs that have work now.
 */
export function acceptDrift(pool: pg.Pool, id: number, actor: string): Promise<{ syncs: number[] } | undefined> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<{ stream_id: number }>(
      `update drift set state = 'accepted', actor = $2, closed_at = now() where id = $1 and state = 'open' returning stream_id`,
      [id, actor],
    )
    if (!rows[0]) return undefined
    await waitForOthers(client, id)
    const resumed = await client.query<{ id: number }>(
      `update sync set state = 'active', state_reason = null, state_since = now()
        where state = 'paused' and state_reason = $1 returning id`,
      [pauseReason(id)],
    )
    const released = await client.query<{ sync_id: number }>(
      `update delivery d set next_attempt_at = now() from sync y
        where y.id = d.sync_id and y.from_stream = $1 and d.state = 'parked' and d.parked_id is null
          and d.error like '%"code":"CSW-5019"%' returning d.sync_id`,
      [rows[0].stream_id],
    )
    const syncs = [...resumed.rows.map((row) => row.id), ...released.rows.map((row) => row.sync_id)]
    return { syncs: [...new Set(syncs)] }
  })
}

/** Syncs that a drift paused and another open one touches wait for that one now. */
async function waitForOthers(client: pg.PoolClient, id: number): Promise<void> {
  await client.query(
    `update sync y set state_reason = $3 || o.id from (
       select touch ->> 'sync' as sync, min(d.id) as id
         from drift d, json_array_elements(d.changes::json) change, json_array_elements(change -> 'touches') touch
        where d.state = 'open' and d.id <> $1 and change ->> 'kind' <> 'new' group by 1) o
      where y.name = o.sync and y.state = 'paused' and y.state_reason = $2`,
    [id, pauseReason(id), PAUSE_REASON],
  )
}

/** Pauses a sync for the sake of a drift; one that a person paused keeps that reason. */
export async function pauseForDrift(pool: pg.Pool, syncId: number, driftId: number): Promise<void> {
  await pool.query(
    `update sync set state = 'paused', state_reason = $2, state_since = now() where id = $1 and state = 'active'`,
    [syncId, pauseReason(driftId)],
  )
}

const PAUSE_REASON = 'CSW-5019: the source has changed, see drift '
const pauseReason = (driftId: number): string => PAUSE_REASON + driftId
