import type pg from 'pg'
import { isUniqueViolation } from '../failure.ts'

type Session = pg.Pool | pg.PoolClient

/** A person as others may see them: never the password's hash. */
export type UserRow = {
  id: number
  name: string
  role: string
  /** Provider through which they come; null for people with a password. */
  issuer: string | null
  createdAt: Date
  disabledAt: Date | null
  lastLoginAt: Date | null
}

export const USER_COLUMNS = `id, name, role, issuer, created_at as "createdAt", disabled_at as "disabledAt", last_login_at as "lastLoginAt"`

/** Undefined when the name is taken. */
export async function insertUser(
  session: Session,
  user: { name: string; role: string; password: string },
): Promise<UserRow | undefined> {
  try {
    const { rows } = await session.query<UserRow>(
      `insert into hub_user (name, role, password) values ($1, $2, $3) returning ${USER_COLUMNS}`,
      [user.name, user.role, user.password],
    )
    return rows[0]
  } catch (error) {
    if (isUniqueViolation(error)) return undefined
    throw error
  }
}

/** A person with the hash of their password, for login only. Disabled people are found too: the answer must take the same time. */
export async function findUserForLogin(
  pool: pg.Pool,
  name: string,
): Promise<(UserRow & { password: string | null }) | undefined> {
  const { rows } = await pool.query<UserRow & { password: string | null }>(
    `select ${USER_COLUMNS}, password from hub_user where name = $1`,
    [name],
  )
  return rows[0]
}

export async function findUser(session: Session, name: string): Promise<UserRow | undefined> {
  const { rows } = await session.query<UserRow>(`select ${USER_COLUMNS} from hub_user where name = $1`, [name])
  return rows[0]
}

export async function listUsers(session: Session): Promise<UserRow[]> {
  const { rows } = await session.query<UserRow>(`select ${USER_COLUMNS} from hub_user order by name limit 1000`)
  return rows
}

/** Changes a person and ends their sessions: what they may do is decided anew at their next login. */
export async function changeUser(
  session: Session,
  id: number,
  change: { role?: string; password?: string; disabled?: boolean },
): Promise<UserRow> {
  const { rows } = await session.query<UserRow>(
    `update hub_user set role = coalesce($2, role), password = coalesce($3, password),
       disabled_at = case when $4::boolean is null then disabled_at when $4 then coalesce(disabled_at, now()) end
     where id = $1 returning ${USER_COLUMNS}`,
    [id, change.role ?? null, change.password ?? null, change.disabled ?? null],
  )
  await session.query('delete from user_session where user_id = $1', [id])
  return rows[0]!
}
