/** Natural keys of target records, as the hub wrote them there or read them. */
import type pg from 'pg'
import { arrayText } from './array-text.ts'

/** By record id. */
export async function readTargetKeys(
  pool: pg.Pool,
  streamId: number,
  recordIds: string[],
  fields: string[],
): Promise<Map<string, { field: string; value: string }[]>> {
  const { rows } = await pool.query<{ recordId: string; field: string; value: string }>({
    name: 'read-target-keys',
    text: `select record_id as "recordId", field, value from record_key
            where stream_id = $1 and record_id = any($2) and field = any($3)`,
    values: [streamId, arrayText(recordIds), arrayText(fields)],
  })
  return Map.groupBy(rows, ({ recordId }) => recordId)
}
