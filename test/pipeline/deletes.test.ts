import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { CausewayError, JsonText } from '../../src/core/index.ts'
import { showHold } from '../../src/store/views/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['external_id']],
  deletes: 'delete',
  run: (record) => one({ ...record }),
}

async function open(count: number, more: Partial<TestSync> = {}) {
  const crm = new MemorySystem().stream('contacts', { deletions: 'scan' })
  crm.pageSize = 100
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < count; i++) crm.put('contacts', `c${i}`, { external_id: String(i), name: `n${i}` })
  const hub = await TestHub.open({ crm, erp }, [{ ...sync, ...more }])
  await hub.pull('crm:contacts', 'full')
  await hub.push('copy')
  return { crm, erp, hub, contacts: crm.rows.get('contacts')! }
}

const drop = (contacts: Map<string, unknown>, count: number): void => {
  for (const id of [...contacts.keys()].slice(0, count)) contacts.delete(id)
}
const decide = (hub: TestHub, runId: number, approved: boolean) =>
  hub.ports.ledger.decideHold(runId, { approved, actor: 'test', note: null })

test('what a scan did not meet is looked at once more, and stays when it is there', async () => {
  const { crm, erp, hub, contacts } = await open(30)
  const hidden = contacts.get('c3')!
  contacts.delete('c3')
  contacts.delete('c4')
  // The list forgets c3, but asked by its id the source still knows it: an index that lags, a filter, a lost right.
  const { fetch } = crm
  crm.fetch = async (request) => {
    contacts.set('c3', hidden)
    const found = await fetch.call(crm, request)
    contacts.delete('c3')
    return found
  }
  const result = await hub.pull('crm:contacts', 'full')
  expect(result).toMatchObject({ outcome: 'success', counts: { deleted: 1, spared: 1 } })
  await hub.push('copy')
  expect(erp.list('customers')).toHaveLength(29)
})

/** Where records have no versions: a webhook brings a newer state of the record while the answer to the look is on its way. */
function editDuringLook(hub: TestHub, crm: MemorySystem, id: string): void {
  const { fetch } = crm
  crm.fetch = async (request) => {
    const found = await fetch.call(crm, request)
    crm.fetch = fetch
    await setTimeout(20)
    const body = { external_id: '3', name: 'edited' }
    await hub.ports.ledger.commitPage({
      ...{
        streamId: hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!,
        rejected: [],
        runId: null,
      },
      records: [
        {
          id,
          version: null,
          hash: 'edited',
          body: JsonText.of(body),
          content: null,
          deleted: false,
          keys: [],
          aliases: [],
        },
      ],
      requestedAt: new Date(),
    })
    await setTimeout(20)
    return found
  }
}

test.each(['a scan', 'an approval'])(
  'what the second look of %s found goes over nothing that came while it looked',
  async (what) => {
    const crm = new MemorySystem().stream('contacts', { deletions: 'scan' })
    const erp = new MemorySystem().stream('customers')
    crm.pageSize = 100
    crm.spells = () => null
    for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { external_id: String(i), name: `n${i}` })
    const hub = await TestHub.open({ crm, erp }, [sync])
    await hub.pull('crm:contacts', 'full')
    const rows = crm.rows.get('contacts')!
    const hidden = new Map(rows)
    const isHeld = what === 'an approval'
    for (const id of isHeld ? [...rows.keys()].slice(0, 25) : ['c3']) rows.delete(id)
    const look = (): void => {
      const { fetch } = crm
      // The list forgets c3, but asked by its id the source still knows it.
      crm.fetch = async (request) => {
        rows.set('c3', hidden.get('c3')!)
        return fetch.call(crm, request).finally(() => rows.delete('c3'))
      }
      editDuringLook(hub, crm, 'c3')
    }
    if (isHeld) {
      const { runId } = (await hub.pull('crm:contacts', 'full'))!
      await decide(hub, runId, true)
    }
    look()
    await hub.pull('crm:contacts', isHeld ? 'incremental' : 'full')
    const { rows: log } = await hub.pool.query("select body, deleted from record where id = 'c3'")
    expect(log).toEqual([{ body: '{"external_id":"3","name":"edited"}', deleted: false }])
  },
)

