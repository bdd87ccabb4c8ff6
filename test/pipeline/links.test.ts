import { expect, test } from 'vitest'
import { JsonText } from '../../src/core/index.ts'
import { createLedger } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const toErp: TestSync = {
  name: 'to-erp',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['email']],
  run: (contact) => one({ email: contact.email!, name: contact.name! }),
}
const toDesk: TestSync = { ...toErp, name: 'to-desk', to: 'desk:requesters' }

function systems() {
  return {
    crm: new MemorySystem().stream('contacts'),
    erp: new MemorySystem().stream('customers'),
    desk: new MemorySystem().stream('requesters'),
  }
}

/** A page in which `new` says that it was `old` before, as a CRM tells of a merge. */
async function merge(hub: TestHub, survivor: { id: string; alias: string; body: object }) {
  const streamId = hub.ports.model().streamId({ connection: 'crm', stream: 'contacts' })!
  const row = { version: '000000000900', content: null, keys: [] }
  await createLedger(hub.pool).commitPage({
    streamId,
    records: [
      {
        ...row,
        id: survivor.id,
        hash: 'merged',
        body: JsonText.from(JSON.stringify(survivor.body)),
        deleted: false,
        aliases: [survivor.alias],
      },
      { ...row, id: survivor.alias, hash: '', body: JsonText.from('{}'), deleted: true, aliases: [] },
    ],
    rejected: [],
    requestedAt: new Date(),
    runId: null,
  })
}

test('duplicates in the source that match one target record do not stop the lane', async () => {
  const { crm, erp } = systems()
  erp.put('customers', 'known', { email: 'same@example.test', name: 'Same' })
  for (const id of ['a', 'b', 'c']) crm.put('contacts', id, { email: 'same@example.test', name: 'Same' })
  crm.put('contacts', 'd', { email: 'other@example.test', name: 'Other' })
  const hub = await TestHub.open({ crm, erp }, [toErp])
  await hub.pull('crm:contacts')
  expect(await hub.push('to-erp')).toMatchObject({ outcome: 'success', counts: { unchanged: 3, created: 1 } })
  const { rows } = await hub.pool.query(
    'select record_id, alias from link where record_id in ($1, $2, $3) order by 1',
    ['a', 'b', 'c'],
  )
  expect(rows).toMatchObject([{ alias: false }, { alias: true }, { alias: true }])
})

test('a deletion in the source reaches every target, whichever sync is first', async () => {
  const { crm, erp, desk } = systems()
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp, desk }, [
    { ...toErp, deletes: 'delete' },
    { ...toDesk, deletes: 'delete' },
  ])
  await hub.pull('crm:contacts')
  for (const sync of ['to-erp', 'to-desk']) await hub.push(sync)
  crm.remove('contacts', 'a')
  await hub.pull('crm:contacts')
  for (const sync of ['to-erp', 'to-desk']) await hub.push(sync)
  expect([erp.list('customers'), desk.list('requesters')]).toEqual([[], []])
})

test('a target record that is gone does not cut the links of other syncs', async () => {
  const { crm, erp, desk } = systems()
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp, desk }, [
    { ...toErp, match: [] },
    { ...toDesk, match: [] },
  ])
  await hub.pull('crm:contacts')
  for (const sync of ['to-erp', 'to-desk']) await hub.push(sync)
  await hub.ageLinks()
  erp.rows.get('customers')!.clear()
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'B' })
  await hub.pull('crm:contacts')
  for (const sync of ['to-erp', 'to-desk']) await hub.push(sync)
  expect(desk.list('requesters').map((row) => row.body.name)).toEqual(['B'])
})

test('a match with a record that another system knows already keeps the link to the first target', async () => {
  const { crm, erp, desk } = systems()
  const shop = new MemorySystem().stream('accounts')
  shop.put('accounts', 's1', { email: 'a@example.test', name: 'A' })
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp, desk, shop }, [
    { ...toErp, match: [] },
    toDesk,
    { ...toDesk, name: 'shop-to-desk', from: 'shop:accounts' },
  ])
  await hub.pull('shop:accounts')
  await hub.push('shop-to-desk')
  await hub.pull('crm:contacts')
  for (const sync of ['to-erp', 'to-desk']) await hub.push(sync)
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'B' })
  await hub.pull('crm:contacts')
  for (const sync of ['to-erp', 'to-desk']) await hub.push(sync)
  expect(erp.list('customers').map((row) => row.body.name)).toEqual(['B'])
  expect(desk.list('requesters').map((row) => row.body.name)).toEqual(['B'])
})

test('the tombstone of a merged id does not delete the target of the survivor', async () => {
  const { crm, erp } = systems()
  crm.put('contacts', 'old', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, deletes: 'delete' }])
  await hub.pull('crm:contacts')
  await hub.push('to-erp')
  await merge(hub, { id: 'new', alias: 'old', body: { email: 'a@example.test', name: 'B' } })
  await hub.push('to-erp')
  await hub.skipWaits()
  await hub.push('to-erp')
  expect(erp.list('customers').map((row) => row.body.name)).toEqual(['B'])
})

test('of two merged records that had a counterpart each, the second counterpart stays, and a person is told', async () => {
  const { crm, erp } = systems()
  crm.put('contacts', 'old', { email: 'old@example.test', name: 'Old' })
  crm.put('contacts', 'new', { email: 'new@example.test', name: 'New' })
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, deletes: 'delete' }])
  await hub.pull('crm:contacts')
  await hub.push('to-erp')
  const left = erp.list('customers').find(({ body }) => body.name === 'Old')!.id
  await merge(hub, { id: 'new', alias: 'old', body: { email: 'new@example.test', name: 'Both' } })
  for (let push = 0; push < 2; push++) {
    await hub.push('to-erp')
    await hub.skipWaits()
  }
  expect(
    erp
      .list('customers')
      .map((row) => row.body.name)
      .sort(),
  ).toEqual(['Both', 'Old'])
  const { rows } = await hub.pool.query('select record_id, code, state, error from dead_letter')
  expect(rows).toMatchObject([
    { record_id: 'old', code: 'CSW-5025', state: 'open', error: expect.stringContaining(left) },
  ])
  expect(await hub.states('to-erp')).toEqual({ delivered: 1, gone: 1 })
})

test.each(['a', 'b'])('of two duplicates one (%s) is deleted: the target stays with the other', async (gone) => {
  const { crm, erp } = systems()
  crm.put('contacts', 'a', { email: 'a@example.test', name: 'A' })
  crm.put('contacts', 'b', { email: 'a@example.test', name: 'A' })
  const hub = await TestHub.open({ crm, erp }, [{ ...toErp, deletes: 'delete' }])
  await hub.pull('crm:contacts')
  await hub.push('to-erp')
  await hub.skipWaits()
  await hub.push('to-erp')
  crm.remove('contacts', gone)
  await hub.pull('crm:contacts')
  await hub.push('to-erp')
  expect(erp.list('customers')).toHaveLength(1)
  const left = gone === 'a' ? 'b' : 'a'
  crm.put('contacts', left, { email: 'a@example.test', name: 'Left' })
  await hub.pull('crm:contacts')
  expect(await hub.push('to-erp')).toMatchObject({ counts: { updated: 1, created: 0 } })
  crm.remove('contacts', left)
  await hub.pull('crm:contacts')
  await hub.push('to-erp')
  expect(erp.list('customers')).toHaveLength(0)
})
