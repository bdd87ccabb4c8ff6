import { CausewayError } from '../core/index.ts'
import {
  appendAudit,
  insertToken,
  type LedgerPool,
  type LedgerSession,
  listTokens,
  readToken,
  revokeToken,
  type TokenRow,
  withTransaction,
} from '../store/index.ts'
import { hashOf, type Identity, randomSecret, refuseMore } from './identity.ts'
import { isRole, type Role, type Scope, scopesOf } from './roles.ts'

/** What a token looks like; secret scanners and people know it by its beginning. */
const FORM = /^csw_[\w-]{43}$/
const SHOWN = 'csw_'.length + 6

export type TokenWish = { name: string; role: Role; scopes: Scope[] | null; expiresAt: Date | null }

/** Tokens of programs: hashed in the ledger, shown once. */
export class Tokens {
  readonly #pool: LedgerPool

  constructor(pool: LedgerPool) {
    this.#pool = pool
  }

  /** Undefined for anything that is no living token. */
  async identify(text: string): Promise<Identity | undefined> {
    if (!FORM.test(text)) return undefined
    const row = await readToken(this.#pool, hashOf(text))
    if (!row || !isRole(row.role)) return undefined
    return {
      kind: 'token',
      actor: `token:${row.name}`,
      name: row.name,
      role: row.role,
      scopes: scopesOf(row.role, row.scopes),
    }
  }

  /** Makes a token. `secret` is the only time it is seen. CSW-8011 for more than the giver has, CSW-8008 for a name in use. */
  async create(wish: TokenWish, giver: Identity): Promise<TokenRow & { secret: string }> {
    refuseMore(giver, scopesOf(wish.role, wish.scopes))
    if (wish.expiresAt !== null && wish.expiresAt.getTime() <= Date.now())
      throw new CausewayError('CSW-8003', { what: 'The token would have ended before it begins.' })
    const secret = `csw_${randomSecret()}`
    const row = await withTransaction(this.#pool, async (client) => {
      const made = await insertToken(client, {
        ...wish,
        prefix: secret.slice(0, SHOWN),
        hash: hashOf(secret),
        createdBy: giver.actor,
      })
      if (made) await this.#note(client, giver, 'token.create', made)
      return made
    })
    if (!row)
      throw new CausewayError('CSW-8008', {
        what: `A token named ${JSON.stringify(wish.name)} lives already.`,
        fix: 'Choose another name, or revoke that one first.',
      })
    return { ...row, secret }
  }

  list(): Promise<TokenRow[]> {
    return listTokens(this.#pool)
  }

  /** Ends a token now. Undefined when there is no such living token. */
  revoke(id: number, giver: Identity, reason?: string): Promise<TokenRow | undefined> {
    return withTransaction(this.#pool, async (client) => {
      const row = await revokeToken(client, id)
      if (row) await this.#note(client, giver, 'token.revoke', row, reason ? { reason } : {})
      return row
    })
  }

  async #note(
    client: LedgerSession,
    giver: Identity,
    action: string,
    token: TokenRow,
    more: Record<string, unknown> = {},
  ): Promise<void> {
    const { name, prefix, role, scopes, expiresAt } = token
    const detail = { prefix, role, scopes, expiresAt: expiresAt?.toISOString() ?? null, ...more }
    await appendAudit(client, { actor: giver.actor, action, subject: `token:${name}`, detail })
  }
}
