/** Records that the hub deleted in the target, and that are to be made anew before the target was read again. */
import { expect, test } from 'vitest'
import { CausewayError } from '../../src/core/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  deletes: 'delete',
  match: [['email']],
  run: ({ email, name }) => one({ email: email!, name: name! }),
}
const email = 'a@example.test'

/** The log shows a customer that the hub has deleted since. */
async function deleted(asks: 'by id' | 'by key' | 'not at all' = 'by id') {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers', asks === 'not at all' ? { lookup: [] } : {})
  if (asks !== 'by id')
    erp.fetch = async () => {
      throw new CausewayError('CSW-2003', { what: 'no single records' })
    }
  crm.put('contacts', 'c1', { email, name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [sync])
  const push = async (times = 1) => {
    await hub.pull('crm:contacts')
    for (let time = 0; time < times; time++) {
      await hub.push('copy')
      await hub.skipWaits()
    }
  }
  await push()
  await hub.pull('erp:customers')
  crm.remove('contacts', 'c1')
  await push()
  expect(erp.list('customers')).toEqual([])
  const letters = async () => (await hub.pool.query('select code from dead_letter')).rows
  return { crm, erp, hub, push, letters }
}

test.each([
  ['by id', 'c1', 'A'],
  ['by id', 'c1', 'B'],
  ['by id', 'c2', 'A'],
  ['by key', 'c1', 'A'],
  ['by key', 'c2', 'B'],
] as const)('a target that is asked %s has it again at once (%s, %s)', async (asks, id, name) => {
  const { crm, erp, push, letters } = await deleted(asks)
  crm.put('contacts', id, { email, name })
  await push()
  expect(erp.list('customers').map(({ body }) => body)).toEqual([{ email, name }])
  await push(2)
  expect(erp.journal.map(({ operation }) => operation)).toEqual(['create', 'delete', 'create'])
  expect(await letters()).toEqual([])
})

test('one that somebody restored there meanwhile is taken, and not made a second time', async () => {
  const { crm, erp, push } = await deleted()
  const [row] = [...erp.rows.get('customers')!.values()]
  erp.put('customers', row!.id, { email, name: 'Restored' })
  crm.put('contacts', 'c2', { email, name: 'B' })
  await push()
  expect(erp.list('customers').map(({ id, body }) => [id, body.name])).toEqual([[row!.id, 'B']])
})

test('where the target cannot be asked the log is believed, for a second one is worse than a letter', async () => {
  const { crm, erp, push } = await deleted('not at all')
  crm.put('contacts', 'c2', { email, name: 'B' })
  await push(4)
  expect(erp.list('customers')).toEqual([])
})

test.each(['by id', 'by key'] as const)(
  'what somebody deleted there since it was read is looked for at the second try (%s), and made',
  async (asks) => {
    const { crm, erp, hub, push, letters } = await deleted(asks)
    erp.put('customers', 't9', { email: 'other@example.test', name: 'Other' })
    await hub.pull('erp:customers')
    erp.rows.get('customers')!.delete('t9')
    crm.put('contacts', 'c9', { email: 'other@example.test', name: 'Wanted' })
    await push(2)
    expect(erp.list('customers').map(({ body }) => body.name)).toEqual(['Wanted'])
    expect(await letters()).toEqual([])
  },
)
