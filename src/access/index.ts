import type { LedgerPool } from '../store/index.ts'
import { type LoginLimits, Logins } from './logins.ts'
import { Provider, type ProviderSettings } from './provider.ts'
import { Tokens } from './tokens.ts'
import { Users } from './users.ts'

export { breakGlass, type Identity } from './identity.ts'
export { isCsrf, type LoginLimits } from './logins.ts'
export { networkOf } from './network.ts'
export { MIN_PASSWORD } from './password.ts'
export type { ProviderSettings } from './provider.ts'
export { type Access, ROLES, type Role, SCOPE_NAMES, SCOPES, type Scope, scopesOf } from './roles.ts'

/** Who may use the hub, and who is asking. */
export type AccessControl = { tokens: Tokens; users: Users; logins: Logins; provider: Provider | null }

export function createAccess(
  pool: LedgerPool,
  { limits = {}, provider = null }: { limits?: Partial<LoginLimits>; provider?: ProviderSettings | null } = {},
): AccessControl {
  const logins = new Logins(pool, limits)
  return {
    tokens: new Tokens(pool),
    users: new Users(pool),
    logins,
    provider: provider && new Provider(pool, logins, provider),
  }
}
