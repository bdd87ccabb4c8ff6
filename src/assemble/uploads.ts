import type { UploadStore } from '../connector/index.ts'
import { isObject, parseExact } from '../core/index.ts'
import { forgetSecrets, type SecretStore, type Store } from '../store/index.ts'
import { collectYoung } from './memory.ts'

/** Not a name that a manifest's setting can have. */
const FIELD = 'upload:'
/** No system keeps an upload that nobody goes on with for longer. */
const KEPT_DAYS = 14

/**
 * Keeps the started uploads of a connection sealed in the ledger, because the address of an upload lets anybody write to it.
 * A key belongs to one record and one writer at a time (leases and intents see to that), so saves need no comparison.
 */
export function sealedUploads(secrets: SecretStore, connection: string): UploadStore {
  const place = (key: string) => ({ connection, field: `${FIELD}${key}` })
  return {
    async load(key) {
      const text = await secrets.get(place(key))
      const state = text === undefined ? null : parseExact(text)
      return isObject(state) ? state : null
    },
    save: (key, state) => {
      // A part has gone out, and what it came in as is garbage now.
      collectYoung()
      return secrets.put(place(key), JSON.stringify(state))
    },
    async remove(key) {
      await secrets.remove(place(key))
    },
  }
}

/** Forgets uploads that nobody went on with. Gives how many. */
export const forgetStaleUploads = (pool: Store['pool']): Promise<number> => forgetSecrets(pool, FIELD, KEPT_DAYS)
