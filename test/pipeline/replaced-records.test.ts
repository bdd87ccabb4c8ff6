/** A record of the source that takes the place of one that is deleted: the target is the same thing still, and must not go. */
import { expect, test } from 'vitest'
import { type JsonObject, JsonText, sliceOf } from '../../src/core/index.ts'
import type { MapOutput } from '../../src/mapping/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'to-erp',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  deletes: 'delete',
  run: (contact) => one(contact),
}
const email = 'ann@example.test'
/** An id whose record goes through that one of two lanes. */
const idIn = (lane: number, prefix: string): string =>
  Array.from({ length: 100 }, (_, i) => `${prefix}${i}`).find((id) => sliceOf(id) % 2 === lane)!

test.each([
  ['by a look-up', false, 1],
  ['in the log', true, 1],
  ['by a look-up, in another lane', false, 8],
])(
  'a record that is deleted and made anew with the same values keeps a target record (found %s)',
  async (_, known, lanes) => {
    const crm = new MemorySystem().stream('contacts')
    const erp = new MemorySystem().stream('customers')
    crm.put('contacts', 'a', { email, name: 'Ann' })
    const hub = await TestHub.open({ crm, erp }, [{ ...sync, lanes }])
    const push = async () => {
      for (let i = 0; i < 3; i++) {
        await Promise.all(Array.from({ length: lanes }, (_, lane) => hub.push('to-erp', lane)))
        await hub.skipWaits()
      }
    }
    await hub.pull('crm:contacts')
    await push()
    if (known) await hub.pull('erp:customers')
    crm.remove('contacts', 'a')
    crm.put('contacts', 'b', { email, name: 'Ann' })
    await hub.pull('crm:contacts')
    await push()
    expect(erp.list('customers').map(({ body }) => body)).toEqual([{ email, name: 'Ann' }])
    const { rows } = await hub.pool.query("select record_id from link where record_id = 'b' or record_id = any($1)", [
      erp.list('customers').map(({ id }) => id),
    ])
    expect(rows).toHaveLength(2)
  },
)

test.each([
  ['with the same values', 'Ann'],
  ['with others', 'Anna'],
])('a target is not deleted once another record was linked with it, however late that was (%s)', async (_, name) => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  const [former, next] = [idIn(0, 'a'), idIn(1, 'b')]
  crm.put('contacts', former, { email, name: 'Ann' })
  const hub = await TestHub.open({ crm, erp }, [{ ...sync, lanes: 2 }])
  await hub.pull('crm:contacts')
  await hub.push('to-erp', 0)
  const [target] = erp.list('customers')
  crm.remove('contacts', former)
  crm.put('contacts', next, { email, name })
  await hub.pull('crm:contacts')
  // The lane that deletes has looked for others, and found none, when the other lane comes and ends.
  const { ledger } = hub.ports
  const { openIntents } = ledger
  ledger.openIntents = async (...given) => {
    ledger.openIntents = openIntents
    await hub.push('to-erp', 1)
    return openIntents(...given)
  }
  for (let i = 0; i < 3; i++) {
    for (const lane of [0, 1]) await hub.push('to-erp', lane)
    await hub.skipWaits()
  }
  expect(erp.list('customers').map(({ id, body }) => ({ id, body }))).toEqual([
    { id: target!.id, body: { email, name } },
  ])
  const { rows } = await hub.pool.query("select 1 from delivery where state = 'dead' or next_attempt_at is not null")
  expect(rows).toEqual([])
  expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
})

