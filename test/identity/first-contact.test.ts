import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { openTwoSystems, personText, personType, type TwoSystemsHub } from './hub.ts'
import { type TwoSystems, twoSystems } from './people.ts'

const ada = { firstName: 'Ada', lastName: 'Żółkiewska', email: 'ada@postbox.example', birthDate: '1980-03-04' }
const adaInErp = { name: 'ZOLKIEWSKA ADA', mail: 'Ada@Postbox.example', born: '1980-03-04' }

function fill({ crm, erp }: TwoSystemsHub, people: TwoSystems): void {
  for (const person of people.crm) crm.put('people', person.id, person as JsonObject)
  for (const person of people.erp) erp.put('people', person.number, person as JsonObject)
}

async function linksOf({ hub, crmStream, erpStream }: TwoSystemsHub): Promise<Map<string, string>> {
  const { rows } = await hub.pool.query<{ crm: string; erp: string }>(
    `select c.record_id as crm, e.record_id as erp from link c join link e on e.entity_id = c.entity_id and e.stream_id = $2
      where c.stream_id = $1`,
    [crmStream, erpStream],
  )
  return new Map(rows.map((row) => [row.crm, row.erp]))
}

async function openReviews({
  hub,
}: TwoSystemsHub): Promise<{ id: number; kind: string; left: string; right: string }[]> {
  const { rows } = await hub.pool.query<{ id: number; kind: string; left: string; right: string }>(
    `select id, kind, left_id as left, right_id as right from entity_review where state = 'open' order by id`,
  )
  return rows
}

test('two full systems meet: who is the same is linked, who may be is asked about, and nobody is created twice', async () => {
  const systems = await openTwoSystems()
  const people = twoSystems(250, 7)
  fill(systems, people)
  await systems.hub.pull('crm:people')
  await systems.hub.pull('erp:people')
  // Before the matcher has seen them nobody is created.
  await systems.hub.push('to-erp')
  expect(systems.erp.journal).toEqual([])
  expect(await systems.hub.states('to-erp')).toEqual({ parked: 250 })

  const counts = await systems.match()
  expect(counts).toMatchObject({ read: 500, matched: 500 })
  const links = await linksOf(systems)
  const right = [...links].filter(([crm, erp]) => people.same.get(crm) === erp).length
  expect(right / links.size).toBeGreaterThanOrEqual(0.99)
  expect(right / people.same.size).toBeGreaterThanOrEqual(0.9)

  await systems.hub.push('to-erp')
  const created = systems.erp.journal.filter(({ operation }) => operation === 'create')
  const names = new Set(created.map(({ values }) => values.name))
  const asked = new Set((await openReviews(systems)).flatMap(({ left }) => left))
  // Whoever the ERP knows, and was not linked, is in the queue: none of them was created.
  const twice = people.crm.filter(({ id }) => people.same.has(id) && !links.has(id) && !asked.has(id))
  expect(twice.map(({ id }) => id)).toEqual([])
  expect(created.length + links.size + asked.size).toBeGreaterThanOrEqual(250)
  expect(names.size).toBeGreaterThan(50)
  // What it wrote itself comes back and is nobody new.
  await systems.hub.pull('erp:people')
  await systems.match()
  expect((await linksOf(systems)).size).toBe(250 - (await systems.hub.states('to-erp')).parked!)
})

test('nothing is created while the target has not been read, and a round with no news does nothing', async () => {
  const systems = await openTwoSystems()
  systems.crm.put('people', 'c1', ada)
  systems.erp.put('people', 'e1', adaInErp)
  await systems.hub.pull('crm:people')
  await systems.match()
  await systems.hub.push('to-erp')
  const { rows } = await systems.hub.pool.query<{ error: string }>('select error from delivery')
  expect(rows[0]!.error).toContain('"code":"CSW-5021"')
  await systems.hub.pull('erp:people')
  await systems.match()
  await systems.hub.push('to-erp')
  expect(systems.erp.journal.map(({ operation, id }) => `${operation} ${id}`)).toEqual(['update e1'])
  expect(await systems.match()).toBeNull()
})

