/** Syncs that go both ways: edits on both sides, our own writes that come back, conflicts, deletions, rings, races. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import type { ConflictPolicy } from '../../src/mapping/index.ts'
import { TestHub } from './hub.ts'
import { MemorySystem } from './memory-system.ts'
import { anna, edit, open, pair, SAME } from './two-way-hub.ts'

test('a new record on either side is made on the other, edits of different fields survive, and then nobody writes', async () => {
  const { crm, desk, cycle, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  desk.put('users', 'u1', { ...anna, email: 'b@example.test', name: 'Bea' })
  expect(await cycle()).toBe(0)
  expect([left().length, right().length]).toEqual([2, 2])
  expect([crm.journal.length, desk.journal.length]).toEqual([1, 1])
  edit(crm, 'contacts', { name: 'Anna Maria' })
  edit(desk, 'users', { phone: '2' })
  const [user] = desk.list('users').filter(({ body }) => body.email === 'a@example.test')
  desk.put('users', user!.id, { ...user!.body, tags: ['y'] })
  expect(await cycle()).toBe(0)
  const merged = { ...anna, name: 'Anna Maria', tags: ['y'] }
  expect(left().map(({ body }) => body)).toContainEqual(merged)
  expect(right().map(({ body }) => body)).toContainEqual(merged)
  expect(
    left()
      .map(({ body }) => body.phone)
      .sort(),
  ).toEqual(['1', '2'])
  // One write for each edit, and none of them comes back.
  expect([crm.journal.length, desk.journal.length]).toEqual([3, 2])
})

test('both sides changed fields: each goes by its policy', async () => {
  const policies: [ConflictPolicy, JsonObject[string], JsonObject[string], JsonObject[string]][] = [
    ['from', 'Left', 'Right', 'Left'],
    ['to', 'Left', 'Right', 'Right'],
    ['newest', 'Left', 'Right', 'Right'],
    ['non-empty', '', 'Right', 'Right'],
    ['longest', 'Longer', 'Short', 'Longer'],
    ['max', 9, 30, 30],
    ['union', ['x', 'l'], ['x', 'r'], ['x', 'l', 'r']],
  ]
  const named = policies.map(([policy, ...values]) => ({ field: `f_${policy}`, policy, values }))
  const both = { email: 'email', ...Object.fromEntries(named.map(({ field }) => [field, field])) }
  const fields = Object.fromEntries(named.map(({ field, policy }) => [field, policy]))
  const { crm, desk, hub, cycle, left, right } = await open({ both, fields })
  const before = Object.fromEntries(named.map(({ field }) => [field, 'before']))
  crm.put('contacts', 'c1', { email: 'a@example.test', ...before })
  await cycle(2)
  edit(crm, 'contacts', Object.fromEntries(named.map(({ field, values }) => [field, values[0]!])))
  await hub.pull('crm:contacts')
  edit(desk, 'users', Object.fromEntries(named.map(({ field, values }) => [field, values[1]!])))
  expect(await cycle()).toBe(0)
  const wanted = {
    email: 'a@example.test',
    ...Object.fromEntries(named.map(({ field, values }) => [field, values[2]!])),
  }
  expect(left()[0]!.body).toEqual(wanted)
  expect(right()[0]!.body).toEqual(wanted)
})

test('what is asked waits, the other fields go on, and the answer holds for both sides', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left', phone: '7' })
  edit(desk, 'users', { name: 'Right', tags: ['z'] })
  expect(await cycle()).toBe(0)
  expect(left()[0]!.body).toEqual({ ...anna, name: 'Left', phone: '7', tags: ['z'] })
  expect(right()[0]!.body).toEqual({ ...anna, name: 'Right', phone: '7', tags: ['z'] })
  const [asked, ...more] = await conflicts()
  expect(more).toEqual([])
  expect(asked).toMatchObject({ field: 'name', base: '"Anna"', from: '"Left"', to: '"Right"', state: 'open' })
  const decide = (id: number, decision: 'from' | 'to' | 'value', value: string | null = null) =>
    hub.ports.ledger.decideConflicts([id], { decision, value, actor: 'test', note: null })
  expect(await decide(asked.id, 'to')).toMatchObject({ decided: 1 })
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Right', 'Right'])
  edit(crm, 'contacts', { name: 'Left 2' })
  edit(desk, 'users', { name: 'Right 2' })
  await cycle()
  const [second] = (await conflicts()).filter(({ state }) => state === 'open')
  await decide(second.id, 'value', '"Both"')
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Both', 'Both'])
  // A conflict that the sides settle between themselves asks nobody any more.
  edit(crm, 'contacts', { name: 'Left 3' })
  edit(desk, 'users', { name: 'Right 3' })
  await cycle()
  edit(crm, 'contacts', { name: 'Right 3' })
  await cycle()
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled', 'settled', 'settled'])
})

const LOSSY = (body: JsonObject): JsonObject => ({
  ...body,
  name: String(body.name).trim().toLowerCase(),
  phone: String(Math.round(Number(body.phone))),
  tags: body.tags ?? ['default'],
})

test('a target that trims, lowers and rounds is written once for each edit', async () => {
  const { crm, desk, cycle, left, right } = await open()
  desk.stores = LOSSY
  crm.put('contacts', 'c1', { email: 'a@example.test', name: ' Anna ', phone: '1.4' })
  expect(await cycle()).toBe(0)
  expect(right()[0]!.body).toMatchObject({ name: 'anna', phone: '1', tags: ['default'] })
  edit(crm, 'contacts', { name: 'Bea', phone: '2.6' })
  expect(await cycle()).toBe(0)
  expect(right()[0]!.body).toMatchObject({ name: 'bea', phone: '3' })
  expect(left()[0]!.body).toEqual({ email: 'a@example.test', name: 'Bea', phone: '2.6' })
  expect([crm.journal.length, desk.journal.length]).toEqual([0, 2])
  edit(desk, 'users', { name: 'clara' })
  expect(await cycle()).toBe(0)
  expect(left()[0]!.body.name).toBe('clara')
})

test('without knowing its own writes the same hub writes them back', async () => {
  const { crm, desk, cycle } = await open({ knowsEchoes: false })
  desk.stores = LOSSY
  crm.put('contacts', 'c1', { email: 'a@example.test', name: ' Anna ', phone: '1.4' })
  await cycle()
  edit(crm, 'contacts', { name: 'Bea', phone: '2.6' })
  await cycle()
  expect([crm.journal.length, desk.journal.length]).not.toEqual([0, 2])
})

test('two systems that rewrite each other are paused, and the letter names the field', async () => {
  const { crm, desk, hub, cycle } = await open()
  desk.stores = (body) => ({ ...body, name: `${body.name}!` })
  crm.stores = (body) => ({ ...body, name: `${body.name}?` })
  crm.put('contacts', 'c1', anna)
  expect(await cycle(20)).toBe(0)
  const { rows } = await hub.pool.query(`select name, state, state_reason from sync where state = 'paused'`)
  expect(rows.map(({ name }) => name).sort()).toEqual(['people', 'people~back'])
  expect(rows[0].state_reason).toContain('CSW-5023: "name"')
  const letters = await hub.pool.query(`select code, output from dead_letter where state = 'open'`)
  expect(letters.rows).toHaveLength(1)
  expect(letters.rows[0].output).toContain('Anna')
})

test('two full systems meet: what is equal is agreed, what differs is asked, nothing is written over or made twice', async () => {
  const { crm, desk, cycle, conflicts, left, right } = await open()
  for (let i = 0; i < 20; i++) {
    crm.put('contacts', `c${i}`, { ...anna, email: `p${i}@example.test` })
    if (i < 15)
      desk.put('users', `u${i}`, { ...anna, email: `p${i}@example.test`, ...(i < 5 ? { name: `Other ${i}` } : {}) })
  }
  expect(await cycle()).toBe(0)
  expect([left().length, right().length]).toEqual([20, 20])
  expect([crm.journal.length, desk.journal.length]).toEqual([0, 5])
  expect(await conflicts()).toHaveLength(5)
})

test('a deletion goes over once; a record that was edited on the other side comes back', async () => {
  const { crm, desk, cycle, left, right } = await open({ policy: 'longest' })
  crm.put('contacts', 'c1', anna)
  crm.put('contacts', 'c2', { ...anna, email: 'b@example.test' })
  await cycle()
  desk.remove('users', right().find(({ body }) => body.email === 'b@example.test')!.id)
  expect(await cycle()).toBe(0)
  expect(left().map(({ id }) => id)).toEqual(['c1'])
  expect(crm.journal.map(({ operation }) => operation)).toEqual(['delete'])
  crm.remove('contacts', 'c1')
  edit(desk, 'users', { phone: '5' })
  expect(await cycle()).toBe(0)
  expect(left().map(({ body }) => body)).toEqual([{ ...anna, phone: '5' }])
  expect(right()).toHaveLength(1)
  // The other way round: deleted there, edited here.
  desk.remove('users', right()[0]!.id)
  edit(crm, 'contacts', { name: 'Still here' })
  expect(await cycle(6)).toBe(0)
  expect(right().map(({ body }) => body.name)).toEqual(['Still here'])
  expect(left()).toHaveLength(1)
})

test('three systems in a ring come to the same and to rest', async () => {
  const systems = {
    a: new MemorySystem().stream('p'),
    b: new MemorySystem().stream('p'),
    c: new MemorySystem().stream('p'),
  }
  const ring = [
    ['a', 'b'],
    ['b', 'c'],
    ['c', 'a'],
  ] as const
  const hub = await TestHub.open(
    systems,
    ring.flatMap(([from, to]) => pair(`${from}:p`, `${to}:p`, SAME, { name: `${from}${to}`, policy: 'newest' })),
  )
  const cycle = async (): Promise<number> => {
    const before = Object.values(systems).map(({ journal }) => journal.length)
    for (const name of Object.keys(systems)) await hub.pull(`${name}:p`)
    for (const [from, to] of ring) {
      await hub.push(`${from}${to}`)
      await hub.push(`${from}${to}~back`)
    }
    await hub.skipWaits()
    return Object.values(systems).reduce((sum, { journal }, i) => sum + journal.length - before[i]!, 0)
  }
  const rest = async (): Promise<number> => {
    for (let round = 0; round < 5; round++) await cycle()
    return cycle()
  }
  systems.a.put('p', '1', anna)
  expect(await rest()).toBe(0)
  expect(Object.values(systems).map((system) => system.list('p').length)).toEqual([1, 1, 1])
  edit(systems.a, 'p', { name: 'From a' })
  edit(systems.b, 'p', { phone: '22' })
  edit(systems.c, 'p', { tags: ['c'] })
  expect(await rest()).toBe(0)
  const bodies = Object.values(systems).map((system) => system.list('p')[0]!.body)
  for (const body of bodies) expect(body).toEqual({ ...anna, name: 'From a', phone: '22', tags: ['c'] })
})

test('both directions at once: each edit is on both sides, whoever commits first', async () => {
  const { crm, desk, hub, left, right } = await open({ policy: 'newest' })
  const n = 30
  for (let i = 0; i < n; i++) crm.put('contacts', `c${i}`, { ...anna, email: `p${i}@example.test` })
  const together = async (): Promise<void> => {
    await Promise.all([hub.pull('crm:contacts'), hub.pull('desk:users')])
    await Promise.all([hub.push('people'), hub.push('people~back')])
    await hub.skipWaits()
  }
  await together()
  await together()
  for (let turn = 1; turn <= 3; turn++) {
    for (const row of left()) crm.put('contacts', row.id, { ...row.body, name: `${row.id} ${turn}` })
    for (const row of right()) desk.put('users', row.id, { ...row.body, phone: `${turn}` })
    await together()
  }
  for (let round = 0; round < 5; round++) await together()
  const quiet = crm.journal.length + desk.journal.length
  await together()
  expect(crm.journal.length + desk.journal.length).toBe(quiet)
  const byMail = (rows: { body: JsonObject }[]) => new Map(rows.map(({ body }) => [body.email, body]))
  const [ours, theirs] = [byMail(left()), byMail(right())]
  expect(theirs).toEqual(ours)
  for (const [i, row] of left().entries()) expect(row.body).toMatchObject({ name: `c${i} 3`, phone: '3' })
})

test('answers to two conflicts inside one object are both carried out, each by the side that has to write', async () => {
  for (const backFirst of [false, true]) {
    const { crm, desk, hub, conflicts, left, right } = await open({ both: { email: 'email', address: 'address' } })
    const at = (street: string, city: string) => ({ email: 'a@example.test', address: { street, city } })
    crm.put('contacts', 'c1', at('Old 1', 'Old'))
    const round = async (order: string[]) => {
      await hub.pull('crm:contacts')
      await hub.pull('desk:users')
      for (const sync of order) await hub.push(sync)
      await hub.skipWaits()
    }
    const both = ['people', 'people~back']
    for (let i = 0; i < 3; i++) await round(both)
    edit(crm, 'contacts', at('Left 1', 'Left'))
    edit(desk, 'users', at('Right 1', 'Right'))
    await round(both)
    const open2 = (await conflicts()).filter(({ state }) => state === 'open')
    expect(open2.map(({ field }) => field).sort()).toEqual(['address.city', 'address.street'])
    for (const { id, field } of open2) {
      const decision = field === 'address.city' ? 'from' : 'to'
      await hub.ports.ledger.decideConflicts([id], { decision, value: null, actor: 'test', note: null })
    }
    for (let i = 0; i < 3; i++) await round(backFirst ? both.toReversed() : both)
    const wanted = { street: 'Right 1', city: 'Left' }
    expect([left()[0]!.body.address, right()[0]!.body.address]).toEqual([wanted, wanted])
    expect((await conflicts()).every(({ state }) => state === 'settled')).toBe(true)
  }
})

test('an edit beside what is asked inside an object goes over, and the question stays', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open({ both: { email: 'email', address: 'address' } })
  const at = (street: string, city: string) => ({ email: 'a@example.test', address: { street, city } })
  crm.put('contacts', 'c1', at('Old 1', 'Old'))
  await cycle()
  edit(crm, 'contacts', at('Left 1', 'Old'))
  edit(desk, 'users', at('Right 1', 'Old'))
  await cycle()
  edit(crm, 'contacts', at('Left 1', 'New'))
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.address, right()[0]!.body.address]).toEqual([
    { street: 'Left 1', city: 'New' },
    { street: 'Right 1', city: 'New' },
  ])
  const asked = (await conflicts()).filter(({ state }) => state === 'open')
  expect(asked).toMatchObject([{ field: 'address.street', from: '"Left 1"', to: '"Right 1"' }])
  await hub.ports.ledger.decideConflicts([asked[0]!.id], { decision: 'to', value: null, actor: 'test', note: null })
  await cycle()
  expect(left()[0]!.body.address).toEqual({ street: 'Right 1', city: 'New' })
})
