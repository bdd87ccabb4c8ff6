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
  run: (contact) => one({ email: contact.email!, name: contact.name! }),
}

function systems(contacts: number) {
  const crm = new MemorySystem().stream('contacts').stream('companies')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < contacts; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `Person ${i}` })
  return { crm, erp }
}

test('creates every record once, then nothing while nothing changes, then only the field that changed', async () => {
  const { crm, erp } = systems(25)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  expect(await hub.pull('crm:contacts')).toMatchObject({
    outcome: 'success',
    counts: { pages: 3, read: 25, changed: 25 },
  })
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { read: 25, created: 25 } })
  expect(erp.list('customers')).toHaveLength(25)
  erp.calls.length = 0
  await hub.pull('crm:contacts', 'full')
  expect(await hub.push('contacts')).toMatchObject({ counts: { read: 0 } })
  crm.put('contacts', 'c7', { email: 'p7@example.test', name: 'New Name' })
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ counts: { read: 1, updated: 1 } })
  expect(erp.calls).toEqual(['update 1'])
  expect(erp.journal.at(-1)).toMatchObject({ operation: 'update', values: { name: 'New Name' } })
})

test('a record that the target has already is matched by one batched look-up and not written again', async () => {
  const { crm, erp } = systems(30)
  for (let i = 0; i < 30; i++)
    erp.put('customers', `known${i}`, {
      email: `p${i}@example.test`,
      name: i < 20 ? `Person ${i}` : 'old name',
      more: 1,
    })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ counts: { unchanged: 20, updated: 10, created: 0 } })
  expect(erp.calls).toEqual(['lookup 30', 'update 10'])
})

test('a create whose answer was lost is looked up before anything is sent again', async () => {
  const { crm, erp } = systems(20)
  let lost = 0
  erp.fault = (operation) => (operation === 'create' && lost++ % 2 === 0 ? 'lost-answer' : undefined)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'partial', counts: { created: 10, in_doubt: 10 } })
  await hub.skipWaits()
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { unchanged: 10 } })
  expect(erp.journal.filter(({ operation }) => operation === 'create')).toHaveLength(20)
  expect(await hub.states('contacts')).toEqual({ delivered: 10, unchanged: 10 })
  expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
})

test('a create that never took effect is sent again after patient look-ups', async () => {
  const { crm, erp } = systems(1)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  // Applied, answer lost, and then the target forgets it: as good as never applied.
  erp.fault = () => 'lost-answer'
  await hub.push('contacts')
  erp.rows.get('customers')!.clear()
  erp.fault = () => undefined
  for (let look = 0; look < 5; look++) {
    await hub.skipWaits()
    await hub.push('contacts')
  }
  expect(erp.list('customers')).toHaveLength(1)
  expect(erp.calls.filter((call) => call.startsWith('lookup')).length).toBeGreaterThanOrEqual(4)
})

test('without a look-up a lost create waits for a person, unless duplicates are accepted', async () => {
  const erp = new MemorySystem().stream('customers', { lookup: [] })
  const { crm } = systems(2)
  erp.fault = () => 'lost-answer'
  const hub = await TestHub.open({ crm, erp }, [{ ...contactSync, match: [] }])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  erp.fault = () => undefined
  await hub.skipWaits()
  await hub.push('contacts')
  expect(erp.journal).toHaveLength(2)
  const { rows } = await hub.pool.query<{ code: string }>("select code from dead_letter where state = 'open'")
  expect(rows.map((row) => row.code)).toEqual(['CSW-5004', 'CSW-5004'])
})

test('a crash between writing and saving doubles nothing', async () => {
  const { crm, erp } = systems(12)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  const { commitBatch } = hub.ports.ledger
  hub.ports.ledger.commitBatch = async () => {
    throw new Error('the process died here')
  }
  await expect(hub.push('contacts')).resolves.toMatchObject({ outcome: 'failed' })
  expect(erp.list('customers')).toHaveLength(12)
  hub.ports.ledger.commitBatch = commitBatch
  await hub.skipWaits()
  expect(await hub.push('contacts')).toMatchObject({ counts: { unchanged: 12, created: 0 } })
  expect(erp.journal).toHaveLength(12)
  expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
})

