/** Two-way syncs: `both` pairs values inside objects that have other names on the other side. */
import { expect, test } from 'vitest'
import type { Json, JsonObject } from '../../src/core/index.ts'
import { readSoundMapping } from '../../src/mapping/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const valueAt = (record: JsonObject, path: string): Json | undefined =>
  path.split('.').reduce<Json | undefined>((value, step) => (value as JsonObject | undefined)?.[step], record)

/** Copies values from place to place, as the mapping of these lines does. */
const copied = (pairs: [from: string, to: string][]) => (record: JsonObject) => {
  const values: JsonObject = {}
  for (const [from, to] of pairs) {
    const value = valueAt(record, from)
    if (value === undefined) continue
    const [top, inside] = to.split('.') as [string, string?]
    if (inside === undefined) values[top] = value
    else values[top] = { ...(values[top] as JsonObject | undefined), [inside]: value }
  }
  return one(values)
}

async function open(both: Record<string, string>) {
  const lines = Object.entries(both).map(([from, to]) => `  ${from}: ${to}\n`)
  const file = `sync: people\nfrom: crm:contacts\nto: desk:users\nmatch: [email]\nboth:\n${lines.join('')}conflict: ask\n`
  const { definition, back } = readSoundMapping(file, 'people.yaml')
  const pairs = Object.entries(both)
  const syncs = [
    { name: 'people', from: 'crm:contacts', to: 'desk:users', twoWay: definition.twoWay!, run: copied(pairs) },
    {
      ...{ name: 'people~back', from: 'desk:users', to: 'crm:contacts', twoWay: back!.definition.twoWay! },
      run: copied(pairs.map(([from, to]) => [to, from])),
    },
  ].map((sync): TestSync => ({ ...sync, match: [['email']] }))
  const crm = new MemorySystem().stream('contacts')
  const desk = new MemorySystem().stream('users')
  const hub = await TestHub.open({ crm, desk }, syncs)
  const look = async (direction: 'there' | 'back'): Promise<void> => {
    await hub.pull(direction === 'there' ? 'crm:contacts' : 'desk:users')
    await hub.push(direction === 'there' ? 'people' : 'people~back')
  }
  const conflicts = async () =>
    (
      await hub.pool.query<{ id: number; field: string; state: string }>(
        'select id, field, state from conflict order by field',
      )
    ).rows
  const states = async () => (await conflicts()).map(({ field, state }) => `${field} ${state}`)
  const left = () => crm.list('contacts')[0]!
  const right = () => desk.list('users')[0]!
  const edit = (side: 'left' | 'right', values: JsonObject): void => {
    if (side === 'left') crm.put('contacts', left().id, { ...left().body, ...values })
    else desk.put('users', right().id, { ...right().body, ...values })
  }
  return { crm, hub, look, conflicts, states, left, right, edit }
}

const NESTED = { email: 'email', 'addr.town': 'address.city', 'addr.zip': 'address.zip' }
const FLAT = { email: 'email', town: 'address.city', zip: 'address.zip' }

test.each<[string, Record<string, string>, (town: string, zip: string) => JsonObject]>([
  ['inside another object', NESTED, (town, zip) => ({ addr: { town, zip } })],
  ['beside each other', FLAT, (town, zip) => ({ town, zip })],
])('a question has one name whoever asks it, and is closed by itself: %s', async (_, both, at) => {
  const { crm, look, states, left, edit } = await open(both)
  crm.put('contacts', 'c1', { email: 'a@example.test', ...at('C', 'Z') })
  await look('there')
  edit('left', at('Left', 'L'))
  edit('right', { address: { city: 'Right', zip: 'R' } })
  await look('back')
  expect(await states()).toEqual(['address.city open', 'address.zip open'])
  // The way there asks about the same.
  await look('there')
  expect(await states()).toEqual(['address.city open', 'address.zip open'])
  // One of them is settled by the sides themselves, and the other one stays.
  edit('right', { address: { city: 'Left', zip: 'R' } })
  await look('back')
  expect(await states()).toEqual(['address.city settled', 'address.zip open'])
  expect(left().body).toMatchObject(at('Left', 'L'))
})

test.each<['from' | 'to']>([['from'], ['to']])(
  'an answer (%s) to what the way back asked is carried out by whoever has to write',
  async (decision) => {
    const { crm, hub, look, conflicts, left, right, edit } = await open(NESTED)
    crm.put('contacts', 'c1', { email: 'a@example.test', addr: { town: 'C', zip: 'Z' } })
    await look('there')
    edit('left', { addr: { town: 'Left', zip: 'Z' } })
    edit('right', { address: { city: 'Right', zip: 'Z' } })
    await look('back')
    const [question] = await conflicts()
    await hub.ports.ledger.decideConflicts([question!.id], { decision, value: null, actor: 'test', note: null })
    for (let round = 0; round < 2; round++) for (const direction of ['there', 'back'] as const) await look(direction)
    const winner = decision === 'from' ? 'Left' : 'Right'
    expect(left().body.addr).toEqual({ town: winner, zip: 'Z' })
    expect(right().body.address).toEqual({ city: winner, zip: 'Z' })
    expect((await conflicts()).map(({ field, state }) => [field, state])).toEqual([['address.city', 'settled']])
  },
)
