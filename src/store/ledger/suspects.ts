import type pg from 'pg'
import { CausewayError } from '../../core/index.ts'
import type { LeaseProof } from './types.ts'

/*
 * What may have ended a process. A write is counted by its intent, which is committed before it is sent anyway; what is handled
 * before that, or without a write, is noted one by one, but only after somebody died.
 */

/**
 * Counts the end of former holders against the writes that they had under way; gives how many those were. Whoever waits for a job of
 * another system handles no record, so those are told and not counted.
 */
export async function countDeaths(pool: pg.Pool, lease: LeaseProof): Promise<number> {
  const { rowCount } = await pool.query(
    `update intent set deaths = deaths + (job is null)::int, under_way = false where lease_name = $1 and lease_token < $2 and under_way`,
    [lease.name, lease.token],
  )
  return rowCount ?? 0
}

/** Notes what is about to be handled by itself. Gives how often in a row that was begun without an end, this time included. */
export async function noteSuspect(pool: pg.Pool, lease: LeaseProof, suspect: string): Promise<number> {
  const { rows } = await pool.query<{ starts: number }>(
    `update lease set suspect = $3, starts = case when suspect = $3 then starts + 1 else 1 end
      where name = $1 and token = $2 and expires_at > clock_timestamp() returning starts`,
    [lease.name, lease.token, suspect],
  )
  if (!rows[0]) throw new CausewayError('CSW-6004', { what: `the lease "${lease.name}" is no longer held` })
  return rows[0].starts
}

/**
 * How many processes that work fell silent in the last ten minutes and had not said that they end: killed, crashed or frozen. One that
 * died in the last ten seconds is not among them yet.
 */
export async function countSilentWorkers(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ silent: number }>(
    `select count(*)::int as silent from worker
      where left_at is null and seen_at between now() - interval '10 minutes' and now() - interval '10 seconds'`,
  )
  return rows[0]!.silent
}

/** What was noted last has come to an end. */
export async function clearSuspect(pool: pg.Pool, lease: LeaseProof): Promise<void> {
  await pool.query('update lease set suspect = null, starts = 0 where name = $1 and token = $2', [
    lease.name,
    lease.token,
  ])
}
