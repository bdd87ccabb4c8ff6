import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ldap } from '../../../src/connector/protocols/ldap/index.ts'
import { LdapServer } from './ldap-server.ts'
import { never, openManifest, readAll } from './open.ts'

const BASE = 'dc=example,dc=com'
const GUID = Buffer.from('00112233445566778899aabbccddeeff', 'hex')

let server: LdapServer
beforeEach(async () => {
  server = await new LdapServer().start()
})
afterEach(() => server.stop())

const person = (
  n: number,
  more: Record<string, (string | Buffer)[]> = {},
  time = `202611231200${String(n % 60).padStart(2, '0')}Z`,
) => ({
  dn: `uid=u${n},ou=people,${BASE}`,
  attributes: {
    objectClass: ['inetOrgPerson'],
    entryUUID: [`id-${n}`],
    modifyTimestamp: [time],
    uid: [`u${n}`],
    ...more,
  },
})

const open = (change: (manifest: string) => string = (manifest) => manifest, settings: { password?: string } = {}) =>
  openManifest(change(ldap.example), {
    ...{ url: `ldap://127.0.0.1:${server.port}`, user: 'cn=hub', base: BASE, password: 'secret' },
    ...settings,
  })

const small = (manifest: string) => manifest.replace('    lookup:', '    page_size: 10\n    lookup:')

test('all entries come, page by page, also past a page without entries', async () => {
  server.entries = Array.from({ length: 35 }, (_, n) => person(n))
  server.emptyPageAt = 20
  const { records, pages } = await readAll(await open(small), 'people')
  expect(pages.map((page) => page.records.length)).toEqual([10, 10, 0, 10, 5])
  expect(new Set(records.map((record) => record.id)).size).toBe(35)
  expect(records[3]).toMatchObject({ id: 'id-3', version: '2026-11-23T12:00:03.000000000Z' })
})

test('shapes do not depend on the number of values', async () => {
  server.upperCase = true
  server.entries = [
    person(0),
    person(1, { mail: ['a@x'], cn: ['A'], jpegPhoto: [Buffer.from([0xff, 0xd8, 0])], employeeNumber: ['007'] }),
    person(2, { mail: ['a@x', 'b@x'], cn: ['A', '\ufeffB'] }),
  ]
  const { records } = await readAll(await open(), 'people')
  expect(records.map(({ body }) => [body.mail, body.cn, body.jpegPhoto, body.employeeNumber])).toEqual([
    [[], [], [], null],
    [['a@x'], ['A'], ['/9gA'], '007'],
    [['a@x', 'b@x'], ['A', '\ufeffB'], [], null],
  ])
})

test('an entry that is not as declared is rejected by itself, with advice', async () => {
  server.entries = [
    person(0, { employeeNumber: ['1', '2'] }),
    person(1, { mail: [Buffer.from([0xff])] }),
    person(2, { 'mail;range=0-1499': ['a@x'] }),
    person(3),
  ]
  const { records, pages } = await readAll(await open(), 'people')
  expect(records.map((record) => record.id)).toEqual(['id-3'])
  expect(pages[0]?.rejected.map(({ error }) => error.code)).toEqual(['CSW-2054', 'CSW-2054', 'CSW-2054'])
})

test('an incremental read asks from a little before the last change, and repeats do no harm', async () => {
  server.entries = [person(1), person(50)]
  const session = await open((manifest) => manifest.replace('    lookup:', '    overlap_seconds: 20\n    lookup:'))
  const full = await readAll(session, 'people')
  server.entries.push(person(7, {}, '20261123120040Z'), person(8, {}, '20261123120050Z'))
  const next = await readAll(session, 'people', 'incremental', full.cursor)
  expect(server.filters.at(-1)).toContain('20261123120030.0Z')
  expect(next.records.map((record) => record.id)).toEqual(['id-50', 'id-7', 'id-8'])
  const nothing = await readAll(session, 'people', 'incremental', next.cursor)
  expect(nothing.cursor).toEqual(next.cursor)
})

test('changes that carry a time later than the start of the read are asked for again', async () => {
  // The clock of the directory is ahead: what it calls now is later than our start.
  server.entries = [person(1, {}, '20991231235959Z')]
  const before = new Date()
  const { cursor } = await readAll(await open(), 'people')
  expect(String(cursor.since) < before.toISOString()).toBe(true)
})

test('deletions come from the change log, only those below the base, as versions that win', async () => {
  const deletion = (n: number, dn: string) => ({
    dn: `reqStart=20261123120${n}00.000001Z,cn=log`,
    attributes: {
      objectClass: ['auditDelete'],
      reqResult: ['0'],
      reqDN: [dn],
      reqEntryUUID: [`id-${n}`],
      reqStart: [`20261123120${n}00.000001Z`],
    },
  })
  server.entries = [person(1), person(2)]
  const session = await open((manifest) =>
    manifest.replace('    lookup:', '    change_log: { base: cn=log }\n    lookup:'),
  )
  const full = await readAll(session, 'people')
  server.entries = [person(2), deletion(1, `uid=u1,ou=people,${BASE.toUpperCase()}`), deletion(5, 'cn=x,dc=other')]
  const { records } = await readAll(session, 'people', 'incremental', full.cursor)
  expect(records[0]).toEqual({ id: 'id-1', version: '2026-11-23T12:01:00.000001000Z', body: {}, deleted: true })
  expect(records.map((record) => record.id)).toEqual(['id-1', 'id-2'])
})

