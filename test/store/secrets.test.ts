import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { countByKey, createSecretStore, MasterKeys, rotateSecrets, type SecretStore } from '../../src/store/index.ts'
import { seal, unseal } from '../../src/store/sealing.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

const PLACE = { connection: 'crm', field: 'token' }
let db: TestDatabase
let folder: string
let file: string
let keys: MasterKeys
let secrets: SecretStore

beforeAll(async () => {
  db = await freshDatabase()
  folder = await mkdtemp(join(tmpdir(), 'causeway-keys-'))
  file = join(folder, 'hub', 'master.key')
  keys = await MasterKeys.load({ file })
  secrets = createSecretStore(db.pool, keys)
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
      const [one, two] = [seal(plain, PLACE, keys.now()), seal(plain, PLACE, keys.now())]
      expect(unseal(one, PLACE, keys.now())).toBe(plain)
      expect(one.sealed.equals(two.sealed)).toBe(false)
    }),
    { numRuns: 100 },
  )
})

test('every changed byte is noticed', () => {
  const { sealed, keyId } = seal('secret', PLACE, keys.now())
  for (let i = 0; i < sealed.length; i++) {
    const changed = Buffer.from(sealed)
    changed[i]! ^= 1
    expect(() => unseal({ sealed: changed, keyId }, PLACE, keys.now())).toThrow(
      expect.objectContaining({ code: 'CSW-6007' }),
    )
  }
  for (const length of [0, 1, 60, sealed.length - 1]) {
    expect(() => unseal({ sealed: sealed.subarray(0, length), keyId }, PLACE, keys.now())).toThrow(/cannot be opened/)
  }
})

test('a secret copied to another connection or field does not open there', async () => {
  await secrets.put({ connection: 'erp', field: 'password' }, 'of the ERP')
  await db.pool.query(
    `insert into secret (connection, field, sealed, key_id) select 'mine', 'password', sealed, key_id from secret where connection = 'erp'`,
  )
  await expect(secrets.get({ connection: 'mine', field: 'password' })).rejects.toMatchObject({ code: 'CSW-6007' })
  // The two names are not simply joined.
  const { sealed, keyId } = seal('x', { connection: 'a', field: 'bc' }, keys.now())
  expect(() => unseal({ sealed, keyId }, { connection: 'ab', field: 'c' }, keys.now())).toThrow(/cannot be opened/)
  await secrets.remove({ connection: 'mine', field: 'password' })
})

test('rotation seals everything anew while two processes go on storing, after which the old key is not needed', async () => {
  await secrets.put(PLACE, 'long lived')
  const before = keys.now().current.id
  // Another process on the same folder, which learns of it by itself.
  const theirs = createSecretStore(db.pool, await MasterKeys.load({ file }))
  let over = false
  const storing = [secrets, theirs].map(async (store, who) => {
    let count = 0
    for (; !over || count < 20; count++)
      await store.put({ connection: `c${who}`, field: `f${count}` }, `plain ${count}`)
    return count
  })
  const done = await rotateSecrets(db.pool, keys)
  over = true
  const counts = await Promise.all(storing)
  expect(done).toMatchObject({ added: true, former: [before] })
  expect([...(await countByKey(db.pool)).keys()]).toEqual([keys.now().current.id])
  expect([...keys.now().all.keys()]).toEqual([done!.key])
  expect(done!.key).not.toBe(before)
  for (const store of [secrets, theirs, createSecretStore(db.pool, await MasterKeys.load({ file }))]) {
    expect(await store.get(PLACE)).toBe('long lived')
    expect(await store.get({ connection: 'erp', field: 'password' })).toBe('of the ERP')
    for (const [who, count] of counts.entries())
      expect(await store.get({ connection: `c${who}`, field: `f${count - 1}` })).toBe(`plain ${count - 1}`)
  }
})

