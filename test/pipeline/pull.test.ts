import { expect, test } from 'vitest'
import { CausewayError, type JsonObject, JsonText, parseExact } from '../../src/core/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const copy: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  deletes: 'delete',
  match: [['external_id']],
  run: (record) => one({ ...record }),
}

function open(abilities = {}) {
  const crm = new MemorySystem().stream('contacts', abilities)
  const erp = new MemorySystem().stream('customers')
  return { crm, erp }
}

async function observe(hub: TestHub, record: { version: string | null; name: string; at: number; deleted?: boolean }) {
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  return createLedger(hub.pool).commitPage({
    streamId,
    records: [
      {
        id: 'x',
        version: record.version,
        hash: record.name,
        body: JsonText.of({ name: record.name }),
        content: null,
        deleted: record.deleted ?? false,
        keys: [],
        aliases: [],
      },
    ],
    rejected: [],
    requestedAt: new Date(1_000_000 + record.at),
    runId: null,
  })
}
const current = async (hub: TestHub) =>
  (await hub.pool.query<{ body: string; deleted: boolean }>("select body, deleted from record where id = 'x'")).rows[0]

test('an older version never replaces a newer one, nor does an older read without version', async () => {
  const { crm, erp } = open()
  const hub = await TestHub.open({ crm, erp }, [copy])
  await observe(hub, { version: '05', name: 'five', at: 0 })
  await observe(hub, { version: '04', name: 'four', at: 9 })
  expect(await current(hub)).toMatchObject({ body: '{"name":"five"}' })
  await observe(hub, { version: '05', name: 'five again', at: 9 })
  expect(await current(hub)).toMatchObject({ body: '{"name":"five again"}' })
  await observe(hub, { version: null, name: 'late answer', at: 5 })
  await observe(hub, { version: null, name: '', at: 5, deleted: true })
  expect(await current(hub)).toMatchObject({ body: '{"name":"five again"}', deleted: false })
  await observe(hub, { version: null, name: '', at: 12, deleted: true })
  expect(await current(hub)).toMatchObject({ deleted: true })
})

test('unchanged rows are not touched at all', async () => {
  const { crm, erp } = open()
  for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [copy])
  await hub.pull('crm:contacts', 'full')
  const before = (await hub.pool.query('select id, ctid::text, xmin::text from record order by id')).rows
  await hub.pull('crm:contacts', 'full')
  expect((await hub.pool.query('select id, ctid::text, xmin::text from record order by id')).rows).toEqual(before)
})

test('pages are taken for new only as long as nothing of the page before was known', async () => {
  const { crm, erp } = open()
  for (let i = 0; i < 12; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [copy])
  const { ledger } = hub.ports
  const { commitPage } = ledger
  let taken: (boolean | undefined)[] = []
  ledger.commitPage = (page) => {
    taken.push(page.allNew)
    return commitPage(page)
  }
  crm.pageSize = 3
  await hub.pull('crm:contacts', 'full')
  const first = taken
  taken = []
  // All of them changed, and none is new: written without a look each page would be refused, and written once more.
  for (let i = 0; i < 12; i++) crm.put('contacts', `c${i}`, { external_id: String(i), name: 'changed' })
  await hub.pull('crm:contacts')
  expect(first).toContain(true)
  expect(taken.length).toBeGreaterThan(1)
  expect(taken).not.toContain(true)
})

test('a pull that dies goes on from its last committed page', async () => {
  const { crm, erp } = open()
  for (let i = 0; i < 50; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [copy])
  let pages = 0
  crm.onPage = async () => {
    if (++pages === 4) throw new Error('the source broke')
  }
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'failed', counts: { pages: 3 } })
  crm.onPage = async () => {}
  await hub.pool.query('update stream set next_pull_at = null')
  expect(await hub.pull('crm:contacts')).toMatchObject({ outcome: 'success', counts: { read: 20 } })
  await hub.push('copy')
  expect(erp.list('customers')).toHaveLength(50)
})

