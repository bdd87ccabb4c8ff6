import { expect, test } from 'vitest'
import { type JsonObject, JsonText } from '../../src/core/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const contactSync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: (contact) =>
    contact.active === false ? { status: 'filtered' } : one({ email: contact.email!, name: contact.name! }),
}

function systems(lookup = ['email']) {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers', { lookup })
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Person 0' })
  return { crm, erp }
}
const creates = (erp: MemorySystem) => erp.journal.filter(({ operation }) => operation === 'create').length
const openIntents = async (hub: TestHub) => (await hub.pool.query('select 1 from intent')).rowCount

async function again(hub: TestHub, times = 1) {
  for (let i = 0; i < times; i++) {
    await hub.skipWaits()
    await hub.push('contacts')
  }
}

test('a change of the source does not turn a create that waits for a person into a second create', async () => {
  const { crm, erp } = systems([])
  const hub = await TestHub.open({ crm, erp }, [{ ...contactSync, match: [] }])
  erp.fault = () => 'lost-answer'
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.fault = () => undefined
  await again(hub)
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Changed' })
  await hub.pull('crm:contacts')
  await again(hub)
  expect(creates(erp)).toBe(1)
  // The person says: it is not there, send it.
  const { rows } = await hub.pool.query<{ id: number }>("select id from dead_letter where state = 'open'")
  await createLedger(hub.pool).requeueDeadLetters(
    rows.map(({ id }) => id),
    'tester',
  )
  await again(hub)
  expect(creates(erp)).toBe(2)
  expect(await openIntents(hub)).toBe(0)
})

test('a create of unknown outcome is looked for by the key it was sent with, whatever the record holds now', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  erp.fault = () => 'lost-answer'
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.fault = () => undefined
  crm.put('contacts', 'c0', { email: 'new@example.test', name: 'Person 0' })
  await hub.pull('crm:contacts')
  await again(hub, 6)
  expect(erp.list('customers').map((row) => row.body.email)).toEqual(['new@example.test'])
  expect(await openIntents(hub)).toBe(0)
})

test('changes of a record in doubt do not use up the patience with a search that lags', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  erp.fault = () => 'lost-answer'
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.fault = () => undefined
  const { lookup } = erp
  erp.lookup = async () => new Map()
  for (let change = 0; change < 6; change++) {
    crm.put('contacts', 'c0', { email: 'p0@example.test', name: `Change ${change}` })
    await hub.pull('crm:contacts')
    await hub.push('contacts')
  }
  erp.lookup = lookup
  await again(hub)
  expect(creates(erp)).toBe(1)
  expect(erp.list('customers')[0]!.body.name).toBe('Change 5')
})

test('a second create of unknown outcome is looked for with the same patience as the first', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  erp.fault = () => 'lost-answer'
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.rows.get('customers')!.clear()
  await again(hub, 4)
  expect(creates(erp)).toBe(2)
  const { lookup } = erp
  erp.lookup = async () => new Map()
  await again(hub, 2)
  erp.lookup = lookup
  await again(hub)
  expect(creates(erp)).toBe(2)
})

test.each(['keep', 'delete'] as const)(
  'a record that leaves the filter while its create is in doubt is found first (%s)',
  async (onLeave) => {
    const { crm, erp } = systems()
    const hub = await TestHub.open({ crm, erp }, [{ ...contactSync, onLeave }])
    erp.fault = () => 'lost-answer'
    await hub.pull('crm:contacts')
    await hub.push('contacts')
    erp.fault = () => undefined
    crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Person 0', active: false })
    await hub.pull('crm:contacts')
    await again(hub)
    expect(erp.list('customers')).toHaveLength(onLeave === 'delete' ? 0 : 1)
    expect(await openIntents(hub)).toBe(0)
    expect(await hub.states('contacts')).toEqual({ skipped: 1 })
    const linked = await hub.pool.query("select 1 from link where record_id = 't1'")
    expect(linked.rowCount).toBe(onLeave === 'delete' ? 0 : 1)
  },
)

test('a record that waits for a reference keeps its doubt', async () => {
  const { crm, erp } = systems()
  const company = {
    path: ['company_id'],
    to: { connection: '', stream: 'customers' },
    from: { connection: 'crm', stream: 'contacts' },
    id: 'nobody',
  }
  const hub = await TestHub.open({ crm, erp }, [
    {
      ...contactSync,
      run: (contact) => one({ email: contact.email!, name: contact.name! }, contact.company ? [company] : []),
    },
  ])
  erp.fault = () => 'lost-answer'
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Person 0', company: 'nobody' })
  await hub.pull('crm:contacts')
  await again(hub)
  expect(await hub.states('contacts')).toEqual({ parked: 1 })
  expect(await openIntents(hub)).toBe(1)
})

