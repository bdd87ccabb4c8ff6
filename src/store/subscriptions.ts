/** Webhooks that the hub ordered at other systems, each with its secret sealed beside it. */
import type pg from 'pg'
import { isObject, type JsonObject, parseExact, type SerializedError } from '../core/index.ts'
import { assertLease } from './ledger/lease-check.ts'
import type { LeaseProof } from './ledger/types.ts'
import type { SecretStore } from './secrets.ts'
import { withTransaction } from './transaction.ts'

export type SubscriptionRow = {
  id: number
  connectionId: number
  connection: string
  /** Null where one serves all streams of the connection. */
  stream: string | null
  url: string
  events: string[]
  state: 'ordering' | 'active' | 'leaving'
  /** Its id in the other system, once known. */
  remoteId: string | null
  /** When the newest order was sent whose answer is not known; null when none is open. */
  sentAt: Date | null
  expiresAt: Date | null
  renewAt: Date | null
  seenAt: Date | null
  failures: number
  nextAt: Date | null
}

type Connection = { id: number; name: string }
type Wanted = Pick<SubscriptionRow, 'stream' | 'url' | 'events'>
type Lasting = { expiresAt: Date | null; renewAt: Date | null }

/** Names that no setting of a manifest can have. */
const SECRET = 'webhook:'
const FORMER = 'webhook-connection'

const COLUMNS = `w.id, w.connection_id as "connectionId", c.name as connection, w.stream, w.url, w.events::json as events, w.state,
  w.remote_id as "remoteId", w.sent_at as "sentAt", w.expires_at as "expiresAt", w.renew_at as "renewAt", w.seen_at as "seenAt",
  w.failures, w.next_at as "nextAt"`
const FROM = 'from webhook_subscription w join connection c on c.id = w.connection_id'

/** Every change is refused with CSW-6004 when the lease of the connection's subscriptions changed hands. */
export class SubscriptionBook {
  readonly #pool: pg.Pool
  readonly #secrets: SecretStore

  constructor(pool: pg.Pool, secrets: SecretStore) {
    this.#pool = pool
    this.#secrets = secrets
  }

  /** Connections that have subscriptions, or had some that may still live. */
  async connections(): Promise<Connection[]> {
    return (await this.#pool.query<Connection>(`select distinct c.id, c.name ${FROM}`)).rows
  }

  async read(connectionId: number): Promise<SubscriptionRow[]> {
    const { rows } = await this.#pool.query<SubscriptionRow>(
      `select ${COLUMNS} ${FROM} where w.connection_id = $1 order by w.id`,
      [connectionId],
    )
    return rows
  }

  secretOf({ connection, id }: Pick<SubscriptionRow, 'connection' | 'id'>): Promise<string | undefined> {
    return this.#secrets.get({ connection, field: SECRET + id })
  }

  /** What deliveries of a connection may be signed with now, also by orders whose answer is still on its way. */
  async liveSecrets(connectionId: number): Promise<{ id: string; secret: string }[]> {
    const rows = await this.read(connectionId)
    const known = await Promise.all(
      rows.map(async (row) => ({ id: row.remoteId ?? '', secret: await this.secretOf(row) })),
    )
    return known.flatMap(({ id, secret }) => (secret === undefined ? [] : [{ id, secret }]))
  }

  /** Notes that a subscription is wanted, with the secret that the order will carry. Nothing is sent yet. */
  async want(lease: LeaseProof, connection: Connection, wanted: Wanted, secret: string): Promise<void> {
    await this.#change(lease, (client) => this.#insert(client, connection, wanted, secret))
  }

