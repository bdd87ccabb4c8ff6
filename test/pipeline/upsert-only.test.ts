/** A target that only upserts by a natural key: what is linked is reached by the key that stood there, never by another one. */
import { expect, test } from 'vitest'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const contactSync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'club:members',
  match: [['email']],
  run: ({ email, name }) => one({ email: email!, name: name! }),
}

test('a linked record is changed by its key; where the key itself changes there is a letter, and no second record', async () => {
  const crm = new MemorySystem().stream('contacts')
  const club = new MemorySystem().stream('members', { create: false, update: false, upsert: true, upsertBy: ['email'] })
  for (const i of [0, 1]) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}` })
  club.put('members', 'there', { email: 'p1@example.test', name: 'older', tier: 'gold' })
  const hub = await TestHub.open({ crm, club }, [contactSync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Renamed' })
  crm.put('contacts', 'c1', { email: 'other@example.test', name: 'P1' })
  await hub.pull('crm:contacts')
  const { counts } = (await hub.push('contacts'))!
  expect(counts).toMatchObject({ read: 2, dead: 1 })
  expect(club.list('members').map(({ body }) => body)).toEqual([
    { email: 'p1@example.test', name: 'P1', tier: 'gold' },
    { email: 'p0@example.test', name: 'Renamed' },
  ])
  expect(club.journal.map(({ operation }) => operation)).toEqual(['upsert', 'upsert', 'upsert'])
})
