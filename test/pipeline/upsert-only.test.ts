/** A target that only upserts by a natural key: what is linked is reached by the key that stood there, never by another one. */
import { expect, test } from 'vitest'
import { breakLeases } from '../../src/store/index.ts'
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

/** A worker dies when its upsert of two members is done, and one of the two leaves the source before somebody comes again. */
async function leftAfterDeath(lookup: string[], leaves: 'deleted' | 'filtered') {
  const crm = new MemorySystem().stream('contacts')
  const club = new MemorySystem().stream('members', {
    create: false,
    update: false,
    upsert: true,
    upsertBy: ['email'],
    lookup,
  })
  const sync: TestSync = {
    ...contactSync,
    deletes: 'delete',
    onLeave: 'delete',
    deleteLimits: { maxShare: 1, maxCount: 100 },
    run: ({ email, name }) => (name === 'Private' ? { status: 'filtered' } : one({ email: email!, name: name! })),
  }
  for (const i of [0, 1]) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `P${i}` })
  const hub = await TestHub.open({ crm, club }, [sync])
  await hub.pull('crm:contacts')
  let died = false
  club.afterWrite = async () => {
    if (died) return
    died = true
    await breakLeases(hub.pool)
    throw new Error('the process died here')
  }
  await hub.push('contacts').catch(() => null)
  expect(club.list('members')).toHaveLength(2)
  if (leaves === 'deleted') crm.remove('contacts', 'c0')
  else crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Private' })
  const survivor = await TestHub.open({ crm, club }, [sync], hub.pool)
  await survivor.pull('crm:contacts')
  for (let pass = 0; pass < 3; pass++) {
    await survivor.skipWaits()
    await survivor.push('contacts')
  }
  return { club, survivor }
}

test.each(['deleted', 'filtered'] as const)(
  'what an upsert made before its worker died is taken back by its key when its record was %s meanwhile',
  async (leaves) => {
    const { club, survivor } = await leftAfterDeath(['email'], leaves)
    expect(club.list('members').map(({ body }) => body.email)).toEqual(['p1@example.test'])
    expect(await survivor.states('contacts')).toEqual({ delivered: 1, [leaves === 'deleted' ? 'gone' : 'skipped']: 1 })
    expect((await survivor.pool.query('select 1 from intent')).rowCount).toBe(0)
  },
)

test('where the target has no look-up, a person is asked to remove it, and it does not stay unnoticed', async () => {
  const { survivor } = await leftAfterDeath([], 'deleted')
  expect(await survivor.states('contacts')).toEqual({ delivered: 1, dead: 1 })
  const { rows } = await survivor.pool.query(
    "select error::jsonb->>'code' as code from dead_letter where state = 'open'",
  )
  expect(rows).toEqual([{ code: 'CSW-5004' }])
})
