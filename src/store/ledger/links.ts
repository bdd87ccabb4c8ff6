import type pg from 'pg'

/** Target ids of source records: key `id` + U+001F + `part` → target id. Aliases resolve to the record that is in use. */
export async function findTargets(
  pool: pg.Pool,
  fromStream: number,
  toStream: number,
  recordIds: string[],
): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ record_id: string; part: string; target: string }>({
    name: 'find-targets',
    text: `select s.record_id, s.part, t.record_id as target
             from link s join link t on t.entity_id = s.entity_id and t.stream_id = $2 and not t.alias and t.part = ''
            where s.stream_id = $1 and s.record_id = any($3)`,
    values: [fromStream, toStream, recordIds],
  })
  return new Map(rows.map((row) => [linkKey(row.record_id, row.part), row.target]))
}

export const linkKey = (recordId: string, part: string): string => `${recordId}\u001f${part}`
