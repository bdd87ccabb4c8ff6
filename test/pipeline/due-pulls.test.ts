import { expect, test } from 'vitest'
import type { EventChange } from '../../src/connector/index.ts'
import { CausewayError } from '../../src/core/index.ts'
import { pullStream, readInbox } from '../../src/pipeline/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

/* Webhooks that say only that something changed: they make a pull due, which outlives whoever was told, and few pulls serve many. */

const sync: TestSync = {
  name: 'contacts',
  from: 'crm:contacts',
  to: 'erp:customers',
  run: ({ name }) => one({ name: name! }),
}

class Telling extends MemorySystem {
  override async readEvent(): Promise<EventChange[]> {
    return ['contacts', 'unheard_of'].map((stream) => ({ stream, records: [], fetch: [], pull: true }))
  }
}

async function setUp() {
  const crm = new Telling().stream('contacts')
  const hub = await TestHub.open({ crm, erp: new MemorySystem().stream('customers') }, [sync])
  const { model, ledger } = hub.ports
  const streamId = model().streamId({ connection: 'crm', stream: 'contacts' })!
  const connectionId = model().connectionId('crm')!
  const signal = new AbortController().signal
  return {
    crm,
    hub,
    ledger,
    streamId,
    tell: (count = 1) =>
      hub.pool.query(
        `insert into inbox (connection_id, event_id, headers, body) select $1, gen_random_uuid(), '{}', '{}' from generate_series(1, $2::int)`,
        [connectionId, count],
      ),
    take: () => readInbox(hub.ports, connectionId, signal),
    pull: () => pullStream(hub.ports, streamId, { trigger: 'test', signal }),
    due: (when: 'now' | 'in an hour') =>
      hub.pool.query(`update stream set pull_due_at = now() + $1::interval where pull_due_at is not null`, [
        when === 'now' ? '0' : '1 hour',
      ]),
    records: async () =>
      (
        await hub.pool.query<{ id: string }>('select id from record where stream_id = $1 order by id', [streamId])
      ).rows.map(({ id }) => id),
  }
}

test('many such webhooks make one pull, and are settled', async () => {
  const { crm, hub, tell, take, pull, records } = await setUp()
  crm.put('contacts', 'a', { name: 'A' })
  await tell(300)
  expect(await take()).toEqual({ events: 300 })
  expect([...hub.woken]).toEqual([`pull ${hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })}`])
  expect(await pull()).toMatchObject({ outcome: 'success', counts: { changed: 1 } })
  expect(await records()).toEqual(['a'])
  expect(await pull()).toBeNull()
  const { rows } = await hub.pool.query('select distinct state, reason from inbox')
  expect(rows).toEqual([{ state: 'done', reason: 'it makes a pull due' }])
})

test('a stream that no sync reads is not pulled, and the webhook says so', async () => {
  const { crm, hub, tell, take } = await setUp()
  crm.readEvent = async () => [{ stream: 'unheard_of', records: [], fetch: [], pull: true }]
  await tell()
  await take()
  expect((await hub.pool.query('select state from inbox')).rows).toEqual([{ state: 'skipped' }])
  expect(hub.woken.size).toBe(0)
})

test('a pull is due at once where the stream rested, and two seconds later while one is under way or just ended', async () => {
  const { crm, ledger, streamId, pull, due } = await setUp()
  const asked = () => ledger.makePullDue([streamId])
  crm.onPage = async () => {
    expect(await asked()).toEqual([{ id: streamId, inMs: 2_000 }])
    expect(await asked()).toEqual([])
  }
  expect(await asked()).toEqual([{ id: streamId, inMs: 0 }])
  expect(await asked()).toEqual([])
  expect(await pull()).toMatchObject({ outcome: 'success' })
  await due('now')
  expect(await pull()).toMatchObject({ outcome: 'success' })
})

test('whoever dies after the pull became due, or before, leaves it to a sweep', async () => {
  const { hub, ledger, streamId, tell, take } = await setUp()
  await tell()
  expect(await ledger.findPendingInboxes()).toHaveLength(1)
  // The last that was done before it died is the note in the ledger: nobody is called, nothing is settled.
  hub.ports.queue.wake = async () => {}
  hub.ports.ledger.settleEvents = async () => {
    throw new Error('the process died here')
  }
  await expect(take()).rejects.toThrow('died here')
  // The event is there still, and so is the pull.
  expect(await ledger.findPendingInboxes()).toHaveLength(1)
  expect(await ledger.findPendingPulls()).toEqual([streamId])
})