test('3 of 100 refused are 3 dead letters with input, output and fingerprint; requeued after the cause is gone they go through', async () => {
  const { crm, erp } = systems(100)
  erp.fault = (_, item) =>
    ['p3@example.test', 'p50@example.test', 'p99@example.test'].includes(String(item.values.email))
      ? 'refuse'
      : undefined
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'partial', counts: { created: 97, dead: 3 } })
  const letters = await hub.pool.query<{ id: number; input: string; output: string; fingerprint: string }>(
    "select * from dead_letter where state = 'open'",
  )
  expect(letters.rows).toHaveLength(3)
  expect(new Set(letters.rows.map((row) => row.fingerprint)).size).toBe(1)
  expect(JSON.parse(letters.rows[0]!.input)).toHaveProperty('email')
  erp.fault = () => undefined
  const ids = letters.rows.map((row) => row.id)
  expect(await createLedger(hub.pool).requeueDeadLetters(ids, 'tester')).toMatchObject({ requeued: 3 })
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { created: 3 } })
  expect((await hub.pool.query("select 1 from dead_letter where state = 'resolved'")).rowCount).toBe(3)
})

test('two source records with one match key make one target record', async () => {
  const { crm, erp } = systems(0)
  crm.put('contacts', 'a', { email: 'same@example.test', name: 'A' })
  crm.put('contacts', 'b', { email: 'same@example.test', name: 'B' })
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  await hub.skipWaits()
  await hub.push('contacts')
  expect(erp.list('customers')).toHaveLength(1)
  expect((await hub.pool.query('select 1 from intent')).rowCount).toBe(0)
})

test('two syncs racing for one target record make one', async () => {
  const { crm, erp } = systems(30)
  const hr = new MemorySystem().stream('people')
  for (let i = 0; i < 30; i++) hr.put('people', `e${i}`, { email: `p${i}@example.test`, name: `Person ${i}` })
  const people: TestSync = { ...contactSync, name: 'people', from: 'hr:people' }
  const hub = await TestHub.open({ crm, erp, hr }, [contactSync, people])
  await Promise.all([hub.pull('crm:contacts'), hub.pull('hr:people')])
  await Promise.all([hub.push('contacts'), hub.push('people')])
  for (let again = 0; again < 3; again++) {
    await hub.skipWaits()
    await Promise.all([hub.push('contacts'), hub.push('people')])
  }
  expect(erp.list('customers')).toHaveLength(30)
  expect(erp.journal.filter(({ operation }) => operation === 'create')).toHaveLength(30)
})

test('a target that is down burns no attempts, makes the connection wait and gets everything afterwards', async () => {
  const { crm, erp } = systems(40)
  erp.fault = () => 'down'
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'failed', error: { code: 'CSW-3001' } })
  expect(await hub.push('contacts')).toBeNull()
  erp.fault = () => undefined
  await hub.skipWaits()
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { created: 40 } })
  expect((await hub.pool.query('select 1 from dead_letter')).rowCount).toBe(0)
})

test('a record that keeps failing becomes a dead letter after its attempts, the others are not held back', async () => {
  const { crm, erp } = systems(10)
  erp.fault = (_, item) => (item.values.email === 'p4@example.test' ? 'retry' : undefined)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  for (let attempt = 0; attempt < 4; attempt++) {
    await hub.push('contacts')
    await hub.skipWaits()
  }
  expect(await hub.states('contacts')).toEqual({ delivered: 9, dead: 1 })
  const { rows } = await hub.pool.query<{ code: string }>('select code from dead_letter')
  expect(rows).toEqual([expect.objectContaining({ code: 'CSW-5006' })])
})

test('a mapping that fails on one record fails only there', async () => {
  const { crm, erp } = systems(10)
  const error = {
    code: 'CSW-4002' as const,
    what: 'x',
    why: '',
    fix: '',
    reaction: 'dead-letter' as const,
    causeClass: 'mapping' as const,
  }
  const hub = await TestHub.open({ crm, erp }, [
    {
      ...contactSync,
      run: (contact) => (contact.name === 'Person 5' ? { status: 'failed', error } : contactSync.run(contact, {})),
    },
  ])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ counts: { created: 9, dead: 1 } })
})

