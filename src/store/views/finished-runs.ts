import { type Database, rows } from './database.ts'

/** How a run ended, as counters want it. */
export type FinishedRun = {
  id: number
  kind: 'pull' | 'push' | 'inbox'
  /** Name of the sync, or `connection:stream`; empty for what has neither. */
  of: string
  outcome: string
  counts: Record<string, number>
}

const IS_OVER = `r.outcome <> 'running'`

/** Number of the newest run, and those that are under way. */
export async function runsNow(db: Database): Promise<{ newest: number; open: number[] }> {
  const [row] = await rows<{ newest: number | null; open: number[] }>(
    db,
    `select (select max(id) from run) as newest,
            array(select id from run where outcome = 'running' order by id) as open`,
    [],
  )
  return { newest: row!.newest ?? 0, open: row!.open.map(Number) }
}

/** Those of the runs after `after`, and of `ids`, that have ended. */
export function finishedRuns(db: Database, after: number, ids: readonly number[]): Promise<FinishedRun[]> {
  return rows<FinishedRun>(
    db,
    `select r.id, r.kind, coalesce(y.name, c.name || ':' || s.name, '') as of, r.outcome, r.counts
       from run r
       left join sync y on y.id = r.sync_id
       left join stream s on s.id = r.stream_id and r.sync_id is null
       left join connection c on c.id = s.connection_id
      where (r.id > $1 or r.id = any($2)) and ${IS_OVER} order by r.id`,
    [after, ids],
  )
}
