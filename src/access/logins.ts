import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { CausewayError } from '../core/index.ts'
import {
  appendAudit,
  countTry,
  deleteSession,
  findUserForLogin,
  forgiveTry,
  insertSession,
  type LedgerPool,
  readSession,
  withTransaction,
} from '../store/index.ts'
import { hashOf, type Identity, randomSecret } from './identity.ts'
import { networkOf } from './network.ts'
import { isPassword } from './password.ts'
import { isRole, scopesOf } from './roles.ts'

export type LoginLimits = {
  /** A session that nobody uses ends after so long … */
  idleMinutes: number
  /** … and any after so long. */
  hours: number
  /** Failed logins per minute, for each account and each address (of IPv6, each network). */
  failuresPerMinute: number
}
const LOGIN_LIMITS: LoginLimits = { idleMinutes: 60, hours: 12, failuresPerMinute: 10 }

/** A session that has just been opened: `secret` goes into the cookie and is kept nowhere. */
export type Opened = { secret: string; identity: Identity & { session: NonNullable<Identity['session']> } }

/** Logging in with a password, and the sessions of people however they came. */
export class Logins {
  readonly #pool: LedgerPool
  readonly #limits: LoginLimits

  constructor(pool: LedgerPool, limits: Partial<LoginLimits> = {}) {
    this.#pool = pool
    this.#limits = { ...LOGIN_LIMITS, ...limits }
  }

  /**
   * Opens a session for the right password. Wrong password, nobody of that name, disabled, and one who comes through a provider
   * only: all get CSW-8013 after the same work. CSW-8005 after too many failures of the account or the address.
   */
  async withPassword({
    name,
    password,
    address,
  }: {
    name: string
    password: string
    address: string
  }): Promise<Opened> {
    const keys = [throttleKey('user', name), throttleKey('address', networkOf(address))].sort(Buffer.compare)
    const { tries, seconds } = await countTry(this.#pool, keys)
    if (tries > this.#limits.failuresPerMinute)
      throw new CausewayError('CSW-8005', {
        what: `More than ${this.#limits.failuresPerMinute} logins failed within a minute for this user or from this address.`,
        retryAfterMs: seconds * 1_000,
      })
    const user = await findUserForLogin(this.#pool, name)
    const right = await isPassword(password, user?.password ?? null)
    if (!user || !right || user.disabledAt !== null) {
      // A name that nobody has may be a password typed into the wrong field: it is not written down.
      const subject = user ? `user:${user.name}` : 'user:unknown'
      await appendAudit(this.#pool, { actor: subject, action: 'login.fail', subject, detail: { address } })
      throw new CausewayError('CSW-8013', { what: 'User name or password is wrong.' })
    }
    await forgiveTry(this.#pool, keys)
    return this.open(user, { by: 'password', address })
  }

  /** Opens a session for somebody who has proved who they are. CSW-8013 when they were disabled or changed meanwhile. */
  async open(
    user: { id: number; name: string; role: string; password: string | null },
    detail: Record<string, unknown>,
  ): Promise<Opened> {
    const secret = randomSecret()
    const hash = hashOf(secret)
    const expiresAt = await withTransaction(this.#pool, async (client) => {
      const subject = `user:${user.name}`
      const { id: userId, password } = user
      const until = await insertSession(client, { hash, userId, password, hours: this.#limits.hours })
      if (!until) throw new CausewayError('CSW-8013', { what: 'User name or password is wrong.' })
      await appendAudit(client, { actor: subject, action: 'login', subject, detail })
      return until
    })
    return { secret, identity: { ...person(user), session: { hash, csrf: csrfOf(secret), expiresAt } } }
  }

  /** Whose cookie this is; undefined when the session has ended. */
  async identify(secret: string): Promise<Identity | undefined> {
    const hash = hashOf(secret)
    const found = await readSession(this.#pool, hash, this.#limits.idleMinutes)
    if (!found || !isRole(found.role)) return undefined
    return { ...person(found), session: { hash, csrf: csrfOf(secret), expiresAt: found.expiresAt } }
  }

  async logout(identity: Identity): Promise<void> {
    const { session, actor } = identity
    if (!session) return
    await withTransaction(this.#pool, async (client) => {
      await deleteSession(client, session.hash)
      await appendAudit(client, { actor, action: 'logout', subject: actor, detail: {} })
    })
  }
}

function person({ name, role }: { name: string; role: string }): Identity {
  if (!isRole(role))
    throw new CausewayError('CSW-8011', { what: `This version knows no role ${JSON.stringify(role)}.` })
  return { kind: 'user', actor: `user:${name}`, name, role, scopes: scopesOf(role) }
}

/** Made of the session's secret, so that it is as secret, ends with it and needs no place of its own. */
const csrfOf = (secret: string): string => createHmac('sha256', secret).update('csrf').digest('base64url')

export function isCsrf(given: string | undefined, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return given !== undefined && timingSafeEqual(digest(given), digest(expected))
}

/** Hashed, for what is typed into the field of the name may be anything. */
const throttleKey = (kind: string, value: string): Buffer =>
  createHash('sha256').update(`${kind}\n${value.toLowerCase()}`).digest()