test('a pair that a person rejects is never proposed again; a confirmed one becomes one entity', async () => {
  const systems = await openTwoSystems()
  systems.crm.put('people', 'c1', { ...ada, birthDate: null })
  systems.crm.put('people', 'c2', { firstName: 'Bruno', lastName: 'Kowalewicz', email: 'bruno@postbox.example' })
  systems.erp.put('people', 'e1', { name: 'Ada Zolkiewska', mail: 'a.z@work.example' })
  systems.erp.put('people', 'e2', { name: 'Kowalewicz Bruno', mail: 'bk@work.example' })
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match()
  const reviews = await openReviews(systems)
  expect(reviews.map(({ kind, left, right }) => `${kind} ${left} ${right}`).sort()).toEqual([
    'match c1 e1',
    'match c2 e2',
  ])
  await systems.hub.push('to-erp')
  expect(systems.erp.journal).toEqual([])

  const by = { actor: 'ewa', note: null }
  const idOf = (left: string): number => reviews.find((review) => review.left === left)!.id
  await systems.book.decideReview(idOf('c1'), { confirmed: false, ...by })
  const decided = await systems.book.decideReview(idOf('c2'), { confirmed: true, ...by })
  expect(decided).toMatchObject({ type: 'person' })
  expect(await systems.book.decideReview(idOf('c2'), { confirmed: true, ...by })).toBeNull()
  // Both change, so that both are looked at again.
  systems.crm.put('people', 'c1', { ...ada, birthDate: null, phone: '+48 500 600 700' })
  systems.erp.put('people', 'e1', { name: 'Ada Zolkiewska', mail: 'a.z@work.example', tel: '500600700' })
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match()
  expect(await openReviews(systems)).toEqual([])
  await systems.hub.push('to-erp')
  expect(systems.erp.journal.map(({ operation }) => operation).sort()).toEqual(['create', 'update'])
})

test('duplicates inside one system are reported, not linked, and not created', async () => {
  const systems = await openTwoSystems()
  systems.crm.put('people', 'c1', ada)
  systems.crm.put('people', 'c2', { ...ada, lastName: 'Zolkiewska' })
  systems.erp.put('people', 'e1', adaInErp)
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match()
  const reviews = await openReviews(systems)
  // Either might be the one that the ERP has, so both are asked about.
  expect(reviews.map(({ kind, left, right }) => `${kind} ${left} ${right}`).sort()).toEqual([
    'duplicate c1 c2',
    'match c1 e1',
    'match c2 e1',
  ])
  await systems.hub.push('to-erp')
  expect(systems.erp.list('people')).toHaveLength(1)
})

test('split records stay apart, and the one without a counterpart is created', async () => {
  const systems = await openTwoSystems()
  systems.crm.put('people', 'c1', ada)
  systems.erp.put('people', 'e1', adaInErp)
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match()
  await systems.hub.push('to-erp')
  const [member] = await systems.book.readMembers([{ streamId: systems.crmStream, recordId: 'c1' }])
  const leaving = [{ streamId: systems.erpStream, recordId: 'e1' }]
  const by = { type: 'person', actor: 'ewa', note: null }
  expect(await systems.book.splitEntity(member!.entityId, leaving, by)).not.toBeNull()
  expect((await linksOf(systems)).size).toBe(0)
  systems.crm.put('people', 'c1', { ...ada, phone: '500600700' })
  await systems.hub.pull('crm:people')
  await systems.match()
  expect((await linksOf(systems)).size).toBe(0)
  await systems.hub.push('to-erp')
  expect(systems.erp.journal.at(-1)).toMatchObject({ operation: 'create' })
})

