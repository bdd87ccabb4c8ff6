/** What needs a person asks once, and goes on when the person has answered. */
import { expect, test } from 'vitest'
import { CausewayError, JsonText } from '../../src/core/index.ts'
import { readInbox } from '../../src/pipeline/index.ts'
import { sweeps } from '../../src/pipeline/sweeps.ts'
import { listDeadLetters, listProblems } from '../../src/store/views/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: (record) => one({ ...record }),
}

async function open(count: number, syncs: TestSync[] = [sync]) {
  const crm = new MemorySystem().stream('contacts')
  crm.pageSize = 500
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < count; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, number: String(i) })
  const hub = await TestHub.open({ crm, erp }, syncs)
  await hub.pull('crm:contacts')
  return { crm, erp, hub }
}

const forbidden = new CausewayError('CSW-3004', { what: 'HTTP 403' })

test('writes that are all forbidden ask once, without a dead letter per record', async () => {
  const { erp, hub } = await open(300)
  const { write } = erp
  erp.write = async ({ items }) => items.map(({ ref }) => ({ ref, status: 'refused', error: forbidden }))
  expect(await hub.push('copy')).toMatchObject({ outcome: 'failed', error: { code: 'CSW-3004' } })
  expect(await hub.states('copy')).toEqual({ pending: 300 })
  expect((await listDeadLetters(hub.pool, { limit: 10 })).items).toEqual([])
  expect((await listProblems(hub.pool)).filter(({ status }) => status === 'failing')).toMatchObject([
    { code: 'CSW-3004' },
  ])
  erp.write = write
  await hub.skipWaits()
  expect(await hub.push('copy')).toMatchObject({ outcome: 'success', counts: { created: 300 } })
})

test('a record that alone is forbidden holds up nobody', async () => {
  const { erp, hub } = await open(20)
  const { write } = erp
  erp.write = async (request) => {
    const mine = request.items.filter(({ values }) => values.number !== '7')
    const refused = request.items.filter(({ values }) => values.number === '7')
    return [
      ...(await write.call(erp, { ...request, items: mine })),
      ...refused.map(({ ref }) => ({ ref, status: 'refused' as const, error: forbidden })),
    ]
  }
  expect(await hub.push('copy')).toMatchObject({ outcome: 'partial', counts: { created: 19, dead: 1 } })
})

test('a connection whose credentials were refused works again as soon as they are others', async () => {
  const { crm, hub } = await open(1)
  const id = hub.ports.model().connectionId('crm')!
  crm.onPage = async () => {
    throw new CausewayError('CSW-3003', { what: 'invalid_grant' })
  }
  await hub.pull('crm:contacts')
  const look = async () => {
    await sweeps(hub.ports)
      .find(({ name }) => name === 'changed-credentials')!
      .run()
    return (await hub.ports.ledger.readConnection(id))!.state
  }
  expect(await look()).toBe('needs_authorisation')
  expect(await hub.ports.ledger.findPendingPulls()).toEqual([])
  hub.marks.crm = 'second'
  expect(await look()).toBe('active')
  expect(await hub.ports.ledger.findPendingPulls()).toHaveLength(1)
})

test('an event that cannot be read becomes a dead letter that can be retried', async () => {
  const { crm, hub } = await open(1)
  const id = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    `insert into inbox (connection_id, stream, event_id, headers, body) values ($1, 'contacts', 'e1', '{}', $2)`,
    [id, Buffer.from('{"id":"c0","x":"\\u0000"} \0 \xff')],
  )
  crm.readEvent = async () => {
    throw new CausewayError('CSW-3008', { what: 'no such field' })
  }
  await readInbox(hub.ports, id, new AbortController().signal)
  const { items } = await listDeadLetters(hub.pool, { limit: 10 })
  expect(items).toMatchObject([{ kind: 'inbox', connection: 'crm', code: 'CSW-3008' }])
  expect(await listProblems(hub.pool)).toMatchObject([{ status: 'dead', connection: 'crm', count: 1 }])
  crm.readEvent = async () => [{ stream: 'contacts', records: [], fetch: ['c0'] }] as never
  expect(await hub.ports.ledger.requeueDeadLetters([items[0]!.id], 'me')).toMatchObject({ connections: [id] })
  await readInbox(hub.ports, id, new AbortController().signal)
  expect((await hub.pool.query('select state from inbox')).rows).toEqual([{ state: 'done' }])
  expect((await hub.pool.query('select state from dead_letter')).rows).toEqual([{ state: 'resolved' }])
})

test('two syncs that know one target by different fields create it once, whichever way they race', async () => {
  for (const meet of ['one after the other', 'at once']) {
    const { erp, hub } = await open(10, [
      { ...sync, name: 'by-email' },
      { ...sync, name: 'by-number', match: [['number']] },
    ])
    // What was just created is not in the target's search yet.
    erp.lookup = async () => new Map()
    if (meet === 'at once') {
      let first = true
      erp.onWrite = async () => {
        if (!first) return
        first = false
        await hub.push('by-number')
      }
    }
    await hub.push('by-email')
    await hub.skipWaits()
    for (const name of ['by-number', 'by-email', 'by-number']) {
      await hub.push(name)
      await hub.skipWaits()
    }
    expect(erp.list('customers'), meet).toHaveLength(10)
    expect(await hub.states('by-number'), meet).not.toHaveProperty('pending')
  }
})

