import { expect, test } from 'vitest'
import { CausewayError, type JsonObject } from '../../src/core/index.ts'
import { pullStream, readInbox } from '../../src/pipeline/index.ts'
import { sweeps } from '../../src/pipeline/sweeps.ts'
import { createLedger } from '../../src/store/index.ts'
import { listProblems, showConnection } from '../../src/store/views/index.ts'
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
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < contacts; i++) crm.put('contacts', `c${i}`, { email: `p${i}@example.test`, name: `Person ${i}` })
  return { crm, erp }
}

const lastRun = async (hub: TestHub) =>
  (await hub.pool.query<{ outcome: string; error: string | null }>('select * from run order by id desc limit 1'))
    .rows[0]!

test('a lane that is told to stop does not claim success', async () => {
  const { crm, erp } = systems(1_000)
  crm.pageSize = 1_000
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  const stop = new AbortController()
  erp.onWrite = async () => stop.abort()
  expect(await hub.push('contacts', 0, stop.signal)).toMatchObject({ outcome: 'cancelled', error: null })
  erp.onWrite = async () => {}
  await hub.skipWaits()
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success' })
  expect(erp.list('customers')).toHaveLength(1_000)
})

test('a call cancelled by a stop is no failure: of no record, no sync and no pull', async () => {
  const { crm, erp } = systems(20)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  const stop = new AbortController()
  const cancelled = async () => {
    stop.abort()
    throw new CausewayError('CSW-3015', { what: 'the hub cancelled the call' })
  }
  crm.onPage = cancelled
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  await hub.ports.ledger.requestPull([streamId], 'incremental', null)
  expect(await pullStream(hub.ports, streamId, { trigger: 'test', signal: stop.signal })).toMatchObject({
    outcome: 'cancelled',
  })
  expect(await hub.ports.ledger.readStream(streamId)).toMatchObject({ pullFailures: 0, pullMode: 'incremental' })
  expect(await hub.ports.ledger.findPendingPulls()).toEqual([streamId])
  crm.onPage = async () => {}
  await hub.pull('crm:contacts')
  erp.lookup = cancelled
  expect(await hub.push('contacts', 0, stop.signal)).toMatchObject({ outcome: 'cancelled', error: null })
  const { rows } = await hub.pool.query<{ last_error: string | null }>('select last_error from sync')
  expect(rows[0]!.last_error).toBeNull()
})

test('a connection that is paused in the middle of a lane is left alone', async () => {
  const { crm, erp } = systems(2_000)
  crm.pageSize = 2_000
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  const id = hub.ports.model().connectionId('erp')!
  erp.onWrite = async () => hub.ports.ledger.setConnectionState(id, 'paused', 'by hand')
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'cancelled' })
  expect(erp.list('customers').length).toBeLessThan(1_000)
  erp.onWrite = async () => {}
  await hub.ports.ledger.setConnectionState(id, 'active', null)
  await hub.push('contacts')
  expect(erp.list('customers')).toHaveLength(2_000)
})

test('refused credentials do not undo a pause, and the pull goes on once they are renewed', async () => {
  const { crm, erp } = systems(5)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  const connection = hub.ports.model().connectionId('crm')!
  const refused = async () => {
    throw new CausewayError('CSW-3003', { what: 'HTTP 401' })
  }
  crm.onPage = refused
  await hub.pull('crm:contacts', 'full')
  expect(await hub.ports.ledger.readConnection(connection)).toMatchObject({ state: 'needs_authorisation' })
  await hub.ports.ledger.setConnectionState(connection, 'active', null)
  expect(await hub.ports.ledger.findPendingPulls()).toHaveLength(1)
  crm.onPage = async () => {
    await hub.ports.ledger.setConnectionState(connection, 'paused', 'by hand')
    await refused()
  }
  await hub.pull('crm:contacts', 'full')
  expect(await hub.ports.ledger.readConnection(connection)).toMatchObject({ state: 'paused' })
})

