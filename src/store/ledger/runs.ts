import type pg from 'pg'
import type { RunTimesKept, SerializedError } from '../../core/index.ts'
import type { RunCounts, RunOutcome } from './types.ts'

export type RunStart = {
  kind: 'pull' | 'push' | 'inbox'
  requestId: string | null
  trigger: string
  streamId: number
  syncId?: number
  lane?: number
  mode?: string
  mappingVersion?: string
  /** It began so long ago: what was read and mapped before the row was needed is a part of it. */
  agoMs?: number
}

export async function startRun(pool: pg.Pool, run: RunStart): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    `insert into run (kind, request_id, trigger, stream_id, sync_id, lane, mode, mapping_version, started_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, now() - make_interval(secs => $9)) returning id`,
    [
      run.kind,
      run.requestId,
      run.trigger,
      run.streamId,
      run.syncId ?? null,
      run.lane ?? null,
      run.mode ?? null,
      run.mappingVersion ?? null,
      (run.agoMs ?? 0) / 1_000,
    ],
  )
  return rows[0]!.id
}

export type RunFacts = { kind: string; syncId: number | null; outcome: string; finishedAt: Date | null }

export async function readRun(pool: pg.Pool, runId: number): Promise<RunFacts | undefined> {
  const { rows } = await pool.query<RunFacts>(
    'select kind, sync_id as "syncId", outcome, finished_at as "finishedAt" from run where id = $1',
    [runId],
  )
  return rows[0]
}

/** Shows that a run lives and how far it is. */
export async function beatRun(pool: pg.Pool, runId: number, counts: RunCounts, times: RunTimesKept): Promise<void> {
  await pool.query('update run set heartbeat_at = now(), counts = $2, times = $3 where id = $1', [runId, counts, times])
}

/** A run that was taken for dead, because it was silent for long, and comes to its end after all is the better witness. */
export async function finishRun(
  pool: pg.Pool,
  runId: number,
  result: { outcome: RunOutcome; counts: RunCounts; times: RunTimesKept; error: SerializedError | null },
): Promise<void> {
  await pool.query(
    `update run set outcome = $2, counts = $3, error = $4, times = $5, heartbeat_at = now(), finished_at = now()
      where id = $1 and outcome in ('running', 'interrupted')`,
    [runId, result.outcome, result.counts, result.error ? JSON.stringify(result.error) : null, result.times],
  )
}

/** Marks runs whose worker died: no heartbeat for `silentMs`. Their work goes on in new runs. */
export async function markInterrupted(pool: pg.Pool, silentMs: number): Promise<number> {
  const { rowCount } = await pool.query(
    `update run set outcome = 'interrupted', finished_at = heartbeat_at
      where outcome = 'running' and heartbeat_at < now() - make_interval(secs => $1)`,
    [silentMs / 1_000],
  )
  return rowCount ?? 0
}
