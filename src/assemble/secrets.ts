import { resolve } from 'node:path'
import type { Settings } from '../config/index.ts'
import { CausewayError } from '../core/index.ts'
import type { Actor, SecretServices, StoredSecretServices } from '../http/index.ts'
import { countByKey, type MasterKeySource, type MasterKeys, rotateSecrets, type Store } from '../store/index.ts'
import type { Erasures } from './erasures.ts'

type Parts = {
  pool: Store['pool']
  keys: MasterKeys
  erasures: Erasures
  stored: StoredSecretServices
  audit(actor: Actor, action: string, subject: string, detail?: Record<string, unknown>): Promise<void>
}

/** Where the master key comes from: the setting, its command, or a file of the data folder. */
export const masterKeySource = (settings: Settings, dir: string, dataDir: string): MasterKeySource => ({
  value: settings.master_key ?? undefined,
  command: settings.master_key_command === null ? undefined : { line: settings.master_key_command, folder: dir },
  file: resolve(dataDir, 'master-key'),
})

/** The key that seals what the ledger keeps secret. */
export function secretServices({ pool, keys, erasures, stored, audit }: Parts): SecretServices {
  return {
    ...stored,
    async keys() {
      const [ring, counts] = [await keys.fresh(), await countByKey(pool)]
      const ids = new Set([...ring.all.keys(), ...counts.keys()])
      return {
        from: keys.inFile ? 'file' : 'setting',
        keys: [...ids].map((id) => ({
          id,
          current: id === ring.current.id,
          present: ring.all.has(id),
          secrets: counts.get(id) ?? 0,
        })),
      }
    },
    async rotate(actor) {
      const { current, all } = await keys.fresh()
      if (!keys.inFile && all.size === 1 && [...(await countByKey(pool)).keys()].every((id) => id === current.id))
        throw new CausewayError('CSW-6010', {
          what: 'CAUSEWAY_MASTER_KEY, or its command, gives one key, and everything is sealed with it.',
          fix: 'Put a new key (`openssl rand -base64 32`) in front of it, with a comma between them, start every process of the hub with that, then rotate.',
        })
      await audit(actor, 'secrets.rotation_begun', 'secrets', { key: current.id })
      const done = await rotateSecrets(pool, keys, () => erasures.keepKeys())
      if (!done) throw new CausewayError('CSW-8008', { what: 'A rotation is under way in another process.' })
      await audit(actor, 'secrets.rotate', 'secrets', done)
      return { ...done, from: keys.inFile ? 'file' : 'setting' }
    },
  }
}