test('look-ups take many values at once, without case, and cannot be turned into another filter', async () => {
  server.entries = Array.from({ length: 250 }, (_, n) => person(n, { mail: [`U${n}@x.example`, 'all@x.example'] }))
  const session = await open()
  const values = [...Array.from({ length: 250 }, (_, n) => `u${n}@X.example`), '*', 'x)(uid=*']
  const found = await session.lookup({ stream: 'people', field: 'mail', values, signal: never })
  expect(found.size).toBe(250)
  expect(found.get('u7@X.example')?.map((record) => record.id)).toEqual(['id-7'])
  expect(server.filters).toHaveLength(3)
  const fetched = await session.fetch({ stream: 'people', ids: ['id-3', 'no'], signal: never })
  expect(fetched.map((record) => record.id)).toEqual(['id-3'])
})

test('Active Directory: the GUID is the id, and entries are fetched by its bytes', async () => {
  server.entries = [
    {
      dn: `cn=x,${BASE}`,
      attributes: { objectClass: ['inetOrgPerson'], objectGUID: [GUID], whenChanged: ['20261123120000.0Z'] },
    },
  ]
  const session = await open((manifest) =>
    manifest
      .replace('      uid:', '      objectGUID: { type: guid }\n      uid:')
      .replace('    lookup:', '    id_attribute: objectGUID\n    changed_attribute: whenChanged\n    lookup:'),
  )
  const { records } = await readAll(session, 'people')
  expect(records[0]).toMatchObject({
    id: '33221100-5544-7766-8899-aabbccddeeff',
    version: '2026-11-23T12:00:00.000000000Z',
  })
  const fetched = await session.fetch({ stream: 'people', ids: [records[0]!.id, 'no guid'], signal: never })
  expect(fetched.map((record) => record.id)).toEqual([records[0]!.id])
})

test.each([
  [49, 'CSW-3003'],
  [50, 'CSW-3004'],
  [4, 'CSW-3011'],
  [32, 'CSW-3014'],
  [51, 'CSW-3006'],
  [80, 'CSW-3006'],
])('result %i is %s, without the words of the server', async (result, code) => {
  server.result = result
  const error = await readAll(await open(), 'people').catch((error) => error)
  expect(error).toMatchObject({ code })
  expect(JSON.stringify(error)).not.toContain('somebody')
})

test('wrong credentials, none, and a connection that breaks between pages all end the read', async () => {
  server.entries = Array.from({ length: 35 }, (_, n) => person(n))
  await expect(readAll(await open(small, { password: 'wrong' }), 'people')).rejects.toMatchObject({ code: 'CSW-3003' })
  const empty = (manifest: string) => manifest.replace('password: "${ settings.password }"', "password: ''")
  await expect(readAll(await open(empty), 'people')).rejects.toMatchObject({ code: 'CSW-2005' })
  server.cutAt = 1
  await expect(readAll(await open(small), 'people')).rejects.toMatchObject({ code: 'CSW-3001' })
  // Nobody searched anonymously after the break.
  expect(server.filters).toHaveLength(2)
})

test('an address that may not be dialled is not dialled', async () => {
  const session = await openManifest(
    ldap.example,
    { url: `ldap://127.0.0.1:${server.port}`, user: 'x', password: 'y', base: BASE },
    { allow: [] },
  )
  await expect(readAll(session, 'people')).rejects.toMatchObject({ code: 'CSW-3010' })
})

test('an abort ends a search that hangs', async () => {
  const abort = new AbortController()
  const session = await open()
  server.entries = [person(1)]
  const reading = session.read({ stream: 'people', mode: 'full', cursor: null, signal: abort.signal })
  abort.abort()
  await expect(reading[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'CSW-3015' })
})

test('property: whatever is looked up reaches the directory as exactly those bytes', async () => {
  const session = await open()
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', minLength: 1 }), async (value) => {
      server.entries = [person(1, { mail: [value] }), person(2, { mail: ['other'] })]
      const found = await session.lookup({ stream: 'people', field: 'mail', values: [value], signal: never })
      expect([...found.values()].flat().map((record) => record.id)).toEqual(['id-1'])
    }),
    { numRuns: 30 },
  )
})

test('a filter that is none is named', async () => {
  const session = await open((manifest) => manifest.replace('(objectClass=inetOrgPerson)', '(&(uid=a)'))
  await expect(readAll(session, 'people')).rejects.toMatchObject({ code: 'CSW-3016' })
})