test('references wait for the record they name and are filled when it is delivered', async () => {
  const { crm, erp } = systems(0)
  erp.stream('companies')
  crm.put('contacts', 'c1', { email: 'a@example.test', name: 'A', company: 'k1' })
  crm.put('companies', 'k1', { number: '17', title: 'Muster AG' })
  const withCompany: TestSync = {
    ...contactSync,
    run: (contact) =>
      one({ email: contact.email!, company_id: null }, [
        {
          path: ['company_id'],
          to: { connection: '', stream: 'companies' },
          from: { connection: 'crm', stream: 'companies' },
          id: String(contact.company),
        },
      ]),
  }
  const companies: TestSync = {
    ...contactSync,
    name: 'companies',
    from: 'crm:companies',
    to: 'erp:companies',
    match: [['number']],
    run: (company) => one({ number: company.number!, title: company.title! }),
  }
  const hub = await TestHub.open({ crm, erp }, [withCompany, companies])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { parked: 1 } })
  await hub.pull('crm:companies')
  await hub.push('companies')
  expect(await hub.push('contacts')).toMatchObject({ counts: { created: 1 } })
  expect(erp.list('customers')[0]!.body.company_id).toBe(erp.list('companies')[0]!.id)
})

test('parts: each line is its own target record, a vanished line is taken back', async () => {
  const shop = new MemorySystem().stream('orders')
  const erp = new MemorySystem().stream('lines')
  shop.put('orders', 'o1', {
    lines: [
      { no: 1, qty: 2 },
      { no: 2, qty: 5 },
    ],
  })
  const lines: TestSync = {
    name: 'lines',
    from: 'shop:orders',
    to: 'erp:lines',
    multipart: true,
    deletes: 'delete',
    match: [['external_id']],
    run: (order) => ({
      status: 'mapped',
      parts: (order.lines as JsonObject[]).map((line) => ({
        part: String(line.no),
        values: JsonText.of({ external_id: `o1/${line.no}`, qty: line.qty! }),
        references: [],
      })),
    }),
  }
  const hub = await TestHub.open({ shop, erp }, [lines])
  await hub.pull('shop:orders')
  expect(await hub.push('lines')).toMatchObject({ counts: { created: 2 } })
  shop.put('orders', 'o1', {
    lines: [
      { no: 2, qty: 6 },
      { no: 3, qty: 1 },
    ],
  })
  await hub.pull('shop:orders')
  expect(await hub.push('lines')).toMatchObject({ counts: { created: 1, updated: 1, deleted: 1 } })
  expect(
    erp
      .list('lines')
      .map((row) => row.body.external_id)
      .sort(),
  ).toEqual(['o1/2', 'o1/3'])
  shop.remove('orders', 'o1')
  await hub.pull('shop:orders')
  await hub.push('lines')
  expect(erp.list('lines')).toHaveLength(0)
})

test.each([
  ['keep', 1, { active: true }],
  ['deactivate', 1, { active: false }],
  ['delete', 0, undefined],
  ['unlink', 1, { active: true }],
] as const)('a record that leaves the filter: %s', async (onLeave, left, expected) => {
  const { crm, erp } = systems(1)
  const hub = await TestHub.open({ crm, erp }, [
    {
      ...contactSync,
      onLeave,
      deactivate: { active: false },
      run: (contact) =>
        contact.name === 'gone' ? { status: 'filtered' } : one({ email: contact.email!, active: true }),
    },
  ])
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'gone' })
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  expect(erp.list('customers')).toHaveLength(left)
  if (expected) expect(erp.list('customers')[0]!.body).toMatchObject(expected)
  // Looked at once more, it has left already: nothing is written, and nothing is said to have been.
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'gone', note: 'another' })
  await hub.pull('crm:contacts')
  const again = await hub.push('contacts')
  expect(again?.counts).toMatchObject({ read: 1, created: 0, updated: 0, deleted: 0 })
  // Coming back makes it whole again, and never a second record except where the old one was deleted or let go.
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'back' })
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  expect(erp.list('customers')).toHaveLength(1)
  expect(erp.list('customers')[0]!.body.active).toBe(true)
})

