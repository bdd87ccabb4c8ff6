/** Verifying a sync says what differs and where, writes nothing, and what it gives repairs exactly that. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyPlan, type Verification, verifySync } from '../../src/pipeline/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const contactSync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  deletes: 'ignore',
  run: (contact) =>
    contact.hidden
      ? { status: 'filtered' }
      : one({ email: contact.email!, name: contact.name!, note: contact.note ?? null }),
}

const signal = new AbortController().signal
type Options = Partial<Parameters<typeof verifySync>[2]>

async function verify(hub: TestHub, options: Options = {}): Promise<Verification> {
  const { row } = hub.ports.model().syncByName('contacts')!
  return verifySync(hub.ports, row.id, { limit: 10_000, extra: false, signal, ...options })
}

async function repair(hub: TestHub, { version, changes }: Verification) {
  const { row } = hub.ports.model().syncByName('contacts')!
  return applyPlan(hub.ports, row.id, { version, changes, basis: 'target', signal })
}

async function open(count: number, abilities: Parameters<MemorySystem['stream']>[1] = {}) {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers', abilities)
  for (let i = 0; i < count; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}` })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  const there = (i: number) => erp.list('customers').find(({ body }) => body.email === `p${i}@example.test`)!
  return { crm, erp, hub, there }
}

const found = ({ findings }: Verification) =>
  Object.fromEntries(Object.entries(findings).filter(([, count]) => count > 0))

test('what the target holds is told apart: equal, changed there, not delivered yet, gone, nobody of the source', async () => {
  const { crm, erp, hub, there } = await open(8)
  expect(found(await verify(hub))).toEqual({ equal: 8 })
  erp.put('customers', there(1).id, { ...there(1).body, name: 'by hand' })
  erp.remove('customers', there(2).id)
  erp.put('customers', 'nobody', { email: 'nobody@example.test', name: 'Nobody', note: null })
  crm.put('contacts', 'c3', { email: 'p3@example.test', name: 'Renamed' })
  crm.put('contacts', 'c4', { email: 'p4@example.test', name: 'P4', hidden: true })
  crm.put('contacts', 'new', { email: 'new@example.test', name: 'New' })
  await hub.pull('crm:contacts')
  const writes = erp.journal.length
  const verification = await verify(hub, { extra: true })
  expect(found(verification)).toEqual({ equal: 4, diverged: 1, stale: 1, missing: 2, 'left out': 1 })
  expect(verification.fields).toEqual([
    {
      field: 'name',
      stale: 1,
      diverged: 1,
      waiting: 0,
      unseen: 0,
      samples: expect.arrayContaining([
        { record: 'c1', target: there(1).id, source: 'P1', there: 'by hand' },
        { record: 'c3', target: there(3).id, source: 'Renamed', there: 'P3' },
      ]),
    },
  ])
  expect(verification.changes.find(({ record }) => record === 'c2')!.error!.code).toBe('CSW-3009')
  expect(verification.extra).toEqual({ read: 8, extra: 1, samples: ['nobody'] })
  expect(erp.journal.length).toBe(writes)
})

test('the repair makes the target equal, once, and refuses what has moved since', async () => {
  const { erp, hub, there } = await open(5)
  for (const i of [0, 1]) erp.put('customers', there(i).id, { ...there(i).body, name: 'by hand', note: `of ${i}` })
  const verification = await verify(hub)
  const before = erp.journal.length
  expect(await repair(hub, verification)).toMatchObject({ states: { delivered: 2 }, moved: [] })
  expect(erp.journal.slice(before).map(({ values }) => values)).toEqual([
    { name: 'P0', note: null },
    { name: 'P1', note: null },
  ])
  expect(found(await verify(hub))).toEqual({ equal: 5 })
  expect((await repair(hub, verification)).moved).toHaveLength(2)
  expect(erp.journal.length).toBe(before + 2)
})

test('a target without single records is asked by its match key, and what that does not find is not judged', async () => {
  const { erp, hub, there } = await open(4)
  erp.fetch = async () => {
    const { CausewayError } = await import('../../src/core/index.ts')
    throw new CausewayError('CSW-2003', { what: 'no single records' })
  }
  erp.put('customers', there(0).id, { ...there(0).body, name: 'by hand' })
  erp.put('customers', there(1).id, { ...there(1).body, email: 'elsewhere@example.test' })
  expect(found(await verify(hub))).toEqual({ equal: 2, diverged: 1, unchecked: 1 })
})

test('a field that the target does not show is counted and judged by nobody', async () => {
  const { erp, hub, there } = await open(2)
  const { name: _name, ...rest } = there(0).body
  erp.put('customers', there(0).id, rest)
  const verification = await verify(hub)
  expect(found(verification)).toEqual({ equal: 2 })
  expect(verification.fields).toEqual([{ field: 'name', stale: 0, diverged: 0, waiting: 0, unseen: 1, samples: [] }])
})

test('a sample is so many records, the same for the same seed', async () => {
  const { hub, erp, there } = await open(30)
  for (let i = 0; i < 30; i++) erp.put('customers', there(i).id, { ...there(i).body, name: 'by hand' })
  const records = async (seed: string) => (await verify(hub, { sample: 7, seed })).changes.map(({ record }) => record)
  const first = await records('a')
  expect(first).toHaveLength(7)
  expect((await records('a')).sort()).toEqual([...first].sort())
  expect((await records('b')).sort()).not.toEqual([...first].sort())
})

const edit = fc.record({
  at: fc.nat(4),
  field: fc.constantFrom('name', 'note'),
  value: fc.constantFrom('x', 'y', null),
  side: fc.constantFrom('source', 'target'),
})

test('whatever was edited on either side, after the repair both are equal (property)', async () => {
  const { crm, erp, hub, there } = await open(5)
  await fc.assert(
    fc.asyncProperty(fc.array(edit, { maxLength: 8 }), async (edits) => {
      for (const { at, field, value, side } of edits) {
        const row = side === 'target' ? there(at) : crm.list('contacts').find(({ id }) => id === `c${at}`)!
        const [system, stream] = side === 'target' ? [erp, 'customers'] : [crm, 'contacts']
        system.put(stream, row.id, { ...row.body, [field]: value })
      }
      await hub.pull('crm:contacts')
      await repair(hub, await verify(hub))
      for (const { id, body } of crm.list('contacts'))
        expect(there(Number(id.slice(1))).body).toMatchObject({ name: body.name, note: body.note ?? null })
      expect(found(await verify(hub))).toEqual({ equal: 5 })
    }),
    { numRuns: 30 },
  )
})
