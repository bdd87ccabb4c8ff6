import { type Database, rows } from './database.ts'

export type WorkerView = {
  host: string
  process: string
  startedAt: Date
  seenAt: Date
  /** It stopped as it should. */
  leftAt: Date | null
  /** It said so lately. */
  alive: boolean
}

/** Three beats may be missed: one that is busy is not taken for dead. */
const SILENT_SECONDS = 9

/** Processes that work, or did within the hour; by the clock of Postgres alone. */
export const listWorkers = (db: Database): Promise<WorkerView[]> =>
  rows<WorkerView>(
    db,
    `select split_part(id, '/', 1) as host, split_part(id, '/', 2) as process, started_at as "startedAt", seen_at as "seenAt", left_at as "leftAt",
            left_at is null and seen_at > now() - make_interval(secs => $1) as alive
       from worker order by started_at, id`,
    [SILENT_SECONDS],
  )
