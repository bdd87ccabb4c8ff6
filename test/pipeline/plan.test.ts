/** A plan says what a push then does, and does nothing itself. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { compareMappings, type PlannedChange, type PlanSummary, planSync } from '../../src/pipeline/index.ts'
import { readOnly } from '../../src/pipeline/plan.ts'
import { createLedger } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const contactSync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  deletes: 'delete',
  deleteLimits: { maxShare: 1, maxCount: 1_000 },
  run: (contact) =>
    contact.hidden
      ? { status: 'filtered' }
      : one({ email: contact.email!, name: contact.name!, note: contact.note ?? null }),
}

async function planned(hub: TestHub, options: { records?: string[]; limit?: number } = {}) {
  const { row } = hub.ports.model().syncByName('contacts')!
  const changes: PlannedChange[] = []
  const generator = planSync(hub.ports, row.id, { limit: 10_000, signal: new AbortController().signal, ...options })
  let next = await generator.next()
  for (; !next.done; next = await generator.next()) changes.push(...next.value)
  return { changes, summary: next.value as PlanSummary }
}

const forbidWrites = (system: MemorySystem) => {
  system.onWrite = async () => {
    throw new Error('a plan wrote to the target')
  }
}

test('per record and field: what would be created, updated and deleted, how it was found, what it costs', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 4; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}` })
  erp.put('customers', 'there', { email: 'p3@example.test', name: 'older', note: null })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  forbidWrites(erp)
  const first = await planned(hub)
  expect(first.summary).toMatchObject({ records: 4, actions: { create: 3, update: 1 }, reads: 1, truncated: false })
  expect(first.changes.find(({ record }) => record === 'c3')).toMatchObject({
    action: 'update',
    target: 'there',
    matched: ['email'],
    fields: [{ field: 'name', before: 'older', after: 'P3' }],
  })
  expect(await hub.states('contacts')).toEqual({})
  expect((await hub.pool.query('select 1 from intent union all select 1 from link')).rowCount).toBe(0)

  erp.onWrite = async () => {}
  await hub.push('contacts')
  expect((await planned(hub)).summary.actions).toEqual({ unchanged: 4 })
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Renamed' })
  crm.remove('contacts', 'c1')
  crm.put('contacts', 'c2', { email: 'p2@example.test', name: 'P2', hidden: true })
  await hub.pull('crm:contacts')
  forbidWrites(erp)
  const second = await planned(hub)
  expect(Object.fromEntries(second.changes.map(({ record, action }) => [record, action]))).toEqual({
    c0: 'update',
    c1: 'delete',
    c2: 'skipped',
    c3: 'unchanged',
  })
  expect(second.changes.find(({ record }) => record === 'c0')!.fields).toEqual([
    { field: 'name', before: 'P0', after: 'Renamed' },
  ])
})

test('what somebody changed in the target shows as the value before', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  crm.put('contacts', 'c0', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.put('customers', erp.list('customers')[0]!.id, { email: 'a@example.test', name: 'by hand', note: null })
  crm.put('contacts', 'c0', { email: 'a@example.test', name: 'B' })
  await hub.pull('crm:contacts')
  expect((await planned(hub)).changes[0]!.fields).toEqual([{ field: 'name', before: 'by hand', after: 'B' }])
})

test('some records only, or no more than asked for', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}` })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  expect((await planned(hub, { records: ['c7', 'nobody'] })).changes.map(({ record }) => record)).toEqual(['c7'])
  expect((await planned(hub, { limit: 10 })).summary).toMatchObject({ records: 10, truncated: true })
  expect((await planned(hub, { limit: 30 })).summary).toMatchObject({ records: 30, truncated: false })
})

type Person = { email: number; name: string; state: 'live' | 'hidden' | 'gone' }
const person = fc.record<Person>({
  email: fc.nat(4),
  name: fc.constantFrom('a', 'b', 'c'),
  state: fc.constantFrom('live', 'live', 'live', 'hidden', 'gone'),
})

test('what a push writes is what was planned (property)', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await fc.assert(
    fc.asyncProperty(fc.array(person, { minLength: 1, maxLength: 6 }), async (people) => {
      for (const [i, { email, name, state }] of people.entries()) {
        // Addresses are unique per record, as they are where they serve as match keys.
        const body: JsonObject = {
          email: `${i}-${email}@example.test`,
          name,
          ...(state === 'hidden' ? { hidden: true } : {}),
        }
        if (state === 'gone') crm.remove('contacts', `c${i}`)
        else crm.put('contacts', `c${i}`, body)
      }
      await hub.pull('crm:contacts')
      const { changes } = await planned(hub)
      const expected = changes
        .filter(({ action }) => ['create', 'update', 'delete'].includes(action))
        .map(
          ({ action, fields }) =>
            `${action} ${JSON.stringify(Object.fromEntries(fields.map((f) => [f.field, f.after])))}`,
        )
      const before = erp.journal.length
      await hub.push('contacts')
      const done = erp.journal.slice(before).map(({ operation, values }) => `${operation} ${JSON.stringify(values)}`)
      expect(done.sort()).toEqual(expected.sort())
    }),
    { numRuns: 25 },
  )
})

test('a ledger call that is not known to read is refused', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  crm.put('contacts', 'c0', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  const names = Object.keys(createLedger(hub.pool))
  expect(names.length).toBeGreaterThan(30)
  const called = new Set<string>()
  const ledger = new Proxy(hub.ports.ledger, {
    get: (target, name, receiver) => {
      called.add(String(name))
      return Reflect.get(target, name, receiver)
    },
  })
  const { row } = hub.ports.model().syncByName('contacts')!
  const signal = new AbortController().signal
  for await (const _ of planSync({ ...hub.ports, ledger }, row.id, { limit: 10, signal })) {
    // Only what it calls is looked at.
  }
  expect([...called].filter((name) => !/^(read|find|count)/.test(name))).toEqual([])
  const guarded = readOnly(hub.ports.ledger)
  const refused = names.filter((name) => {
    try {
      return Reflect.get(guarded, name) === undefined
    } catch (error) {
      return (error as { code?: string }).code === 'CSW-1001'
    }
  })
  expect(names.filter((name) => !refused.includes(name) && !/^(read|find|count)/.test(name))).toEqual([])
  expect(refused).toEqual(expect.arrayContaining(['commitPage', 'commitBatch', 'openIntents']))
})

test('two versions of a mapping over the recorded inputs: which fields differ, in how many records', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 10; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}` })
  const versions: Record<string, TestSync['run']> = {
    old: (contact) => one({ email: contact.email!, name: contact.name! }),
    young: (contact) =>
      contact.name === 'P9'
        ? { status: 'filtered' }
        : one({ email: contact.email!, name: contact.name === 'P3' ? 'p3' : contact.name!, kind: 'person' }),
  }
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  const { row, definition } = hub.ports.model().syncByName('contacts')!
  const mappings: TestHub['ports']['mappings'] = {
    ...hub.ports.mappings,
    map: async (sync, inputs) => inputs.map(({ body }) => versions[sync.version]!(JSON.parse(String(body)), {})),
  }
  const result = await compareMappings({ ...hub.ports, mappings }, row.id, {
    before: { ...definition, version: 'old' },
    after: { ...definition, version: 'young' },
    limit: 100,
    signal: new AbortController().signal,
  })
  expect(result).toMatchObject({
    records: 10,
    same: 0,
    changed: 10,
    outcomes: { 'mapped → filtered': 1 },
    truncated: false,
  })
  expect(result.fields.map(({ field, count }) => [field, count])).toEqual([
    ['kind', 9],
    ['name', 1],
  ])
  expect(result.fields[1]!.samples).toEqual([{ record: 'c3', before: 'P3', after: 'p3' }])
  // What changed last is what a limit leaves in.
  crm.put('contacts', 'c3', { email: 'p3@example.test', name: 'P3', touched: true })
  await hub.pull('crm:contacts')
  const last = await compareMappings({ ...hub.ports, mappings }, row.id, {
    before: { ...definition, version: 'old' },
    after: { ...definition, version: 'young' },
    limit: 1,
    signal: new AbortController().signal,
  })
  expect(last).toMatchObject({ records: 1, changed: 1, truncated: true })
  expect(last.fields.map(({ samples }) => samples[0]?.record)).toEqual(['c3', 'c3'])
})
