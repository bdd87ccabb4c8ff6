import type pg from 'pg'
import { isUniqueViolation } from '../failure.ts'

type Session = pg.Pool | pg.PoolClient

/** A token of a program as people may see it: never the token, nor its hash. */
export type TokenRow = {
  id: number
  name: string
  /** First characters, for telling tokens apart. */
  prefix: string
  role: string
  /** What of the role it may do; null is all of it. */
  scopes: string[] | null
  createdBy: string
  createdAt: Date
  expiresAt: Date | null
  /** To some ten minutes. */
  lastUsedAt: Date | null
  revokedAt: Date | null
}

export type NewToken = Pick<TokenRow, 'name' | 'prefix' | 'role' | 'scopes' | 'createdBy' | 'expiresAt'> & {
  hash: Buffer
}

const COLUMNS = `id, name, prefix, role, scopes, created_by as "createdBy", created_at as "createdAt",
  expires_at as "expiresAt", last_used_at as "lastUsedAt", revoked_at as "revokedAt"`
/** Use is noted this rarely, so that a busy token costs no write per request. */
const NOTE_EVERY = `interval '10 minutes'`

/** Undefined when a living token has the name. */
export async function insertToken(session: Session, token: NewToken): Promise<TokenRow | undefined> {
  try {
    const { rows } = await session.query<TokenRow>(
      `insert into api_token (name, prefix, hash, role, scopes, created_by, expires_at)
       values ($1, $2, $3, $4, $5, $6, $7) returning ${COLUMNS}`,
      [token.name, token.prefix, token.hash, token.role, token.scopes, token.createdBy, token.expiresAt],
    )
    return rows[0]
  } catch (error) {
    if (isUniqueViolation(error)) return undefined
    throw error
  }
}

/** The living token with this hash, and a note that it was used. */
export async function readToken(pool: pg.Pool, hash: Buffer): Promise<TokenRow | undefined> {
  const { rows } = await pool.query<TokenRow & { stale: boolean }>(
    `select ${COLUMNS}, (last_used_at is null or last_used_at < now() - ${NOTE_EVERY}) as stale from api_token
     where hash = $1 and revoked_at is null and (expires_at is null or expires_at > now())`,
    [hash],
  )
  const [found] = rows
  if (!found) return undefined
  const { stale, ...token } = found
  if (stale)
    await pool.query(
      `update api_token set last_used_at = now()
       where id = $1 and (last_used_at is null or last_used_at < now() - ${NOTE_EVERY})`,
      [token.id],
    )
  return token
}

/** Living ones first, then by age. */
export async function listTokens(session: Session): Promise<TokenRow[]> {
  const { rows } = await session.query<TokenRow>(
    `select ${COLUMNS} from api_token order by revoked_at is not null, id desc limit 1000`,
  )
  return rows
}

/** Undefined when there is no such living token. */
export async function revokeToken(session: Session, id: number): Promise<TokenRow | undefined> {
  const { rows } = await session.query<TokenRow>(
    `update api_token set revoked_at = now() where id = $1 and revoked_at is null returning ${COLUMNS}`,
    [id],
  )
  return rows[0]
}
