import type pg from 'pg'

/**
 * Counts a try against each key before it is made, so that many at once cannot slip through together. Gives the highest count of
 * this minute, and the seconds until the next one.
 */
export async function countTry(pool: pg.Pool, keys: readonly Buffer[]): Promise<{ tries: number; seconds: number }> {
  await pool.query(`delete from login_failure where minute < now() - interval '5 minutes'`)
  const { rows } = await pool.query<{ tries: number; seconds: number }>(
    `with counted as (
       insert into login_failure (key, minute, failures)
       select key, date_trunc('minute', now()), 1 from unnest($1::bytea[]) key order by key
       on conflict (key, minute) do update set failures = login_failure.failures + 1 returning failures, minute
     )
     select max(failures)::int as tries,
            greatest(1, ceil(extract(epoch from max(minute) + interval '1 minute' - clock_timestamp())))::int as seconds
     from counted`,
    [keys],
  )
  return rows[0]!
}

/** A try that was right counts no more. */
export async function forgiveTry(pool: pg.Pool, keys: readonly Buffer[]): Promise<void> {
  await pool.query(
    `update login_failure set failures = greatest(0, failures - 1)
     where key = any($1::bytea[]) and minute = date_trunc('minute', now())`,
    [keys],
  )
}