test('an outage of the source costs no event', async () => {
  const { crm, erp } = systems(1)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  const connection = hub.ports.model().connectionId('crm')!
  for (let i = 0; i < 5; i++)
    await hub.pool.query(
      "insert into inbox (connection_id, stream, event_id, headers, body) values ($1, 'contacts', $2, '{}', 'x')",
      [connection, `e${i}`],
    )
  let asked = 0
  crm.readEvent = async () => {
    asked++
    throw new CausewayError('CSW-3001', { what: 'connection refused' })
  }
  for (let attempt = 0; attempt < 15; attempt++) {
    await readInbox(hub.ports, connection, new AbortController().signal)
    await hub.pool.query('update inbox set next_attempt_at = now() where next_attempt_at is not null')
    await hub.skipWaits()
  }
  expect(asked).toBeLessThanOrEqual(15)
  expect((await hub.pool.query("select 1 from inbox where state = 'pending'")).rowCount).toBe(5)
  crm.readEvent = async () => [{ stream: 'contacts', records: [], fetch: ['c0'] }] as never
  await readInbox(hub.ports, connection, new AbortController().signal)
  expect((await hub.pool.query("select 1 from inbox where state = 'done'")).rowCount).toBe(5)
})

test('a webhook whose record the ledger refuses becomes a dead letter, alone in the inbox too', async () => {
  const { crm, erp } = systems(0)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  const connection = hub.ports.model().connectionId('crm')!
  await hub.pool.query(`
    create function refuse() returns trigger language plpgsql as $$ begin raise exception 'this one never'; end $$;
    create trigger refuse before insert on record for each row when (new.id = 'odd') execute function refuse()`)
  crm.readEvent = async ({ body }) => [
    { stream: 'contacts', records: [{ id: body.toString(), version: null, body: { email: 'x' } }], fetch: [] },
  ]
  const states = async (...ids: string[]): Promise<string[]> => {
    for (const id of ids)
      await hub.pool.query(
        `insert into inbox (connection_id, stream, event_id, headers, body) values ($1, 'contacts', $2, '{}', $2::text::bytea)`,
        [connection, id],
      )
    await readInbox(hub.ports, connection, new AbortController().signal)
    const { rows } = await hub.pool.query<{ state: string }>(
      'select state from inbox where reason is not null order by id',
    )
    return rows.map(({ state }) => state)
  }
  expect(await states('odd')).toEqual(['dead'])
  await hub.pool.query('truncate inbox')
  expect(await states('a', 'odd', 'b')).toEqual(['done', 'dead', 'done'])
})

test('a lane that cannot work waits longer each time, and is tried at once when a person asks', async () => {
  const { crm, erp } = systems(3)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  await hub.pull('crm:contacts')
  const broken = hub.ports.session
  hub.ports.session = async (name) => {
    if (name === 'erp') throw new CausewayError('CSW-1002', { what: 'base URL is missing' })
    return broken(name)
  }
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'failed', error: { code: 'CSW-1002' } })
  expect(await lastRun(hub)).toMatchObject({ outcome: 'failed' })
  hub.woken.clear()
  await sweeps(hub.ports)
    .find(({ name }) => name === 'pending-pushes')!
    .run()
  expect([...hub.woken]).toEqual([])
  expect(await hub.push('contacts')).toBeNull()
  const { row } = hub.ports.model().syncByName('contacts')!
  await hub.ports.ledger.setSyncState(row.id, 'active', null)
  expect(await hub.push('contacts')).not.toBeNull()
})

