/** Webhooks that are read after the source has moved on, whose records have no versions. */
import { expect, test } from 'vitest'
import type { JsonObject } from '../../src/core/index.ts'
import { readInbox } from '../../src/pipeline/index.ts'
import { InboxWriter } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'people',
  from: 'crm:people',
  to: 'erp:people',
  deletes: 'delete',
  run: (person) => one({ name: person.name! }),
}

/** A source without versions: its list gives all records each time, and its webhooks hold theirs. */
class Unversioned extends MemorySystem {
  override async *read() {
    const records = this.list('people').map(({ id, body }) => ({ id, version: null, body }))
    yield { records, rejected: [], cursor: {}, requestedAt: new Date(), last: true }
  }
  override async fetch(request: { stream: string; ids: string[] }) {
    return (await super.fetch(request)).map((record) => ({ ...record, version: null }))
  }
  override async readEvent({ body }: { body: Buffer }): ReturnType<MemorySystem['readEvent']> {
    const { id, name } = JSON.parse(body.toString())
    const deleted = name === undefined ? { deleted: true } : {}
    return [{ stream: 'people', records: [{ id, version: null, body: { name }, ...deleted }], fetch: [] }]
  }
}

async function setUp() {
  const crm = new Unversioned().stream('people')
  const erp = new MemorySystem().stream('people')
  crm.put('people', 'p1', { name: 'Ann' })
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:people')
  await hub.push('people')
  const connectionId = hub.ports.model().connectionId('crm')!
  /** Comes in as long ago as `agoMs`, and is read only later. */
  const late = async (body: JsonObject) => {
    const bytes = Buffer.from(JSON.stringify(body))
    await new InboxWriter(hub.pool).add([{ connectionId, stream: 'people', eventId: '1', headers: {}, body: bytes }])
    await hub.pool.query("update inbox set received_at = received_at - interval '1 minute'")
    await hub.pool.query("update record set observed_at = observed_at - interval '1 hour'")
  }
  const take = async () => {
    await hub.pool.query('update inbox set next_attempt_at = now() where next_attempt_at is not null')
    await readInbox(hub.ports, connectionId, new AbortController().signal)
    await hub.push('people')
    return erp.list('people').map(({ body }) => body.name)
  }
  return { crm, hub, late, take }
}

test('a change that was taken back before its webhook was read is not brought back by it', async () => {
  const { hub, late, take } = await setUp()
  await late({ id: 'p1', name: 'Changed for a while' })
  // Sees the record as it was before: nothing for the log to note.
  await hub.pull('crm:people')
  expect(await take()).toEqual(['Ann'])
})

test('nor is a deletion that was taken back', async () => {
  const { hub, late, take } = await setUp()
  await late({ id: 'p1' })
  await hub.pull('crm:people')
  expect(await take()).toEqual(['Ann'])
})

test('one that still holds is taken, and so is a deletion', async () => {
  const { crm, hub, late, take } = await setUp()
  await late({ id: 'p1', name: 'Anna' })
  await hub.pull('crm:people')
  crm.put('people', 'p1', { name: 'Anna' })
  expect(await take()).toEqual(['Anna'])
  crm.remove('people', 'p1')
  await hub.pool.query('delete from inbox')
  await late({ id: 'p1' })
  await hub.pull('crm:people')
  await take()
  expect(await take()).toEqual([])
})

test('where no pull has read the stream since, the webhook is taken as it is', async () => {
  const { crm, late, hub, take } = await setUp()
  await late({ id: 'p1', name: 'Anna' })
  await hub.pool.query("update stream set page_requested_at = page_requested_at - interval '1 hour'")
  const asked = crm.calls.length
  expect(await take()).toEqual(['Anna'])
  expect(crm.calls.length).toBe(asked)
})
