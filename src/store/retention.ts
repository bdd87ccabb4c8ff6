/** What is deleted when its time is over, row by row; what is cut by day is dropped in `partitions.ts`. */
import type pg from 'pg'
import { LIMIT_USE_DAYS } from './limit-use.ts'
import { KEYS_OVER } from './request-keys.ts'

type RowDays = { runs: number; deadLetters: number; formerLinks: number; configuration: number }

const BATCH = 5_000
/** However long ago they were replaced: a hub that nobody touched for years can be rolled back too. */
const VERSIONS_THAT_STAY = 20

/** Tables and what is over in them. `$1` is a number of days. Open letters, unanswered holds and live data are never touched. */
const OVER: Record<keyof RowDays, { table: string; where: string }[]> = {
  runs: [
    { table: 'run', where: `finished_at < now() - $1 * interval '1 day'` },
    {
      table: 'held_record',
      where: `hold_id in (select id from hold where state not in ('open', 'approved') and decided_at < now() - $1 * interval '1 day')`,
    },
    { table: 'hold', where: `state not in ('open', 'approved') and decided_at < now() - $1 * interval '1 day'` },
    // However long runs are kept: what is not delivered after a day has another trace.
    { table: 'change_trace', where: `at < now() - least($1, 1) * interval '1 day'` },
    {
      table: 'limit_use',
      where: `at < now() - least($1, ${LIMIT_USE_DAYS}) * interval '1 day'
        and exists (select from limit_use next where next.key = limit_use.key and next.at > limit_use.at)`,
    },
    { table: 'request_key', where: `$1 >= 0 and ${KEYS_OVER}` },
    { table: 'drift', where: `state = 'accepted' and closed_at < now() - $1 * interval '1 day'` },
  ],
  deadLetters: [
    { table: 'dead_letter', where: `state in ('resolved', 'discarded') and closed_at < now() - $1 * interval '1 day'` },
    { table: 'bulk_action', where: `ended_at < now() - $1 * interval '1 day'` },
    { table: 'correction', where: `corrected_at < now() - $1 * interval '1 day'` },
  ],
  formerLinks: [{ table: 'former_link', where: `left_at < now() - $1 * interval '1 day'` }],
  configuration: [
    {
      table: 'configuration_version',
      where: `exists (select from configuration_version next where next.id > configuration_version.id and next.at < now() - $1 * interval '1 day')
        and id < (select id from configuration_version order by id desc offset ${VERSIONS_THAT_STAY - 1} limit 1)`,
    },
    {
      table: 'configuration_file',
      where: `$1 >= 0 and not exists (select from configuration_version_file kept where kept.digest = configuration_file.digest)`,
    },
  ],
}

/** Deletes what is over, in small transactions, so that nobody waits for long. Gives how many rows went, by table. */
export async function dropOldRows(pool: pg.Pool, days: RowDays): Promise<Record<string, number>> {
  const dropped: Record<string, number> = {}
  for (const [kind, tables] of Object.entries(OVER)) {
    for (const { table, where } of tables) {
      for (;;) {
        const { rowCount } = await pool.query(
          `delete from ${table} where ctid = any(array(select ctid from ${table} where ${where} limit ${BATCH}))`,
          [days[kind as keyof RowDays]],
        )
        dropped[table] = (dropped[table] ?? 0) + (rowCount ?? 0)
        if ((rowCount ?? 0) < BATCH) break
      }
    }
  }
  return dropped
}
