/** The error desk, replayed events, and what is deleted when its time is over. */
import { expect, test } from 'vitest'
import { applyPlan, type PlannedChange, planSync, readInbox } from '../../src/pipeline/index.ts'
import { dropOldRows } from '../../src/store/index.ts'
import { listDeadLetters, listEvents } from '../../src/store/views/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: (record) => one({ email: record.email!, name: record.name ?? null }),
}

async function open(syncs: TestSync[] = [sync]) {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  const hub = await TestHub.open({ crm, erp }, syncs)
  return { crm, erp, hub }
}

/** A record that the target refuses for its name. */
async function refused() {
  const systems = await open()
  const { crm, erp, hub } = systems
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'too long' })
  erp.fault = (_operation, item) => (item.values.name === 'too long' ? 'refuse' : undefined)
  await hub.pull('crm:contacts')
  await hub.push('copy')
  const letter = (await listDeadLetters(hub.pool, { limit: 1 })).items[0]!
  return { ...systems, letter }
}

test('a corrected record is delivered, and its letter is closed', async () => {
  const { erp, hub, letter } = await refused()
  const body = JSON.stringify({ email: 'a@example.test', name: 'short' })
  expect(await hub.ports.ledger.correctRecord({ letterId: letter.id, body, actor: 'me' })).toBe('corrected')
  await hub.ports.ledger.requeueDeadLetters([letter.id], 'me')
  expect(await hub.push('copy')).toMatchObject({ counts: { created: 1, dead: 0 } })
  expect(erp.list('customers')[0]!.body).toMatchObject({ name: 'short' })
  expect((await listDeadLetters(hub.pool, { limit: 1, state: 'resolved' })).items).toHaveLength(1)
})

test('a plan shows what a person corrected, and to apply it delivers that', async () => {
  const { erp, hub, letter } = await refused()
  const body = JSON.stringify({ email: 'a@example.test', name: 'short' })
  await hub.ports.ledger.correctRecord({ letterId: letter.id, body, actor: 'me' })
  const { row, definition } = hub.ports.model().syncByName('copy')!
  const signal = new AbortController().signal
  const plan = async () => {
    const changes: PlannedChange[] = []
    for await (const some of planSync(hub.ports, row.id, { limit: 10, signal })) changes.push(...some)
    return changes
  }
  const changes = await plan()
  expect(changes[0]).toMatchObject({
    action: 'create',
    fields: expect.arrayContaining([expect.objectContaining({ field: 'name', after: 'short' })]),
  })
  expect(await applyPlan(hub.ports, row.id, { version: definition.version, changes, signal })).toMatchObject({
    moved: [],
  })
  expect(erp.list('customers')[0]!.body).toMatchObject({ name: 'short' })
  // Nothing is left to do, and to deliver it once more takes nothing back.
  expect(await plan()).toMatchObject([{ action: 'unchanged' }])
})

test('a correction never writes older data: what the source says later wins, and a late correction is refused', async () => {
  const { crm, erp, hub, letter } = await refused()
  const body = JSON.stringify({ email: 'a@example.test', name: 'by hand' })
  await hub.ports.ledger.correctRecord({ letterId: letter.id, body, actor: 'me' })
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'newer' })
  await hub.pull('crm:contacts')
  expect(await hub.ports.ledger.correctRecord({ letterId: letter.id, body, actor: 'me' })).toBe('moved-on')
  await hub.ports.ledger.requeueDeadLetters([letter.id], 'me')
  await hub.push('copy')
  expect(erp.list('customers')[0]!.body).toMatchObject({ name: 'newer' })
})

test('a replayed event goes through the syncs once more, or through one of them', async () => {
  const other: TestSync = { ...sync, name: 'other', to: 'erp:leads' }
  const { crm, erp, hub } = await open([sync, other])
  erp.stream('leads')
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'A' })
  const id = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    `insert into inbox (connection_id, stream, event_id, headers, body) values ($1, 'contacts', 'e1', '{}', '{}')`,
    [id],
  )
  crm.readEvent = async () => [{ stream: 'contacts', records: [], fetch: ['a'] }] as never
  const take = () => readInbox(hub.ports, id, new AbortController().signal)
  await take()
  await hub.push('copy')
  await hub.push('other')
  const [event] = (await listEvents(hub.pool, { state: 'done', limit: 5 })).items
  expect(event).toMatchObject({ connection: 'crm', eventId: 'e1', bytes: 2 })
  // Somebody lost the customer in the target: nothing in the source changed, so only a replay mends it.
  const lead = hub.ports.model().syncByName('other')!.row.id
  expect(await hub.ports.ledger.replayEvents({ ids: [event!.id] }, lead, 10)).toMatchObject({ replayed: 1 })
  await take()
  expect(await hub.push('copy')).toMatchObject({ counts: { read: 0 } })
  expect(await hub.push('other')).toMatchObject({ counts: { read: 1, unchanged: 1 } })
  const since = new Date(Date.now() - 60_000)
  expect(await hub.ports.ledger.replayEvents({ since, connectionId: id }, 0, 10)).toMatchObject({ replayed: 1 })
  expect(await hub.ports.ledger.replayEvents({ until: since }, 0, 10)).toMatchObject({ replayed: 0 })
  await take()
  expect(await hub.push('copy')).toMatchObject({ counts: { read: 1 } })
  expect(await hub.push('other')).toMatchObject({ counts: { read: 1 } })
})

test('what is over is deleted, what is open or young stays', async () => {
  const { hub, letter } = await refused()
  const days = { runs: 30, deadLetters: 30, formerLinks: 30, configuration: 30 }
  await hub.pool.query("update dead_letter set created_at = now() - interval '100 days'")
  await hub.pool.query(
    "insert into dead_letter (kind, code, fingerprint, error, record_id, part, state, closed_at) values ('push', 'CSW-3008', 'x', '{}', 'b', '', 'resolved', now() - interval '31 days'), ('push', 'CSW-3008', 'x', '{}', 'c', '', 'discarded', now())",
  )
  await hub.pool.query("update run set finished_at = now() - interval '31 days' where id = (select min(id) from run)")
  await hub.pool.query(
    `insert into hold (kind, stream_id, run_id, reason, seq, records, live, state, decided_at) values
       ('scan', 1, 1, 'share', 1, 1, 1, 'rejected', now() - interval '31 days'), ('scan', 2, 1, 'share', 1, 1, 1, 'open', null)`,
  )
  await hub.pool.query(`insert into held_record select id, 'r' from hold`)
  expect(await dropOldRows(hub.pool, days)).toMatchObject({ dead_letter: 1, run: 1, hold: 1, held_record: 1 })
  expect(await dropOldRows(hub.pool, days)).toMatchObject({ dead_letter: 0, run: 0, hold: 0 })
  expect((await listDeadLetters(hub.pool, { limit: 5 })).items.map(({ id }) => id)).toEqual([letter.id])
  expect((await hub.pool.query('select state from hold')).rows).toEqual([{ state: 'open' }])
  expect((await hub.pool.query('select 1 from held_record')).rowCount).toBe(1)
})
