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
  run: (person) => one({ name: person.name! }),
}

/** Webhooks that hold their record, which has no version. */
class Telling extends MemorySystem {
  override async readEvent({ body }: { body: Buffer }): ReturnType<MemorySystem['readEvent']> {
    const { id, name } = JSON.parse(body.toString())
    return [{ stream: 'people', records: [{ id, version: null, body: { name } }], fetch: [] }]
  }
}

async function setUp() {
  const crm = new Telling().stream('people')
  const hub = await TestHub.open({ crm, erp: new MemorySystem().stream('people') }, [sync])
  const connectionId = hub.ports.model().connectionId('crm')!
  const writer = new InboxWriter(hub.pool)
  const send = async (eventId: string, body: JsonObject) => {
    const event = { connectionId, stream: 'people', eventId, headers: {}, body: Buffer.from(JSON.stringify(body)) }
    await writer.add([event])
  }
  const take = () => readInbox(hub.ports, connectionId, new AbortController().signal)
  const people = async () => {
    const { rows } = await hub.pool.query<{ id: string; body: string }>(
      "select r.id, r.body from record r join stream s on s.id = r.stream_id where s.name = 'people' order by r.id",
    )
    return Object.fromEntries(rows.map(({ id, body }) => [id, JSON.parse(body).name]))
  }
  return { send, take, people }
}

test('two events that a sender gave one id are both taken', async () => {
  const { send, take, people } = await setUp()
  await send('7', { id: 'p1', name: 'Ann' })
  await send('7', { id: 'p2', name: 'Bob' })
  await take()
  expect(await people()).toEqual({ p1: 'Ann', p2: 'Bob' })
})

test.for(['at once', 'one by one'] as const)(
  'an event that is sent again with another counter does not bring back what it said (taken %s)',
  async (how) => {
    const { send, take, people } = await setUp()
    const next = async () => (how === 'one by one' ? await take() : null)
    await send('7', { id: 'p1', name: 'Ann', attempt: 1 })
    await next()
    await send('8', { id: 'p1', name: 'Anna', attempt: 1 })
    await next()
    await send('7', { id: 'p1', name: 'Ann', attempt: 2 })
    await take()
    expect(await people()).toEqual({ p1: 'Anna' })
  },
)
