/** Undoing a run gives fields of target records their former values, only where they still hold what the run wrote. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { type Undo, undoRun } from '../../src/pipeline/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

/** The mapping as it is, and what is wrong with it while `spoilt`. */
let spoilt = false
const contactSync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  lanes: 2,
  run: ({ email, name, city }) =>
    one({ email: email!, name: spoilt ? `${name}?` : name!, city: spoilt ? null : city! }),
}

const signal = new AbortController().signal

async function pushAll(hub: TestHub): Promise<number[]> {
  const runs: number[] = []
  for (const lane of [0, 1]) {
    const pushed = await hub.push('contacts', lane)
    if (pushed?.runId != null) runs.push(pushed.runId)
  }
  return runs
}

async function undo(hub: TestHub, runs: number[], plan = false, creations = false): Promise<Undo[]> {
  const undone: Undo[] = []
  for (const run of runs) undone.push(await undoRun(hub.ports, run, { plan, creations, signal }))
  return undone
}

const sum = (undone: Undo[]): number => undone.reduce((total, { restored }) => total + restored, 0)

/** A hub whose every record was delivered once, then spoilt by a run. */
async function open(count: number, abilities: Parameters<MemorySystem['stream']>[1] = {}) {
  spoilt = false
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers', abilities)
  let rev = 0
  const put = (i: number, extra: JsonObject = {}): void =>
    crm.put('contacts', `c${i}`, {
      email: `p${i}@example.test`,
      name: `P${i}`,
      city: `City ${i}`,
      rev: ++rev,
      ...extra,
    })
  for (let i = 0; i < count; i++) put(i)
  crm.pageSize = 500
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  await pushAll(hub)
  const there = (i: number) => erp.list('customers').find(({ body }) => body.email === `p${i}@example.test`)!
  /** As a new mapping does: everything is delivered once more. */
  const spoil = async (): Promise<number[]> => {
    spoilt = true
    for (let i = 0; i < count; i++) put(i)
    await hub.pull('crm:contacts')
    const runs = await pushAll(hub)
    spoilt = false
    return runs
  }
  return { crm, erp, hub, there, spoil, put }
}

const body = (i: number) => ({ email: `p${i}@example.test`, name: `P${i}`, city: `City ${i}` })

test('a thousand records of a wrong mapping, ten edited since: 990 restored exactly, ten named', async () => {
  const { erp, hub, there, spoil } = await open(1_000)
  const runs = await spoil()
  expect(there(5).body).toEqual({ ...body(5), name: 'P5?', city: null })
  for (let i = 0; i < 10; i++) erp.put('customers', there(i).id, { ...there(i).body, name: 'by hand', city: 'by hand' })
  const writes = erp.journal.length
  const planned = await undo(hub, runs, true)
  expect([sum(planned), erp.journal.length]).toEqual([990, writes])
  const undone = await undo(hub, runs)
  expect(sum(undone)).toBe(990)
  expect(undone.map(({ changes }) => changes)).toEqual(planned.map(({ changes }) => changes))
  for (let i = 10; i < 1_000; i++) expect(there(i).body).toEqual(body(i))
  for (let i = 0; i < 10; i++) expect(there(i).body).toMatchObject({ name: 'by hand', city: 'by hand' })
  const named = undone.flatMap(({ left }) => left)
  expect(named.map(({ record }) => record).sort()).toEqual(Array.from({ length: 10 }, (_, i) => `c${i}`).sort())
  expect(new Set(named.map(({ reason }) => reason))).toEqual(new Set(['it was changed since']))
  // A second time nothing holds what the run wrote any more.
  expect(sum(await undo(hub, runs))).toBe(0)
})

test('of a record only what still holds it: the other fields are named; whole records go to targets that take no parts', async () => {
  const { erp, hub, there, spoil } = await open(2, { partialUpdate: false })
  const runs = await spoil()
  erp.put('customers', there(0).id, { ...there(0).body, name: 'by hand' })
  const [first] = (await undo(hub, runs)).filter(({ left }) => left.length)
  expect(first!.left).toEqual([
    { record: 'c0', part: '', target: there(0).id, reason: 'it was changed since', fields: ['name'] },
  ])
  expect(there(1).body).toEqual(body(1))
  expect(there(0).body).toMatchObject({ name: 'by hand', city: 'City 0' })
})

