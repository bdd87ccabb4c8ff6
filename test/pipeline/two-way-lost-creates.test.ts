/** Two-way syncs: the answer of a create is lost, and people edit both sides before the record is found again. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Erasures } from '../../src/assemble/erasures.ts'
import type { ConflictPolicy } from '../../src/mapping/index.ts'
import { createSecretStore, MasterKeys, sealBodies } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'
import { TestHub } from './hub.ts'
import { MemorySystem } from './memory-system.ts'
import { anna, edit, open, pair, SAME } from './two-way-hub.ts'

async function lost(policy: ConflictPolicy = 'newest', stores?: MemorySystem['stores']) {
  const opened = await open({ policy })
  const { crm, desk, hub } = opened
  if (stores) desk.stores = stores
  desk.fault = () => 'lost-answer'
  crm.put('contacts', 'c1', anna)
  await hub.pull('crm:contacts')
  await hub.push('people')
  desk.fault = () => undefined
  expect(desk.list('users')).toHaveLength(1)
  return opened
}

test.each(['newest', 'ask', 'from'] as const)('edits of other fields on both sides all arrive (%s)', async (policy) => {
  const { crm, desk, cycle, left, right, conflicts } = await lost(policy)
  edit(desk, 'users', { phone: '2' })
  edit(crm, 'contacts', { name: 'Left' })
  await cycle()
  for (const [row, ...others] of [left(), right()]) {
    expect(others).toEqual([])
    expect(row!.body).toMatchObject({ name: 'Left', phone: '2', tags: ['x'] })
  }
  expect(await conflicts()).toEqual([])
  expect(await cycle(1)).toBe(0)
})

test('an edit on the side of the record that was made goes over, also where the other direction looked first', async () => {
  const { desk, hub, cycle, left, right } = await lost()
  edit(desk, 'users', { phone: '2' })
  await hub.pull('desk:users')
  await hub.push('people~back')
  await cycle()
  expect([left()[0]!.body.phone, right()[0]!.body.phone]).toEqual(['2', '2'])
})

test('a record that was found and never read is not due', async () => {
  const { hub } = await lost()
  await hub.skipWaits()
  await hub.push('people')
  const { rows } = await hub.pool.query('select record_id, state, next_attempt_at from delivery order by sync_id')
  expect(rows).toEqual([
    { record_id: 'c1', state: 'unchanged', next_attempt_at: null },
    { record_id: 't1', state: 'delivered', next_attempt_at: null },
  ])
})

test('two edits of one field are a conflict, and both sides know what was agreed before', async () => {
  const { crm, desk, cycle, conflicts } = await lost('ask')
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { name: 'Right' })
  await cycle()
  expect(await conflicts()).toMatchObject([{ field: 'name', base: '"Anna"', from: '"Left"', to: '"Right"' }])
})

test('what the target made of the values is no edit, and an edit beside it is one', async () => {
  const capitals: MemorySystem['stores'] = (body) => ({ ...body, name: String(body.name).toUpperCase() })
  const { desk, cycle, left, right } = await lost('newest', capitals)
  edit(desk, 'users', { phone: '2' })
  await cycle()
  expect(left()[0]!.body).toMatchObject({ name: 'Anna', phone: '2' })
  expect(right()[0]!.body).toMatchObject({ name: 'ANNA', phone: '2' })
  expect(await cycle(1)).toBe(0)
})

test('a deletion of the source does not take along an edit of the record that was made', async () => {
  const { crm, desk, cycle, left, right } = await lost('longest')
  edit(desk, 'users', { phone: '2' })
  crm.remove('contacts', 'c1')
  await cycle(5)
  expect([left().length, right().length]).toEqual([1, 1])
  expect([left()[0]!.body.phone, right()[0]!.body.phone]).toEqual(['2', '2'])
})

test('what was sent stays known while the first write to the record that was found fails', async () => {
  const { crm, desk, cycle, left, right } = await lost()
  edit(crm, 'contacts', { name: 'Left' })
  edit(desk, 'users', { phone: '2' })
  desk.fault = (operation) => (operation === 'update' ? 'retry' : undefined)
  await cycle(1)
  desk.fault = () => undefined
  // It is found already, and need not be found again by a key that it does not have.
  edit(crm, 'contacts', { email: 'b@example.test' })
  await cycle()
  for (const rows of [left(), right()])
    expect(rows.map(({ body }) => body)).toMatchObject([{ email: 'b@example.test', name: 'Left', phone: '2' }])
})

test('a record that somebody else made at the same time is met as a stranger', async () => {
  const { crm, desk, cycle, conflicts } = await open({ policy: 'ask' }).then(async (opened) => {
    opened.desk.fault = () => 'lost-answer'
    opened.crm.put('contacts', 'c1', { email: 'a@example.test', name: 'Anna', phone: '1' })
    await opened.hub.pull('crm:contacts')
    await opened.hub.push('people')
    opened.desk.fault = () => undefined
    return opened
  })
  const [made] = desk.list('users')
  desk.put('users', made!.id, { email: 'a@example.test', name: 'Bert', phone: '9' })
  await cycle()
  expect(crm.list('contacts')).toHaveLength(1)
  expect((await conflicts()).map(({ field, base }) => [field, base]).sort()).toEqual([
    ['name', null],
    ['phone', null],
  ])
})

test('a direction that puts the record off clears nothing that the other one agreed meanwhile', async () => {
  const { desk, hub, cycle, left, right, crm } = await lost()
  edit(desk, 'users', { phone: '2' })
  await hub.pull('desk:users')
  const { ledger } = hub.ports
  const commitBatch = ledger.commitBatch.bind(ledger)
  let agreed = 'null'
  ledger.commitBatch = async (batch) => {
    ledger.commitBatch = commitBatch
    expect(batch.deliveries.map(({ state }) => state)).toEqual(['pending'])
    await hub.skipWaits()
    await hub.push('people')
    await commitBatch(batch)
    // Now, for the push goes on with it where it takes longer than the wait.
    agreed = (await hub.pool.query("select delivered from delivery where record_id = 't1'")).rows[0].delivered
  }
  await hub.push('people~back')
  expect(JSON.parse(agreed)).toMatchObject({ name: 'Anna', phone: '1' })
  // Later than the edit there, and of another field: by the later one alone the edit there would be gone.
  edit(crm, 'contacts', { name: 'Left' })
  await cycle()
  for (const [row] of [left(), right()]) expect(row!.body).toMatchObject({ name: 'Left', phone: '2' })
})

test('a direction that puts the record off while the other one is committing what is agreed about it clears nothing either', async () => {
  const { desk, hub, cycle, left, right, crm } = await lost()
  edit(desk, 'users', { phone: '2' })
  await hub.pull('desk:users')
  const { ledger } = hub.ports
  const commitBatch = ledger.commitBatch.bind(ledger)
  let agreed = 'null'
  const blocked = (count: number) =>
    expect
      .poll(
        async () =>
          (
            await hub.pool.query(
              `select count(*)::int as n from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
            )
          ).rows[0].n,
        { timeout: 20_000 },
      )
      .toBe(count)
  ledger.commitBatch = async (batch) => {
    ledger.commitBatch = commitBatch
    expect(batch.deliveries.map(({ state }) => state)).toEqual(['pending'])
    await hub.skipWaits()
    // The way there is held in the middle of its commit: the row of the way back is made, and nobody sees it yet.
    const holder = await hub.pool.connect()
    try {
      await holder.query("begin; select from delivery where record_id = 'c1' for update")
      const there = hub.push('people')
      await blocked(1)
      const back = commitBatch(batch)
      await blocked(2)
      await holder.query('rollback')
      await Promise.all([there, back])
      agreed = (await hub.pool.query("select delivered from delivery where record_id = 't1'")).rows[0].delivered
    } finally {
      holder.release()
    }
  }
  await hub.push('people~back')
  expect(JSON.parse(agreed)).toMatchObject({ name: 'Anna', phone: '1' })
  edit(crm, 'contacts', { name: 'Left' })
  await cycle()
  for (const [row] of [left(), right()]) expect(row!.body).toMatchObject({ name: 'Left', phone: '2' })
})

test('what a create sent is sealed where the source is not kept in full, and opened for the look-up', async () => {
  const { pool } = await freshDatabase()
  onTestFinished(() => pool.end())
  const folder = await mkdtemp(join(tmpdir(), 'causeway-sent-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const secrets = createSecretStore(pool, await MasterKeys.load({ file: join(folder, 'master-key') }))
  sealBodies(pool, secrets)
  const crm = new MemorySystem().stream('contacts')
  const desk = new MemorySystem().stream('users')
  const syncs = pair('crm:contacts', 'desk:users', SAME, { policy: 'newest' })
  const hub = await TestHub.open({ crm, desk }, syncs, pool, { 'crm:contacts': 'used' })
  const erasures = new Erasures(pool, secrets, folder)
  await erasures.open()
  await erasures.prepare()
  hub.ports.erasures = erasures
  desk.fault = () => 'lost-answer'
  crm.put('contacts', 'c1', anna)
  await hub.pull('crm:contacts')
  await hub.push('people')
  desk.fault = () => undefined
  const { rows } = await pool.query<{ sent: string }>('select sent from intent')
  expect(rows[0]!.sent).toMatch(/^!1\.[^"]*$/)
  edit(desk, 'users', { phone: '2' })
  await hub.skipWaits()
  await hub.push('people')
  await hub.pull('desk:users')
  await hub.push('people~back')
  expect([crm.list('contacts')[0]!.body.phone, desk.list('users')[0]!.body.phone]).toEqual(['2', '2'])
})
