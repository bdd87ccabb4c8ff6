import type pg from 'pg'

/** Fields that wait in the queue of conflicts: both ids and the field, a line each. */
export async function readConflicts(pool: pg.Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ key: string }>(
    `select from_id || E'\\n' || to_id || E'\\n' || field as key from conflict where state = 'open'`,
  )
  return new Set(rows.map(({ key }) => key))
}
