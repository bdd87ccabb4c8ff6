/** What is sent to a directory for a write, and what becomes of it. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ldap } from '../../../src/connector/protocols/ldap/index.ts'
import { namedBy, namingOf, splitName } from '../../../src/connector/protocols/ldap/names.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import type { Asked } from '../../../src/simulator/stores/directory/asked.ts'
import type { DirectoryEntry } from '../../../src/simulator/stores/directory/filter.ts'
import { type DirectoryOptions, DirectoryServer } from '../../../src/simulator/stores/directory/server.ts'
import { never, openManifest } from './open.ts'

const BASE = 'dc=example,dc=com'
const PEOPLE = `ou=people,${BASE}`
const person = (n: number, more: Record<string, string[]> = {}, dn = `uid=u${n},${PEOPLE}`): DirectoryEntry => ({
  dn,
  attributes: {
    ...{ objectClass: ['inetOrgPerson'], entryUUID: [`id-${n}`], modifyTimestamp: ['20261123120000Z'] },
    ...{ uid: [`u${n}`], cn: [`Person ${n}`], mail: [`u${n}@x.example`], ...more },
  },
})

let entries: DirectoryEntry[]
let asked: Asked[]
/** What the directory answers to the next writes; success when there is nothing left. */
let results: number[]
let lost: ((kind: string) => boolean) | null
let server: DirectoryServer
let options: DirectoryOptions
let origin: string

beforeEach(async () => {
  entries = [{ dn: BASE, attributes: {} }, person(1), person(2)]
  asked = []
  results = []
  lost = null
  options = {
    ...{ entries: () => entries, user: 'cn=hub', password: 'secret', limit: 1000 },
    meet: (kind) => (lost?.(kind) ? { kind: 'lost' } : null),
    write: (one) => {
      asked.push(one)
      if (one.kind === 'add')
        entries.push({ dn: one.dn, attributes: { ...Object.fromEntries(one.attributes), entryUUID: ['id-new'] } })
      if (one.kind === 'rename') entries.find(({ dn }) => dn === one.dn)!.dn = `${one.first},${one.parent ?? PEOPLE}`
      return Promise.resolve(results.shift() ?? 0)
    },
  }
  server = new DirectoryServer(options)
  origin = await server.open()
})
afterEach(() => server.close())

const manifest = ldap.example
  .replace('employeeNumber: {}', 'employeeNumber: {}\n      member: { values: many }')
  .replace('named_by: uid', 'named_by: uid\n      by_difference: [member]')
const open = () => openManifest(manifest, { url: origin, user: 'cn=hub', base: BASE, password: 'secret' })

const item = (ref: string, values: JsonObject, rest: object = {}) => ({ ref, values, idempotencyKey: ref, ...rest })
async function write(
  operation: 'create' | 'update' | 'delete',
  items: ReturnType<typeof item>[],
  more: { maySend?: () => boolean } = {},
) {
  const session = await open()
  return session.write({ stream: 'people', operation, items, signal: never, ...more })
}

test('an update sends what differs, an emptied attribute as no values, and nothing where nothing differs', async () => {
  entries = [entries[0]!, person(1, { employeeNumber: ['7'], cn: ['B', 'A'] })]
  const values = { mail: ['new@x.example', 'u1@x.example'], employeeNumber: null, cn: ['A', 'B'], uid: 'u1' }
  expect(await write('update', [item('a', values, { id: 'id-1' })])).toEqual([
    { ref: 'a', status: 'written', id: 'id-1' },
  ])
  expect(asked).toEqual([
    {
      ...{ kind: 'modify', dn: `uid=u1,${PEOPLE}` },
      changes: [
        { how: 'replace', attribute: 'mail', values: ['new@x.example', 'u1@x.example'] },
        { how: 'replace', attribute: 'employeeNumber', values: [] },
      ],
    },
  ])
  await write('update', [item('a', { uid: 'u1', cn: ['B', 'A'] }, { id: 'id-1' })])
  expect(asked).toHaveLength(1)
})

test('another name and another place are one rename; what is left is modified under the new name', async () => {
  const values = { uid: 'müller, "x"', parent: `ou=former,${BASE}`, mail: [] }
  expect(await write('update', [item('a', values, { id: 'id-1' })])).toMatchObject([{ status: 'written', id: 'id-1' }])
  expect(asked).toEqual([
    {
      ...{ kind: 'rename', dn: `uid=u1,${PEOPLE}`, first: 'uid=müller\\2c \\22x\\22', deletesOld: true },
      parent: `ou=former,${BASE}`,
    },
    {
      ...{ kind: 'modify', dn: `uid=müller\\2c \\22x\\22,ou=former,${BASE}` },
      changes: [{ how: 'replace', attribute: 'mail', values: [] }],
    },
  ])
})

test('of a group, only the members that come and go are sent, however their names are spelled', async () => {
  const members = Array.from({ length: 1000 }, (_, n) => `uid=m${n},${PEOPLE}`)
  entries = [entries[0]!, person(1, { member: members })]
  const wanted = [...members.slice(1).map((name) => name.replace('uid=', 'UID=').replace(',', ', ')), `uid=new,${BASE}`]
  await write('update', [item('a', { member: wanted }, { id: 'id-1' })])
  expect(asked).toMatchObject([
    {
      changes: [
        { how: 'add', attribute: 'member', values: [`uid=new,${BASE}`] },
        { how: 'delete', attribute: 'member', values: [`uid=m0,${PEOPLE}`] },
      ],
    },
  ])
})

