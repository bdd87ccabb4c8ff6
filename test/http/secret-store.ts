import type pg from 'pg'
import { createSecretStore, type SecretStore } from '../../src/store/secrets.ts'

/** How long a request that nobody carries out any more holds its key, in tests that wait for it. */
export const HELD_MS = 5_000

/** Secrets of a ledger under a master key that all hubs of tests have. */
export function secretsOf(pool: pg.Pool): SecretStore {
  const key = { id: 'test', key: Buffer.alloc(32, 7) }
  const ring = { current: key, all: new Map([[key.id, key]]) }
  return createSecretStore(pool, { now: () => ring, fresh: async () => ring })
}
