import { type CauseClass, type ErrorCode, errorRegistry } from '../../core/index.ts'
import { type Database, rows } from './database.ts'
import { countMany } from './many-counts.ts'

export type ProblemView = {
  code: string
  fingerprint: string
  /**
   * `dead`: waits for a person. `retrying`: the hub still tries by itself. `failing`: a pull or push as a whole fails. `parked`:
   * waits for something that will not come by itself. `drift`: a source has changed its form, and nobody has looked at it.
   */
  status: 'dead' | 'retrying' | 'failing' | 'parked' | 'drift'
  connection: string | null
  connector: string | null
  causeClass: CauseClass
  meaning: string
  action: string
  count: number
  firstSeenAt: Date
  lastSeenAt: Date
  syncs: string[]
  streams: string[]
  /** One of the dead letters behind it, to start reading with; of a drift the run that found it. */
  sample: number | null
}

type Row = Omit<ProblemView, 'causeClass' | 'meaning' | 'action' | 'status'>

// Grouped before anything is joined: the index on what tells causes apart gives all of it, and no letter itself is read.
const dead = (fingerprint: string) => `
select d.code, ${fingerprint} as fingerprint, c.name as connection, c.connector, sum(d.count)::int as count,
       min(d.first) as "firstSeenAt", max(d.last) as "lastSeenAt",
       coalesce(array_agg(distinct y.name) filter (where y.name is not null), '{}') as syncs,
       coalesce(array_agg(distinct sc.name || ':' || src.name) filter (where src.name is not null), '{}') as streams,
       max(d.sample) as sample
  from (select sync_id, stream_id, connection_id, kind, code, fingerprint,
               count(*) as count, min(created_at) as first, max(created_at) as last, max(id) as sample
          from dead_letter where state = 'open' group by 1, 2, 3, 4, 5, 6) d
  left join sync y on y.id = d.sync_id
  left join stream s on s.id = coalesce(y.to_stream, d.stream_id)
  left join connection c on c.id = coalesce(s.connection_id, d.connection_id)
  left join stream src on src.id = coalesce(y.from_stream, d.stream_id)
  left join connection sc on sc.id = src.connection_id
 group by d.code, 2, c.name, c.connector`

const DEAD = {
  singly: dead('d.fingerprint'),
  byStream: dead(`case d.kind when 'pull' then 'stream:' || src.name else d.fingerprint end`),
}

// Errors are JSON text that may hold \\u0000, which jsonb refuses; the code is found by its shape instead.
const RETRYING = `
select coalesce(substring(d.error from 'CSW-[0-9]{4}'), 'CSW-1001') as code, 'retrying' as fingerprint,
       c.name as connection, c.connector, count(*)::int as count, min(d.updated_at) as "firstSeenAt",
       max(d.updated_at) as "lastSeenAt", array_agg(distinct y.name) as syncs,
       array_agg(distinct sc.name || ':' || src.name) as streams, null::bigint as sample
  from delivery d
  join sync y on y.id = d.sync_id
  join stream s on s.id = y.to_stream join connection c on c.id = s.connection_id
  join stream src on src.id = y.from_stream join connection sc on sc.id = src.connection_id
 where d.next_attempt_at is not null and d.error is not null
   and (d.state in ('pending', 'in_doubt') or d.state = 'parked' and d.error like '%"code":"CSW-5020"%')
   -- A wait that the other side asked for is shown as one, with its end; it is no problem.
   and d.error not like '%"code":"CSW-3005"%'
 group by 1, c.name, c.connector`

const FAILING = `
select coalesce(substring(f.last_error from 'CSW-[0-9]{4}'), 'CSW-1001') as code, f.what as fingerprint, c.name as connection,
       c.connector, greatest(sum(f.failures), 1)::int as count, min(f.since) as "firstSeenAt", max(f.at) as "lastSeenAt",
       coalesce(array_agg(distinct f.sync) filter (where f.sync is not null), '{}') as syncs,
       coalesce(array_agg(distinct f.stream) filter (where f.stream is not null), '{}') as streams, null::bigint as sample
  from (
    select 'pull' as what, s.connection_id, s.last_error, s.pull_failures as failures, null as sync,
           c1.name || ':' || s.name as stream, coalesce(s.last_success_at, s.last_pull_at, now()) as since,
           coalesce(s.last_pull_at, now()) as at
      from stream s join connection c1 on c1.id = s.connection_id
     where s.last_error is not null and c1.state <> 'removed'
    union all
    select 'push', s.connection_id, y.last_error, 1, y.name, null,
           coalesce(y.last_success_at, y.last_push_at, now()), coalesce(y.last_push_at, now())
      from sync y join stream s on s.id = y.to_stream
     where y.last_error is not null and y.state <> 'removed') f
  join connection c on c.id = f.connection_id
 group by 1, f.what, c.name, c.connector`