test('the bytes of a file that cannot be read blame the source, never the target or its record', async () => {
  const { erp } = systems(0)
  const dms = new MemorySystem().stream('files')
  erp.stream('documents')
  for (const id of ['f1', 'f2']) dms.put('files', id, { name: id }, Buffer.from(id))
  const files: TestSync = {
    name: 'files',
    from: 'dms:files',
    to: 'erp:documents',
    content: true,
    run: (file: JsonObject) => one({ name: file.name! }),
  }
  const hub = await TestHub.open({ dms, erp }, [files])
  await hub.pull('dms:files')
  await hub.push('files')
  const read = dms.content.bind(dms)
  for (const id of ['f1', 'f2']) dms.put('files', id, { name: id }, Buffer.from(`${id} changed`))
  await hub.pull('dms:files')
  dms.content = async (request) => {
    if (request.reference.locator.id === 'f1') throw new CausewayError('CSW-3009', { what: 'HTTP 404' })
    throw new CausewayError('CSW-3001', { what: 'connection refused' })
  }
  expect(await hub.push('files')).toMatchObject({ outcome: 'partial' })
  expect((await hub.pool.query('select 1 from connection where wait_until is not null')).rowCount).toBe(0)
  dms.content = read
  const { rows } = await hub.pool.query<{ id: number }>("select id from dead_letter where state = 'open'")
  await createLedger(hub.pool).requeueDeadLetters(
    rows.map(({ id }) => id),
    'tester',
  )
  await hub.skipWaits()
  await hub.push('files')
  expect(erp.list('documents')).toHaveLength(2)
  expect(
    erp
      .list('documents')
      .map((row) => row.content!.toString())
      .sort(),
  ).toEqual(['f1 changed', 'f2 changed'])
})

test('a dead letter shows no exchange of other records', async () => {
  const { crm, erp } = systems(10)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  erp.fault = (_, item) => (item.values.email === 'p4@example.test' ? 'refuse' : undefined)
  const write = erp.write.bind(erp)
  erp.write = async (request) => {
    for (const item of request.items)
      request.onExchange?.({
        at: '',
        method: 'POST',
        url: '/customers',
        status: item.values.email === 'p4@example.test' ? 422 : 201,
        ms: 1,
        requestBytes: 1,
        responseBytes: 1,
        request: JSON.stringify(item.values),
      })
    return write(request)
  }
  await hub.pull('crm:contacts')
  await hub.push('contacts')
  const { rows } = await hub.pool.query<{ exchange: string | null }>('select exchange from dead_letter')
  expect(rows[0]!.exchange ?? '').not.toContain('p9@example.test')
})

test('a wait that the system asked for is neither shortened nor ended by those who were not told', async () => {
  const { crm, erp } = systems(3)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  const id = hub.ports.model().connectionId('crm')!
  const until = new Date(Date.now() + 60_000)
  crm.onPage = async () => {
    await hub.ports.ledger.setWait(id, until, 'HTTP 429')
    await hub.ports.ledger.setWait(id, new Date(Date.now() + 5_000), 'connection refused')
  }
  await hub.pull('crm:contacts')
  expect(await hub.ports.ledger.readConnection(id)).toMatchObject({ waitUntil: until, waitReason: 'HTTP 429' })
})

test('what the other side asks to wait for is a wait with an end, and a failure of nothing', async () => {
  const { crm, erp } = systems(5)
  const hub = await TestHub.open({ crm, erp }, [contactSync])
  const slowDown = async () => {
    throw new CausewayError('CSW-3005', { what: 'HTTP 429', retryAfterMs: 90_000 })
  }
  crm.onPage = slowDown
  expect(await hub.pull('crm:contacts')).toMatchObject({ outcome: 'waiting' })
  expect(await lastRun(hub)).toMatchObject({ outcome: 'waiting', error: null })
  const stream = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  expect(await hub.ports.ledger.readStream(stream)).toMatchObject({ pullFailures: 0, pullMode: 'incremental' })
  const until = (await showConnection(hub.pool, 'crm'))!.waitUntil!
  expect(until.getTime()).toBeGreaterThan(Date.now() + 60_000)
  crm.onPage = async () => {}
  await hub.skipWaits()
  await hub.pool.query('update stream set next_pull_at = null')
  await hub.pull('crm:contacts')
  erp.onWrite = slowDown
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'waiting' })
  expect(await hub.states('contacts')).toEqual({ pending: 5 })
  expect(await listProblems(hub.pool)).toEqual([])
  erp.onWrite = async () => {}
  await hub.skipWaits()
  expect(await hub.push('contacts')).toMatchObject({ outcome: 'success', counts: { created: 5 } })
})
