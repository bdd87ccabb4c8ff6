import { type Database, rows } from './database.ts'

export type FoundRecord = {
  stream: string
  id: string
  /** What matched: the record's id, a match or join field, or a link (an id the change log does not hold). */
  matched: string
  deleted: boolean | null
  observedAt: Date | null
  /** Its deliveries by state, e.g. {"delivered": 2, "dead": 1}. */
  deliveries: Record<string, number>
}

/**
 * Finds records by business key in every stream: by record id, by match and join fields, by linked id. Each stream is probed
 * through a primary key, so the time grows with the number of streams and not with the number of records.
 */
export async function searchRecords(
  db: Database,
  search: { key: string; stream?: string; limit: number },
): Promise<FoundRecord[]> {
  if (search.key.includes('\0')) return []
  return rows<FoundRecord>(
    db,
    `with streams as (
       select s.id, c.name || ':' || s.name as address, s.key_fields
         from stream s join connection c on c.id = s.connection_id
        where $2::text is null or c.name || ':' || s.name = $2),
     hits as (
       select s.id as stream_id, s.address, r.id, 'id' as matched, 0 as rank
         from streams s join record r on r.stream_id = s.id and r.id = $1
       union all
       select s.id, s.address, k.record_id, k.field, 1
         from streams s cross join unnest(s.key_fields) f(field)
         join record_key k on k.stream_id = s.id and k.field = f.field and k.value in ($1, lower($1))
       union all
       select s.id, s.address, l.record_id, 'link', 2
         from streams s join link l on l.stream_id = s.id and l.record_id = $1),
     best as (select distinct on (stream_id, id) * from hits order by stream_id, id, rank),
     shown as (select * from best order by address collate "C", id limit $3)
     select b.address as stream, b.id, b.matched, r.deleted, r.observed_at as "observedAt",
            coalesce(d.states, '{}'::json) as deliveries
       from shown b
       left join record r on r.stream_id = b.stream_id and r.id = b.id
       left join lateral (
         select json_object_agg(state, count) as states from (
           select d.state, count(*)::int from sync y join delivery d on d.sync_id = y.id and d.record_id = b.id
            where y.from_stream = b.stream_id group by d.state) by_state) d on true
      order by b.address collate "C", b.id`,
    [search.key, search.stream ?? null, search.limit],
  )
}
