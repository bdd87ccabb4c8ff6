import type pg from 'pg'
import type { MasterKeys } from './master-key.ts'
import { lockForStoring } from './rotation.ts'
import { type SecretPlace, seal, unseal } from './sealing.ts'
import { withTransaction } from './transaction.ts'

type Session = pg.Pool | pg.PoolClient

/** Secrets the hub keeps itself: tokens it was given by a login, and values typed into the admin page. Write-only outside. */
export type SecretStore = {
  put(place: SecretPlace, plain: string, session?: Session): Promise<void>
  /** Undefined when nothing is stored there. Throws CSW-6007 when it cannot be opened. */
  get(place: SecretPlace, session?: Session): Promise<string | undefined>
  remove(place: SecretPlace, session?: Session): Promise<boolean>
  /** Names and times only. */
  list(connection: string): Promise<{ field: string; updatedAt: Date; keyId: string }[]>
  /** Of all connections, those whose field begins with `prefix`. */
  listAll(prefix: string): Promise<{ connection: string; field: string; updatedAt: Date }[]>
}

type Row = { sealed: Buffer; keyId: string }

const PUT = `
insert into secret (connection, field, sealed, key_id) values ($1, $2, $3, $4)
on conflict (connection, field) do update set sealed = excluded.sealed, key_id = excluded.key_id, updated_at = now()`

/** The keys are looked at anew where they may have changed, so that a rotation in another process takes effect without a restart. */
export function createSecretStore(pool: pg.Pool, keys: Pick<MasterKeys, 'now' | 'fresh'>): SecretStore {
  const put = async (place: SecretPlace, plain: string, client: pg.PoolClient): Promise<void> => {
    await lockForStoring(client)
    const { sealed, keyId } = seal(plain, place, await keys.fresh())
    await client.query(PUT, [place.connection, place.field, sealed, keyId])
  }
  return {
    put: (place, plain, session = pool) =>
      'release' in session
        ? put(place, plain, session)
        : withTransaction(session, (client) => put(place, plain, client)),
    async get(place, session = pool) {
      const { rows } = await session.query<Row>(
        'select sealed, key_id as "keyId" from secret where connection = $1 and field = $2',
        [place.connection, place.field],
      )
      const row = rows[0]
      if (!row) return undefined
      const ring = keys.now()
      return unseal(row, place, ring.all.has(row.keyId) ? ring : await keys.fresh())
    },
    async remove(place, session = pool) {
      const { rowCount } = await session.query('delete from secret where connection = $1 and field = $2', [
        place.connection,
        place.field,
      ])
      return rowCount === 1
    },
    async list(connection) {
      const { rows } = await pool.query<{ field: string; updatedAt: Date; keyId: string }>(
        'select field, updated_at as "updatedAt", key_id as "keyId" from secret where connection = $1 order by field',
        [connection],
      )
      return rows
    },
    async listAll(prefix) {
      const { rows } = await pool.query<{ connection: string; field: string; updatedAt: Date }>(
        `select connection, field, updated_at as "updatedAt" from secret where starts_with(field, $1) order by connection, field`,
        [prefix],
      )
      return rows
    },
  }
}

/** Removes secrets of any connection whose field begins with `prefix` and that nobody stored anew for `days`. Gives how many. */
export async function forgetSecrets(pool: pg.Pool, prefix: string, days: number): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from secret where starts_with(field, $1) and updated_at < now() - $2 * interval '1 day'`,
    [prefix, days],
  )
  return rowCount ?? 0
}
