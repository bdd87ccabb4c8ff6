/** A record whose id changes and that is known by another one is the same record: nobody is deleted, nobody is made. */
import { expect, test } from 'vitest'
import type { MemorySystem } from './memory-system.ts'
import { anna, edit, open } from './two-way-hub.ts'

/** A system that addresses people by a name, and shows a number that stays. */
const numbered = (system: MemorySystem): void => {
  system.aliases = ({ body }) => [`number:${body.number}`]
}
const rename = (system: MemorySystem, stream: string, from: string, to: string, values: object): void => {
  const { body } = system.list(stream).find(({ id }) => id === from)!
  system.remove(stream, from)
  system.put(stream, to, { ...body, ...values })
}
const operations = (system: MemorySystem): string[] => system.journal.map(({ operation }) => operation)

test('a renamed record of either side is renamed on the other: 0 deletes, 0 creates, and no question', async () => {
  const { crm, desk, cycle, conflicts, left, right } = await open({
    both: { email: 'email', name: 'name', number: 'number' },
  })
  for (const system of [crm, desk]) numbered(system)
  for (const n of [1, 2]) crm.put('contacts', `c${n}`, { email: `${n}@example.test`, name: 'Anna', number: `${n}` })
  await cycle()
  crm.journal.length = desk.journal.length = 0
  rename(crm, 'contacts', 'c1', 'renamed', { email: 'new@example.test' })
  rename(desk, 'users', right()[1]!.id, 'called', { email: 'other@example.test' })
  expect(await cycle()).toBe(0)
  expect([operations(crm), operations(desk)]).toEqual([['update'], ['update']])
  const mails = [left(), right()].map((rows) => rows.map(({ body }) => body.email).sort())
  expect(mails).toEqual([
    ['new@example.test', 'other@example.test'],
    ['new@example.test', 'other@example.test'],
  ])
  expect(await conflicts()).toEqual([])
  // What was agreed before is known under the new id too.
  edit(crm, 'contacts', { name: 'Zoë' })
  edit(desk, 'users', { name: 'Bea' })
  await cycle()
  expect(
    left()
      .map(({ body }) => body.name)
      .sort(),
  ).toEqual(
    right()
      .map(({ body }) => body.name)
      .sort(),
  )
})

test('without a second id it is one who left and a new one', async () => {
  const { crm, desk, cycle } = await open()
  crm.put('contacts', 'c1', anna)
  await cycle()
  desk.journal.length = 0
  rename(crm, 'contacts', 'c1', 'renamed', { email: 'new@example.test' })
  await cycle()
  expect(operations(desk).sort()).toEqual(['create', 'delete'])
})
