import { expect, test } from 'vitest'
import type { Page, SourceRecord } from '../../src/connector/index.ts'
import { type JsonObject, JsonText } from '../../src/core/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const copy: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['external_id']],
  run: (record) => one({ ...record }),
}

async function open(abilities = {}, syncs: TestSync[] = [copy]) {
  const crm = new MemorySystem().stream('contacts', abilities).stream('companies')
  const erp = new MemorySystem().stream('customers')
  return { crm, erp, hub: await TestHub.open({ crm, erp }, syncs) }
}

const page = (records: SourceRecord[], more: Partial<Page> = {}): Page => ({
  records,
  rejected: [],
  cursor: { version: 0 },
  requestedAt: new Date(),
  last: true,
  ...more,
})

test('of two states of one record in a page the higher version stays, in whatever order they come', async () => {
  const { crm, hub } = await open()
  crm.read = async function* () {
    yield page([
      { id: 'a', version: '2', body: { external_id: '1', name: 'new' } },
      { id: 'a', version: '1', body: { external_id: '1', name: 'old' } },
    ])
  }
  await hub.pull('crm:contacts')
  const { rows } = await hub.pool.query<{ body: string }>('select body from record')
  expect(rows).toMatchObject([{ body: JsonText.from('{"external_id":"1","name":"new"}') }])
  await hub.push('copy')
})

test('ids that no key can hold are rejected alone', async () => {
  const { crm, hub } = await open()
  crm.read = async function* () {
    yield page([
      { id: 'good', version: '1', body: { external_id: '1' } },
      {
        id: Array.from({ length: 4_000 }, () => Math.random().toString(36)[3] ?? 'x').join(''),
        version: '1',
        body: { external_id: '2' },
      },
      { id: 'half \ud800', version: '1', body: { external_id: '3' } },
    ])
  }
  expect(await hub.pull('crm:contacts')).toMatchObject({ outcome: 'partial', counts: { rejected: 2 } })
  expect((await hub.pool.query('select id from record')).rows).toEqual([{ id: 'good' }])
  expect((await hub.pool.query("select 1 from dead_letter where kind = 'pull'")).rowCount).toBe(2)
})

test('part keys and references that no key can hold fail their record alone', async () => {
  const bad = ['nul \0', 'x'.repeat(5_000), 'half \ud800']
  const { crm, erp, hub } = await open({}, [
    {
      ...copy,
      multipart: true,
      run: (record) => ({
        status: 'mapped',
        parts: [
          {
            part: record.bad === undefined ? '1' : bad[record.bad as number]!,
            values: JsonText.of({ external_id: record.external_id! }),
            references:
              record.reference === undefined
                ? []
                : [
                    {
                      path: ['company'],
                      to: { connection: '', stream: 'customers' },
                      from: { connection: 'crm', stream: 'contacts' },
                      id: bad[record.reference as number]!,
                    },
                  ],
          },
        ],
      }),
    },
  ])
  crm.put('contacts', 'good', { external_id: '1' })
  bad.forEach((_, i) => {
    crm.put('contacts', `part${i}`, { external_id: `p${i}`, bad: i })
    crm.put('contacts', `ref${i}`, { external_id: `r${i}`, reference: i })
  })
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ outcome: 'partial', counts: { created: 1, dead: 6 } })
  expect(erp.list('customers')).toHaveLength(1)
})

test('a read that ends without its last page proves no deletion', async () => {
  const { crm, hub } = await open({ deletions: 'scan' })
  for (let i = 0; i < 15; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  await hub.pull('crm:contacts', 'full')
  crm.read = async function* () {
    yield page([], { last: false })
  }
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'failed' })
  crm.read = async function* () {}
  await hub.pull('crm:contacts', 'full')
  expect((await hub.pool.query('select 1 from record where deleted')).rowCount).toBe(0)
})

