import type pg from 'pg'

/** What a view needs of a pool; tests and tools may give a single client. */
export type Database = Pick<pg.Pool, 'query'>

/** A page of the admin API must not hold a session for long, however large the tables have grown. */
const QUERY_TIMEOUT_MS = 8_000

/** Runs one read and gives its rows. The caller names the row type, which the SQL beside it must keep. */
export async function rows<T extends object>(
  db: Database,
  text: string,
  values: unknown[] = [],
  timeoutMs = QUERY_TIMEOUT_MS,
): Promise<T[]> {
  // node-pg honours `query_timeout` per query; its typings know it per client only.
  const query = { text, values, query_timeout: timeoutMs } as pg.QueryConfig
  const result = await db.query<T>(query)
  return result.rows
}

/** Rows of an exact look-up: the first one, or undefined. */
export async function firstRow<T extends object>(
  db: Database,
  text: string,
  values: unknown[],
): Promise<T | undefined> {
  const [row] = await rows<T>(db, text, values)
  return row
}
