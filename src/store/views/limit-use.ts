import { type Database, rows } from './database.ts'

/** What was used of one limit of a connection within an hour. */
export type LimitHourView = {
  hour: Date
  limit: string
  /** Whether other connections use it too. */
  shared: boolean
  /** The limit as it was in that hour: so many units in so many seconds. */
  units: number
  seconds: number
  used: number
  /** The most that was used within five minutes of it. */
  most: number
}

/** The last hours, oldest first; those in which nothing was used are left out. */
export function listLimitUse(
  db: Database,
  { connection, hours }: { connection: string; hours: number },
): Promise<LimitHourView[]> {
  return rows<LimitHourView>(
    db,
    `with own as (
       select distinct key, split_part(key, ':', 1) = 's' as shared from limit_use where starts_with(key, 'c:' || $1 || ':')
       union select json_array_elements_text(state::json->'shared'), true from quota where key = 'c:' || $1 and state <> ''),
     slots as (
       select l.key, own.shared, l.at, l.units, l.seconds,
              -- A book that began anew counts from nothing.
              case when l.total >= lag(l.total, 1, 0::float8) over before
                   then l.total - lag(l.total, 1, 0::float8) over before else l.total end as used
         from limit_use l join own using (key)
       window before as (partition by l.key order by l.at))
     select date_trunc('hour', at) as hour, regexp_replace(key, '^.*:', '') as limit, shared,
            (array_agg(units order by at desc))[1] as units, (array_agg(seconds order by at desc))[1] as seconds,
            round(sum(used)::numeric, 3)::float8 as used, round(max(used)::numeric, 3)::float8 as most
       from slots where at >= now() - make_interval(hours => $2) and used > 0
      group by 1, key, shared order by 1, 2`,
    [connection, hours],
  )
}