test('an existing cross-reference is taken over; what contradicts it is given back', async () => {
  const systems = await openTwoSystems()
  for (const id of ['c1', 'c2']) systems.crm.put('people', id, { firstName: id, lastName: `Person${id}` })
  systems.erp.put('people', 'e1', { name: 'Somebody Else' })
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match()
  const pair = (leftId: string, rightId: string) => ({
    leftStream: systems.crmStream,
    leftId,
    rightStream: systems.erpStream,
    rightId,
  })
  const result = await systems.book.importPairs([pair('c1', 'e1'), pair('c2', 'e1'), pair('c2', 'e9')], {
    actor: 'ewa',
  })
  expect(result).toEqual({
    linked: 1,
    known: 0,
    refused: [
      { at: 1, why: 'collides' },
      { at: 2, why: 'unknown' },
    ],
  })
  expect(await linksOf(systems)).toEqual(new Map([['c1', 'e1']]))
  expect(await systems.book.importPairs([pair('c1', 'e1')], { actor: 'ewa' })).toMatchObject({ linked: 0, known: 1 })
})

test('other rules are applied to all that was matched before', async () => {
  const systems = await openTwoSystems()
  systems.crm.put('people', 'c1', { ...ada, birthDate: null })
  systems.erp.put('people', 'e1', { name: 'Ada Zolkiewska', mail: 'a.z@work.example' })
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match()
  expect((await linksOf(systems)).size).toBe(0)
  expect(await systems.match(personType(personText.replace('link_at: 10', 'link_at: 4')))).toMatchObject({ linked: 1 })
  expect(await linksOf(systems)).toEqual(new Map([['c1', 'e1']]))
  expect(await openReviews(systems)).toEqual([])
})

test('what a person has split a match key does not join again, and what a person is asked about it does not join', async () => {
  const systems = await openTwoSystems(undefined, { match: [['mail']] })
  systems.crm.put('people', 'c1', ada)
  systems.erp.put('people', 'e1', { ...adaInErp, mail: ada.email })
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  await systems.match()
  await systems.hub.push('to-erp')
  const [member] = await systems.book.readMembers([{ streamId: systems.crmStream, recordId: 'c1' }])
  const leaving = [{ streamId: systems.erpStream, recordId: 'e1' }]
  await systems.book.splitEntity(member!.entityId, leaving, { type: 'person', actor: 'ewa', note: null })
  await systems.hub.push('to-erp')
  expect(systems.erp.journal.at(-1)).toMatchObject({ operation: 'create' })
  expect(await linksOf(systems)).toEqual(new Map([['c1', systems.erp.journal.at(-1)!.id]]))

  systems.crm.put('people', 'c2', { firstName: 'Bea', lastName: 'Nowak', email: 'bea@example.test' })
  systems.erp.put('people', 'e2', { name: 'Somebody Else', mail: 'bea@example.test' })
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  const links = await linksOf(systems)
  await systems.hub.pool.query(
    `insert into entity_review (type, kind, left_stream, left_id, right_stream, right_id) values ('person', 'match', $1, 'c2', $2, 'e2')`,
    [systems.crmStream, systems.erpStream],
  )
  await systems.hub.pool.query('update identity_position set through = (select max(seq) from stream)')
  await systems.hub.push('to-erp')
  expect(await linksOf(systems)).toEqual(links)
  expect((await systems.hub.states('to-erp')).parked).toBe(1)
})

test('of two versions of an entity file the one that was loaded last counts, and the other does not begin anew', async () => {
  const systems = await openTwoSystems()
  systems.crm.put('people', 'c1', ada)
  systems.erp.put('people', 'e1', adaInErp)
  for (const stream of ['crm:people', 'erp:people']) await systems.hub.pull(stream)
  const [old, young] = [personType(), personType(personText.replace('link_at: 10', 'link_at: 9'))]
  await systems.book.takeVersion('person', old.version)
  expect(await systems.match(old)).toMatchObject({ linked: 1 })
  await systems.book.takeVersion('person', young.version)
  expect(await systems.match(young)).toMatchObject({ read: 2 })
  expect([await systems.match(old), await systems.match(young)]).toEqual([null, null])
})

