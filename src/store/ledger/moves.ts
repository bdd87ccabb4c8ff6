/** Records whose ids are places, and which somebody moved: the same record under another id, while its former one is free again. */
import type pg from 'pg'
import { takeOver } from './aliases.ts'
import { arrayText } from './array-text.ts'
import type { IncomingRecord } from './types.ts'

/** Under this name stands what records keep when they are moved. No field of a record has it: mappings cannot match by it. */
export const MOVED_FIELD = '~moved'

type Move = { former: string; id: string }
type Mark = { id: string; value: string }

export const isMark = ({ field }: { field: string }): boolean => field === MOVED_FIELD

/**
 * Of records that the log does not know: which known record each of them may be, having the same mark. None where several
 * have it, because nothing tells which of them it was.
 */
export async function findMoved(pool: pg.Pool, streamId: number, marks: Mark[]): Promise<Move[]> {
  const { rows } = await pool.query<Move>({
    name: 'find-moved',
    text: `with unknown as materialized (
             select m.id, m.value from unnest($2::text[], $3::text[]) as m(id, value)
               left join lateral (select deleted from record where stream_id = $1 and id = m.id offset 0) r on true
              where coalesce(r.deleted, true))
           select min(k.record_id) as former, u.id from unknown u
            cross join lateral (select record_id from record_key
                                 where stream_id = $1 and field = '${MOVED_FIELD}' and value = u.value limit 3) k
            cross join lateral (select 1 from record
                                 where stream_id = $1 and id = k.record_id and not deleted offset 0) live
            group by u.id having count(*) = 1`,
    values: [streamId, arrayText(marks.map(({ id }) => id)), arrayText(marks.map(({ value }) => value))],
  })
  return rows
}

/** The marks of records that were stored before their stream had any; those of changed records come with their keys. */
export async function saveMarks(client: pg.PoolClient, streamId: number, records: IncomingRecord[]): Promise<void> {
  const marks = records.flatMap(({ id, keys }) => keys.filter(isMark).map(({ value }) => ({ id, value })))
  await client.query({
    name: 'save-marks',
    text: `insert into record_key (stream_id, field, value, record_id)
           select $1, '${MOVED_FIELD}', m.value, m.id from unnest($2::text[], $3::text[]) as m(id, value)
            where not exists (select from record_key where stream_id = $1 and record_id = m.id and field = '${MOVED_FIELD}')`,
    values: [streamId, arrayText(marks.map(({ id }) => id)), arrayText(marks.map(({ value }) => value))],
  })
}

/**
 * The links of a former id are those of the new one, with what was delivered. They are no aliases: the former id is a place,
 * and what lies there next is something else.
 */
export async function saveMoves(client: pg.PoolClient, streamId: number, moves: Move[]): Promise<void> {
  const { rows } = await client.query<{ id: string }>(
    `update link l set record_id = m.id from unnest($2::text[], $3::text[]) as m(former, id)
      where l.stream_id = $1 and l.record_id = m.former
        and not exists (select from link taken where taken.stream_id = $1 and taken.record_id = m.id and taken.part = l.part)
    returning l.record_id as id`,
    [streamId, arrayText(moves.map(({ former }) => former)), arrayText(moves.map(({ id }) => id))],
  )
  const ids = new Set(rows.map(({ id }) => id))
  await takeOver(
    client,
    streamId,
    moves.filter(({ id }) => ids.has(id)),
  )
}
