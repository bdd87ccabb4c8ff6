/** What is answered "not found" a moment after it was made: a search or a replica that lags. */
import { expect, test } from 'vitest'
import { CausewayError } from '../../src/core/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  deletes: 'delete',
  match: [['email']],
  run: ({ email, name }) => one({ email: email!, name: name! }),
}

/** A record that was just created in a target that gives no single records, and that forgets it for a while. */
async function justCreated() {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  erp.fetch = async () => {
    throw new CausewayError('CSW-2003', { what: 'no single records' })
  }
  crm.put('contacts', 'c1', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  await hub.push('copy')
  const [row] = erp.list('customers')
  const rows = erp.rows.get('customers')!
  const next = async () => {
    await hub.pull('crm:contacts')
    await hub.skipWaits()
    await hub.push('copy')
  }
  const letters = async () => (await hub.pool.query('select code, state from dead_letter')).rows
  return { crm, erp, hub, next, letters, forget: () => rows.delete(row!.id), show: () => rows.set(row!.id, row!) }
}

test('an update of it waits until the target shows it, with its link', async () => {
  const { crm, erp, hub, next, letters, forget, show } = await justCreated()
  forget()
  crm.put('contacts', 'c1', { email: 'a@example.test', name: 'B' })
  for (let look = 0; look < 5; look++) await next()
  expect(await hub.states('copy')).toEqual({ pending: 1 })
  show()
  await next()
  expect(erp.journal.map(({ operation }) => operation)).toEqual(['create', 'update'])
  expect(erp.list('customers').map(({ body }) => body.name)).toEqual(['B'])
  expect(await letters()).toEqual([])
})

test('a deletion of it waits too: taken for done, it would leave the record there for ever', async () => {
  const { crm, erp, hub, next, forget, show } = await justCreated()
  // However slow the machine is.
  await hub.pool.query("update link set created_at = clock_timestamp() + interval '5 minutes'")
  forget()
  crm.remove('contacts', 'c1')
  await next()
  expect(await hub.states('copy')).toEqual({ pending: 1 })
  show()
  await next()
  expect(erp.list('customers')).toEqual([])
  expect(await hub.states('copy')).toEqual({ gone: 1 })
})

test('a deletion that was done, and whose answer got lost, is not waited for', async () => {
  const { crm, erp, hub, next } = await justCreated()
  erp.fault = () => 'lost-answer'
  crm.remove('contacts', 'c1')
  await next()
  expect(erp.list('customers')).toEqual([])
  erp.fault = () => undefined
  await next()
  expect(await hub.states('copy')).toEqual({ gone: 1 })
})

test('each look is later than the one before, and after ten minutes a person is asked', async () => {
  const { crm, hub, next, letters, forget } = await justCreated()
  forget()
  crm.put('contacts', 'c1', { email: 'a@example.test', name: 'B' })
  await hub.pool.query("update link set created_at = created_at - interval '4 minutes'")
  await next()
  const wait = await hub.pool.query<{ s: number }>(
    'select extract(epoch from next_attempt_at - clock_timestamp())::float8 as s from delivery',
  )
  expect(wait.rows[0]!.s).toBeGreaterThan(200)
  expect(wait.rows[0]!.s).toBeLessThan(300)
  await hub.ageLinks()
  await next()
  expect(await letters()).toMatchObject([{ code: 'CSW-3009', state: 'open' }])
})

test('a deletion that the target itself tells of is believed at once', async () => {
  const { crm, erp, hub, next, letters } = await justCreated()
  erp.remove('customers', erp.list('customers')[0]!.id)
  await hub.pull('erp:customers')
  crm.put('contacts', 'c1', { email: 'a@example.test', name: 'B' })
  await next()
  expect(await letters()).toMatchObject([{ code: 'CSW-3009' }])
})

test('a record that a search still shows after it was deleted is looked for again, and made', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  erp.put('customers', 'old', { email: 'a@example.test', name: 'Old' })
  crm.put('contacts', 'c1', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  const rows = erp.rows.get('customers')!
  const old = rows.get('old')!
  const look = erp.lookup.bind(erp)
  let lags = true
  erp.lookup = async (request) => {
    if (lags) rows.set('old', old)
    const found = await look(request)
    rows.delete('old')
    return found
  }
  for (let attempt = 0; attempt < 2; attempt++) {
    await hub.push('copy')
    await hub.skipWaits()
  }
  expect(await hub.states('copy')).toEqual({ pending: 1 })
  lags = false
  await hub.push('copy')
  expect(erp.list('customers').map(({ body }) => body)).toEqual([{ email: 'a@example.test', name: 'A' }])
  expect((await hub.pool.query('select 1 from dead_letter')).rowCount).toBe(0)
})
