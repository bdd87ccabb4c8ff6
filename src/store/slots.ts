import type pg from 'pg'

/**
 * Claims one slot of a schedule. True for exactly one of all instances that ask. Inside a transaction the claim holds only if
 * that commits, so a slot is claimed together with the work it asks for, or not at all.
 */
export async function claimSlot(
  session: pg.Pool | pg.PoolClient,
  schedule: string,
  slot: Date,
  firedBy: string,
): Promise<boolean> {
  const { rowCount } = await session.query(
    'insert into schedule_slot (schedule, slot, fired_by) values ($1, $2, $3) on conflict do nothing',
    [schedule, slot, firedBy],
  )
  return rowCount === 1
}

/** The newest slot that fired, from which a hub that was away counts on. */
export async function lastSlot(pool: pg.Pool, schedule: string): Promise<Date | undefined> {
  const { rows } = await pool.query<{ slot: Date | null }>(
    'select max(slot) as slot from schedule_slot where schedule = $1',
    [schedule],
  )
  return rows[0]?.slot ?? undefined
}

/** Forgets slots past their use. The newest of each schedule stays: it says from where to count on. */
export async function dropOldSlots(pool: pg.Pool, olderThanDays: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from schedule_slot s where slot < now() - $1 * interval '1 day'
        and exists (select 1 from schedule_slot newer where newer.schedule = s.schedule and newer.slot > s.slot)`,
    [olderThanDays],
  )
  return rowCount ?? 0
}

/** The newest slot of every schedule, by its key. */
export async function lastSlots(pool: pg.Pool): Promise<Map<string, Date>> {
  const { rows } = await pool.query<{ schedule: string; slot: Date }>(
    'select schedule, max(slot) as slot from schedule_slot group by schedule',
  )
  return new Map(rows.map((row) => [row.schedule, row.slot]))
}
