import { expect, test } from 'vitest'
import { readInbox } from '../../src/pipeline/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  deletes: 'delete',
  run: ({ name }) => one({ name: name! }),
}

async function setUp() {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  crm.put('contacts', 'c0', { name: 'Ann' })
  crm.readEvent = async () => [{ stream: 'contacts', records: [], fetch: ['c0'] }]
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  const connectionId = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    "insert into inbox (connection_id, stream, event_id, headers, body) values ($1, 'contacts', 'e', '{}', 'x')",
    [connectionId],
  )
  const take = async () => {
    await hub.pool.query('update inbox set next_attempt_at = now() where next_attempt_at is not null')
    await readInbox(hub.ports, connectionId, new AbortController().signal)
    await hub.push('contacts')
  }
  const event = async () => (await hub.pool.query<{ state: string }>('select state from inbox')).rows[0]!.state
  return { crm, erp, take, event }
}

test('a record that a webhook names and a slow server does not have yet is not deleted', async () => {
  const { crm, erp, take, event } = await setUp()
  crm.put('contacts', 'c0', { name: 'Anna' })
  crm.hidden.add('c0')
  await take()
  expect(erp.list('customers').map(({ body }) => body.name)).toEqual(['Ann'])
  expect(await event()).toBe('pending')
  crm.hidden.clear()
  await take()
  expect(erp.list('customers').map(({ body }) => body.name)).toEqual(['Anna'])
  expect(await event()).toBe('done')
})

test('one that is not there the second time either is deleted', async () => {
  const { crm, erp, take, event } = await setUp()
  crm.remove('contacts', 'c0')
  await take()
  expect(erp.list('customers')).toHaveLength(1)
  await take()
  expect(erp.list('customers')).toHaveLength(0)
  expect(await event()).toBe('done')
})