test('a change in a joined record re-evaluates what was computed from it', async () => {
  const { crm, erp } = systems(3)
  crm.put('companies', 'k1', { title: 'Alt' })
  const joined: TestSync = {
    ...contactSync,
    joins: [{ name: 'company', from: { connection: 'crm', stream: 'companies' }, field: null, take: 'one' }],
    keys: () => ({ company: ['k1'] }),
    run: (contact, joins) =>
      one({ email: contact.email!, company: (joins.company as JsonObject | null)?.title ?? null }),
  }
  const hub = await TestHub.open({ crm, erp }, [joined])
  await hub.pull('crm:companies')
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  expect(erp.list('customers').map((row) => row.body.company)).toEqual(['Alt', 'Alt', 'Alt'])
  crm.put('companies', 'k1', { title: 'Neu' })
  await hub.pull('crm:companies')
  expect(await hub.push('contacts')).toMatchObject({ counts: { updated: 3 } })
  expect(erp.list('customers').map((row) => row.body.company)).toEqual(['Neu', 'Neu', 'Neu'])
})

test('a sync may join its own source: every record arrives, and a change reaches those that refer to it', async () => {
  const { crm, erp } = systems(5)
  for (let i = 1; i < 5; i++)
    crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, head: 'p0@example.test', name: 'x' })
  const joined: TestSync = {
    ...contactSync,
    joins: [{ name: 'head', from: { connection: 'crm', stream: 'contacts' }, field: 'email', take: 'one' }],
    keys: (contact) => ({ head: contact.head ? [String(contact.head)] : [] }),
    run: (contact, joins) => one({ email: contact.email!, head: (joins.head as JsonObject | null)?.name ?? null }),
  }
  const hub = await TestHub.open({ crm, erp }, [joined])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ counts: { created: 5 } })
  crm.put('contacts', 'c0', { email: 'p0@example.test', name: 'new head' })
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  const heads = erp.list('customers').map((row) => row.body.head)
  expect(heads.filter((head) => head === 'new head')).toHaveLength(4)
})

test('a record that waits for another of its own batch goes on as soon as that one is delivered', async () => {
  const { crm, erp } = systems(0)
  // The head comes last, so that everybody else is parked in the batch that delivers it.
  for (let i = 0; i < 4; i++) crm.put('contacts', `a${i}`, { email: `a${i}@example.test`, head: 'z' })
  crm.put('contacts', 'z', { email: 'z@example.test' })
  const waiting: TestSync = {
    ...contactSync,
    run: (contact) =>
      contact.head
        ? one({ email: contact.email!, head: null }, [
            {
              path: ['head'],
              to: { connection: '', stream: 'customers' },
              from: { connection: 'crm', stream: 'contacts' },
              id: String(contact.head),
            },
          ])
        : one({ email: contact.email! }),
  }
  const hub = await TestHub.open({ crm, erp }, [waiting])
  await hub.pull('crm:contacts')
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { created: 5 } })
  const [head] = erp.list('customers').filter((row) => row.body.email === 'z@example.test')
  expect(erp.list('customers').filter((row) => row.body.head === head!.id)).toHaveLength(4)
})

test('several lanes share the slices and deliver each record once', async () => {
  const { crm, erp } = systems(300)
  crm.pageSize = 100
  const hub = await TestHub.open({ crm, erp }, [{ ...contactSync, lanes: 4 }])
  await hub.pull('crm:contacts')
  const results = await Promise.all([0, 1, 2, 3].map((lane) => hub.push('contacts', lane)))
  expect(results.reduce((sum, result) => sum + result!.counts.created, 0)).toBe(300)
  expect(results.every((result) => result!.counts.created > 20)).toBe(true)
  expect(erp.list('customers')).toHaveLength(300)
})

test('file bytes stream from source to target, again only when they changed', async () => {
  const { erp } = systems(0)
  const dms = new MemorySystem().stream('files')
  erp.stream('documents')
  dms.put('files', 'f1', { name: 'a.pdf' }, Buffer.alloc(100_000, 7))
  const files: TestSync = {
    name: 'files',
    from: 'dms:files',
    to: 'erp:documents',
    content: true,
    run: (file) => one({ name: file.name! }),
  }
  const hub = await TestHub.open({ dms, erp }, [files])
  await hub.pull('dms:files')
  await hub.push('files')
  expect(erp.list('documents')[0]!.content).toEqual(Buffer.alloc(100_000, 7))
  await hub.pull('dms:files', 'full')
  expect(await hub.push('files')).toMatchObject({ counts: { read: 0 } })
  dms.put('files', 'f1', { name: 'a.pdf' }, Buffer.alloc(50, 8))
  await hub.pull('dms:files')
  expect(await hub.push('files')).toMatchObject({ counts: { updated: 1 } })
  expect(erp.list('documents')[0]!.content).toEqual(Buffer.alloc(50, 8))
})
