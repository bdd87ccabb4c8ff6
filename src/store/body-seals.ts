/**
 * Bodies of streams that are not kept in full are sealed until they shrink. The text that stands in the table:
 * `!1.<key>.<base64 of salt (16) · place in the batch (4) · AES-256-GCM text and tag (16)>`.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import type pg from 'pg'
import { CausewayError, newId } from '../core/index.ts'
import type { SecretStore } from './secrets.ts'
import { withTransaction } from './transaction.ts'

/** No connection has this name. */
const PLACE = ''
const PREFIX = 'bodies:'
/** What sealed text begins with, as no JSON does. */
export const SEAL_MARK = '!1.'
const MARKED = Buffer.from(SEAL_MARK)
/** Streams are numbered from one. */
const NO_STREAM = 0
const SALT = 16
const INDEX = 4
const TAG = 16
const IV = 12
/** Held while the key is made, so that processes that start together have one. */
const LOCK = 0x43_57_42

/** Why a body cannot be opened. Where its key is missing it may be opened another day. */
type Shut = 'altered' | 'key missing'
type Sealable = { id: string; bytes: Buffer }

/**
 * Seals and opens bodies with a key that is sealed itself, like every secret. Each batch has a key of its own, derived from that
 * one and a random salt, so that no nonce is ever used twice; each body is bound to its stream and record.
 */
class BodySeals {
  readonly #pool: pg.Pool
  readonly #secrets: SecretStore
  readonly #keys = new Map<string, Buffer>()

  constructor(pool: pg.Pool, secrets: SecretStore) {
    this.#pool = pool
    this.#secrets = secrets
  }

