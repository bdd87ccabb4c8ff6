/** What was asked of the API with an `Idempotency-Key`, and what came of it. */
import { createHmac, randomBytes } from 'node:crypto'
import type pg from 'pg'
import { CausewayError, newId } from '../core/index.ts'
import { asStoreError } from './failure.ts'
import type { SecretStore } from './secrets.ts'
import { withTransaction } from './transaction.ts'

/** So long after it was first sent a key stands for its request. */
const HOURS = 24
export const KEYS_OVER = `at < now() - interval '${HOURS} hours'`

/** A process that died holds a key for so long; whoever lives moves it on in time. */
const HELD_MS = 30_000
const RENEWALS = 3
const LOOKS = 10

/** A request in the hands of who carries it out. */
export type RequestClaim = { actor: string; key: string; id: string; turn: number }
type Asked = { actor: string; key: string; operation: string /** Method, address and body. */; said: string }
export type Claimed =
  | { as: 'mine'; claim: RequestClaim }
  | { as: 'done'; status: number; body: string | null }
  | { as: 'under-way' }
  | { as: 'another'; operation: string }

/** Takes the key where it is free: never seen, over, or left by somebody who died with the same request in hand. */
const CLAIM = `
insert into request_key as held (actor, key, id, operation, request, until)
values ($1, $2, $3, $4, $5, clock_timestamp() + $6 * interval '1 ms')
on conflict (actor, key) do update set
  id = case when held.${KEYS_OVER} then excluded.id else held.id end,
  at = case when held.${KEYS_OVER} then excluded.at else held.at end,
  operation = excluded.operation, request = excluded.request, until = excluded.until, turn = held.turn + 1, status = null, body = null
where held.${KEYS_OVER} or (held.status is null and held.until < clock_timestamp() and held.request = excluded.request)
returning id, turn`

const MINE = 'actor = $1 and key = $2 and id = $3 and turn = $4 and status is null'
const mine = ({ actor, key, id, turn }: RequestClaim): unknown[] => [actor, key, id, turn]

export class RequestKeyBook {
  readonly #pool: pg.Pool
  readonly #secrets: SecretStore
  readonly #heldMs: number
  #hashKey: Promise<Buffer> | undefined

  constructor(pool: pg.Pool, secrets: SecretStore, heldMs = HELD_MS) {
    this.#pool = pool
    this.#secrets = secrets
    this.#heldMs = heldMs
  }

  /** How often whoever carries a request out says that it lives. */
  get renewMs(): number {
    return this.#heldMs / RENEWALS
  }

  /** Of any number who ask with one key at once exactly one gets it. */
  async claim({ actor, key, operation, said }: Asked): Promise<Claimed> {
    const request = createHmac('sha256', await this.#openHashKey())
      .update(said)
      .digest('base64url')
    for (let look = 0; look < LOOKS; look++) {
      const [taken] = await this.#query<{ id: string; turn: number }>(CLAIM, [
        ...[actor, key, newId(), operation, request, this.#heldMs],
      ])
      if (taken) return { as: 'mine', claim: { actor, key, ...taken } }
      const [held] = await this.#query<{
        request: string
        operation: string
        status: number | null
        body: string | null
      }>('select request, operation, status, body from request_key where actor = $1 and key = $2', [actor, key])
      // Given back in between: it is free again.
      if (!held) continue
      if (held.request !== request) return { as: 'another', operation: held.operation }
      return held.status === null ? { as: 'under-way' } : { as: 'done', status: held.status, body: held.body }
    }
    return { as: 'under-way' }
  }

  async renew(claim: RequestClaim): Promise<void> {
    await this.#query(`update request_key set until = clock_timestamp() + $5 * interval '1 ms' where ${MINE}`, [
      ...mine(claim),
      this.#heldMs,
    ])
  }

  /** It was carried out: from now on this is the answer. A body of null says that it is not kept. */
  async settle(claim: RequestClaim, status: number, body: string | null): Promise<void> {
    await this.#query(`update request_key set status = $5, body = $6 where ${MINE}`, [...mine(claim), status, body])
  }

  /** Nothing was done: the key is as if it had never come. */
  async giveBack(claim: RequestClaim): Promise<void> {
    await this.#query(`delete from request_key where ${MINE}`, mine(claim))
  }

  /** Nobody knows whether it was done: the next one who sends the same request carries it out, under the same id. */
  async leave(claim: RequestClaim): Promise<void> {
    await this.#query(`update request_key set until = '-infinity' where ${MINE}`, mine(claim))
  }

  async #query<T extends object>(sql: string, values: unknown[]): Promise<T[]> {
    try {
      return (await this.#pool.query(sql, values)).rows as T[]
    } catch (error) {
      throw asStoreError(error)
    }
  }

  #openHashKey(): Promise<Buffer> {
    this.#hashKey ??= openHashKey(this.#pool, this.#secrets).catch((error: unknown) => {
      this.#hashKey = undefined
      throw error
    })
    return this.#hashKey
  }
}

/** No connection has this name. */
const PLACE = { connection: '', field: 'request-keys' }
/** Held while the key is made, so that processes that start together have one. */
const LOCK = 0x43_57_4b

async function openHashKey(pool: pg.Pool, secrets: SecretStore): Promise<Buffer> {
  const kept = await readHashKey(secrets, pool)
  if (kept) return kept
  return withTransaction(pool, async (client) => {
    await client.query('select pg_advisory_xact_lock($1)', [LOCK])
    const made = await readHashKey(secrets, client)
    if (made) return made
    const key = randomBytes(32)
    await secrets.put(PLACE, key.toString('base64'), client)
    return key
  })
}

/** One that cannot be opened (CSW-6007: its master key is lost) is worth nothing: a day's keys, which then stand for other requests. */
async function readHashKey(secrets: SecretStore, session: pg.Pool | pg.PoolClient): Promise<Buffer | undefined> {
  try {
    const text = await secrets.get(PLACE, session)
    return text === undefined ? undefined : Buffer.from(text, 'base64')
  } catch (error) {
    if (error instanceof CausewayError && error.code === 'CSW-6007') return undefined
    throw error
  }
}
