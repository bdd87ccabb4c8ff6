import { type Database, rows } from './database.ts'

/** What the pushes of one sync did within one hour. */
export type ActivityView = {
  sync: string
  /** When the hour began. */
  hour: Date
  runs: number
  /** Runs that did not end well. */
  failed: number
  written: number
  unchanged: number
  dead: number
}

const sumOf = (...names: string[]): string =>
  `sum(${names.map((name) => `coalesce((r.counts->>'${name}')::bigint, 0)`).join(' + ')})`

/** The pushes of the last hours, by sync and hour, oldest first. Hours in which nothing ran are left out. */
export const activity = (db: Database, hours: number): Promise<ActivityView[]> =>
  rows(
    db,
    `select y.name as sync, date_trunc('hour', r.started_at) as hour, count(*) as runs,
            count(*) filter (where r.outcome in ('failed', 'partial', 'held', 'interrupted', 'unknown')) as failed,
            ${sumOf('created', 'updated', 'deleted')}::bigint as written,
            ${sumOf('unchanged')}::bigint as unchanged, ${sumOf('dead')}::bigint as dead
       from run r join sync y on y.id = r.sync_id
      where r.kind = 'push' and r.started_at >= now() - make_interval(hours => $1)
      group by y.name, 2 order by 2, 1`,
    [hours],
  )
