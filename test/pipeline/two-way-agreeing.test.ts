/** Two-way syncs: conflicts whose sides come to agree, and edits that were read before a write of the hub's own. */
import { expect, test } from 'vitest'
import { anna, edit, open } from './two-way-hub.ts'

test('a conflict is closed by the direction that finds both sides the same, also where the other one asked', async () => {
  const { crm, desk, hub, cycle, conflicts } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  // The way there sees both edits, and nobody reads the other side before somebody settles it by hand.
  await hub.pull('crm:contacts')
  await hub.push('people')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['open'])
  edit(desk, 'users', { name: 'Left' })
  await hub.pull('desk:users')
  await hub.push('people~back')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
})

test('an edit that is taken back closes the conflict, and the edit of the other side goes over', async () => {
  const { crm, desk, cycle, conflicts, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await cycle()
  edit(crm, 'contacts', { name: 'Anna' })
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Right', 'Right'])
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
})

test('a direction that looked before an answer was carried out does not ask again', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await cycle()
  const [{ id }] = await conflicts()
  await hub.ports.ledger.decideConflicts([id], { decision: 'from', value: null, actor: 'test', note: null })
  const fetch = crm.fetch.bind(crm)
  crm.fetch = async (request) => {
    crm.fetch = fetch
    await hub.push('people')
    return fetch(request)
  }
  await hub.push('people~back')
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Left', 'Left'])
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Left', 'Left'])
})

test('an edit goes over although the hub wrote another field of the record after it was read', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  desk.put('users', 'u1', anna)
  await hub.pull('desk:users')
  await hub.push('people~back')
  // What was made is edited before it was ever read, and then read; then the other side's edit is written to it.
  edit(crm, 'contacts', { name: 'Left' })
  await hub.pull('crm:contacts')
  edit(desk, 'users', { phone: '2' })
  await hub.pull('desk:users')
  await hub.push('people~back')
  expect(left()[0]!.body).toMatchObject({ name: 'Left', phone: '2' })
  await hub.push('people')
  expect(right()[0]!.body).toMatchObject({ name: 'Left', phone: '2' })
  expect(await cycle()).toBe(0)
})

test('an edit that goes over beside one that is taken back is agreed on both sides', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await cycle()
  edit(crm, 'contacts', { name: 'Anna', phone: '2' })
  await hub.pull('crm:contacts')
  await hub.push('people')
  const { rows } = await hub.pool.query<{ phone: string; due: boolean }>(
    `select delivered::json ->> 'phone' as phone, next_attempt_at is not null as due from delivery d join sync s on s.id = d.sync_id
      where s.name = 'people~back'`,
  )
  expect(rows).toEqual([{ phone: '2', due: true }])
  expect(await cycle()).toBe(0)
  for (const [row] of [left(), right()]) expect(row!.body).toMatchObject({ name: 'Right', phone: '2' })
})