test('a rotation that was cut off leaves everything readable, and goes on with the key it had made', async () => {
  const cut = await rotateSecrets(db.pool, keys, async () => {
    // Meanwhile nobody else may.
    expect(await rotateSecrets(db.pool, await MasterKeys.load({ file }))).toBeUndefined()
    throw new Error('killed')
  }).catch((error: Error) => error.message)
  expect(cut).toBe('killed')
  const after = await MasterKeys.load({ file })
  expect(after.now().all.size).toBe(2)
  expect(await createSecretStore(db.pool, after).get(PLACE)).toBe('long lived')
  const key = after.now().current.id
  expect(await rotateSecrets(db.pool, after)).toMatchObject({ added: false, key })
  expect(await secrets.get(PLACE)).toBe('long lived')
  expect(after.now().all.size).toBe(1)
})

test('keys of the setting: the first one seals all, and none is made', async () => {
  const own = await freshDatabase()
  const [one, two] = [randomBytes(32).toString('base64'), randomBytes(32).toString('hex')]
  const file = join(folder, 'not used')
  await createSecretStore(own.pool, await MasterKeys.load({ value: one, file })).put(PLACE, 'kept')
  const both = await MasterKeys.load({ value: `${two}, ${one}`, file })
  expect(await rotateSecrets(own.pool, both)).toMatchObject({ added: false, resealed: 1, key: both.now().current.id })
  expect(await createSecretStore(own.pool, await MasterKeys.load({ value: two, file })).get(PLACE)).toBe('kept')
})

test('keys of a command are those it prints; what it says is told nobody, also where it fails', async () => {
  const key = randomBytes(32).toString('base64')
  const none = join(folder, 'never made')
  const load = (line: string) => MasterKeys.load({ command: { line, folder }, file: none })
  const [printed, given] = [await load(`echo ${key}`), await MasterKeys.load({ value: key, file: none })]
  expect([printed.now().current.id, printed.inFile]).toEqual([given.now().current.id, false])
  expect((await load(`echo ${key} > here; cat "${folder}/here"`)).now().current.id).toBe(given.now().current.id)
  for (const line of [
    `echo ${key}; echo ${key} >&2; exit 3`,
    `echo ${key.slice(1)}`,
    'true',
    'causeway-no-such-command',
  ]) {
    const error = await load(line).catch((thrown) => thrown)
    expect(error, line).toMatchObject({ code: 'CSW-6008' })
    expect(JSON.stringify([error, error.message, error.fix, error.cause])).not.toContain(key.slice(1, -1))
  }
  await expect(stat(none)).rejects.toMatchObject({ code: 'ENOENT' })
})

test('a command for the master key that heeds no request to end is ended all the same', async () => {
  // Ends by itself after a minute, so that nothing is left of it where it is waited for.
  const line = `trap '' TERM; for i in $(seq 60); do sleep 1; done`
  const begun = performance.now()
  await expect(
    MasterKeys.load({ command: { line, folder: tmpdir(), withinMs: 300 }, file: '/nowhere' }),
  ).rejects.toMatchObject({ code: 'CSW-6008', message: expect.stringContaining('did not end within 0.3 s') })
  expect(performance.now() - begun).toBeLessThan(30_000)
})

test('without the key it was sealed with, the error names that key', async () => {
  const stranger = await MasterKeys.load({ file, value: randomBytes(32).toString('hex') })
  const other = createSecretStore(db.pool, stranger)
  await expect(other.get(PLACE)).rejects.toMatchObject({
    code: 'CSW-6007',
    message: expect.stringContaining(keys.now().current.id),
  })
})

test('the key file is private, made once however many start together, and refused when open to all', async () => {
  const own = join(folder, 'race', 'master.key')
  const rings = await Promise.all(Array.from({ length: 8 }, () => MasterKeys.load({ file: own })))
  expect(new Set(rings.map((ring) => ring.now().current.id)).size).toBe(1)
  expect((await stat(own)).mode & 0o777).toBe(0o600)
  expect(await readFile(own, 'utf8')).toMatch(/^[\w+/]{43}=\n$/)
  await chmod(own, 0o604)
  await expect(MasterKeys.load({ file: own })).rejects.toMatchObject({ code: 'CSW-6008' })
})

test.each(['short', randomBytes(16).toString('hex'), randomBytes(33).toString('base64'), ' , '])(
  'a master key of the wrong form is refused without being repeated: %#',
  async (value) => {
    const error = await MasterKeys.load({ file: join(folder, 'none'), value: `${value},` }).catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'CSW-6008' })
    if (value.length > 5) expect(JSON.stringify(error)).not.toContain(value)
  },
)