  /** Makes the key where there is none yet. */
  async prepare(): Promise<void> {
    if (this.#keys.size) return
    await this.#load(this.#pool)
    if (this.#keys.size) return
    await withTransaction(this.#pool, async (client) => {
      await client.query('select pg_advisory_xact_lock($1)', [LOCK])
      await this.#load(client)
      if (this.#keys.size) return
      const place = { connection: PLACE, field: PREFIX + newId() }
      await this.#secrets.put(place, randomBytes(32).toString('base64'), client)
    })
    await this.#load(this.#pool)
  }

  /** The bodies of a batch as they may stand in the table. */
  async seal(client: pg.Pool | pg.PoolClient, streamId: number, bodies: readonly Sealable[]): Promise<Buffer[]> {
    if (!this.#keys.size) await this.#load(client)
    // The oldest, so that all processes go on with the same one.
    const [current] = this.#keys
    if (!current) throw new CausewayError('CSW-6007', { what: 'There is no key to seal bodies of records with.' })
    const [keyId, key] = current
    const salt = randomBytes(SALT)
    const batchKey = derive(key, salt)
    return bodies.map(({ id, bytes }, i) => {
      const iv = nonce(i)
      const cipher = createCipheriv('aes-256-gcm', batchKey, iv).setAAD(binding(streamId, id))
      const parts = [salt, iv.subarray(IV - INDEX), cipher.update(bytes), cipher.final(), cipher.getAuthTag()]
      return Buffer.from(`${SEAL_MARK}${keyId}.${Buffer.concat(parts).toString('base64')}`, 'latin1')
    })
  }

  /** The body, or why there is none. Throws CSW-6007 where there is no key at all, which is no matter of one body. */
  async open(streamId: number, id: string, text: string, batchKeys: Map<string, Buffer>): Promise<Buffer | Shut> {
    const [keyId = '', sealed = ''] = text.slice(SEAL_MARK.length).split('.')
    if (!this.#keys.has(keyId)) await this.#load(this.#pool)
    if (!this.#keys.size) throw refused(id)
    const key = this.#keys.get(keyId)
    const bytes = Buffer.from(sealed, 'base64')
    if (!key) return 'key missing'
    if (bytes.length < SALT + INDEX + TAG) return 'altered'
    const salt = bytes.subarray(0, SALT)
    const name = keyId + salt.toString('latin1')
    const batchKey = batchKeys.get(name) ?? derive(key, salt)
    batchKeys.set(name, batchKey)
    const iv = nonce(bytes.readUInt32BE(SALT))
    const decipher = createDecipheriv('aes-256-gcm', batchKey, iv, { authTagLength: TAG })
    decipher.setAAD(binding(streamId, id)).setAuthTag(bytes.subarray(-TAG))
    try {
      return Buffer.concat([decipher.update(bytes.subarray(SALT + INDEX, -TAG)), decipher.final()])
    } catch {
      return 'altered'
    }
  }

  async #load(session: pg.Pool | pg.PoolClient): Promise<void> {
    const { rows } = await session.query<{ field: string }>(
      'select field from secret where connection = $1 and starts_with(field, $2) order by field',
      [PLACE, PREFIX],
    )
    for (const { field } of rows) {
      const text = await this.#secrets.get({ connection: PLACE, field }, session)
      if (text !== undefined) this.#keys.set(field.slice(PREFIX.length), Buffer.from(text, 'base64'))
    }
  }
}

/** So that no reader of the table can forget it: whoever has the pool has the key. */
const ofPool = new WeakMap<object, BodySeals>()

/** From now on everything that reads or writes records through this pool seals and opens them. */
export function sealBodies(pool: pg.Pool, secrets: SecretStore): void {
  ofPool.set(pool, new BodySeals(pool, secrets))
}

/** How bodies written through this pool are sealed; undefined where nothing is. */
export const sealsOf = (pool: object): BodySeals | undefined => ofPool.get(pool)

type WithBody = { id: string; body: string | null }

/**
 * Rows of a stream with their bodies opened; what is not sealed costs one look at its first character. Throws CSW-6007 for one that
 * was altered, unless `altered` says what becomes of it.
 */
export async function openBodies<T extends WithBody>(
  pool: object,
  streamId: number,
  rows: T[],
  altered: (row: T, why: Shut) => void = ({ id }) => {
    throw refused(id)
  },
): Promise<T[]> {
  const batchKeys = new Map<string, Buffer>()
  for (const row of rows) {
    if (!row.body?.startsWith(SEAL_MARK)) continue
    const bytes = await openWith(pool, streamId, row.id, row.body, batchKeys)
    if (typeof bytes === 'string') altered(row, bytes)
    else row.body = bytes.toString('utf8')
  }
  return rows
}

/** For work on many records that can do without those whose body was altered: they have none. Throws where a key is missing. */
export const asNoBody = (row: WithBody, why: Shut): void => {
  if (why === 'key missing') throw refused(row.id)
  row.body = null
}

/**
 * Text about records of streams that are not kept in full, in other tables: what letters and corrections hold, bytes of webhooks.
 * `about` names row and column, so that no text can be put in the place of another.
 */
export async function sealTexts(
  pool: object,
  client: pg.Pool | pg.PoolClient,
  texts: readonly { about: string; bytes: Buffer }[],
): Promise<Buffer[]> {
  const seals = sealsOf(pool)
  if (!seals || !texts.length) return texts.map(({ bytes }) => bytes)
  return seals.seal(
    client,
    NO_STREAM,
    texts.map(({ about, bytes }) => ({ id: about, bytes })),
  )
}

/** Opens what `sealTexts` made; other text is given back as it is. Throws CSW-6007. */
export const openText = async (pool: object, about: string, text: string): Promise<string> =>
  text.startsWith(SEAL_MARK) ? (await openWhole(pool, about, text)).toString('utf8') : text

/** As `openText`, for bytes. */
export const openBytes = async (pool: object, about: string, bytes: Buffer): Promise<Buffer> =>
  isSealed(bytes) ? openWhole(pool, about, bytes.toString('latin1')) : bytes

async function openWhole(pool: object, about: string, text: string): Promise<Buffer> {
  const bytes = await openWith(pool, NO_STREAM, about, text, new Map())
  if (typeof bytes === 'string') throw refused(about)
  return bytes
}

const isSealed = (bytes: Buffer): boolean =>
  bytes.length > SEAL_MARK.length && bytes.subarray(0, SEAL_MARK.length).equals(MARKED)

function openWith(
  pool: object,
  streamId: number,
  id: string,
  body: string,
  batchKeys: Map<string, Buffer>,
): Promise<Buffer | Shut> {
  const seals = sealsOf(pool)
  if (!seals) throw refused(id)
  return seals.open(streamId, id, body, batchKeys)
}

const derive = (key: Buffer, salt: Buffer): Buffer => createHmac('sha256', key).update(salt).digest()

function nonce(index: number): Buffer {
  const iv = Buffer.alloc(IV)
  iv.writeUInt32BE(index, IV - INDEX)
  return iv
}

const binding = (streamId: number, id: string): Buffer =>
  Buffer.from(JSON.stringify(['causeway', 'body', streamId, id]))

const refused = (id: string): CausewayError =>
  new CausewayError('CSW-6007', {
    what: `What is sealed of ${id} cannot be opened: it was altered, or its key is not there.`,
  })
