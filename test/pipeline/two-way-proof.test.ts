/** Two-way syncs: what is an edit and what is an echo, what is a deletion and what only looks like one, who may make a record. */
import { expect, test } from 'vitest'
import { anna, edit, open } from './two-way-hub.ts'

const PRICE = { email: 'email', name: 'name', price: 'price' }
const goods = { email: 'a@example.test', name: 'Anna', price: 19.99 }

test('an edit that looks like a rewriting of our own write goes over', async () => {
  const { crm, desk, hub, cycle, left, right } = await open({ both: PRICE })
  crm.put('contacts', 'c1', { ...goods, price: 10, name: 'Bea' })
  await cycle()
  edit(crm, 'contacts', { price: 19.99, name: 'Anna' })
  await hub.pull('crm:contacts')
  await hub.push('people')
  // Before anybody read what was written: another price, and another case.
  edit(desk, 'users', { price: 20, name: 'ANNA' })
  expect(await cycle()).toBe(0)
  const wanted = { ...goods, price: 20, name: 'ANNA' }
  expect([left()[0]!.body, right()[0]!.body]).toEqual([wanted, wanted])
})

test('what a person fills in right after a record was made goes over', async () => {
  const { crm, desk, hub, cycle, left } = await open({ both: PRICE })
  const { price: _none, ...bare } = goods
  crm.put('contacts', 'c1', bare)
  await hub.pull('crm:contacts')
  await hub.push('people')
  edit(desk, 'users', { price: 5 })
  expect(await cycle()).toBe(0)
  expect(left()[0]!.body).toEqual({ ...goods, price: 5 })
})

test('such an edit against a changed value is a conflict like any other', async () => {
  const { crm, desk, cycle, conflicts, left, right } = await open({ both: PRICE })
  crm.put('contacts', 'c1', goods)
  await cycle()
  edit(crm, 'contacts', { price: 25, name: 'Bea' })
  edit(desk, 'users', { price: 20, name: 'anna' })
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.price, right()[0]!.body.price]).toEqual([25, 20])
  expect((await conflicts()).map(({ field, state }) => [field, state]).sort()).toEqual([
    ['name', 'open'],
    ['price', 'open'],
  ])
})

test('a target that rewrites what it is given is edited and written without a question', async () => {
  const { crm, desk, cycle, conflicts, left, right } = await open({ both: PRICE })
  desk.stores = (body) => ({ ...body, name: String(body.name).toLowerCase(), price: Math.round(Number(body.price)) })
  crm.put('contacts', 'c1', goods)
  await cycle()
  edit(crm, 'contacts', { price: 5.4 })
  expect(await cycle()).toBe(0)
  edit(desk, 'users', { name: 'clara' })
  edit(crm, 'contacts', { price: 7.2 })
  expect(await cycle()).toBe(0)
  expect(left()[0]!.body).toEqual({ ...goods, name: 'clara', price: 7.2 })
  expect(right()[0]!.body).toEqual({ ...goods, name: 'clara', price: 7 })
  edit(desk, 'users', { price: 8 })
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.price, right()[0]!.body.price]).toEqual([8, 8])
  expect(await conflicts()).toEqual([])
})

test('a record that the target leaves out waits; nobody makes it a second time, and it goes on when it shows again', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  const { id } = right()[0]!
  desk.hidden.add(id)
  edit(crm, 'contacts', { name: 'Anna Maria' })
  await cycle(2)
  expect([left().length, right().length]).toEqual([1, 1])
  const { rows } = await hub.pool.query("select error from delivery where state = 'pending' or state = 'dead'")
  expect(rows[0].error).toContain('CSW-5024')
  desk.hidden.clear()
  expect(await cycle(2)).toBe(0)
  expect(right().map(({ body }) => body.name)).toEqual(['Anna Maria'])
  expect(desk.journal.filter(({ operation }) => operation === 'create')).toHaveLength(1)
})

