/** Two-way syncs with targets that give ETags: what somebody edits between the look and the write is not run over. */
import { expect, test } from 'vitest'
import { anna, edit, open } from './two-way-hub.ts'

async function raced(policy: 'ask' | 'to', conditional: boolean, meanwhile: 'edit' | 'edit of another field') {
  const opened = await open({ policy })
  const { crm, desk, hub, cycle } = opened
  desk.conditional = conditional
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  desk.onWrite = async () => {
    desk.onWrite = async () => {}
    edit(desk, 'users', meanwhile === 'edit' ? { name: 'Right' } : { phone: '2' })
  }
  await hub.pull('crm:contacts')
  await hub.push('people')
  return opened
}

test('an edit of the same field is a conflict, and is asked', async () => {
  const { cycle, conflicts, left, right } = await raced('ask', true, 'edit')
  expect(right()[0]!.body.name).toBe('Right')
  await cycle()
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Left', 'Right'])
  expect(await conflicts()).toMatchObject([{ field: 'name', from: '"Left"', to: '"Right"', state: 'open' }])
})

test('a conflict that a policy decides is decided on what stands there', async () => {
  const { cycle, left, right } = await raced('to', true, 'edit')
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Right', 'Right'])
})

test.each([true, false])('an edit of another field survives in any case (conditional: %s)', async (conditional) => {
  const { cycle, left, right } = await raced('ask', conditional, 'edit of another field')
  expect(await cycle()).toBe(0)
  for (const [row] of [left(), right()]) expect(row!.body).toMatchObject({ name: 'Left', phone: '2' })
})

test('a deletion does not take along what was edited after the look', async () => {
  const { crm, desk, hub, cycle, conflicts, right } = await open({ policy: 'ask' })
  desk.conditional = true
  crm.put('contacts', 'c1', anna)
  await cycle()
  crm.remove('contacts', 'c1')
  desk.onWrite = async () => {
    desk.onWrite = async () => {}
    edit(desk, 'users', { name: 'Right' })
  }
  await hub.pull('crm:contacts')
  await hub.push('people')
  await hub.skipWaits()
  await hub.push('people')
  expect(right()).toHaveLength(1)
  expect(await conflicts()).toMatchObject([{ field: '', state: 'open' }])
})
