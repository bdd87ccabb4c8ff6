import { type Database, rows } from './database.ts'
import { decodeTimePlace, exactTime, type Page, timeKey, toPage } from './paging.ts'

export type TimelineEntry = {
  at: Date
  kind: 'deed' | 'run'
  /** Of the entry of the audit, or of the run. */
  id: number
  /** Who did it; of a run what triggered it. */
  actor: string
  /** What was done: `sync.pause`; of a run its kind. */
  what: string
  subject: string
  /** Of runs. */
  outcome: string | null
}

export type TimelineFilter = { since?: string; until?: string; kind?: 'deed' | 'run'; cursor?: string; limit: number }

type Row = TimelineEntry & { exact: string }

/**
 * What people did and what ran, newest first. Each of the two is read by its index and cut to a page before they are mixed, so a page costs
 * two short reads, however long the past is.
 */
export async function listTimeline(db: Database, filter: TimelineFilter): Promise<Page<TimelineEntry>> {
  const place = filter.cursor === undefined ? null : decodeTimePlace(filter.cursor)
  const found = await rows<Row>(db, TIMELINE, [
    filter.since ?? null,
    filter.until ?? null,
    place?.at ?? null,
    place?.kind ?? null,
    place?.id ?? null,
    filter.limit + 1,
    filter.kind ?? null,
  ])
  const page = toPage(found, filter.limit, timeKey)
  return { ...page, items: page.items.map(({ exact: _, ...entry }) => entry) }
}

/** Of entries of one moment runs stand above deeds, and the later id above the earlier. */
const after = (time: string, kind: 'deed' | 'run', id: string): string =>
  `($1::timestamptz is null or ${time} >= $1) and ($2::timestamptz is null or ${time} < $2)
   and ($7::text is null or $7 = '${kind}')
   and ($3::timestamptz is null or ${time} <= $3)
   and ($3::timestamptz is null or (${time}, '${kind}'::text, ${id}) < ($3, $4::text, $5::bigint))`

const TIMELINE = `
select at, kind, id, actor, what, subject, outcome, ${exactTime('at')} as exact from (
  (select at, 'deed' as kind, id, actor, action as what, subject, null::text as outcome
     from audit where ${after('at', 'deed', 'id')} order by at desc, id desc limit $6)
  union all
  (select r.started_at, 'run', r.id, r.trigger, r.kind, coalesce('sync:' || y.name, 'stream:' || c.name || ':' || s.name, r.kind), r.outcome
     from (select * from run where ${after('started_at', 'run', 'id')} order by started_at desc, id desc limit $6) r
     left join sync y on y.id = r.sync_id
     left join stream s on s.id = r.stream_id
     left join connection c on c.id = s.connection_id)) mixed
 order by at desc, kind desc, id desc limit $6`
