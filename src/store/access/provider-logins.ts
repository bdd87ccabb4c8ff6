import type pg from 'pg'
import { USER_COLUMNS, type UserRow } from './users.ts'

type Session = pg.Pool | pg.PoolClient

/**
 * The person an OpenID provider names by issuer and subject, made at their first login, with the role of this login. Their name is
 * never one that somebody else has: then a part of the subject's hash, `ownName`, stands behind it.
 */
export async function saveProviderUser(
  session: Session,
  user: { issuer: string; subject: string; name: string; ownName: string; role: string },
): Promise<{ user: UserRow; before: string | null }> {
  for (const name of [user.name, user.ownName]) {
    const known = await changeRole(session, user)
    if (known) return known
    const { rows } = await session.query<UserRow>(
      `insert into hub_user (name, role, issuer, subject) values ($1, $2, $3, $4)
       on conflict do nothing returning ${USER_COLUMNS}`,
      [name, user.role, user.issuer, user.subject],
    )
    if (rows[0]) return { user: rows[0], before: null }
  }
  // Another first login of the same person was quicker.
  const known = await changeRole(session, user)
  if (known) return known
  throw new Error('two people of one provider have the same name and hash')
}

async function changeRole(
  session: Session,
  { issuer, subject, role }: { issuer: string; subject: string; role: string },
): Promise<{ user: UserRow; before: string } | undefined> {
  const { rows } = await session.query<UserRow & { before: string }>(
    `with known as (select id, role from hub_user where issuer = $1 and subject = $2 for update)
     update hub_user u set role = $3 from known where u.id = known.id
     returning ${USER_COLUMNS.replaceAll(/^|, /g, '$&u.')}, known.role as before`,
    [issuer, subject, role],
  )
  const [found] = rows
  if (!found) return undefined
  const { before, ...user } = found
  return { user, before }
}

/** Notes a login that goes to a provider; those that never came back are forgotten. */
export async function insertPendingLogin(pool: pg.Pool, stateHash: Buffer, minutes: number): Promise<void> {
  await pool.query('delete from pending_login where expires_at < now()')
  await pool.query(
    'insert into pending_login (state_hash, expires_at) values ($1, now() + make_interval(secs => $2))',
    [stateHash, minutes * 60],
  )
}

/** True for the first that comes back with it in time, and never again. */
export async function takePendingLogin(pool: pg.Pool, stateHash: Buffer): Promise<boolean> {
  const { rowCount } = await pool.query('delete from pending_login where state_hash = $1 and expires_at > now()', [
    stateHash,
  ])
  return rowCount === 1
}
