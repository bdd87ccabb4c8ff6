import type pg from 'pg'

type Session = pg.Pool | pg.PoolClient

/** Whom a session belongs to. */
export type SessionUser = { userId: number; name: string; role: string; expiresAt: Date }

/**
 * Opens a session of a person, and takes those away that have ended. Undefined when the person was disabled, or got another password,
 * since `password` (their hash) was read. Locks the person before sessions, as `changeUser` does.
 */
export async function insertSession(
  session: Session,
  { hash, userId, password, hours }: { hash: Buffer; userId: number; password: string | null; hours: number },
): Promise<Date | undefined> {
  const { rowCount } = await session.query(
    `update hub_user set last_login_at = now()
     where id = $1 and disabled_at is null and password is not distinct from $2`,
    [userId, password],
  )
  if (!rowCount) return undefined
  await session.query(
    `delete from user_session where hash in
       (select hash from user_session where expires_at < now() for update skip locked)`,
  )
  const { rows } = await session.query<{ expiresAt: Date }>(
    `insert into user_session (hash, user_id, expires_at) values ($1, $2, now() + make_interval(secs => $3))
     returning expires_at as "expiresAt"`,
    [hash, userId, hours * 3_600],
  )
  return rows[0]!.expiresAt
}

/**
 * The person of a session that was seen within `idleMinutes`, has not ended, and whose person is not disabled. That it was seen is
 * noted once a minute.
 */
export async function readSession(pool: pg.Pool, hash: Buffer, idleMinutes: number): Promise<SessionUser | undefined> {
  const { rows } = await pool.query<SessionUser & { stale: boolean }>(
    `select s.user_id as "userId", u.name, u.role, s.expires_at as "expiresAt",
            s.seen_at < now() - interval '1 minute' as stale
     from user_session s join hub_user u on u.id = s.user_id
     where s.hash = $1 and s.expires_at > now() and s.seen_at > now() - make_interval(secs => $2) and u.disabled_at is null`,
    [hash, idleMinutes * 60],
  )
  const [found] = rows
  if (!found) return undefined
  const { stale, ...user } = found
  if (stale) await pool.query('update user_session set seen_at = now() where hash = $1', [hash])
  return user
}

export async function deleteSession(session: Session, hash: Buffer): Promise<void> {
  await session.query('delete from user_session where hash = $1', [hash])
}
