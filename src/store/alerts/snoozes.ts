import type pg from 'pg'

/** A route by name, or one thing that is wrong by its key. */
export type AlertScope = `route:${string}` | `subject:${string}`

/** Tells nothing of it until then. A later call replaces an earlier one. */
export async function snoozeAlerts(
  session: pg.Pool | pg.PoolClient,
  scope: AlertScope,
  snooze: { until: Date; actor: string; reason: string | null },
): Promise<void> {
  await session.query(
    `insert into alert_snooze (scope, until, actor, reason) values ($1, $2, $3, $4)
     on conflict (scope) do update
        set until = excluded.until, actor = excluded.actor, reason = excluded.reason, created_at = now()`,
    [scope, snooze.until, snooze.actor, snooze.reason],
  )
}

/** False where nothing was snoozed. */
export async function wakeAlerts(session: pg.Pool | pg.PoolClient, scope: AlertScope): Promise<boolean> {
  const { rowCount } = await session.query('delete from alert_snooze where scope = $1 and until > now()', [scope])
  return rowCount === 1
}