const jan = { firstName: 'Jan', lastName: 'Nowak' }

test('what a create under way has made is no stranger: a namesake is not asked about, and is made once it is known whose it is', async () => {
  const systems = await openTwoSystems()
  const { hub, crm, erp } = systems
  crm.put('people', 'c1', { ...jan, email: 'jan@one.example' })
  for (const stream of ['crm:people', 'erp:people']) await hub.pull(stream)
  await systems.match()
  const during: unknown[] = []
  // Read back before the answer is there, and with it somebody of the same name.
  erp.afterWrite = async () => {
    erp.afterWrite = async () => {}
    crm.put('people', 'c2', { ...jan, email: 'jan@two.example' })
    for (const stream of ['erp:people', 'crm:people']) await hub.pull(stream)
    await systems.match()
    const standing = await hub.ports.ledger.readIdentityStanding('person', systems.crmStream, systems.erpStream, ['c2'])
    during.push(await openReviews(systems), [...standing.waiting])
  }
  await hub.push('to-erp')
  // Whoever may belong to it is not made meanwhile.
  expect(during).toEqual([[], ['c2']])
  expect(erp.list('people').map(({ body }) => body.mail)).toEqual(['jan@one.example'])
  expect(await systems.match()).toMatchObject({ matched: 2, proposed: 0 })
  expect(await systems.match()).toBeNull()
  await hub.push('to-erp')
  expect(erp.list('people').map(({ body }) => body.mail)).toEqual(['jan@one.example', 'jan@two.example'])
  expect(await hub.states('to-erp')).toEqual({ delivered: 2 })
})

test('what a create made whose answer was lost is found by likeness', async () => {
  const systems = await openTwoSystems()
  const { hub, crm, erp } = systems
  crm.put('people', 'c1', { ...jan, email: 'jan@one.example' })
  for (const stream of ['crm:people', 'erp:people']) await hub.pull(stream)
  await systems.match()
  erp.fault = () => 'lost-answer'
  await hub.push('to-erp')
  erp.fault = () => undefined
  expect(await hub.states('to-erp')).toEqual({ in_doubt: 1 })
  await hub.pull('erp:people')
  expect(await systems.match()).toMatchObject({ linked: 1 })
  await hub.skipWaits()
  await hub.push('to-erp')
  expect(erp.journal.filter(({ operation }) => operation === 'create')).toHaveLength(1)
  expect(await hub.states('to-erp')).toEqual({ delivered: 1 })
})

test.each([
  { match: [['mail']], linked: 1 },
  { match: [], linked: 0 },
])(
  'a record that shows another key than the create has is held against the others at once (match by $match)',
  async ({ match, linked }) => {
    const systems = await openTwoSystems(undefined, { match })
    const { hub, crm, erp } = systems
    crm.put('people', 'c1', { ...jan, email: 'jan@one.example' })
    for (const stream of ['crm:people', 'erp:people']) await hub.pull(stream)
    await systems.match()
    let during: Awaited<ReturnType<typeof systems.match>> = null
    erp.onWrite = async () => {
      erp.onWrite = async () => {}
      crm.put('people', 'c2', { ...jan, birthDate: '1980-03-04' })
      erp.put('people', 'e9', { name: 'Nowak Jan', mail: 'jan@nine.example', born: '1980-03-04' })
      for (const stream of ['erp:people', 'crm:people']) await hub.pull(stream)
      during = await systems.match()
    }
    await hub.push('to-erp')
    expect(during).toMatchObject({ linked })
    await systems.match()
    expect((await linksOf(systems)).get('c2')).toBe('e9')
  },
)
