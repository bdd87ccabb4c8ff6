/** A plan that is applied does what it says, and nothing where something has moved since. */
import { expect, test } from 'vitest'
import {
  type AppliedChange,
  type ApplyResult,
  applyPlan,
  type PlannedChange,
  planSync,
} from '../../src/pipeline/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const contactSync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  deletes: 'delete',
  deleteLimits: { maxShare: 1, maxCount: 1_000 },
  lanes: 3,
  run: (contact) => one({ email: contact.email!, name: contact.name! }),
}

const signal = new AbortController().signal
const idOf = (hub: TestHub): number => hub.ports.model().syncByName('contacts')!.row.id
const versionOf = (hub: TestHub): string => hub.ports.model().syncByName('contacts')!.definition.version

async function planned(hub: TestHub): Promise<PlannedChange[]> {
  const changes: PlannedChange[] = []
  for await (const batch of planSync(hub.ports, idOf(hub), { limit: 1_000, signal })) changes.push(...batch)
  return changes
}

const apply = (hub: TestHub, changes: readonly AppliedChange[], version = versionOf(hub)): Promise<ApplyResult> =>
  applyPlan(hub.ports, idOf(hub), { version, changes, signal })

async function pushAll(hub: TestHub): Promise<void> {
  for (const lane of [0, 1, 2]) await hub.push('contacts', lane)
}

async function open() {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 6; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}` })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  return { crm, erp, hub }
}

test('a plan is done exactly, and only its records; the push afterwards does the rest', async () => {
  const { erp, hub } = await open()
  const changes = await planned(hub)
  const chosen = changes.filter(({ record }) => record !== 'c5')
  const before = erp.journal.length
  const result = await apply(hub, chosen)
  expect(result).toMatchObject({ sync: 'contacts', states: { delivered: 5 }, moved: [] })
  expect(
    erp
      .list('customers')
      .map(({ body }) => body.name)
      .sort(),
  ).toEqual(['P0', 'P1', 'P2', 'P3', 'P4'])
  expect(erp.journal.slice(before).every(({ operation }) => operation === 'create')).toBe(true)
  // Nothing is done twice.
  const again = await apply(hub, chosen)
  expect(again.states).toEqual({})
  expect(again.moved).toHaveLength(5)
  expect(again.moved[0]!.reason).toMatch(/now belongs to/)
  await pushAll(hub)
  expect(erp.list('customers')).toHaveLength(6)
  expect(await hub.states('contacts')).toEqual({ delivered: 1, unchanged: 5 })
})

test('what moved since is named, and nothing is written', async () => {
  const { crm, erp, hub } = await open()
  await pushAll(hub)
  for (let i = 0; i < 4; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `N${i}` })
  crm.remove('contacts', 'c4')
  await hub.pull('crm:contacts')
  const changes = (await planned(hub)).filter(({ action }) => action !== 'unchanged')
  expect(changes.map(({ action }) => action).sort()).toEqual(['delete', 'update', 'update', 'update', 'update'])
  crm.put('contacts', 'c1', { email: 'p1@example.test', name: 'M1' })
  await hub.pull('crm:contacts')
  const target = erp.list('customers').find(({ body }) => body.name === 'P2')!
  erp.put('customers', target.id, { email: 'p2@example.test', name: 'by hand' })
  const before = erp.journal.length
  const refused = await apply(hub, changes)
  expect(refused.moved).toEqual(
    expect.arrayContaining([
      { record: 'c1', part: '', reason: 'the source record has changed' },
      { record: 'c2', part: '', reason: 'the target record, or what was delivered to it, has changed' },
    ]),
  )
  expect([refused.moved.length, refused.runs, erp.journal.length - before]).toEqual([2, [], 0])
  const rest = changes.filter(({ record }) => record !== 'c1' && record !== 'c2')
  expect((await apply(hub, rest)).moved).toEqual([])
  expect(
    erp
      .list('customers')
      .map(({ body }) => body.name)
      .sort(),
  ).toEqual(['N0', 'N3', 'P1', 'P5', 'by hand'])
})

test('another mapping refuses the plan, and so does a sync that is being delivered', async () => {
  const { erp, hub } = await open()
  const changes = await planned(hub)
  const refused = await apply(hub, changes, 'another version')
  expect(refused.moved.map(({ reason }) => reason)).toEqual(Array.from({ length: 6 }, () => 'the mapping has changed'))
  const lease = await hub.ports.holdLease(`push:${idOf(hub)}:1`)
  await expect(apply(hub, changes)).rejects.toMatchObject({ code: 'CSW-5017' })
  await lease!.release()
  expect(erp.journal).toEqual([])
  expect((await apply(hub, changes)).states).toEqual({ delivered: 6 })
})