test('where a record shows the first of several values, the others stay', async () => {
  entries = [entries[0]!, person(1, { uid: ['u1', 'other'] })]
  await write('update', [item('a', { uid: 'u9' }, { id: 'id-1' })])
  expect(asked).toMatchObject([{ kind: 'rename', first: 'uid=u9' }])
})

test('a new entry has its class, its name and what has a value', async () => {
  const values = { uid: 'neu', cn: ['Neu'], mail: [], employeeNumber: 17, jpegPhoto: [] }
  expect(await write('create', [item('a', values)])).toEqual([{ ref: 'a', status: 'written', id: 'id-new' }])
  expect(asked).toEqual([
    {
      ...{ kind: 'add', dn: `uid=neu,${PEOPLE}` },
      attributes: [
        ['uid', ['neu']],
        ['cn', ['Neu']],
        ['employeeNumber', ['17']],
        ['objectClass', ['inetOrgPerson']],
      ],
    },
  ])
  expect(await write('create', [item('b', { cn: ['x'] })])).toMatchObject([
    { status: 'refused', error: { code: 'CSW-2056' } },
  ])
})

test.each([
  [68, 'create', 'refused', 'CSW-3008'],
  [32, 'create', 'refused', 'CSW-3008'],
  [19, 'update', 'refused', 'CSW-3008'],
  [21, 'update', 'refused', 'CSW-3008'],
  [65, 'update', 'refused', 'CSW-3008'],
  [66, 'delete', 'refused', 'CSW-3008'],
  [50, 'update', 'retry', 'CSW-3004'],
  [51, 'create', 'retry', 'CSW-3006'],
  [52, 'delete', 'retry', 'CSW-3006'],
  [10, 'update', 'retry', 'CSW-3014'],
] as const)('result %i of a %s is %s, and of one entry only', async (result, operation, status, code) => {
  results = [result]
  const values = { uid: 'u1', cn: ['x'], mail: ['new@x.example'] }
  const items = [item('a', values, { id: 'id-1' }), item('b', { ...values, uid: 'u2' }, { id: 'id-2' })]
  expect(await write(operation, items)).toMatchObject([
    { ref: 'a', status, error: { code } },
    { ref: 'b', status: 'written' },
  ])
})

test('a lost answer leaves a new entry in doubt; what can be repeated is tried again, and the next entries go on', async () => {
  lost = (kind) => kind === 'ADD' && asked.length === 0
  const created = await write('create', [item('a', { uid: 'a' }), item('b', { uid: 'b' })])
  expect(created).toMatchObject([{ status: 'unknown', error: { code: 'CSW-3012' } }, { status: 'written' }])
  lost = (kind) => kind === 'DELETE'
  expect(await write('delete', [item('a', {}, { id: 'id-1' })])).toMatchObject([
    { status: 'retry', error: { code: 'CSW-3001' } },
  ])
})

test('an entry that is renamed while we write is found again by its id; one that is gone is missing', async () => {
  const session = await open()
  const meet = options.write
  options.write = (one) => {
    if (asked.length > 0) return meet(one)
    entries = [entries[0]!, person(1, {}, `uid=moved,${BASE}`)]
    asked.push(one)
    return Promise.resolve(32)
  }
  const items = [item('a', { mail: [] }, { id: 'id-1' }), item('b', { mail: [] }, { id: 'id-2' })]
  const outcomes = await session.write({ stream: 'people', operation: 'update', items, signal: never })
  expect(asked.map(({ dn }) => dn)).toEqual([`uid=u1,${PEOPLE}`, `uid=moved,${BASE}`])
  expect(outcomes).toMatchObject([{ status: 'written' }, { status: 'missing', error: { code: 'CSW-3009' } }])
})

test('an entry tells what a write can be conditional on, and a write compares it', async () => {
  const session = await open()
  const [record] = await session.fetch({ stream: 'people', ids: ['id-1'], signal: never })
  const condition = record!.condition!
  expect(await write('update', [item('a', { mail: [] }, { id: 'id-1', ifVersion: condition })])).toMatchObject([
    { status: 'written' },
  ])
  const other = condition.replace('12:00', '11:59')
  expect(other).not.toBe(condition)
  expect(await write('update', [item('a', { mail: [] }, { id: 'id-1', ifVersion: other })])).toMatchObject([
    { status: 'conflict' },
  ])
})

test('a version that no longer holds is a conflict, and a right that ended sends nothing', async () => {
  const old = item('a', { mail: [] }, { id: 'id-1', ifVersion: '2026-11-23T11:00:00.000000000Z' })
  const now = item('b', { mail: [] }, { id: 'id-2', ifVersion: '2026-11-23T12:00:00.000000000Z' })
  expect(await write('update', [old, now])).toMatchObject([
    { status: 'conflict', error: { code: 'CSW-3013' } },
    { status: 'written' },
  ])
  expect(await write('delete', [item('a', {}, { id: 'id-1' })], { maySend: () => false })).toMatchObject([
    { status: 'retry', error: { code: 'CSW-3015' } },
  ])
  expect(asked).toHaveLength(1)
})

test('property: whatever an entry is named by can be read out of its name again', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'grapheme-ascii' }), (value, rest) => {
      const first = namedBy('uid', value)
      const parent = `ou=x${namedBy('', rest)}`
      expect(splitName(`${first},${parent}`)).toEqual({ first, parent: parent.trim() })
      expect(namingOf(first)).toEqual({ attribute: 'uid', value })
      // What ldapts takes for the end of the first part is its end.
      expect(`${first},${parent}`.search(/[^\\],/)).toBe(first.length - 1)
    }),
  )
})
