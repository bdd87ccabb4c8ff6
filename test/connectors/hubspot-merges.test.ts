/** What HubSpot says of a merge: the record that is left names those that are in it now, and these are shown no more. */
import { expect, test } from 'vitest'
import type { Table } from '../../src/simulator/table.ts'
import { simulated, together } from './merges.ts'

test.each(['contacts', 'companies', 'deals'])(
  'a merged record of %s lives on in the one that names it',
  async (stream) => {
    const { subject, table } = await simulated('hubspot', stream, 4)
    const [survivor, other] = table.entries.map(({ record }) => record)
    Object.assign(survivor!.properties as object, { hs_merged_object_ids: '1501;1508' })
    const { records } = await subject.read(stream, 'full', null, Infinity, await subject.connect({}))
    const aliases = new Map(records.map((record) => [record.id, record.aliases]))
    expect(aliases.get(String(survivor!.id))).toEqual(['1501', '1508'])
    expect(aliases.get(String(other!.id))).toBeUndefined()
  },
)

const people = { email: 'email', firstname: 'name' }

/** The merged record is in no list any more, or in that of the archived ones; the other one changes and names it. */
async function merge(table: Table, into: string, former: string, shown: boolean): Promise<void> {
  const survivor = table.find(into)!
  await table.touch(survivor, Date.now())
  Object.assign(survivor.record.properties as object, { hs_merged_object_ids: former })
  if (shown) await table.remove(table.find(former)!, Date.now())
  else table.entries.splice(table.entries.indexOf(table.find(former)!), 1)
}

test.each([
  ['shown no more', false],
  ['archived', true],
])('a merge of two that each have a counterpart, one then %s: 0 deletes, 0 creates', async (_, shown) => {
  const { table, desk, cycle, written } = await together('hubspot', 'contacts', people)
  const before = desk.list('users')
  expect(written().desk).toEqual(before.map(() => 'create'))
  const [into, former] = table.entries.map(({ id }) => id)
  await merge(table, into!, former!, shown)
  await cycle()
  expect(written()).toEqual({ vendor: [], desk: [] })
  expect(desk.list('users')).toEqual(before)
  // The second counterpart stands by itself from here on: what somebody changes there is a new record here.
  const second = before.find(
    ({ body }) => body.email === (table.find(former!)!.record.properties as { email: string }).email,
  )!
  desk.put('users', second.id, { ...second.body, name: 'Zoë' })
  await cycle()
  expect(written()).toEqual({ vendor: ['upsert'], desk: [] })
})

test('a merge under a new id takes over what the merged record had: 0 deletes, 0 creates, and edits go both ways', async () => {
  const { simulator, table, desk, cycle, written } = await together('hubspot', 'contacts', people)
  written()
  const former = table.entries[0]!.id
  // Nothing but the former id tells whose counterpart it is.
  const email = 'merged@postbox.example'
  table.entries.splice(0, 1)
  const made = await table.create({ properties: { email, firstname: 'Anna' } }, Date.now())
  Object.assign(made.record.properties as object, { hs_merged_object_ids: former })
  await cycle()
  expect(written()).toEqual({ vendor: [], desk: ['update'] })
  const user = desk.list('users').find(({ body }) => body.email === email)!
  expect(user.body.name).toBe('Anna')
  desk.put('users', user.id, { ...user.body, name: 'Zoë' })
  await cycle()
  expect(written()).toEqual({ vendor: ['update'], desk: [] })
  expect(simulator.table('contacts').find(made.id)!.record.properties).toMatchObject({ firstname: 'Zoë' })
})
