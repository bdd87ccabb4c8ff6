/** Two-way syncs: nobody comes to say whether an update was done, and people go on editing. */
import { expect, test } from 'vitest'
import { CausewayError } from '../../src/core/index.ts'
import { anna, edit, open } from './two-way-hub.ts'

/** The answer to the update of a name is lost, and then the name is edited again where it came from. */
async function lost(policy: 'from' | 'newest' | 'ask') {
  const opened = await open({ policy })
  const { crm, desk, hub, cycle } = opened
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(desk, 'users', { name: 'First' })
  await hub.pull('desk:users')
  crm.fault = () => 'lost-answer'
  await hub.push('people~back')
  crm.fault = () => undefined
  expect(crm.list('contacts')[0]!.body.name).toBe('First')
  edit(desk, 'users', { name: 'Second' })
  await hub.pull('desk:users')
  return opened
}

test.each(['from', 'newest', 'ask'] as const)(
  'what was sent before is no edit of the other side (%s)',
  async (policy) => {
    const { crm, hub, cycle, conflicts, left, right } = await lost(policy)
    // Later than the edit of the name, and of another field.
    edit(crm, 'contacts', { phone: '2' })
    await hub.skipWaits()
    await hub.push('people~back')
    expect(left()[0]!.body).toMatchObject({ name: 'Second', phone: '2' })
    expect(await cycle()).toBe(0)
    for (const [row] of [left(), right()]) expect(row!.body).toMatchObject({ name: 'Second', phone: '2' })
    expect(await conflicts()).toEqual([])
  },
)

test('an edit that is taken back after a write of unknown outcome is taken back on the other side too', async () => {
  const { desk, hub, cycle, left, right } = await lost('from')
  edit(desk, 'users', { name: 'Anna' })
  await hub.pull('desk:users')
  await hub.skipWaits()
  await hub.push('people~back')
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Anna', 'Anna'])
})

test('an edit over what was sent is one, and a conflict like any other', async () => {
  const { crm, hub, cycle, conflicts, left, right } = await lost('ask')
  edit(crm, 'contacts', { name: 'Left' })
  await hub.skipWaits()
  await cycle()
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Left', 'Second'])
  expect(await conflicts()).toMatchObject([{ field: 'name', state: 'open' }])
})

test('two writes of unknown outcome in a row, the second one not done: what the first one sent is still known', async () => {
  const { crm, desk, hub, cycle, left, right } = await lost('from')
  crm.onWrite = async () => {
    crm.onWrite = async () => {}
    throw new CausewayError('CSW-3012', { what: 'connection reset' })
  }
  await hub.skipWaits()
  await hub.push('people~back')
  expect(left()[0]!.body.name).toBe('First')
  edit(desk, 'users', { name: 'Third' })
  await hub.pull('desk:users')
  await hub.skipWaits()
  await hub.push('people~back')
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Third', 'Third'])
})
