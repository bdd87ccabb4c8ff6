/** What a ledger that comes from a backup holds of work that was under way when the backup was made. */
import type pg from 'pg'

export type LedgerStanding = {
  /** The last sign of life; null where nothing ever happened. */
  lastAt: Date | null
  /** Sessions of hubs; whoever asks goes by another name. */
  others: number
  /** Leases that still run, and when the last of them ends. */
  leases: number
  leasesUntil: Date | null
  runs: number
  intents: { sync: string; writes: number }[]
  /** Events that nobody has read. */
  inbox: number
  inboxSince: Date | null
  pending: number
  inDoubt: number
  letters: number
}

/** One look at all of it. */
export async function showStanding(pool: pg.Pool): Promise<LedgerStanding> {
  const { rows } = await pool.query<LedgerStanding>(`
select greatest((select max(heartbeat_at) from run), (select max(at) from audit), (select max(received_at) from inbox)) as "lastAt",
       (select count(*)::int from pg_stat_activity
         where datname = current_database() and application_name like 'causeway%') as others,
       (select count(*)::int from lease where expires_at > now()) as leases,
       (select max(expires_at) from lease where expires_at > now()) as "leasesUntil",
       (select count(*)::int from run where finished_at is null) as runs,
       (select coalesce(json_agg(json_build_object('sync', name, 'writes', writes) order by name), '[]')
          from (select coalesce(s.name, '?') as name, count(*)::int as writes
                  from intent i left join sync s on s.id = i.sync_id group by 1) as by_sync) as intents,
       (select count(*)::int from inbox where state = 'pending') as inbox,
       (select min(received_at) from inbox where state = 'pending') as "inboxSince",
       (select count(*)::int from delivery where state = 'pending') as pending,
       (select count(*)::int from delivery where state = 'in_doubt') as "inDoubt",
       (select count(*)::int from dead_letter where state = 'open') as letters`)
  return rows[0]!
}