// Circles of up to four records; longer ones are rare and shown as parked only. A reference to what is there and merely not
// delivered yet is a wait like any other.
const PARKED = `
with waiting as (
  select d.sync_id, y.from_stream, d.record_id, d.parked_stream, d.parked_id, d.updated_at, y.to_stream, y.name
    from delivery d join sync y on y.id = d.sync_id where d.parked_id is not null and d.state = 'parked'
), judged as (
  select w.*, case
      when not exists (select 1 from record r where r.stream_id = w.parked_stream and r.id = w.parked_id and not r.deleted)
        then 'CSW-5012'
      when exists (select 1 from delivery o join sync oy on oy.id = o.sync_id
                    where oy.from_stream = w.parked_stream and o.record_id = w.parked_id and oy.to_stream = w.to_stream
                      and o.state = 'skipped') then 'CSW-5012'
      when (w.from_stream, w.record_id) = (w.parked_stream, w.parked_id) then 'CSW-5011'
      when exists (select 1 from waiting a left join waiting b on (b.from_stream, b.record_id) = (a.parked_stream, a.parked_id)
                     left join waiting c on (c.from_stream, c.record_id) = (b.parked_stream, b.parked_id)
                    where (a.from_stream, a.record_id) = (w.parked_stream, w.parked_id)
                      and ((a.parked_stream, a.parked_id) = (w.from_stream, w.record_id)
                        or (b.parked_stream, b.parked_id) = (w.from_stream, w.record_id)
                        or (c.parked_stream, c.parked_id) = (w.from_stream, w.record_id))) then 'CSW-5011' end as code
    from waiting w
)
select j.code, 'parked' as fingerprint, c.name as connection, c.connector, count(*)::int as count,
       min(j.updated_at) as "firstSeenAt", max(j.updated_at) as "lastSeenAt", array_agg(distinct j.name) as syncs,
       array_agg(distinct sc.name || ':' || src.name) as streams, null::bigint as sample
  from judged j join stream s on s.id = j.to_stream join connection c on c.id = s.connection_id
  join stream src on src.id = j.from_stream join connection sc on sc.id = src.connection_id
 where j.code is not null group by j.code, c.name, c.connector`

const DRIFTS = `
select 'CSW-5019' as code, 'drift' as fingerprint, c.name as connection, c.connector, count(distinct d.id)::int as count,
       min(d.found_at) as "firstSeenAt", max(d.found_at) as "lastSeenAt",
       coalesce(array_agg(distinct y.name) filter (where y.name is not null), '{}') as syncs,
       array_agg(distinct c.name || ':' || s.name) as streams, max(d.run_id) as sample
  from drift d join stream s on s.id = d.stream_id join connection c on c.id = s.connection_id
  left join lateral (select distinct touch ->> 'sync' as name
                       from json_array_elements(d.changes::json) change, json_array_elements(change -> 'touches') touch
                      where change ->> 'kind' <> 'new') y on true
 where d.state = 'open' group by c.name, c.connector`

/**
 * What is broken, grouped by cause: the worst (a person is needed) first, then by how much it touches. Records that a source gave and the
 * hub refused are each a cause of their own unless `rejected` puts them together by code and stream.
 */
export async function listProblems(
  db: Database,
  filter: { connection?: string; rejected?: keyof typeof DEAD } = {},
): Promise<ProblemView[]> {
  const [dead, retrying, failing, parked, drifts] = await Promise.all([
    countMany<Row>(db, DEAD[filter.rejected ?? 'singly'], []),
    rows<Row>(db, RETRYING),
    rows<Row>(db, FAILING),
    rows<Row>(db, PARKED),
    rows<Row>(db, DRIFTS),
  ])
  return [
    ...withStatus(dead, 'dead'),
    ...withStatus(failing, 'failing'),
    ...withStatus(drifts, 'drift'),
    ...withStatus(parked, 'parked'),
    ...withStatus(retrying, 'retrying'),
  ].filter((problem) => filter.connection === undefined || problem.connection === filter.connection)
}

function withStatus(found: Row[], status: ProblemView['status']): ProblemView[] {
  return found
    .map((row) => {
      const known = row.code in errorRegistry ? (row.code as ErrorCode) : 'CSW-1001'
      const { causeClass, meaning, action } = errorRegistry[known]
      return { ...row, status, causeClass, meaning, action }
    })
    .sort((a, b) => b.count - a.count || a.code.localeCompare(b.code))
}
