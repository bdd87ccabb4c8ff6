import { type Database, rows } from './database.ts'
import { type Verbatim, verbatimError } from './verbatim.ts'

export type AnalyticsTableView = {
  target: string
  schema: string
  name: string
  /** `connection:stream`. */
  stream: string
  history: boolean
  /** Estimated by Postgres; null before its first look. */
  rows: number | null
  /** Numbers of the change log that are not taken over yet; several may belong to one record. */
  behind: number
  changedAt: Date
  lastError: Verbatim | null
}

/** Tables that follow streams, by schema and name, with how far behind each is. */
export async function listAnalyticsTables(db: Database): Promise<AnalyticsTableView[]> {
  const found = await rows<Omit<AnalyticsTableView, 'lastError'> & { lastError: string | null }>(
    db,
    `select t.target, t.schema_name as schema, t.name, c.name || ':' || s.name as stream, t.history_columns is not null as history,
            (select nullif(k.reltuples, -1)::bigint from pg_class k where k.oid = to_regclass(format('%I.%I', t.schema_name, t.name))) as rows,
            greatest(s.seq - t.position, 0) as behind, t.changed_at as "changedAt", t.error as "lastError"
       from analytics_table t join stream s on s.id = t.stream_id join connection c on c.id = s.connection_id
      order by t.schema_name, t.name`,
  )
  return found.map((row) => ({ ...row, lastError: verbatimError(row.lastError) }))
}
