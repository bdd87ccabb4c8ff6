import type { LedgerPool } from '../store/index.ts'
import { type LoginLimits, Logins } from './logins.ts'
import { Tokens } from './tokens.ts'
import { Users } from './users.ts'

export { breakGlass, type Identity } from './identity.ts'
export { isCsrf, type LoginLimits } from './logins.ts'
export { MIN_PASSWORD } from './password.ts'
export { type Access, ROLES, type Role, SCOPE_NAMES, SCOPES, type Scope, scopesOf } from './roles.ts'

/** Who may use the hub, and who is asking. */
export type AccessControl = { tokens: Tokens; users: Users; logins: Logins }

export const createAccess = (pool: LedgerPool, limits: Partial<LoginLimits> = {}): AccessControl => ({
  tokens: new Tokens(pool),
  users: new Users(pool),
  logins: new Logins(pool, limits),
})
