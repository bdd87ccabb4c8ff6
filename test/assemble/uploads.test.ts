import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { forgetStaleUploads, sealedUploads } from '../../src/assemble/uploads.ts'
import { createSecretStore, MasterKeys } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

test('started uploads are kept sealed, per connection and key, and forgotten when nobody goes on with them', async () => {
  const { pool } = await freshDatabase()
  const keys = await MasterKeys.load({ file: join(await mkdtemp(join(tmpdir(), 'causeway-keys-')), 'master-key') })
  const secrets = createSecretStore(pool, keys)
  const uploads = sealedUploads(secrets, 'drive')
  const state = { session: { url: 'https://up.example.com/canary' }, offset: 12 }
  await uploads.save('a', state)
  await uploads.save('b', { session: {}, offset: 0 })
  await secrets.put({ connection: 'drive', field: 'token' }, 'typed by a person')
  expect(await uploads.load('a')).toEqual(state)
  expect(await sealedUploads(secrets, 'other').load('a')).toBeNull()
  const { rows } = await pool.query<{ sealed: Buffer }>('select sealed from secret')
  expect(rows.some(({ sealed }) => sealed.includes('canary'))).toBe(false)
  await uploads.remove('b')
  expect(await uploads.load('b')).toBeNull()
  await pool.query(`update secret set updated_at = now() - interval '15 days'`)
  expect(await forgetStaleUploads(pool)).toBe(1)
  expect(await uploads.load('a')).toBeNull()
  expect(await secrets.get({ connection: 'drive', field: 'token' })).toBe('typed by a person')
})
