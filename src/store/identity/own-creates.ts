/** Records that the hub itself may have just made: they are read back before the link to their source is committed. */
import type pg from 'pg'
import { arrayText } from '../ledger/array-text.ts'

/** Longer than this nobody waits for the outcome of a create; jobs of a target system may take that long. */
const LONGEST = `interval '1 hour'`

/** Systems change case, blanks and signs of what identifies a record. In "C" letters with accents count for nothing, whatever their case. */
const plain = (value: string): string =>
  `regexp_replace(lower(normalize(${value} collate "C", NFKC)), '[^[:alnum:]]', '', 'g') collate "C"`

/** A create whose answer was lost is under way no more, nor is one that a person is asked about: what it made may well be found by likeness. */
const MAKING = `
  select i.target_stream, y.from_stream, i.opened_at, i.match_key::json->0->>'field' as field, ${plain(`i.match_key::json->0->>'value'`)} as value
    from intent i join sync y on y.id = i.sync_id
    join identity_position p on p.type = $1 and p.part = 'records' and p.stream_id = y.from_stream
   where i.target_stream = any($2) and i.operation in ('create', 'upsert') and i.target_key not like 'id:%'
     and i.under_way and i.opened_at > now() - ${LONGEST}
     and not exists (select from delivery d where d.sync_id = i.sync_id and d.record_id = i.record_id and d.part = i.part and d.state = 'dead')`

/**
 * Which of these records may be what a create that is still under way has made: nobody knows yet whose they are. Such a record was first
 * seen after the create began, shows no other value of the key that the create has, and has no counterpart in the stream that it would
 * come from. Its link is committed together with the end of the create, so whoever asks this first and for members then misses neither.
 */
export async function findUnsettled(
  pool: pg.Pool,
  type: string,
  records: readonly { streamId: number; recordId: string }[],
): Promise<{ streamId: number; recordId: string }[]> {
  if (!records.length) return []
  const { rows } = await pool.query<{ streamId: number; recordId: string }>({
    name: 'unsettled-records',
    text: `with making as materialized (${MAKING})
           select r.stream as "streamId", r.id as "recordId" from unnest($3::int[], $4::text[]) as r(stream, id)
            cross join lateral (select first_seen_at from record where stream_id = r.stream and id = r.id offset 0) seen
            where exists (
              select from making m where m.target_stream = r.stream and m.opened_at <= seen.first_seen_at
                 and not exists (select from link own join link other on other.entity_id = own.entity_id and other.stream_id = m.from_stream
                                  where own.stream_id = r.stream and own.record_id = r.id and own.part = '')
                 and not coalesce((select bool_and(${plain('k.value')} <> m.value) from record_key k
                                    where k.stream_id = r.stream and k.record_id = r.id and k.field = m.field), false))`,
    values: [
      type,
      [...new Set(records.map(({ streamId }) => streamId))],
      arrayText(records.map(({ streamId }) => streamId)),
      arrayText(records.map(({ recordId }) => recordId)),
    ],
  })
  return rows
}