/** Numbered pages of a source that gives no single records; `between` is called before each page but the first. */
function numberPages(crm: MemorySystem, between: (page: number) => void): void {
  crm.stream('contacts', { deletions: 'scan', shifts: true, byId: false })
  crm.fetch = async () => {
    throw new CausewayError('CSW-2003', { what: 'no single records' })
  }
  crm.read = async function* () {
    for (let page = 0; ; page++) {
      if (page > 0) between(page)
      const all = crm.list('contacts')
      const records = all.slice(page * 10, page * 10 + 10).map(({ id, body }) => ({ id, version: null, body }))
      const last = (page + 1) * 10 >= all.length
      yield { records, rejected: [], cursor: { page: last ? null : page }, requestedAt: new Date(), last }
      if (last) return
    }
  }
}

test('records that a deletion moved to a page that was read already are there: the scan is read once more', async () => {
  const crm = new MemorySystem()
  const erp = new MemorySystem().stream('customers')
  let deletes: string[] = []
  numberPages(crm, () => {
    for (const id of deletes) crm.rows.get('contacts')!.delete(id)
  })
  for (let i = 0; i < 30; i++) crm.put('contacts', `c${i}`, { external_id: String(i), name: `n${i}` })
  const hub = await TestHub.open({ crm, erp }, [sync])
  const sides = async () => {
    await hub.pull('crm:contacts', 'full')
    await hub.push('copy')
    return erp.list('customers').map(({ body }) => body.external_id)
  }
  expect(await sides()).toHaveLength(30)
  deletes = ['c0', 'c1']
  // c10 and c11 stand on the first page by then. c0 and c1 were met, so that they are gone with the next scan only.
  expect(await sides()).toHaveLength(30)
  deletes = []
  const left = await sides()
  expect(left).toHaveLength(28)
  expect(left).not.toContain('0')
  expect(left).toContain('10')
})

test('an answer without any record never empties a stream, however small', async () => {
  const { erp, hub, contacts } = await open(3)
  contacts.clear()
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'held', counts: { held: 3, deleted: 0 } })
  await hub.push('copy')
  expect(erp.list('customers')).toHaveLength(3)
})

test('a source that says it has more records than it gave proves nothing', async () => {
  const { crm, hub, contacts } = await open(10)
  contacts.delete('c1')
  crm.fetch = async () => {
    throw new CausewayError('CSW-2003', { what: 'no fetch by id' })
  }
  const { read } = crm
  crm.read = async function* (request) {
    for await (const page of read.call(crm, request)) yield { ...page, total: 10 }
  }
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'held', counts: { held: 1 } })
  crm.read = async function* (request) {
    for await (const page of read.call(crm, request)) yield { ...page, total: 9 }
  }
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'success', counts: { deleted: 1 } })
})

test('held deletions are carried out when a person approves them, and are not held again', async () => {
  const { erp, hub, contacts } = await open(60)
  drop(contacts, 40)
  const held = (await hub.pull('crm:contacts', 'full'))!
  expect(held).toMatchObject({ outcome: 'held', counts: { held: 40 } })
  expect(await showHold(hub.pool, String(held.runId))).toMatchObject({ records: 40, live: 60, state: 'open' })
  expect(await decide(hub, held.runId, true)).toMatchObject({ kind: 'scan', records: 40 })
  expect(await decide(hub, held.runId, true)).toBeUndefined()
  // The approval alone makes the stream pending; the next scan meets an empty place, not a second question.
  expect(await hub.ports.ledger.findPendingPulls()).toHaveLength(1)
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'success', counts: { deleted: 0 } })
  expect(await hub.push('copy')).toMatchObject({ outcome: 'success', counts: { deleted: 40 } })
  expect(erp.list('customers')).toHaveLength(20)
  expect(await hub.ports.ledger.findPendingPulls()).toEqual([])
})

test('an approval does not reach what was met again, changed or found since', async () => {
  const { crm, hub, contacts } = await open(60)
  const away = [...contacts.entries()].slice(0, 40)
  drop(contacts, 40)
  const held = (await hub.pull('crm:contacts', 'full'))!
  for (const [id, row] of away.slice(0, 10)) contacts.set(id, row)
  crm.put('contacts', 'c10', { external_id: '10', name: 'changed' })
  await hub.pull('crm:contacts', 'incremental')
  await decide(hub, held.runId, true)
  await hub.pull('crm:contacts')
  const { rows } = await hub.pool.query<{ n: number }>('select count(*) as n from record where deleted')
  expect(rows[0]!.n).toBe(29)
})

