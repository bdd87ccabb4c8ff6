import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  addMasterKey,
  createSecretStore,
  dropOldKeys,
  type KeyRing,
  loadMasterKeys,
  type SecretStore,
} from '../../src/store/index.ts'
import { seal, unseal } from '../../src/store/sealing.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

const PLACE = { connection: 'crm', field: 'token' }
let db: TestDatabase
let folder: string
let file: string
let keys: KeyRing
let secrets: SecretStore

beforeAll(async () => {
  db = await freshDatabase()
  folder = await mkdtemp(join(tmpdir(), 'causeway-keys-'))
  file = join(folder, 'hub', 'master.key')
  keys = await loadMasterKeys({ file })
  secrets = createSecretStore(db.pool, () => keys)
})
afterAll(() => rm(folder, { recursive: true }))

test('a secret comes back, and nothing of it stands in the table', async () => {
  await secrets.put(PLACE, 'canary-5b1f')
  expect(await secrets.get(PLACE)).toBe('canary-5b1f')
  const { rows } = await db.pool.query('select * from secret')
  expect(rows[0].sealed.includes('canary')).toBe(false)
  expect(JSON.stringify(await secrets.list('crm'))).not.toContain('canary')
  await secrets.put(PLACE, 'second')
  expect(await secrets.get(PLACE)).toBe('second')
  expect(await secrets.get({ connection: 'crm', field: 'other' })).toBeUndefined()
})

test('any text survives, and no two sealings look alike', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (plain) => {
      const [one, two] = [seal(plain, PLACE, keys), seal(plain, PLACE, keys)]
      expect(unseal(one, PLACE, keys)).toBe(plain)
      expect(one.sealed.equals(two.sealed)).toBe(false)
    }),
    { numRuns: 100 },
  )
})

test('every changed byte is noticed', () => {
  const { sealed, keyId } = seal('secret', PLACE, keys)
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed)
    changed[i]! ^= 1
    expect(() => unseal({ sealed: changed, keyId }, PLACE, keys)).toThrow(expect.objectContaining({ code: 'CSW-6007' }))
  }
  for (const length of [0, 1, 60, sealed.length - 1]) {
    expect(() => unseal({ sealed: sealed.subarray(0, length), keyId }, PLACE, keys)).toThrow(/cannot be opened/)
  }
})

test('a secret copied to another connection or field does not open there', async () => {
  await secrets.put({ connection: 'erp', field: 'password' }, 'of the ERP')
  await db.pool.query(
    `insert into secret (connection, field, sealed, key_id) select 'mine', 'password', sealed, key_id from secret where connection = 'erp'`,
  )
  await expect(secrets.get({ connection: 'mine', field: 'password' })).rejects.toMatchObject({ code: 'CSW-6007' })
  // The two names are not simply joined.
  const { sealed, keyId } = seal('x', { connection: 'a', field: 'bc' }, keys)
  expect(() => unseal({ sealed, keyId }, { connection: 'ab', field: 'c' }, keys)).toThrow(/cannot be opened/)
  await secrets.remove({ connection: 'mine', field: 'password' })
})

test('rotation seals everything anew, after which the old key is not needed', async () => {
  await secrets.put(PLACE, 'long lived')
  const before = keys.current.id
  keys = await addMasterKey(file)
  expect(keys.all.size).toBe(2)
  expect(await secrets.get(PLACE)).toBe('long lived')
  expect(await secrets.rotate()).toBeGreaterThan(0)
  expect(await secrets.rotate()).toBe(0)
  await dropOldKeys(file)
  keys = await loadMasterKeys({ file })
  expect([...keys.all.keys()]).not.toContain(before)
  expect(await secrets.get(PLACE)).toBe('long lived')
  expect(await secrets.get({ connection: 'erp', field: 'password' })).toBe('of the ERP')
})

test('without the key it was sealed with, the error names that key', async () => {
  const stranger = await loadMasterKeys({ file, value: randomBytes(32).toString('hex') })
  const other = createSecretStore(db.pool, () => stranger)
  await expect(other.get(PLACE)).rejects.toMatchObject({
    code: 'CSW-6007',
    message: expect.stringContaining(keys.current.id),
  })
})

test('the key file is private, made once however many start together, and refused when open to all', async () => {
  const own = join(folder, 'race', 'master.key')
  const rings = await Promise.all(Array.from({ length: 8 }, () => loadMasterKeys({ file: own })))
  expect(new Set(rings.map((ring) => ring.current.id)).size).toBe(1)
  expect((await stat(own)).mode & 0o777).toBe(0o600)
  expect(await readFile(own, 'utf8')).toMatch(/^[\w+/]{43}=\n$/)
  await chmod(own, 0o604)
  await expect(loadMasterKeys({ file: own })).rejects.toMatchObject({ code: 'CSW-6008' })
})

test.each(['short', randomBytes(16).toString('hex'), randomBytes(33).toString('base64'), ' , '])(
  'a master key of the wrong form is refused without being repeated: %#',
  async (value) => {
    const error = await loadMasterKeys({ file: join(folder, 'none'), value: `${value},` }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'CSW-6008' })
    if (value.length > 5) expect(JSON.stringify(error)).not.toContain(value)
  },
)