  /** Another subscription takes the place of one; the old one lives until the new one does. */
  async replace(lease: LeaseProof, row: SubscriptionRow, wanted: Wanted, secret: string): Promise<void> {
    await this.#change(lease, async (client) => {
      await client.query(
        `update webhook_subscription set state = 'leaving', next_at = null, failures = 0 where id = $1`,
        [row.id],
      )
      await this.#insert(client, { id: row.connectionId, name: row.connection }, wanted, secret)
    })
  }

  /** Committed before an order goes out: from now on it may exist. */
  async sending(lease: LeaseProof, row: SubscriptionRow, at: Date): Promise<void> {
    await this.#set(lease, row, 'sent_at = $2', [at])
  }

  /** Nothing of an order was done. */
  async notSent(lease: LeaseProof, row: SubscriptionRow): Promise<void> {
    await this.#set(lease, row, 'sent_at = null', [])
  }

  /** `secret` where it is another one than the order carried. */
  async settle(
    lease: LeaseProof,
    row: SubscriptionRow,
    { remoteId, secret, expiresAt, renewAt, at }: { remoteId: string; secret?: string; at: Date } & Lasting,
  ): Promise<void> {
    await this.#change(lease, async (client) => {
      await client.query(
        `update webhook_subscription set state = 'active', remote_id = $2, expires_at = $3, renew_at = $4, seen_at = $5,
           sent_at = null, failures = 0, error = null, next_at = $4 where id = $1`,
        [row.id, remoteId, expiresAt, renewAt, at],
      )
      if (secret !== undefined) await this.#keepSecret(client, row, secret)
    })
  }

  async seen(lease: LeaseProof, rows: SubscriptionRow[], at: Date): Promise<void> {
    await this.#change(lease, async (client) => {
      await client.query('update webhook_subscription set seen_at = $2 where id = any($1)', [
        rows.map(({ id }) => id),
        at,
      ])
    })
  }

  async leave(lease: LeaseProof, row: SubscriptionRow): Promise<void> {
    await this.#set(lease, row, `state = 'leaving', next_at = null, failures = 0`, [])
  }

  /** It exists no more. */
  async forget(lease: LeaseProof, row: SubscriptionRow): Promise<void> {
    await this.#change(lease, async (client) => {
      await client.query('delete from webhook_subscription where id = $1', [row.id])
      await client.query('delete from secret where connection = $1 and field = $2', [row.connection, SECRET + row.id])
      await client.query(
        `delete from secret where connection = $1 and field = $2
           and not exists (select 1 from webhook_subscription where connection_id = $3)`,
        [row.connection, FORMER, row.connectionId],
      )
    })
  }

  async fail(lease: LeaseProof, row: SubscriptionRow, error: SerializedError, nextAt: Date): Promise<void> {
    await this.#set(lease, row, 'failures = failures + 1, error = $2, next_at = $3', [JSON.stringify(error), nextAt])
  }

  /** A person says that it is to be tried now, and that an order whose answer never came was not taken. */
  async tryAgain(id: number): Promise<boolean> {
    const { rowCount } = await this.#pool.query(
      'update webhook_subscription set next_at = null, failures = 0, sent_at = null, error = null where id = $1',
      [id],
    )
    return rowCount === 1
  }

  /** Keeps how a connection is reached, without its secrets, so that it can be cleaned up after its files are gone. */
  async rememberConnection(name: string, config: JsonObject): Promise<void> {
    const place = { connection: name, field: FORMER }
    const text = JSON.stringify(config)
    if ((await this.#secrets.get(place)) !== text) await this.#secrets.put(place, text)
  }

  async formerConnection(name: string): Promise<JsonObject | undefined> {
    const text = await this.#secrets.get({ connection: name, field: FORMER })
    const value = text === undefined ? undefined : parseExact(text)
    return isObject(value) ? value : undefined
  }

  async #insert(
    client: pg.PoolClient,
    connection: Connection,
    { stream, url, events }: Wanted,
    secret: string,
  ): Promise<void> {
    const { rows } = await client.query<{ id: number }>(
      `insert into webhook_subscription (connection_id, stream, url, events) values ($1, $2, $3, $4)
       on conflict do nothing returning id`,
      [connection.id, stream, url, JSON.stringify(events)],
    )
    if (rows[0]) await this.#keepSecret(client, { connection: connection.name, id: rows[0].id }, secret)
  }

  #keepSecret(client: pg.PoolClient, row: Pick<SubscriptionRow, 'connection' | 'id'>, secret: string): Promise<void> {
    return this.#secrets.put({ connection: row.connection, field: SECRET + row.id }, secret, client)
  }

  #set(lease: LeaseProof, row: SubscriptionRow, assignments: string, values: unknown[]): Promise<void> {
    return this.#change(lease, async (client) => {
      await client.query(`update webhook_subscription set ${assignments} where id = $1`, [row.id, ...values])
    })
  }

  #change(lease: LeaseProof, work: (client: pg.PoolClient) => Promise<unknown>): Promise<void> {
    return withTransaction(this.#pool, async (client) => {
      await assertLease(client, lease)
      await work(client)
    })
  }
}
