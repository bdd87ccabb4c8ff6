/** Files on an SFTP server and in an object store: what is true of local files holds there too. */
import { createHash, generateKeyPairSync } from 'node:crypto'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import ssh2 from 'ssh2'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { ConnectorSession, WriteItem } from '../../../src/connector/index.ts'
import { fingerprintOf, trustedKeys } from '../../../src/connector/protocols/files/sftp/host-key.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import { type SftpOptions, type SftpServer, startSftp, startStore } from '../../../src/simulator/index.ts'
import { never, readAll, shippedConnector } from './open.ts'

let folder: string
let server: SftpServer
const start = async (more: Partial<SftpOptions> = {}) => {
  await server?.close()
  server = await startSftp({ folder, user: 'hub', password: 'secret', ...more })
}
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'causeway-sftp-'))
  await start()
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const connector = shippedConnector('csv-sftp')
const opened = (settings: JsonObject = {}, allow = ['127.0.0.1']): Promise<ConnectorSession> =>
  connector.open({
    ...{ name: 'test', allow },
    settings: {
      ...{ host: '127.0.0.1', port: server.port, user: 'hub', password: 'secret', host_key: server.hostKey },
      ...{ file: 'stock.csv', ...settings },
    },
  })
const put = (text: string, name = 'stock.csv') => writeFileSync(path.join(folder, name), text)
const text = (name = 'stock.csv') => readFileSync(path.join(folder, name), 'utf8')
const items = (...rows: JsonObject[]): WriteItem[] =>
  rows.map((values, i) => ({ ref: String(i), values, idempotencyKey: String(i) }))
const write = (session: ConnectorSession, operation: 'create' | 'update' | 'upsert' | 'delete', given: WriteItem[]) =>
  session.write({ stream: 'rows', operation, items: given, signal: never })

test('rows are read, changed, added and removed; nothing else is left in the folder', async () => {
  put('id,name\n1,one\n2,Łódź\n3,three')
  const session = await opened()
  expect((await readAll(session, 'rows')).records.map(({ body }) => body.name)).toEqual(['one', 'Łódź', 'three'])
  const outcomes = await write(session, 'upsert', items({ id: '2', name: 'zwei' }, { id: '4', name: 'vier' }))
  expect(outcomes.map(({ status }) => status)).toEqual(['written', 'written'])
  await write(session, 'create', items({ id: '5', name: 'fünf' }))
  await write(session, 'delete', [{ ref: '1', id: '1', values: {}, idempotencyKey: 'd' }])
  expect(text()).toBe('id,name\n2,zwei\n3,three\n4,vier\n5,fünf\n')
  expect(readdirSync(folder)).toEqual(['stock.csv'])
  expect((await session.probe(never))[0]).toMatchObject({ ok: true, detail: '2 columns: id, name' })
})

test('a file that cannot be told apart within its second is read once more, then passed over', async () => {
  put('id,name\n1,one\n')
  utimesSync(path.join(folder, 'stock.csv'), 1_700_000_000, 1_700_000_000)
  const session = await opened()
  const first = await readAll(session, 'rows')
  // Same size, same second: only the content differs.
  put('id,name\n1,two\n')
  utimesSync(path.join(folder, 'stock.csv'), 1_700_000_000, 1_700_000_000)
  const second = await readAll(session, 'rows', 'incremental', first.cursor)
  expect(second.records.map(({ body }) => body.name)).toEqual(['two'])
  const early = { ...second.cursor, seen: new Date(Date.now() - 10_000).toISOString() }
  const third = await readAll(session, 'rows', 'incremental', early)
  expect(third.records).toHaveLength(1)
  expect((await readAll(session, 'rows', 'incremental', third.cursor)).records).toEqual([])
})

test('nothing is sent to a server whose key is not the one named', async () => {
  put('id\n1\n')
  const other = `SHA256:${createHash('sha256').update('x').digest('base64').replace('=', '')}`
  await expect(readAll(await opened({ host_key: other }), 'rows')).rejects.toMatchObject({ code: 'CSW-3018' })
  expect(server.logins).toBe(0)
  const own = `SHA256:${fingerprintOf(Buffer.from(server.hostKey.split(' ')[1]!, 'base64'))}`
  expect((await readAll(await opened({ host_key: `${other}, ${own}` }), 'rows')).records).toHaveLength(1)
  await expect(opened({ host_key: '' })).rejects.toMatchObject({ code: 'CSW-2005' })
  for (const host_key of ['anything', 'MD5:aa:bb', 'SHA256:short'])
    await expect(readAll(await opened({ host_key }), 'rows')).rejects.toMatchObject({ code: 'CSW-2005' })
})

