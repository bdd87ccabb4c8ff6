/** What was used of the limits, kept by five minutes. */
import type pg from 'pg'

/** As long as a limit is looked back on; the last row of each stays however old, because the next one is counted from it. */
export const LIMIT_USE_DAYS = 14

/** The books that moved within this time; whoever keeps them does so once a minute. */
const RECENT = `interval '10 minutes'`

/**
 * Keeps what the shared books granted up to now. One statement, and nothing is written for a limit that was not used; several
 * processes may do it at once.
 */
export async function keepLimitUse(pool: pg.Pool): Promise<void> {
  await pool.query({
    name: 'keep-limit-use',
    text: `insert into limit_use (key, at, total, units, seconds)
           select key, date_bin('5 minutes', now(), 'epoch'), total, (size->>0)::float8, (size->>1)::float8
             from (select key, (state::json->>'total')::float8 as total, (state::json->>'size')::json as size
                     from quota where state <> '' and updated_at > now() - ${RECENT} and state::json->>'total' is not null) book
            where total is distinct from (select l.total from limit_use l where l.key = book.key order by l.at desc limit 1)
           on conflict (key, at) do update set total = excluded.total, units = excluded.units, seconds = excluded.seconds`,
  })
}
