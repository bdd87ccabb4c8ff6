/**
 * The keys of the hashes that stand for erased people. Without one, whoever has the database could try all addresses and
 * numbers there are. They are sealed like every secret; what is kept outside the database is the sealed form.
 */
import { createHmac, randomBytes } from 'node:crypto'
import type pg from 'pg'
import { digest, newId } from '../core/index.ts'
import type { SecretStore } from './secrets.ts'
import { withTransaction } from './transaction.ts'

/** A sealed key as it stands in the ledger; `sealed` in base64. */
export type SealedErasureKey = { field: string; sealed: string; keyId: string }

/** No connection has this name. */
const PLACE = ''
const PREFIX = 'erasure:'
/** Held while a first key is made, so that processes that start together have one. */
const LOCK = 0x43_57_45

export class ErasureKeys {
  readonly #keys: ReadonlyMap<string, Buffer>

  private constructor(keys: ReadonlyMap<string, Buffer>) {
    this.#keys = keys
  }

  /** Opens all keys there are; makes the first one where it is needed. Throws CSW-6007 when one cannot be opened. */
  static async open(pool: pg.Pool, secrets: SecretStore, options: { make: boolean }): Promise<ErasureKeys> {
    const keys = await openAll(pool, secrets)
    if (keys.size || !options.make) return new ErasureKeys(keys)
    return withTransaction(pool, async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [LOCK])
      const made = await openAll(client, secrets)
      if (!made.size) {
        const key = randomBytes(32)
        const id = newId()
        await secrets.put({ connection: PLACE, field: PREFIX + id }, key.toString('base64'), client)
        made.set(id, key)
      }
      return new ErasureKeys(made)
    })
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0
  }

  /** What stands for a value in the list of erasures from now on. */
  hash(field: string, value: string): string {
    return this.keyed(bareHash(field, value))
  }

  /** All that may stand for a value: erasures made elsewhere, or before a restore, may have another key. */
  hashes(field: string, value: string): string[] {
    const bare = bareHash(field, value)
    return [...this.#keys].map(([id, key]) => withKey(id, key, bare))
  }

  /** The keyed form of a hash of former versions. */
  keyed(bare: string): string {
    const [first] = this.#keys
    if (!first) throw new Error('there is no key for erasures')
    return withKey(...first, bare)
  }

  /** False for a hash of a key that another process made meanwhile, and for one without a key. */
  knows(hash: string): boolean {
    return this.#keys.has(hash.split('.')[0]!)
  }
}

/** True for hashes of former versions, which have no key. */
export const isBareHash = (hash: string): boolean => !hash.includes('.')

const bareHash = (field: string, value: string): string => digest(`erasure\n${field}\n${value}`)
const withKey = (id: string, key: Buffer, bare: string): string =>
  `${id}.${createHmac('sha256', key).update(bare).digest('base64url')}`

async function openAll(session: pg.Pool | pg.PoolClient, secrets: SecretStore): Promise<Map<string, Buffer>> {
  const keys = new Map<string, Buffer>()
  for (const { field } of await readSealedErasureKeys(session)) {
    const text = await secrets.get({ connection: PLACE, field }, session)
    if (text !== undefined) keys.set(field.slice(PREFIX.length), Buffer.from(text, 'base64'))
  }
  return keys
}

/** The oldest first, so that all processes go on with the same one. */
export async function readSealedErasureKeys(session: pg.Pool | pg.PoolClient): Promise<SealedErasureKey[]> {
  const { rows } = await session.query<SealedErasureKey>(
    `select field, encode(sealed, 'base64') as sealed, key_id as "keyId" from secret
      where connection = $1 and starts_with(field, $2) order by field`,
    [PLACE, PREFIX],
  )
  return rows
}

/** Brings back keys that a restored dump does not have. */
export async function restoreErasureKeys(pool: pg.Pool, keys: readonly SealedErasureKey[]): Promise<void> {
  for (const { field, sealed, keyId } of keys)
    if (field.startsWith(PREFIX))
      await pool.query(
        `insert into secret (connection, field, sealed, key_id) values ($1, $2, decode($3, 'base64'), $4) on conflict do nothing`,
        [PLACE, field, sealed, keyId],
      )
}

/** Gives hashes of former versions their key. */
export async function keyBareErasures(pool: pg.Pool, keys: ErasureKeys): Promise<void> {
  const { rows } = await pool.query<{ id: number; hash: string }>(
    `select id, value_hash as hash from erasure where position('.' in value_hash) = 0`,
  )
  for (const { id, hash } of rows)
    await pool.query(
      `with twin as (select 1 from erasure e where value_hash = $2 and field = (select field from erasure where id = $1)),
            dropped as (delete from erasure where id = $1 and exists (select 1 from twin))
       update erasure set value_hash = $2 where id = $1 and not exists (select 1 from twin)`,
      [id, keys.keyed(hash)],
    )
}