test('whole keys, known_hosts lines and fingerprints are understood, and name the kinds of key to ask for', () => {
  const line = `[files.example.com]:2222 ${server.hostKey} comment`
  expect(trustedKeys(line, 'x').kinds).toEqual(['rsa-sha2-512', 'rsa-sha2-256'])
  expect(trustedKeys(`${line}\nSHA256:${'a'.repeat(43)}`, 'x').kinds).toBeNull()
  expect(trustedKeys(line, 'x').trusts(Buffer.from(server.hostKey.split(' ')[1]!, 'base64'))).toBe(true)
  expect(trustedKeys(line, 'x').trusts(Buffer.from('other'))).toBe(false)
})

test('a wrong password is a matter of credentials, a key opens the door, and no address is dialled that is not allowed', async () => {
  put('id\n1\n')
  await expect(readAll(await opened({ password: 'wrong' }), 'rows')).rejects.toMatchObject({ code: 'CSW-3003' })
  await expect(readAll(await opened({}, []), 'rows')).rejects.toMatchObject({ code: 'CSW-3010' })
  await expect(readAll(await opened({ password: '' }), 'rows')).rejects.toMatchObject({ code: 'CSW-2005' })
  const pair = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'pkcs1', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  const parsed = ssh2.utils.parseKey(pair.privateKey)
  if (parsed instanceof Error) throw parsed
  await start({ publicKey: `ssh-rsa ${parsed.getPublicSSH().toString('base64')}` })
  const session = await opened({ password: '', private_key: pair.privateKey })
  expect((await readAll(session, 'rows')).records).toHaveLength(1)
  await expect(readAll(await opened({ private_key: 'no key' }), 'rows')).rejects.toMatchObject({ code: 'CSW-2005' })
})

test.each(['../x.csv', '/etc/passwd', 'a/../../x', 'door/secret.csv'])('%j does not leave the folder', async (file) => {
  mkdirSync(path.join(folder, 'in'))
  writeFileSync(path.join(folder, 'secret.csv'), 'id\n1\n')
  symlinkSync(folder, path.join(folder, 'in', 'door'))
  const session = await opened({ folder: '/in', file })
  await expect(readAll(session, 'rows')).rejects.toMatchObject({ code: 'CSW-2051' })
})

test('a lost answer to the replacement is unknown, a lost request changes nothing, and a missing file is a failure', async () => {
  const session = await opened()
  await expect(readAll(session, 'rows')).rejects.toMatchObject({ code: 'CSW-2052' })
  put('id\n1\n')
  server.fault = 'after-rename'
  expect((await write(session, 'create', items({ id: '2' })))[0]).toMatchObject({
    status: 'unknown',
    error: { code: 'CSW-3012' },
  })
  server.fault = null
  expect(text()).toBe('id\n1\n2\n')
  await start({ overwrites: false })
  expect((await write(await opened(), 'create', items({ id: '3' })))[0]).toMatchObject({
    status: 'retry',
    error: { code: 'CSW-2003' },
  })
  expect(text()).toBe('id\n1\n2\n')
  expect(readdirSync(folder)).toEqual(['stock.csv'])
})

test('in an object store, a file is replaced only where it still is the one that was read', async () => {
  const store = await startStore({ folder, accessKey: 'AK', secretKey: 'SK', bucket: 'box' })
  try {
    const session = await shippedConnector('csv-s3').open({
      ...{ name: 'test', allow: ['127.0.0.1'] },
      settings: {
        ...{ endpoint: store.url, bucket: 'box', access_key: 'AK', secret_key: 'SK' },
        ...{ prefix: 'in/', file: 'stock.csv' },
      },
    })
    await expect(readAll(session, 'rows')).rejects.toMatchObject({ code: 'CSW-2052' })
    await write(session, 'upsert', items({ id: '1', name: 'one' }, { id: '2', name: 'two' }))
    const { records, cursor } = await readAll(session, 'rows')
    expect([...store.objects.keys(), ...records.map(({ id }) => id)]).toEqual(['in/stock.csv', '1', '2'])
    const before = store.asked.length
    expect((await readAll(session, 'rows', 'incremental', cursor)).records).toEqual([])
    expect(new Set(store.asked.slice(before).map(({ method }) => method))).toEqual(new Set(['HEAD']))
    // Between our reading and our upload, somebody else replaces the object.
    store.fault = ({ method, key }) => {
      const held = store.objects.get(key)
      if (method === 'PUT' && held) store.objects.set(key, { ...held, etag: 'another' })
      return null
    }
    expect((await write(session, 'upsert', items({ id: '1', name: 'eins' })))[0]).toMatchObject({
      status: 'retry',
      error: { code: 'CSW-2055' },
    })
    store.fault = () => null
    const [outcome] = await write(session, 'upsert', items({ id: '1', name: 'eins' }))
    expect(outcome?.status).toBe('written')
    expect((await readAll(session, 'rows')).records.map(({ body }) => body.name)).toEqual(['eins', 'two'])
  } finally {
    await store.close()
  }
})
