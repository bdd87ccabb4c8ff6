/** Which source value, run and line of a mapping stands behind a value in a target. */
import { expect, test } from 'vitest'
import { explainTarget } from '../../src/assemble/explaining.ts'
import { readSoundMapping } from '../../src/mapping/index.ts'
import { one, TestHub, type TestSync } from '../pipeline/hub.ts'
import { MemorySystem } from '../pipeline/memory-system.ts'

const SOURCE = `from: crm:contacts
to: erp:customers
match: [email]
map:
  email: $lowercase(email)
  name: first & ' ' & last
  address:
    city: home.city
`
const { definition } = readSoundMapping(SOURCE, 'mappings/contacts.yaml')
const sync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  source: SOURCE,
  version: definition.version,
  run: ({ email, first, last, home }) =>
    one({
      email: String(email).toLowerCase(),
      name: `${first} ${last}`,
      address: { city: (home as { city: string }).city },
    }),
}

test('the record, the run, the line and what the line read then', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  crm.put('contacts', 'c1', { email: 'A@example.test', first: 'Anna', last: 'Nowak', home: { city: 'Łódź' } })
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  const { runId } = (await hub.push('contacts'))!
  const { id } = erp.list('customers')[0]!
  // The source moves on; the value in the target is still explained by what it was made from.
  crm.put('contacts', 'c1', { email: 'A@example.test', first: 'Ola', last: 'Nowak', home: { city: 'Łódź' } })
  await hub.pull('crm:contacts')
  const found = (await explainTarget(hub.pool, { stream: 'erp:customers', id }))!
  expect(found.deliveries).toMatchObject([
    { sync: 'contacts', from: 'crm:contacts', record: 'c1', state: 'delivered', runId, operation: 'create' },
  ])
  const fields = found.deliveries[0]!.fields
  expect(fields.map(({ field, place }) => [field, place?.line, place?.column])).toEqual([
    ['email', 5, 10],
    ['name', 6, 9],
    ['address.city', 8, 11],
  ])
  expect(fields[1]).toMatchObject({
    value: 'Anna Nowak',
    expression: "first & ' ' & last",
    reads: [
      { path: 'first', value: 'Anna' },
      { path: 'last', value: 'Nowak' },
    ],
  })
  const only = await explainTarget(hub.pool, { stream: 'erp:customers', id, field: 'email' })
  expect(only!.deliveries[0]!.fields.map(({ field }) => field)).toEqual(['email'])
  expect(await explainTarget(hub.pool, { stream: 'erp:customers', id: 'nobody' })).toBeUndefined()
  expect(await explainTarget(hub.pool, { stream: 'erp:nothing', id })).toBeUndefined()
})