test('what changes while a pull is under way is pulled after it, not during it, and incrementally after a full one', async () => {
  const { crm, hub, ledger, streamId, tell, take, pull, due, records } = await setUp()
  crm.pageSize = 1
  for (const id of ['a', 'b']) crm.put('contacts', id, { name: id })
  let told = false
  crm.onPage = async () => {
    if (told) return
    told = true
    // The list of this pull is made already: it will not hold this one.
    crm.put('contacts', 'c', { name: 'C' })
    await tell(50)
    await take()
    await due('in an hour')
  }
  await ledger.requestPull([streamId], 'full', null)
  expect(await pull()).toMatchObject({ outcome: 'success', counts: { read: 2 } })
  expect(await records()).toEqual(['a', 'b'])
  // Not at once: those that are sent meanwhile find it due.
  expect(await pull()).toBeNull()
  await due('now')
  expect(await ledger.findPendingPulls()).toEqual([streamId])
  expect(await pull()).toMatchObject({ counts: { read: 1 } })
  expect(await records()).toEqual(['a', 'b', 'c'])
  const { rows } = await hub.pool.query(`select mode from run where kind = 'pull' order by id`)
  expect(rows.map(({ mode }) => mode)).toEqual(['full', 'incremental'])
  await due('now')
  expect(await pull()).toBeNull()
})

test('a pull that is given up keeps what was told meanwhile, and one that waits for its source is not hurried', async () => {
  const { crm, hub, ledger, streamId, tell, take, pull, due, records } = await setUp()
  crm.put('contacts', 'a', { name: 'A' })
  crm.onPage = async () => {
    crm.onPage = async () => {}
    await tell()
    await take()
    throw new CausewayError('CSW-2004', { what: 'the manifest is wrong' })
  }
  await ledger.requestPull([streamId], 'incremental', null)
  expect(await pull()).toMatchObject({ outcome: 'failed' })
  expect(await ledger.readStream(streamId)).toMatchObject({ pullMode: null })
  await due('now')
  crm.onPage = async () => {
    crm.onPage = async () => {}
    throw new CausewayError('CSW-3002', { what: 'the system is away' })
  }
  expect(await ledger.findPendingPulls()).toEqual([streamId])
  expect(await pull()).toMatchObject({ outcome: expect.stringMatching(/failed|waiting/) })
  await hub.pool.query('update connection set wait_until = null')
  hub.woken.clear()
  await tell()
  await take()
  await due('now')
  expect(await ledger.findPendingPulls()).toEqual([])
  await hub.pool.query('update stream set next_pull_at = now()')
  expect(await ledger.findPendingPulls()).toEqual([streamId])
  expect(await pull()).toMatchObject({ outcome: 'success' })
  expect(await records()).toEqual(['a'])
})

test.each([
  ['its connection is resumed', 'connection'],
  ['its sync is resumed', 'sync'],
  ['the files are read again', 'files'],
] as const)('what a webhook told outlives the pull that was given up over it, until %s', async (_name, occasion) => {
  const { crm, hub, ledger, streamId, tell, take, pull, records } = await setUp()
  const { model } = hub.ports
  const resume = async () => {
    if (occasion === 'connection') await ledger.setConnectionState(model().connectionId('crm')!, 'active', null)
    else if (occasion === 'sync') await ledger.setSyncState(model().syncByName('contacts')!.row.id, 'active', null)
    else await TestHub.open({ crm, erp: new MemorySystem().stream('customers') }, [sync], hub.pool)
  }
  crm.put('contacts', 'a', { name: 'A' })
  crm.onPage = async () => {
    throw new CausewayError('CSW-2004', { what: 'the manifest is wrong' })
  }
  await tell()
  await take()
  expect(await pull()).toMatchObject({ outcome: 'failed' })
  // Not by itself: it would fail for ever.
  expect(await ledger.findPendingPulls()).toEqual([])
  await resume()
  expect(await pull()).toMatchObject({ outcome: 'failed' })
  expect(await ledger.findPendingPulls()).toEqual([])
  crm.onPage = async () => {}
  await resume()
  expect(await ledger.findPendingPulls()).toEqual([streamId])
  expect(await pull()).toMatchObject({ outcome: 'success' })
  expect(await records()).toEqual(['a'])
  await resume()
  expect(await pull()).toBeNull()
})
