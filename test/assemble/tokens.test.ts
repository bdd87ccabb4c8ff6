import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sealedTokens } from '../../src/assemble/tokens.ts'
import { createSecretStore, MasterKeys } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

async function open() {
  const { pool } = await freshDatabase()
  const keys = await MasterKeys.load({ file: join(await mkdtemp(join(tmpdir(), 'causeway-keys-')), 'master-key') })
  const secrets = createSecretStore(pool, keys)
  return { pool, tokens: sealedTokens(pool, secrets, 'crm'), others: sealedTokens(pool, secrets, 'erp') }
}

test('tokens are kept sealed, per connection', async () => {
  const { pool, tokens, others } = await open()
  expect(await tokens.load()).toBeNull()
  expect(await tokens.save({ version: 1, refresh_token: 'canary' }, null)).toBe(true)
  expect(await tokens.load()).toEqual({ version: 1, refresh_token: 'canary' })
  expect(await others.load()).toBeNull()
  const { rows } = await pool.query<{ sealed: Buffer }>('select sealed from secret')
  expect(rows[0]!.sealed.includes('canary')).toBe(false)
})

test('of many that save over the same version one wins', async () => {
  const { tokens } = await open()
  await tokens.save({ version: 1 }, null)
  const saves = await Promise.all(Array.from({ length: 8 }, (_, i) => tokens.save({ version: 2, by: i }, 1)))
  expect(saves.filter(Boolean)).toHaveLength(1)
  expect(await tokens.load()).toEqual({ version: 2, by: saves.indexOf(true) })
})
