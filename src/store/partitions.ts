import type pg from 'pg'
import { withTransaction } from './transaction.ts'

/** Tables cut by UTC day: a day is dropped at retention, which costs nothing, where deleting its rows would. */
const BY_DAY = {
  inbox: { column: 'received_at', unfinished: `state = 'pending'` },
  journal: { column: 'at', unfinished: 'false' },
} as const
type Table = keyof typeof BY_DAY

export type RetentionDays = { inbox: number; journal: number; seenEvents: number }
export type PartitionUpkeep = { created: string[]; dropped: string[]; kept: string[]; forgottenEvents: number }

const DAYS_AHEAD = 3
const DAY_MS = 86_400_000
const LOCK = 0x43_53_59

/**
 * Makes the partitions of today and three days ahead and drops those past retention. Safe to run on several hubs at once and
 * as often as one likes. `kept` names days past retention that still hold events nobody has worked on.
 */
export async function maintainPartitions(
  pool: pg.Pool,
  retention: RetentionDays,
  now = new Date(),
): Promise<PartitionUpkeep> {
  const upkeep: PartitionUpkeep = { created: [], dropped: [], kept: [], forgottenEvents: 0 }
  for (const table of Object.keys(BY_DAY) as Table[]) {
    for (let ahead = 0; ahead <= DAYS_AHEAD; ahead++) {
      const day = new Date(now.getTime() + ahead * DAY_MS)
      if (await createDay(pool, table, day)) upkeep.created.push(partitionName(table, day))
    }
    await dropPast(pool, table, startOfDay(now).getTime() - retention[table] * DAY_MS, upkeep)
  }
  upkeep.forgottenEvents = await forgetSeenEvents(pool, retention.seenEvents)
  return upkeep
}

const startOfDay = (at: Date): Date => new Date(Math.floor(at.getTime() / DAY_MS) * DAY_MS)
const partitionName = (table: Table, day: Date): string =>
  `${table}_${day.toISOString().slice(0, 10).replaceAll('-', '')}`

/**
 * Made beside and then attached, not made in place: that locks only the default partition, for a moment, and
 * rows that already fell into it (upkeep was late) can be moved over before.
 */
function createDay(pool: pg.Pool, table: Table, at: Date): Promise<boolean> {
  const name = partitionName(table, at)
  const from = startOfDay(at).toISOString()
  const to = new Date(startOfDay(at).getTime() + DAY_MS).toISOString()
  const { column } = BY_DAY[table]
  return withTransaction(pool, async (client) => {
    await patiently(client)
    const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [name])
    if (rows[0]?.there) return false
    await client.query(`create table ${name} (like ${table} including all excluding identity)`)
    // Nobody may add rows for this day to the default partition between the move and the attachment.
    await client.query(`lock table ${table}_default in access exclusive mode`)
    await client.query(
      `with moved as (delete from ${table}_default where ${column} >= '${from}' and ${column} < '${to}' returning *)
       insert into ${name} select * from moved`,
    )
    await client.query(`alter table ${table} attach partition ${name} for values from ('${from}') to ('${to}')`)
    return true
  })
}

async function dropPast(pool: pg.Pool, table: Table, before: number, upkeep: PartitionUpkeep): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1`,
    [table],
  )
  for (const { name } of rows) {
    const [, year, month, day] = new RegExp(`^${table}_(\\d{4})(\\d\\d)(\\d\\d)$`).exec(name) ?? []
    if (!year || Date.parse(`${year}-${month}-${day}T00:00:00Z`) + DAY_MS > before) continue
    if (await dropDay(pool, table, name)) upkeep.dropped.push(name)
    else upkeep.kept.push(name)
  }
  const { column, unfinished } = BY_DAY[table]
  await pool.query(`delete from ${table}_default where ${column} < $1 and not (${unfinished})`, [new Date(before)])
}

function dropDay(pool: pg.Pool, table: Table, name: string): Promise<boolean> {
  return withTransaction(pool, async (client) => {
    await patiently(client)
    const { rows } = await client.query<{ busy: boolean }>(
      `select exists (select 1 from ${name} where ${BY_DAY[table].unfinished}) as busy`,
    )
    if (rows[0]?.busy) return false
    await client.query(`drop table ${name}`)
    return true
  })
}

/** One upkeep at a time; and rather fail, and come again, than queue up for a lock with all the traffic waiting behind. */
async function patiently(client: pg.PoolClient): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [LOCK])
  await client.query(`set local lock_timeout = '3s'`)
}

/** Event ids are remembered longer than the events, because senders repeat themselves for days. */
async function forgetSeenEvents(pool: pg.Pool, days: number): Promise<number> {
  const { rowCount } = await pool.query(`delete from inbox_seen where seen_at < now() - $1 * interval '1 day'`, [days])
  return rowCount ?? 0
}