test('a later complete scan that meets everything takes the question back', async () => {
  const { hub, contacts } = await open(60)
  const all = [...contacts.entries()]
  drop(contacts, 40)
  const held = (await hub.pull('crm:contacts', 'full'))!
  for (const [id, row] of all) contacts.set(id, row)
  await hub.pull('crm:contacts', 'full')
  expect(await showHold(hub.pool, String(held.runId))).toMatchObject({ state: 'superseded' })
  expect(await decide(hub, held.runId, true)).toBeUndefined()
})

test('tombstones and edited filters that would empty a target are held too, and rejecting keeps the target', async () => {
  const crm = new MemorySystem().stream('contacts')
  crm.pageSize = 500
  const erp = new MemorySystem().stream('customers')
  for (let i = 0; i < 100; i++) crm.put('contacts', `c${i}`, { external_id: String(i) })
  const hub = await TestHub.open({ crm, erp }, [sync])
  await hub.pull('crm:contacts')
  await hub.push('copy')
  for (let i = 0; i < 60; i++) crm.remove('contacts', `c${i}`)
  await hub.pull('crm:contacts')
  const held = (await hub.push('copy'))!
  expect(held).toMatchObject({ outcome: 'held', counts: { held: 60, deleted: 0 } })
  expect(erp.list('customers')).toHaveLength(100)
  await decide(hub, held.runId!, false)
  for (let i = 60; i < 65; i++) crm.remove('contacts', `c${i}`)
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ outcome: 'success', counts: { deleted: 5 } })
  expect(erp.list('customers')).toHaveLength(95)
  for (let i = 65; i < 100; i++) crm.remove('contacts', `c${i}`)
  await hub.pull('crm:contacts')
  const again = (await hub.push('copy'))!
  expect(again).toMatchObject({ outcome: 'held', counts: { held: 35 } })
  await decide(hub, again.runId!, true)
  expect(await hub.push('copy')).toMatchObject({ outcome: 'success', counts: { deleted: 35 } })
  expect(erp.list('customers')).toHaveLength(60)
})

test('limits are those of the mapping file', async () => {
  const { hub, contacts } = await open(60, { deleteLimits: { maxShare: 1, maxCount: 20 } })
  drop(contacts, 40)
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({ outcome: 'success', counts: { deleted: 40 } })
})

test('a deletion waits out its grace period; what comes back meanwhile was never away', async () => {
  const { crm, erp, hub } = await open(5, { graceMs: 60 * 60_000 })
  crm.streams.get('contacts')!.abilities.deletions = 'tombstones'
  crm.remove('contacts', 'c1')
  crm.remove('contacts', 'c2')
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ counts: { deleted: 0, parked: 2 } })
  crm.put('contacts', 'c2', { external_id: '2', name: 'n2' })
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ counts: { unchanged: 1, created: 0, updated: 0 } })
  const later = new Date(Date.now() + 2 * 60 * 60_000)
  hub.ports.clock = { ...hub.ports.clock, now: () => later }
  await hub.skipWaits()
  expect(await hub.push('copy')).toMatchObject({ counts: { deleted: 1 } })
  expect(erp.list('customers')).toHaveLength(4)
})

test('a record that comes back gets the target it had, not a second one', async () => {
  const crm = new MemorySystem().stream('contacts')
  const erp = new MemorySystem().stream('customers')
  // No match key: only the remembered link can know.
  const hub = await TestHub.open({ crm, erp }, [{ ...sync, match: [], deletes: 'unlink' }])
  crm.put('contacts', 'a', { name: 'Ada' })
  await hub.pull('crm:contacts')
  await hub.push('copy')
  crm.remove('contacts', 'a')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  crm.put('contacts', 'a', { name: 'Ada L.' })
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ counts: { updated: 1, created: 0 } })
  expect(erp.list('customers').map((row) => row.body)).toEqual([{ name: 'Ada L.' }])
  // Deleted in the target meanwhile: then there is nothing to revive.
  crm.remove('contacts', 'a')
  await hub.pull('crm:contacts')
  await hub.push('copy')
  erp.remove('customers', erp.list('customers')[0]!.id)
  crm.put('contacts', 'a', { name: 'Ada' })
  await hub.pull('crm:contacts')
  expect(await hub.push('copy')).toMatchObject({ counts: { created: 1 } })
  expect(erp.list('customers')).toHaveLength(1)
})