test('a record that flips and flips back is not left at the state in between by a slow read', async () => {
  const { hub } = await open(0)
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  const row = { id: 'x', version: null, content: null, deleted: false, keys: [], aliases: [] }
  const commit = (hash: string, ms: number, cursor?: { at: number }) =>
    hub.ports.ledger.commitPage({
      streamId,
      records: [{ ...row, hash, body: JsonText.of({ hash }) }],
      rejected: [],
      requestedAt: new Date(1_000_000 + ms),
      runId: null,
      ...(cursor ? { cursor } : {}),
    })
  await commit('A', 0)
  // Asked at 10, it saw B and is slow; what was asked at 20 saw A again and is stored first.
  await commit('A', 20)
  await commit('B', 10)
  expect((await hub.pool.query('select hash from record')).rows).toEqual([{ hash: 'A' }])
})

test('an event fetched before a page of a pull was asked for, and stored after it, is fetched again', async () => {
  const { crm, hub } = await open(1)
  const id = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    `insert into inbox (connection_id, stream, event_id, headers, body) values ($1, 'contacts', 'e1', '{}', '{}')`,
    [id],
  )
  crm.readEvent = async () => [{ stream: 'contacts', records: [], fetch: ['c0'] }] as never
  let fetches = 0
  crm.fetch = async () => {
    fetches++
    if (fetches > 1) return [{ id: 'c0', version: null, body: { email: 'A' } }]
    // While this answer is under way, a pull asks for, sees and stores the newer state.
    const later = new Date(Date.now() + 1)
    const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
    await hub.ports.ledger.commitPage({
      streamId,
      records: [],
      rejected: [],
      requestedAt: later,
      cursor: {},
      runId: null,
    })
    await new Promise((done) => setTimeout(done, 5))
    return [{ id: 'c0', version: null, body: { email: 'B' } }]
  }
  await readInbox(hub.ports, id, new AbortController().signal)
  expect(fetches).toBe(2)
})

test('a lane that fails by itself does not hold up its sisters', async () => {
  const { hub } = await open(40, [{ ...sync, lanes: 2 }])
  const { readDue } = hub.ports.ledger
  hub.ports.ledger.readDue = async (id, slices, limit) => {
    if (slices.includes(1)) throw new Error('this lane only')
    return readDue(id, slices, limit)
  }
  expect(await hub.push('copy', 1)).toMatchObject({ outcome: 'failed' })
  expect(await hub.push('copy', 1)).toBeNull()
  expect(await hub.push('copy', 0)).toMatchObject({ outcome: 'success' })
  hub.ports.ledger.readDue = readDue
  await hub.ports.ledger.endPushWait([hub.ports.model().syncByName('copy')!.row.id])
  expect(await hub.push('copy', 1)).toMatchObject({ outcome: 'success' })
})

test('circles of references and references to nothing are shown, with what to do', async () => {
  const { crm, hub } = await open(0, [
    {
      ...sync,
      match: [['external_id']],
      run: (record) =>
        one({ external_id: String(record.name) }, [
          {
            path: ['boss'],
            to: { connection: '', stream: 'customers' },
            from: { connection: 'crm', stream: 'contacts' },
            id: String(record.boss),
          },
        ]),
    },
  ])
  crm.put('contacts', 'a', { name: 'a', boss: 'b' })
  crm.put('contacts', 'b', { name: 'b', boss: 'c' })
  crm.put('contacts', 'c', { name: 'c', boss: 'a' })
  crm.put('contacts', 'd', { name: 'd', boss: 'nobody' })
  await hub.pull('crm:contacts')
  await hub.push('copy')
  expect(await listProblems(hub.pool)).toMatchObject([
    { status: 'parked', code: 'CSW-5011', count: 3 },
    { status: 'parked', code: 'CSW-5012', count: 1 },
  ])
})

test('fields of a compound match key do not identify alone: many records share a company, and each is created', async () => {
  const crm = new MemorySystem().stream('contacts').stream('people')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 3; i++) crm.put('contacts', `c${i}`, { company: 'Acme', number: `${i}` })
  crm.put('people', 'p1', { email: 'a@example.test', company: 'Acme' })
  const compound: TestSync = {
    name: 'compound',
    from: 'crm:contacts',
    to: 'erp:customers',
    match: [['number', 'company']],
    run: ({ company, number }) => one({ company: company!, number: number! }),
  }
  const single: TestSync = {
    name: 'single',
    from: 'crm:people',
    to: 'erp:customers',
    match: [['email']],
    run: ({ email, company }) => one({ email: email!, company: company! }),
  }
  const hub = await TestHub.open({ crm, erp }, [compound, single])
  for (const stream of ['crm:contacts', 'crm:people']) await hub.pull(stream)
  await hub.push('single')
  await hub.push('compound')
  crm.put('contacts', 'c9', { company: 'Acme', number: '9' })
  await hub.pull('crm:contacts')
  for (let i = 0; i < 3; i++) {
    await hub.skipWaits()
    await hub.push('compound')
  }
  expect(await hub.states('compound')).toEqual({ delivered: 4 })
  expect(erp.list('customers')).toHaveLength(5)
})
