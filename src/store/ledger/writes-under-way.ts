import type pg from 'pg'
import { digest } from '../../core/index.ts'
import { arrayText } from './array-text.ts'
import type { WritesUnderWay } from './types.ts'

/** What a person has given up (its letter is discarded) is under way no more: nobody will ever hear what came of it. */
const GIVEN_UP = `exists (select from delivery d where d.sync_id = i.sync_id and d.record_id = i.record_id and d.part = i.part
             and d.state = 'dead' and not exists (select from dead_letter l
                  where l.sync_id = d.sync_id and l.record_id = d.record_id and l.part = d.part and l.state in ('open', 'requeued')))`

/**
 * What a sync is writing, as far as it may concern some records of its target stream: writes of these records, and creates that were
 * begun before one of them was first seen. An intent that is still there has an outcome that is not known yet.
 */
export async function readWritesUnderWay(
  pool: pg.Pool,
  syncId: number,
  targetStream: number,
  ids: string[],
): Promise<WritesUnderWay> {
  const { rows } = await pool.query<{ id: string; openedAt: Date }>({
    name: 'writes-under-way',
    text: `select t.id, i.opened_at as "openedAt" from unnest($3::text[], $4::text[]) as t(id, key)
             join intent i on i.target_stream = $2 and i.target_key = t.key where i.sync_id = $1 and not ${GIVEN_UP}`,
    values: [syncId, targetStream, arrayText(ids), arrayText(ids.map((id) => `id:${digest(id)}`))],
  })
  const { rows: creates } = await pool.query<{ openedAt: Date; matchKey: { field: string; value: string }[] }>({
    name: 'creates-under-way',
    text: `select opened_at as "openedAt", match_key::json as "matchKey" from intent i
            where sync_id = $1 and target_stream = $2 and operation in ('create', 'upsert') and target_key not like 'id:%'
              and not ${GIVEN_UP}`,
    values: [syncId, targetStream],
  })
  if (!creates.length)
    return { records: new Map(rows.map((row) => [row.id, row.openedAt])), creates, firstSeen: new Map() }
  const { rows: seen } = await pool.query<{ id: string; at: Date }>({
    name: 'first-seen',
    text: 'select id, first_seen_at as at from record where stream_id = $1 and id = any($2)',
    values: [targetStream, arrayText(ids)],
  })
  return {
    records: new Map(rows.map((row) => [row.id, row.openedAt])),
    creates,
    firstSeen: new Map(seen.map(({ id, at }) => [id, at])),
  }
}
