/** Seals all secrets with another master key while the hub goes on working, and whichever process is killed when. */
import type pg from 'pg'
import { asStoreError } from './failure.ts'
import type { KeyRing, MasterKeys } from './master-key.ts'
import { rewrap, type SecretPlace } from './sealing.ts'
import { withTransaction } from './transaction.ts'

/** Held, shared, by whoever stores a secret, from before they look which key is the current one. */
const STORING = 0x43_57_52
/** Held by the one that rotates. */
const ROTATING = 0x43_57_53
const BATCH = 200

type Row = SecretPlace & { sealed: Buffer; keyId: string }

export type Rotation = { key: string; former: string[]; resealed: number; added: boolean }

/** To be called in a transaction before the current key is looked up: a rotation waits for those that may still seal with the former one. */
export async function lockForStoring(client: pg.PoolClient): Promise<void> {
  await client.query('select pg_advisory_xact_lock_shared($1)', [STORING])
}

/**
 * Makes a new key where the keys are in a file of ours, seals all with the current one, and takes the others away. With more than one key
 * there it goes on where another rotation ended, and makes none. `beforeDrop` is the last moment at which the former keys are there.
 * Undefined while another process rotates.
 */
export async function rotateSecrets(
  pool: pg.Pool,
  keys: MasterKeys,
  beforeDrop: () => Promise<void> = async () => undefined,
): Promise<Rotation | undefined> {
  return holding(pool, async (client) => {
    const found = await keys.fresh()
    const added = keys.inFile && found.all.size === 1
    const ring = added ? await keys.add() : found
    // Whoever has not seen the new key yet has committed after this.
    await client.query('select pg_advisory_lock($1)', [STORING])
    await client.query('select pg_advisory_unlock($1)', [STORING])
    const resealed = await resealAll(pool, ring)
    await beforeDrop()
    const former = [...ring.all.keys()].filter((id) => id !== ring.current.id)
    if (keys.inFile) await keys.dropOld()
    return { key: ring.current.id, former, resealed, added }
  })
}

async function holding<T>(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T | undefined> {
  const client = await pool.connect()
  let broken: Error | undefined
  try {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [ROTATING])
    return rows[0]!.mine ? await work(client) : undefined
  } catch (error) {
    throw asStoreError(error)
  } finally {
    // Also what a failure left locked.
    await client.query('select pg_advisory_unlock_all()').catch((error: Error) => (broken = error))
    client.release(broken)
  }
}

/** In small transactions: what is done stays done. A secret that is stored meanwhile has the current key already. */
async function resealAll(pool: pg.Pool, ring: KeyRing): Promise<number> {
  let total = 0
  for (;;) {
    const done = await withTransaction(pool, async (client) => {
      // Locked, so that a token refreshed meanwhile is not put back to its former value.
      const { rows } = await client.query<Row>(
        'select connection, field, sealed, key_id as "keyId" from secret where key_id <> $1 order by connection, field limit $2 for update',
        [ring.current.id, BATCH],
      )
      const sealed = rows.map((row) => rewrap(row, row, ring))
      await client.query(
        `update secret s set sealed = new.sealed, key_id = $1
           from unnest($2::text[], $3::text[], $4::bytea[]) as new (connection, field, sealed)
          where (s.connection, s.field) = (new.connection, new.field)`,
        [
          ring.current.id,
          rows.map(({ connection }) => connection),
          rows.map(({ field }) => field),
          sealed.map((one) => one.sealed),
        ],
      )
      return rows.length
    })
    total += done
    if (done < BATCH) return total
  }
}

/** How many secrets need which key. */
export async function countByKey(pool: pg.Pool): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ keyId: string; count: number }>(
    'select key_id as "keyId", count(*)::int as count from secret group by key_id',
  )
  return new Map(rows.map(({ keyId, count }) => [keyId, count]))
}
