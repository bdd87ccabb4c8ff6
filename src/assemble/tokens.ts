import type { TokenStore } from '../connector/index.ts'
import { isObject, type JsonObject, parseExact } from '../core/index.ts'
import { type SecretStore, type Store, withTransaction } from '../store/index.ts'

/** Not a name that a manifest's setting can have, so it never meets a secret that a person stored. */
const FIELD = 'oauth2:tokens'

/**
 * Keeps the OAuth tokens of a connection sealed in the ledger, for all processes. A save holds only when nobody saved since it
 * was loaded, so of several processes that renew a rotating refresh token one wins and the others take its result.
 */
export function sealedTokens(pool: Store['pool'], secrets: SecretStore, connection: string): TokenStore {
  const place = { connection, field: FIELD }
  const load = async (session?: Parameters<SecretStore['get']>[1]): Promise<JsonObject | null> => {
    const text = await secrets.get(place, session)
    const tokens = text === undefined ? null : parseExact(text)
    return isObject(tokens) ? tokens : null
  }
  return {
    load: () => load(),
    save: (tokens, previousVersion) =>
      withTransaction(pool, async (client) => {
        await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [`${FIELD} ${connection}`])
        // In the same session: a second one from the pool could wait for us.
        const current = await load(client)
        if (((current?.version as number | undefined) ?? null) !== previousVersion) return false
        await secrets.put(place, JSON.stringify(tokens), client)
        return true
      }),
  }
}