test('a complete scan removes what it did not meet, never what came after it began', async () => {
  const { crm, erp } = open({ deletions: 'scan' })
  for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [copy])
  await hub.pull('crm:contacts', 'full')
  await hub.push('copy')
  crm.rows.get('contacts')!.delete('c3')
  let added = false
  crm.onPage = async () => {
    if (added) return
    added = true
    // Seen by a webhook while the scan runs; the scan itself will not meet it.
    await observe(hub, { version: null, name: 'by webhook', at: Date.now() })
  }
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'success', counts: { deleted: 1 } })
  expect(await current(hub)).toMatchObject({ deleted: false })
  await hub.push('copy')
  expect(erp.list('customers').some((row) => row.body.external_id === '3')).toBe(false)
})

test('a scan that would remove a large share is held', async () => {
  const { crm, erp } = open({ deletions: 'scan' })
  for (let i = 0; i < 60; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [copy])
  await hub.pull('crm:contacts', 'full')
  for (let i = 0; i < 40; i++) crm.rows.get('contacts')!.delete(`c${i}`)
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'held', counts: { held: 40, deleted: 0 } })
  expect((await hub.pool.query('select 1 from record where deleted')).rowCount).toBe(0)
})

test('values arrive unchanged: big integers, decimals, 1e400, U+0000, lone surrogates, null, arrays of one', async () => {
  const { crm, erp } = open()
  const text =
    '{"external_id":"1","big":9223372036854775807,"dec":0.10,"huge":1e400,"nul":"\\u0000","sur":"\\ud800","n":null,"one":[1]}'
  crm.put('contacts', 'c1', parseExact(text) as JsonObject)
  const hub = await TestHub.open({ crm, erp }, [copy])
  await hub.pull('crm:contacts')
  const { rows } = await hub.pool.query<{ body: string }>('select body from record')
  expect(rows[0]!.body).toBe(text)
  await hub.push('copy')
  expect(JSON.stringify(erp.journal[0]!.values)).toBe(text)
})

test('a pull that gets further each time is tried again soon; one that stands still waits longer each time', async () => {
  const { crm, erp } = open()
  for (let i = 0; i < 80; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [copy])
  let good = 1
  let pages = 0
  crm.onPage = async () => {
    if (pages++ >= good) throw new CausewayError('CSW-3006', { what: 'the source fell over' })
  }
  const failed = async () => {
    pages = 0
    expect(await hub.pull('crm:contacts')).toMatchObject({ outcome: 'failed' })
    await hub.pool.query(`update connection set wait_until = null, state = 'active'`)
    const { rows } = await hub.pool.query<{ failures: number }>(
      `update stream s set next_pull_at = null from stream was where s.name = 'contacts' and was.id = s.id
       returning s.pull_failures as failures`,
    )
    return rows[0]!.failures
  }
  expect([await failed(), await failed(), await failed()]).toEqual([1, 1, 1])
  good = 0
  expect([await failed(), await failed(), await failed()]).toEqual([2, 3, 4])
  good = 1
  expect(await failed()).toBe(1)
})

test('a worker whose lease was taken over cannot commit a page', async () => {
  const { crm, erp } = open()
  for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [copy])
  let pages = 0
  crm.onPage = async () => {
    if (++pages === 2)
      await hub.pool.query("update lease set token = token + 1, holder = 'other' where name like 'pull:%'")
  }
  await expect(hub.pull('crm:contacts')).rejects.toMatchObject({ code: 'CSW-6004' })
  expect((await hub.pool.query('select 1 from record')).rowCount).toBeLessThan(30)
})

test('a merged id becomes an alias: the surviving record updates the target of the former one', async () => {
  const { crm, erp } = open()
  crm.put('contacts', 'old', { external_id: '1', name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [{ ...copy, match: [] }])
  await hub.pull('crm:contacts')
  await hub.push('copy')
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  await createLedger(hub.pool).commitPage({
    streamId,
    records: [
      {
        id: 'new',
        version: '9',
        hash: 'n',
        body: JsonText.from('{"external_id":"1","name":"B"}'),
        content: null,
        deleted: false,
        keys: [],
        aliases: ['old'],
      },
    ],
    rejected: [],
    requestedAt: new Date(),
    runId: null,
  })
  await hub.push('copy')
  expect(erp.list('customers').map((row) => row.body)).toEqual([{ external_id: '1', name: 'B' }])
})