test.each([
  [1, 'full'],
  [2, 'full'],
  [1, 'hash'],
  [2, 'hash'],
] as const)(
  'a target found by a natural key stays where its former record is deleted, in %s lanes (kept: %s)',
  async (lanes, keeping) => {
    const crm = new MemorySystem().stream('contacts')
    const erp = new MemorySystem().stream('customers', { upsert: true, upsertBy: ['email'], lookup: [] })
    crm.put('contacts', 'a', { email, name: 'Ann' })
    const hub = await TestHub.open({ crm, erp }, [{ ...sync, lanes }], undefined, { 'crm:contacts': keeping })
    const push = async () => {
      for (let i = 0; i < 4; i++) {
        await Promise.all(Array.from({ length: lanes }, (_, lane) => hub.push('to-erp', lane)))
        await hub.skipWaits()
      }
    }
    await hub.pull('crm:contacts')
    await push()
    crm.remove('contacts', 'a')
    for (const id of ['b0', 'b1', 'b2']) {
      crm.put('contacts', id, { email, name: id })
      await hub.pull('crm:contacts')
      await push()
      expect(erp.list('customers').map(({ body }) => body)).toEqual([{ email, name: id }])
      crm.remove('contacts', id)
    }
  },
)

test('a part that takes the place of another one of its record keeps its target', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  const run = (contact: JsonObject): MapOutput => ({
    status: 'mapped',
    parts: (contact.parts as string[]).map((part) => ({
      part,
      values: JsonText.of({ email, name: 'Ann' }),
      references: [],
    })),
  })
  const hub = await TestHub.open({ crm, erp }, [{ ...sync, multipart: true, run }])
  for (const parts of [['first'], ['second']]) {
    crm.put('contacts', 'a', { parts })
    await hub.pull('crm:contacts')
    for (let i = 0; i < 3; i++) {
      await hub.push('to-erp')
      await hub.skipWaits()
    }
  }
  expect(erp.journal.map(({ operation }) => operation)).toEqual(['create'])
  crm.put('contacts', 'a', { parts: [] })
  await hub.pull('crm:contacts')
  await hub.push('to-erp')
  expect(erp.list('customers')).toEqual([])
})

test('a target leaves with its records where these are filtered out together', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  const run = (contact: JsonObject): MapOutput => (contact.left ? { status: 'filtered' } : one({ email, name: 'Ann' }))
  const hub = await TestHub.open({ crm, erp }, [{ ...sync, onLeave: 'delete', run }])
  for (const left of [false, true]) {
    for (const id of ['a', 'b']) crm.put('contacts', id, { left })
    await hub.pull('crm:contacts')
    for (let i = 0; i < 3; i++) {
      await hub.push('to-erp')
      await hub.skipWaits()
    }
  }
  expect(erp.list('customers')).toEqual([])
  expect(erp.journal.map(({ operation }) => operation)).toEqual(['create', 'delete'])
})

test('a target leaves with its records where each is filtered out in a lane of its own, and sees the other one last', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  const run = (contact: JsonObject): MapOutput => (contact.left ? { status: 'filtered' } : one({ email, name: 'Ann' }))
  const hub = await TestHub.open({ crm, erp }, [{ ...sync, onLeave: 'delete', lanes: 2, run }])
  const records = [idIn(0, 'a'), idIn(1, 'b')]
  const push = async () => {
    for (let i = 0; i < 4; i++) {
      for (const lane of [0, 1]) await hub.push('to-erp', lane)
      await hub.skipWaits()
    }
  }
  for (const id of records) crm.put('contacts', id, { left: false })
  await hub.pull('crm:contacts')
  await push()
  expect(erp.list('customers')).toHaveLength(1)
  for (const id of records) crm.put('contacts', id, { left: true })
  await hub.pull('crm:contacts')
  // One lane has looked for others, and found the one that leaves in the other lane, when that comes and ends.
  const { ledger } = hub.ports
  const { findTwins } = ledger
  let looks = 0
  ledger.findTwins = async (...given) => {
    const found = await findTwins(...given)
    if (looks++ === 0) await hub.push('to-erp', 1)
    return found
  }
  await push()
  expect(looks).toBeGreaterThan(1)
  expect(erp.list('customers')).toEqual([])
  expect(erp.journal.map(({ operation }) => operation)).toEqual(['create', 'delete'])
  expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
  expect((await hub.pool.query('select 1 from delivery where next_attempt_at is not null')).rowCount).toBe(0)
})
