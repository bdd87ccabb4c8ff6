/** Two-way syncs: conflicts whose sides come to agree, and edits that were read before a write of the hub's own. */
import { expect, test } from 'vitest'
import { pathOf, stepsOf } from '../../src/pipeline/conflict-paths.ts'
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

test('a question about an edit that was taken back before anybody pulled it is closed by the next look', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await hub.pull('crm:contacts')
  await hub.push('people')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['open'])
  edit(desk, 'users', { name: 'Anna' })
  await hub.pull('desk:users')
  await hub.push('people')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['open'])
  const { rows } = await hub.pool.query<{ minutes: number }>(
    "select extract(epoch from next_attempt_at - now()) / 60 as minutes from delivery where record_id = 'c1'",
  )
  expect(Number(rows[0]!.minutes)).toBeGreaterThan(50)
  await hub.skipWaits()
  await hub.push('people')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
  expect(await cycle()).toBe(0)
  for (const [row] of [left(), right()]) expect(row!.body.name).toBe('Left')
  const { rowCount } = await hub.pool.query('select from delivery where next_attempt_at is not null')
  expect(rowCount).toBe(0)
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

test('a question inside an object with two names is closed by the direction that did not ask it', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open({ both: { email: 'email', addr: 'address' } })
  const at = (street: string, city: string) => ({ street, city })
  crm.put('contacts', 'c1', { email: 'a@example.test', addr: at('S', 'C') })
  await cycle()
  edit(crm, 'contacts', { addr: at('S', 'Left') })
  edit(desk, 'users', { address: at('S', 'Right') })
  // The way back asks, and the way there finds that both say the same by now.
  await hub.pull('desk:users')
  await hub.push('people~back')
  expect(await conflicts()).toMatchObject([{ field: 'address.city', state: 'open' }])
  edit(desk, 'users', { address: at('S', 'Left') })
  await hub.pull('crm:contacts')
  await hub.push('people')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.addr, right()[0]!.body.address]).toEqual([at('S', 'Left'), at('S', 'Left')])
})

test('a field with a dot in its name is no inside of another one', async () => {
  const both = { email: 'email', home: 'home', homeCity: 'home.city' }
  const { crm, desk, hub, cycle, conflicts, left, right } = await open({ both })
  crm.put('contacts', 'c1', { email: 'a@example.test', home: { city: 'A' }, homeCity: 'A' })
  await cycle()
  edit(crm, 'contacts', { home: { city: 'Left' }, homeCity: 'Left' })
  edit(desk, 'users', { home: { city: 'Right' }, 'home.city': 'Right' })
  await cycle()
  const open2 = await conflicts()
  expect(open2.map(({ field, state }) => [field, state]).sort()).toEqual([
    ['`home.city`', 'open'],
    ['home.city', 'open'],
  ])
  for (const { id, field } of open2)
    await hub.ports.ledger.decideConflicts([id], {
      ...{ decision: field === 'home.city' ? 'from' : 'to', value: null, actor: 'test', note: null },
    } as never)
  await cycle()
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled', 'settled'])
  expect(left()[0]!.body).toMatchObject({ home: { city: 'Left' }, homeCity: 'Right' })
  expect(right()[0]!.body).toMatchObject({ home: { city: 'Left' }, 'home.city': 'Right' })
})

test.each([['city'], ['a.b'], ['`'], ['a`.b`'], ['', 'x'], ['address', 'a.b', 'c`']])(
  'steps come back: %s %s',
  (...steps) => {
    expect(stepsOf(pathOf(steps))).toEqual(steps)
  },
)

test('a question shows what stands there now, whichever direction asked it first, and an answer to it holds', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await hub.pull('desk:users')
  await hub.push('people~back')
  edit(crm, 'contacts', { name: 'Left again' })
  await hub.pull('crm:contacts')
  await hub.push('people')
  const [{ id, ...question }] = await conflicts()
  expect(question).toMatchObject({ from: '"Left again"', to: '"Right"', state: 'open' })
  await hub.ports.ledger.decideConflicts([id], { decision: 'from', value: null, actor: 'test', note: null })
  await hub.push('people~back')
  await hub.push('people')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Left again', 'Left again'])
})

/** Both sides edited the name; only the way there has not looked yet. */
async function contested() {
  const opened = await open()
  const { crm, desk, hub, cycle } = opened
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await hub.pull('crm:contacts')
  await hub.pull('desk:users')
  return opened
}

test('a question is closed by the direction that never asked it, when the edit of its side is taken back', async () => {
  const { crm, hub, conflicts, left, right } = await contested()
  await hub.push('people~back')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['open'])
  edit(crm, 'contacts', { name: 'Anna', phone: '2' })
  await hub.pull('crm:contacts')
  await hub.push('people')
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
  await hub.push('people~back')
  for (const [row] of [left(), right()]) expect(row!.body).toMatchObject({ name: 'Right', phone: '2' })
})

test('nothing is asked with a value that was taken back between the look and the commit', async () => {
  const { crm, hub, conflicts, left, right } = await contested()
  const fetch = crm.fetch.bind(crm)
  crm.fetch = async (request) => {
    crm.fetch = fetch
    const seen = await fetch(request)
    edit(crm, 'contacts', { name: 'Anna' })
    await hub.pull('crm:contacts')
    await hub.push('people')
    return seen
  }
  await hub.push('people~back')
  await hub.push('people~back')
  expect((await conflicts()).filter(({ state }) => state !== 'settled')).toEqual([])
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Right', 'Right'])
})

test('a decision that comes while a direction is committing what it looked at before is carried out', async () => {
  const { hub, desk, conflicts, left, right } = await contested()
  await hub.push('people~back')
  edit(desk, 'users', { phone: '2' })
  await hub.pull('desk:users')
  const { ledger } = hub.ports
  const commitBatch = ledger.commitBatch.bind(ledger)
  ledger.commitBatch = async (batch) => {
    ledger.commitBatch = commitBatch
    const [{ id }] = await conflicts()
    await ledger.decideConflicts([id], { decision: 'to', value: null, actor: 'test', note: null })
    await commitBatch(batch)
  }
  await hub.push('people~back')
  await hub.push('people~back')
  for (const [row] of [left(), right()]) expect(row!.body).toMatchObject({ name: 'Right', phone: '2' })
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
})
