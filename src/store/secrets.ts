import type pg from 'pg'
import type { KeyRing } from './master-key.ts'
import { rewrap, type SecretPlace, seal, unseal } from './sealing.ts'
import { withTransaction } from './transaction.ts'

type Session = pg.Pool | pg.PoolClient

/** Secrets the hub keeps itself: tokens it was given by a login, and values typed into the admin page. Write-only outside. */
export type SecretStore = {
  put(place: SecretPlace, plain: string, session?: Session): Promise<void>
  /** Undefined when nothing is stored there. Throws CSW-6007 when it cannot be opened. */
  get(place: SecretPlace, session?: Session): Promise<string | undefined>
  remove(place: SecretPlace): Promise<boolean>
  /** Names and times only. */
  list(connection: string): Promise<{ field: string; updatedAt: Date; keyId: string }[]>
  /** Seals everything with the current master key, all or nothing. Returns how many were sealed with another one. */
  rotate(): Promise<number>
}

type Row = { connection: string; field: string; sealed: Buffer; keyId: string }

const PUT = `
insert into secret (connection, field, sealed, key_id) values ($1, $2, $3, $4)
on conflict (connection, field) do update set sealed = excluded.sealed, key_id = excluded.key_id, updated_at = now()`

/** `keys` is asked anew for every use, so that a rotated key takes effect without a restart. */
export function createSecretStore(pool: pg.Pool, keys: () => KeyRing): SecretStore {
  return {
    async put(place, plain, session = pool) {
      const { sealed, keyId } = seal(plain, place, keys())
      await session.query(PUT, [place.connection, place.field, sealed, keyId])
    },
    async get(place, session = pool) {
      const { rows } = await session.query<Row>(
        'select sealed, key_id as "keyId" from secret where connection = $1 and field = $2',
        [place.connection, place.field],
      )
      return rows[0] && unseal(rows[0], place, keys())
    },
    async remove(place) {
      const { rowCount } = await pool.query('delete from secret where connection = $1 and field = $2', [
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
    rotate: () => rotate(pool, keys()),
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

function rotate(pool: pg.Pool, keys: KeyRing): Promise<number> {
  return withTransaction(pool, async (client) => {
    // Locked, so that a token refreshed meanwhile is not put back to its former value.
    const { rows } = await client.query<Row>(
      'select connection, field, sealed, key_id as "keyId" from secret where key_id <> $1 order by connection, field for update',
      [keys.current.id],
    )
    for (const row of rows) {
      const { sealed, keyId } = rewrap(row, row, keys)
      await client.query('update secret set sealed = $3, key_id = $4 where connection = $1 and field = $2', [
        row.connection,
        row.field,
        sealed,
        keyId,
      ])
    }
    return rows.length
  })
}