test('one record that cannot be read goes to a person, and the others go on', async () => {
  const { crm, desk, hub, cycle, right } = await open()
  const emails = ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}@example.test`)
  for (const [i, email] of emails.entries()) crm.put('contacts', `c${i}`, { ...anna, email })
  await cycle()
  desk.refused.add(right().find(({ body }) => body.email === 'c@example.test')!.id)
  for (const [i, email] of emails.entries()) crm.put('contacts', `c${i}`, { ...anna, email, name: 'New' })
  await cycle(2)
  const changed = right().filter(({ body }) => body.name === 'New')
  expect(changed.map(({ body }) => body.email).sort()).toEqual(emails.filter((email) => email !== 'c@example.test'))
  expect((await hub.states('people')).dead).toBe(1)
})

test('a record that the other direction is making is not made back', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  desk.stores = (body) => ({ ...body, email: String(body.email).toLowerCase() })
  desk.folds = true
  crm.put('contacts', 'c1', { ...anna, email: 'Anna@Example.test' })
  desk.fault = (operation) => (operation === 'create' ? 'lost-answer' : undefined)
  await hub.pull('crm:contacts')
  await hub.push('people')
  desk.fault = () => undefined
  // Whether it was made is not known yet, and here it is.
  await hub.pull('desk:users')
  await hub.push('people~back')
  expect(left()).toHaveLength(1)
  expect(await cycle(5)).toBe(0)
  expect([left().length, right().length]).toEqual([1, 1])
  edit(desk, 'users', { name: 'Bea' })
  expect(await cycle()).toBe(0)
  expect(left()[0]!.body.name).toBe('Bea')
})

test('a record is not made back when the other direction ends its create between two looks', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  desk.stores = (body) => ({ ...body, email: String(body.email).toLowerCase() })
  desk.folds = true
  crm.put('contacts', 'c1', { ...anna, email: 'Anna@Example.test' })
  desk.fault = (operation) => (operation === 'create' ? 'lost-answer' : undefined)
  await hub.pull('crm:contacts')
  await hub.push('people')
  desk.fault = () => undefined
  await hub.pull('desk:users')
  await hub.skipWaits()
  const { ledger } = hub.ports
  const read = ledger.readWritesUnderWay
  let forward = 0
  ledger.readWritesUnderWay = async (...args) => {
    if (forward++ === 0) await hub.push('people')
    return read(...args)
  }
  await hub.push('people~back')
  ledger.readWritesUnderWay = read
  expect(forward).toBeGreaterThan(0)
  expect(left()).toHaveLength(1)
  await cycle(5)
  expect([left().length, right().length]).toEqual([1, 1])
})

test('a write that a person gave up holds nobody up any more', async () => {
  const { crm, desk, hub, cycle, left } = await open()
  const { email: _none, ...nameless } = anna
  crm.put('contacts', 'c1', nameless)
  desk.fault = (operation) => (operation === 'create' ? 'lost-answer' : undefined)
  await hub.pull('crm:contacts')
  await hub.push('people')
  await hub.skipWaits()
  await hub.push('people')
  desk.fault = () => undefined
  desk.put('users', 'new', { ...anna, email: 'new@example.test' })
  await cycle(2)
  // It might be the one.
  expect(left()).toHaveLength(1)
  const { rows } = await hub.pool.query<{ id: number; code: string }>(
    `select id, code from dead_letter where state = 'open'`,
  )
  expect(rows).toMatchObject([{ code: 'CSW-5004' }])
  // As the letter advises: what was made is removed there, then the letter is given up.
  desk.remove('users', desk.list('users').find(({ body }) => !body.email)!.id)
  await hub.ports.ledger.discardDeadLetters([rows[0]!.id], 'me', 'removed by hand')
  await cycle(3)
  expect(
    left()
      .map(({ body }) => body.email ?? null)
      .sort(),
  ).toEqual(['new@example.test', null])
})

test('deleted on one side and edited on the other: a person is asked, and the answer is carried out', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open()
  const answer = async (decision: 'from' | 'to') => {
    const open = (await conflicts()).filter(({ state }) => state === 'open')
    expect(open.map(({ field }) => field)).toEqual([''])
    await hub.ports.ledger.decideConflicts([open[0].id], { decision, value: null, actor: 'test', note: null })
    expect(await cycle(6)).toBe(0)
    expect((await conflicts()).filter(({ state }) => state !== 'settled')).toEqual([])
  }
  crm.put('contacts', 'c1', anna)
  await cycle()
  crm.remove('contacts', 'c1')
  edit(desk, 'users', { phone: '5' })
  expect(await cycle()).toBe(0)
  expect([left().length, right().length]).toEqual([0, 1])
  await answer('to')
  expect(left().map(({ body }) => body)).toEqual([{ ...anna, phone: '5' }])
  expect(right()).toHaveLength(1)
  crm.remove('contacts', left()[0]!.id)
  edit(desk, 'users', { phone: '6' })
  await cycle()
  await answer('from')
  expect([left().length, right().length]).toEqual([0, 0])
})

test('an answer that deletes is carried out, whichever direction comes first', async () => {
  for (const order of [
    ['people', 'people~back'],
    ['people~back', 'people'],
  ]) {
    const { crm, desk, hub, cycle, conflicts, left, right } = await open()
    crm.put('contacts', 'c1', anna)
    crm.put('contacts', 'c2', { ...anna, email: 'b@example.test' })
    await cycle()
    crm.remove('contacts', 'c1')
    edit(desk, 'users', { phone: '5' })
    desk.remove('users', right()[1]!.id)
    crm.put('contacts', 'c2', { ...anna, email: 'b@example.test', phone: '6' })
    await cycle()
    for (const { id, from } of (await conflicts()).filter(({ state }) => state === 'open'))
      await hub.ports.ledger.decideConflicts([id], {
        decision: from === 'null' ? 'from' : 'to',
        value: null,
        actor: 'test',
        note: null,
      })
    for (const sync of order) await hub.push(sync)
    expect([left(), right()]).toEqual([[], []])
    expect((await conflicts()).map(({ state }) => state)).toEqual(['settled', 'settled'])
  }
})

test('a record that was deleted by the hub and is restored there is new to the other side', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  crm.remove('contacts', 'c1')
  await hub.pull('crm:contacts')
  await hub.push('people')
  expect(right()).toEqual([])
  // Before anybody read that it was gone.
  desk.put('users', 't1', { ...anna, phone: '7' })
  expect(await cycle()).toBe(0)
  expect([left(), right()].map((rows) => rows.map(({ body }) => body.phone))).toEqual([['7'], ['7']])
})

test('what both sides deleted is deleted nowhere again, where a second deletion is taken like the first', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  const deletions: string[] = []
  for (const system of [crm, desk]) {
    const write = system.write.bind(system)
    system.write = async (request) => {
      if (request.operation !== 'delete') return write(request)
      deletions.push(...request.items.map(({ id }) => id!))
      return request.items.map(({ ref, id }) => ({ ref, status: 'written', id: id! }))
    }
  }
  crm.put('contacts', 'c1', anna)
  await hub.pull('crm:contacts')
  await hub.push('people')
  await cycle()
  crm.remove('contacts', 'c1')
  desk.remove('users', right()[0]!.id)
  await cycle()
  expect([left(), right(), deletions]).toEqual([[], [], []])
})

test('a deletion that the hub carried out comes back and is no write', async () => {
  const { crm, desk, hub, cycle, right } = await open()
  crm.put('contacts', 'c1', anna)
  crm.put('contacts', 'c2', { ...anna, email: 'b@example.test' })
  await cycle()
  crm.remove('contacts', 'c1')
  desk.remove('users', right()[1]!.id)
  await cycle()
  const { rows } = await hub.pool.query<{ deleted: number }>(
    `select coalesce(sum((counts->>'deleted')::int), 0)::int as deleted from run where kind = 'push'`,
  )
  expect([rows[0]!.deleted, crm.journal.length, desk.journal.length]).toEqual([2, 1, 3])
})

test('a deletion that was asked about goes on once the edit is taken back', async () => {
  const { crm, desk, cycle, conflicts, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  crm.remove('contacts', 'c1')
  edit(desk, 'users', { phone: '5' })
  await cycle()
  edit(desk, 'users', { phone: '1' })
  expect(await cycle(4)).toBe(0)
  expect(right()).toEqual([])
  expect((await conflicts()).map(({ state }) => state)).toEqual(['settled'])
})

test('what the hub writes to a side does not make its older edits the newest', async () => {
  const { crm, desk, hub, cycle, left, right } = await open({ policy: 'newest' })
  for (const system of [crm, desk]) system.spells = (version) => new Date(version * 60_000).toISOString()
  crm.put('contacts', 'c1', anna)
  await cycle()
  crm.clock = 100
  edit(crm, 'contacts', { name: 'Left' })
  desk.clock = 150
  edit(desk, 'users', { phone: '2' })
  // The telephone number goes over, and the time of the record with it.
  crm.clock = 250
  await hub.pull('desk:users')
  await hub.push('people~back')
  expect(left()[0]!.body).toMatchObject({ name: 'Left', phone: '2' })
  desk.clock = 200
  edit(desk, 'users', { name: 'Right' })
  await hub.pull('crm:contacts')
  await hub.push('people')
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Right', 'Right'])
})

test('a page that was read before several of our own writes takes none of them back', async () => {
  const { crm, desk, hub, cycle, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(crm, 'contacts', { name: 'Left' })
  crm.onPage = async () => {
    crm.onPage = async () => {}
    for (const tag of ['first', 'second']) {
      edit(desk, 'users', { tags: [tag] })
      await hub.pull('desk:users')
      await hub.push('people~back')
    }
  }
  await hub.pull('crm:contacts')
  await hub.push('people')
  expect(right()[0]!.body).toEqual({ ...anna, name: 'Left', tags: ['second'] })
  expect(await cycle()).toBe(0)
  expect(left()[0]!.body).toEqual(right()[0]!.body)
})

test('a decided value that is neither side’s reaches both, also where it was read before its write was answered', async () => {
  const { crm, desk, hub, cycle, conflicts, left, right } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  edit(desk, 'users', { name: 'Right' })
  edit(crm, 'contacts', { name: 'Left' })
  await hub.pull('crm:contacts')
  await hub.pull('desk:users')
  // The way back asks, so the value is in the words of `from`.
  await hub.push('people~back')
  const [{ id }] = await conflicts()
  await hub.ports.ledger.decideConflicts([id], { decision: 'value', value: '"Neither"', actor: 'test', note: null })
  crm.afterWrite = async () => {
    crm.afterWrite = async () => {}
    await hub.pull('crm:contacts')
  }
  expect(await cycle()).toBe(0)
  expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Neither', 'Neither'])
})

test.each([
  ['a counter', (version: number) => String(version).padStart(12, '0')],
  [
    'whole minutes, so that many changes have the same',
    (version: number) => new Date(Math.floor(version / 50) * 60_000).toISOString(),
  ],
  ['none', () => null],
])(
  'an edit over our own write is no echo, although it was read before the write was answered (versions: %s)',
  async (_, spells) => {
    const { crm, desk, hub, cycle, left, right } = await open({ policy: 'newest' })
    for (const system of [crm, desk]) system.spells = spells
    crm.put('contacts', 'c1', anna)
    await cycle()
    edit(crm, 'contacts', { name: 'Left' })
    desk.afterWrite = async () => {
      desk.afterWrite = async () => {}
      // A write that takes long: it is done, and its answer is still on the way.
      edit(desk, 'users', { name: 'Right' })
      await hub.pull('desk:users')
    }
    await hub.pull('crm:contacts')
    await hub.push('people')
    expect(right()[0]!.body.name).toBe('Right')
    expect(await cycle()).toBe(0)
    expect([left()[0]!.body.name, right()[0]!.body.name]).toEqual(['Right', 'Right'])
  },
)
