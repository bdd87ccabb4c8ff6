import type pg from 'pg'

/**
 * Counts a try against each key before it is made, so that many at once cannot slip through together. Gives the highest count of
 * this minute, and the seconds until the next one.
 */
export async function countTry(pool: pg.Pool, keys: readonly Buffer[]): Promise<{ tries: number; seconds: number }> {
  // Whoever else is at such a row clears it away as well.
  await pool.query(
    `delete from login_failure where (key, minute) in
       (select key, minute from login_failure where minute < now() - interval '5 minutes' for update skip locked)`,
  )
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
    // In the order in which tries are counted, so that two logins cannot wait for each other.
    `with mine as (
       select key, minute from login_failure where key = any($1::bytea[]) and minute = date_trunc('minute', now()) order by key for update
     ) update login_failure f set failures = greatest(0, f.failures - 1) from mine where (f.key, f.minute) = (mine.key, mine.minute)`,
    [keys],
  )
}
