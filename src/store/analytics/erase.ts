import type pg from 'pg'
import { historyOf, tableOf } from './tables.ts'

/**
 * Takes records out of every table that follows their stream, and out of its history; also of targets that are no longer
 * configured. The lock waits for who is just taking the stream over, and may have read what is being erased.
 */
export async function eraseFromAnalytics(
  client: pg.PoolClient,
  streamId: number,
  ids: readonly string[],
): Promise<void> {
  const { rows } = await client.query<{ schema: string; name: string }>(
    'select schema_name as schema, name from analytics_table where stream_id = $1 order by schema_name, name for update',
    [streamId],
  )
  for (const table of rows.flatMap((row) => [tableOf(row), historyOf(row)])) {
    const { rows: found } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [
      table,
    ])
    if (found[0]?.there) await client.query(`delete from ${table} where _id = any($1)`, [ids])
  }
}
