import type { RunTimesKept } from '../../core/index.ts'
import { type Database, rows } from './database.ts'

/** What the runs of a sync, those that read or write at a connection, or all did within one hour. */
export type HourView = {
  /** When the hour began. */
  hour: Date
  runs: number
  /** Runs that did not end well. */
  failed: number
  read: number
  written: number
  dead: number
  /** The longest that a run of the hour took from the moment it was due to its end, in milliseconds; null where none has ended. */
  lag: number | null
  /** The longest that a run of the hour waited in the queue, in milliseconds; null where none kept it. */
  queued: number | null
  /** How many runs the times are of: those that have ended and kept them. */
  timed: number
  /** Where the time of all of them went, in milliseconds. */
  times: RunTimesKept & { other: number }
}

type Row = Omit<HourView, 'times'> & RunTimesKept & { total: number }

/** So many runs of the newest are looked at, however many there were: an hour before that is left out. */
export const MOST_RUNS = 20_000

const OWN = {
  hub: '$1::text is not null',
  sync: `r.sync_id in (select id from sync where name in ($1, $1 || '~back'))`,
  connection: `(r.stream_id in (select s.id from stream s join connection c on c.id = s.connection_id where c.name = $1)
    or r.sync_id in (select y.id from sync y join stream t on t.id = y.to_stream join connection c on c.id = t.connection_id where c.name = $1))`,
}

const sumOf = (...names: string[]): string =>
  `sum(${names.map((name) => `coalesce((counts->>'${name}')::bigint, 0)`).join(' + ')})::bigint`
const PARTS = ['queue', 'limits', 'remote', 'mapping', 'storing'] as const

/** The last hours, oldest first; those in which nothing ran are left out. */
export async function listHours(
  db: Database,
  { of, name, hours }: { of: keyof typeof OWN; name: string; hours: number },
): Promise<HourView[]> {
  const found = await rows<Row>(
    db,
    // Numbers of runs grow with their beginning, but for moments: by number the indexes of sync and stream lead to the newest.
    `with first as (select id from run where started_at >= now() - make_interval(hours => $2) order by started_at, id limit 1),
     newest as (
       select date_trunc('hour', r.started_at) as hour, r.outcome, r.counts, r.times,
              extract(epoch from r.finished_at - r.started_at) * 1000 + coalesce((r.times->>'queue')::numeric, 0) as took
         from run r where ${OWN[of]} and r.id >= (select id from first)
        order by r.id desc limit $3)
     select hour, count(*)::int as runs,
            (count(*) filter (where outcome in ('failed', 'partial', 'held', 'interrupted', 'unknown')))::int as failed,
            ${sumOf('read')} as read, ${sumOf('created', 'updated', 'deleted')} as written, ${sumOf('dead')} as dead,
            round(max(took))::bigint as lag, round(max((times->>'queue')::numeric))::bigint as queued, (count(*) filter (where times is not null and took is not null))::int as timed,
            coalesce(round(sum(took) filter (where times is not null)), 0)::bigint as total,
            ${PARTS.map((part) => `coalesce(round(sum((times->>'${part}')::numeric) filter (where took is not null)), 0)::bigint as ${part}`).join(', ')}
       from newest group by hour order by hour`,
    [name, hours, MOST_RUNS],
  )
  return found.map(({ total, queue, limits, remote, mapping, storing, ...row }) => {
    const other = Math.max(0, total - queue - limits - remote - mapping - storing)
    return { ...row, times: { queue, limits, remote, mapping, storing, other } }
  })
}