test('what was created or deleted is named and left; a newer state of the source is still delivered', async () => {
  const { crm, erp, hub, there, spoil, put } = await open(3)
  crm.put('contacts', 'c3', { email: 'p3@example.test', name: 'P3', city: 'City 3', rev: 9 })
  const runs = await spoil()
  const created = (await undo(hub, runs, true)).flatMap(({ left }) => left)
  expect(created).toEqual([expect.objectContaining({ record: 'c3', reason: expect.stringContaining('created') })])
  put(0, { name: 'Renamed' })
  await hub.pull('crm:contacts')
  await undo(hub, runs)
  expect(there(0).body).toEqual(body(0))
  await pushAll(hub)
  expect(there(0).body).toMatchObject({ name: 'Renamed' })
  expect(erp.list('customers')).toHaveLength(4)
})

test('what a run created is deleted when that is asked for, where nobody worked on it since; the rest is named', async () => {
  const { crm, erp, hub, there, spoil, put } = await open(1)
  for (const i of [1, 2, 3, 4]) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}`, city: 'C' })
  // The same person twice: the record there stands for both.
  crm.put('contacts', 'twin', { email: 'p4@example.test', name: 'P4', city: 'C' })
  const runs = await spoil()
  await hub.skipWaits()
  await pushAll(hub)
  expect(erp.list('customers')).toHaveLength(5)
  erp.put('customers', there(2).id, { ...there(2).body, name: 'by hand' })
  // In a field that no mapping writes, after the record was read.
  await hub.pull('erp:customers')
  erp.put('customers', there(3).id, { ...there(3).body, note: 'call back' })
  const ids = [1, 2, 3, 4].map((i) => there(i).id)
  const writes = erp.journal.length
  const planned = await undo(hub, runs, true, true)
  expect(erp.journal.length).toBe(writes)
  const undone = await undo(hub, runs, false, true)
  expect(undone.map(({ changes }) => changes)).toEqual(planned.map(({ changes }) => changes))
  const total = (field: 'restored' | 'removed') => undone.reduce((all, one) => all + one[field], 0)
  expect([total('restored'), total('removed')]).toEqual([1, 1])
  expect(there(0).body).toEqual(body(0))
  const left = undone.flatMap((one) => one.left.map(({ target, reason }) => `${target} ${reason}`))
  expect(new Set(left)).toEqual(
    new Set([
      `${ids[1]} it was changed since`,
      `${ids[2]} it was changed since`,
      `${ids[3]} another record of the source stands for it too`,
    ]),
  )
  expect(erp.list('customers').map(({ id }) => id)).not.toContain(ids[0])
  expect(erp.list('customers')).toHaveLength(4)
  // A run that has nothing to say makes nobody anew; the next change of the record does.
  await pushAll(hub)
  expect(erp.list('customers')).toHaveLength(4)
  put(1)
  for (const stream of ['crm:contacts', 'erp:customers']) await hub.pull(stream)
  await pushAll(hub)
  expect(there(1).body).toEqual(body(1))
})

test('a target that takes no deletions keeps what a run created', async () => {
  const { crm, erp, hub, spoil } = await open(1, { delete: false })
  crm.put('contacts', 'c1', { email: 'p1@example.test', name: 'P1', city: 'C' })
  const undone = await undo(hub, await spoil(), false, true)
  expect(undone.flatMap(({ left }) => left.map(({ reason }) => reason))).toEqual(['the target takes no deletions'])
  expect(erp.list('customers')).toHaveLength(2)
})

test('whatever the keys of the first writes were, those of the undo are others', async () => {
  const { erp, hub, spoil } = await open(3)
  const keys: string[] = []
  erp.onWrite = async (items) => {
    keys.push(...items.map(({ idempotencyKey }) => idempotencyKey))
  }
  await undo(hub, await spoil())
  expect(keys).toHaveLength(6)
  expect(new Set(keys).size).toBe(6)
})

test('any edits between the run and its undo survive, and everything else is as before the run (property)', async () => {
  const { erp, hub, there, spoil } = await open(4)
  const edit = fc.record({ at: fc.nat(3), field: fc.constantFrom('name', 'city'), value: fc.constantFrom('x', 'y') })
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 5 }), async (edits) => {
      const former = new Map([0, 1, 2, 3].map((i) => [i, there(i).body]))
      const runs = await spoil()
      const edited = new Map<string, string>()
      for (const { at, field, value } of edits) {
        erp.put('customers', there(at).id, { ...there(at).body, [field]: value })
        edited.set(`${at} ${field}`, value)
      }
      await undo(hub, runs)
      for (const [i, before] of former)
        for (const field of ['name', 'city'])
          expect(there(i).body[field]).toEqual(edited.get(`${i} ${field}`) ?? before[field])
    }),
    { numRuns: 15 },
  )
})