test('a record that a webhook brought during a scan stays, whatever the clocks of hub and database say', async () => {
  const { crm, hub } = await open({ deletions: 'scan' })
  for (let i = 0; i < 5; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const slow = new Date(Date.now() - 10 * 60_000)
  hub.ports.clock = { ...hub.ports.clock, now: () => slow }
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  crm.onPage = async () => {
    await hub.ports.ledger.commitPage({
      streamId,
      records: [
        {
          id: 'x',
          version: null,
          hash: 'x',
          body: JsonText.from('{}'),
          content: null,
          deleted: false,
          keys: [],
          aliases: [],
        },
      ],
      rejected: [],
      requestedAt: slow,
      runId: null,
    })
  }
  await hub.pull('crm:contacts', 'full')
  expect((await hub.pool.query("select 1 from record where id = 'x' and not deleted")).rowCount).toBe(1)
})

test('held scans leave nothing behind', async () => {
  const { crm, hub } = await open({ deletions: 'scan' })
  for (let i = 0; i < 60; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  await hub.pull('crm:contacts', 'full')
  for (let i = 0; i < 40; i++) crm.rows.get('contacts')!.delete(`c${i}`)
  for (let again = 0; again < 3; again++)
    expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'held' })
  expect((await hub.pool.query('select 1 from scan_page')).rowCount).toBe(0)
})

test('a tombstone that overtakes its record wins over it', async () => {
  const { hub } = await open()
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  const row = { id: 'x', content: null, keys: [], aliases: [] }
  const at = (ms: number) => ({ streamId, rejected: [], requestedAt: new Date(1_000_000 + ms), runId: null })
  await hub.ports.ledger.commitPage({
    ...at(10),
    records: [{ ...row, version: null, hash: '', body: JsonText.from('{}'), deleted: true }],
  })
  await hub.ports.ledger.commitPage({
    ...at(5),
    records: [{ ...row, version: null, hash: 'x', body: JsonText.from('{"external_id":"1"}'), deleted: false }],
  })
  const read = async () =>
    (await hub.pool.query<{ deleted: boolean }>("select deleted from record where id = 'x'")).rows
  expect(await read()).toEqual([{ deleted: true }])
  expect(await hub.push('copy')).toMatchObject({ counts: { created: 0 } })
  await hub.ports.ledger.commitPage({
    ...at(20),
    records: [{ ...row, version: null, hash: 'x', body: JsonText.from('{"external_id":"1"}'), deleted: false }],
  })
  expect(await read()).toEqual([{ deleted: false }])
  expect(await hub.push('copy')).toMatchObject({ counts: { created: 1 } })
})

const joined: TestSync = {
  ...copy,
  joins: [{ name: 'company', from: { connection: 'crm', stream: 'companies' }, field: null, take: 'one' }],
  keys: (record) => ({ company: [String(record.company)] }),
  run: (record, joins) =>
    one({ external_id: record.external_id!, company: (joins.company as JsonObject | null)?.title ?? null }),
}

test('a sync that has delivered everything is idle, its joins too', async () => {
  const { crm, hub } = await open({}, [joined])
  for (let i = 0; i < 20; i++) crm.put('companies', `k${i}`, { title: `T${i}` })
  for (let i = 0; i < 20; i++) crm.put('contacts', `c${i}`, { external_id: String(i), company: `k${i}` })
  await hub.pull('crm:companies')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  expect(await hub.ports.ledger.findPendingPushes()).toEqual([])
})

test('a joined record that changes while a lane maps with the old one is not missed', async () => {
  const { crm, erp, hub } = await open({}, [{ ...joined, lanes: 2 }])
  crm.put('companies', 'k', { title: 'old' })
  for (let i = 0; i < 40; i++) crm.put('contacts', `c${i}`, { external_id: String(i), company: 'k' })
  await hub.pull('crm:companies')
  await hub.pull('crm:contacts')
  const { commitBatch } = hub.ports.ledger
  hub.ports.ledger.commitBatch = async (batch) => {
    hub.ports.ledger.commitBatch = commitBatch
    crm.put('companies', 'k', { title: 'new' })
    await hub.pull('crm:companies')
    // The other lane follows the joined stream past the change before this one has saved what it depends on.
    await hub.push('copy', 0)
    return commitBatch(batch)
  }
  await hub.push('copy', 1)
  for (const lane of [0, 1]) await hub.push('copy', lane)
  expect(new Set(erp.list('customers').map((row) => row.body.company))).toEqual(new Set(['new']))
})

test('a run that works long on one batch is not declared dead', async () => {
  const { crm, hub } = await open()
  crm.put('contacts', 'c', { external_id: '1' })
  const { commitBatch } = hub.ports.ledger
  hub.ports.ledger.commitBatch = async (batch) => {
    await hub.ports.ledger.markInterrupted(-1_000)
    return commitBatch(batch)
  }
  await hub.pull('crm:contacts')
  await hub.push('copy')
  const { rows } = await hub.pool.query("select outcome from run where kind = 'push'")
  expect(rows).toEqual([{ outcome: 'success' }])
})
