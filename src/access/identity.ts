import { createHash, randomBytes } from 'node:crypto'
import { CausewayError } from '../core/index.ts'
import { type Role, type Scope, scopesOf } from './roles.ts'

/** Who makes a request. */
export type Identity = {
  /** `admin-token`: the one of the first start. */
  kind: 'admin-token' | 'token' | 'user'
  /** As the audit writes it: `admin`, `token:ci`, `user:ada`. */
  actor: string
  name: string
  role: Role
  scopes: ReadonlySet<Scope>
  /** Of people who came with a cookie: what every change must carry, and when the session ends. */
  session?: { hash: Buffer; csrf: string; expiresAt: Date }
}

/** The holder of the hub's own token, which always works: nothing of it is in the ledger. */
export const breakGlass = (actor = 'admin'): Identity => ({
  kind: 'admin-token',
  actor,
  name: actor,
  role: 'admin',
  scopes: scopesOf('admin'),
})

/** 256 bits, which nobody finds by guessing: a fast hash keeps them. */
export const randomSecret = (): string => randomBytes(32).toString('base64url')
export const hashOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()

/** Nobody gives what they have not: neither by a token, nor by a role of somebody else. */
export function refuseMore(giver: Identity, given: ReadonlySet<Scope>): void {
  const more = [...given].filter((scope) => !giver.scopes.has(scope))
  if (more.length)
    throw new CausewayError('CSW-8011', { what: `${giver.actor} cannot give what it has not: ${more.join(', ')}.` })
}