test('after an update of unknown outcome the source decides, even when it holds what was delivered before', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.fault = () => 'lost-answer'
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Typo' })
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.fault = () => undefined
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Person 0' })
  await hub.pull('crm:contacts')
  await again(hub)
  expect(erp.list('customers')[0]!.body.name).toBe('Person 0')
  expect(await openIntents(hub)).toBe(0)
})

test('a write that never gets an answer ends with a person', async () => {
  const { crm, erp } = systems()
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.fault = () => 'lost-answer'
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'Other' })
  await hub.pull('crm:contacts')
  await again(hub, 5)
  expect(await hub.states('contacts')).toEqual({ dead: 1 })
  expect(erp.calls.filter((call) => call.startsWith('update'))).toHaveLength(3)
})

test('a lease that ends before anything was sent leaves no doubt behind', async () => {
  const { crm, erp } = systems([])
  const hub = await TestHub.open({ crm, erp }, [{ ...contactSync, match: [] }])
  await hub.pull('crm:contacts')
  const { holdLease } = hub.ports
  hub.ports.holdLease = async (name) => {
    const lease = (await holdLease(name))!
    lease.stillHeld = () => false
    return lease
  }
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'failed', error: { code: 'CSW-6004' } })
  hub.ports.holdLease = holdLease
  await again(hub)
  expect(erp.list('customers')).toHaveLength(1)
  expect((await hub.pool.query('select 1 from dead_letter')).rowCount).toBe(0)
})

test('what another sync created between our look-up and our intent is not created again', async () => {
  const { crm, erp } = systems()
  const hr = new MemorySystem().stream('people')
  hr.put('people', 'e0', { email: 'p0@example.test', name: 'Person 0' })
  const hub = await TestHub.open({ crm, erp, hr }, [contactSync, { ...contactSync, name: 'people', from: 'hr:people' }])
  await Promise.all([hub.pull('crm:contacts'), hub.pull('hr:people')])
  const { openIntents: open } = hub.ports.ledger
  hub.ports.ledger.openIntents = async (...request) => {
    hub.ports.ledger.openIntents = open
    await hub.push('people')
    return open(...request)
  }
  await hub.push('contacts')
  await again(hub)
  expect(erp.list('customers')).toHaveLength(1)
  expect(await hub.states('contacts')).toEqual({ unchanged: 1 })
  expect(await openIntents(hub)).toBe(0)
})

test('one value that the look-up refuses holds nobody back', async () => {
  const { crm, erp } = systems()
  for (let i = 1; i < 40; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `Person ${i}` })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  const lookup = erp.lookup.bind(erp)
  erp.lookup = async (request) => {
    if (request.values.includes('p17@example.test')) {
      const { CausewayError } = await import('../../src/core/index.ts')
      throw new CausewayError('CSW-3016', { what: 'bad filter' })
    }
    return lookup(request)
  }
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'partial', counts: { created: 39, dead: 1 } })
})

test.each(['failed', 'filtered'] as const)(
  'parts that were due come to rest when their record is %s',
  async (status) => {
    const shop = new MemorySystem().stream('orders')
    const erp = new MemorySystem().stream('lines')
    shop.put('orders', 'o1', { lines: [1, 2, 3] })
    const error = {
      code: 'CSW-4002' as const,
      what: 'x',
      why: '',
      fix: '',
      reaction: 'dead-letter' as const,
      causeClass: 'mapping' as const,
    }
    const lines: TestSync = {
      name: 'lines',
      from: 'shop:orders',
      to: 'erp:lines',
      multipart: true,
      onLeave: 'delete',
      match: [['number']],
      run: (order) =>
        order.broken
          ? status === 'failed'
            ? { status, error }
            : { status }
          : {
              status: 'mapped',
              parts: (order.lines as number[]).map((no) => ({
                part: String(no),
                values: JsonText.of<JsonObject>({ number: no }),
                references: [],
              })),
            },
    }
    const hub = await TestHub.open({ shop, erp }, [lines])
    erp.fault = (_, item) => (item.values.number === 2 ? 'retry' : item.values.number === 3 ? 'lost-answer' : undefined)
    await hub.pull('shop:orders')
    await hub.push('lines')
    erp.fault = () => undefined
    shop.put('orders', 'o1', { lines: [1, 2, 3], broken: true })
    await hub.pull('shop:orders')
    await hub.skipWaits()
    const stop = AbortSignal.timeout(3_000)
    const result = await hub.push('lines', 0, stop)
    expect(stop.aborted).toBe(false)
    expect(result!.counts.read).toBe(1)
    const due = await hub.pool.query('select 1 from delivery where next_attempt_at <= now()')
    expect(due.rowCount).toBe(0)
    shop.put('orders', 'o1', { lines: [1, 2, 3] })
    await hub.pull('shop:orders')
    await hub.skipWaits()
    await hub.push('lines')
    expect(erp.list('lines')).toHaveLength(3)
  },
)
