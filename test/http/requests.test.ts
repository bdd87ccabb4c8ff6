import type pg from 'pg'
import { beforeEach, expect, test } from 'vitest'
import { requestProgress } from '../../src/store/views/index.ts'
import { freshDatabase } from '../postgres.ts'
import { addDelivery, addRecord, addRun, type Seeded, seedHub } from './rows.ts'

let pool: pg.Pool
let ids: Seeded
beforeEach(async () => {
  pool = (await freshDatabase()).pool
  ids = await seedHub(pool)
  await pool.query(`update stream set pull_mode = 'incremental', pull_request = 'r1' where id = $1`, [ids.contacts])
})
const progress = () => requestProgress(pool, { sync: 'contacts-to-erp', requestId: 'r1' })
const endPull = () => pool.query('update stream set pull_mode = null, pull_request = null')
const catchUp = (seq: number) =>
  pool.query(
    'insert into sync_position (sync_id, stream_id, slice, seq) select $1, $2, s, $3 from generate_series(0, 63) s',
    [ids.sync, ids.contacts, seq],
  )

test('a request goes from waiting over running to finished, when pull and push are both done', async () => {
  expect(await progress()).toMatchObject({ state: 'waiting', outcome: null })
  const pull = await addRun(pool, {
    kind: 'pull',
    streamId: ids.contacts,
    requestId: 'r1',
    outcome: 'running',
    counts: { read: 3 },
  })
  expect(await progress()).toMatchObject({ state: 'running', counts: { pull: { read: 3 } } })
  await addRecord(pool, ids.contacts, 'c1', '{}', { seq: 5 })
  await pool.query(`update run set outcome = 'success' where id = $1`, [pull])
  await endPull()
  // Between pull and push no run is under way, and yet it is not done.
  expect(await progress()).toMatchObject({ state: 'running', outcome: null })
  await addRun(pool, { kind: 'push', syncId: ids.sync, outcome: 'partial', counts: { created: 2 } })
  await addRun(pool, { kind: 'push', syncId: ids.sync, outcome: 'success', counts: { created: 1 } })
  await catchUp(5)
  expect(await progress()).toMatchObject({ state: 'finished', outcome: 'partial', counts: { push: { created: 3 } } })
})

test('a failed pull ends the wait although the hub will try again', async () => {
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, requestId: 'r1', outcome: 'failed' })
  expect(await progress()).toMatchObject({ state: 'finished', outcome: 'failed' })
})

test('an interrupted run that was taken over does not spoil the outcome', async () => {
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, requestId: 'r1', outcome: 'interrupted' })
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, requestId: 'r1' })
  await endPull()
  expect(await progress()).toMatchObject({ state: 'finished', outcome: 'success' })
})

test('due deliveries keep it running; what blocks is said; runs before the request do not count', async () => {
  await addRun(pool, { kind: 'push', syncId: ids.sync, outcome: 'failed', counts: { created: 9 } })
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, requestId: 'r1' })
  await endPull()
  await addDelivery(pool, ids.sync, 'c1', 'pending', { nextAttemptAt: new Date(Date.now() - 1_000) })
  await pool.query(`update connection set state = 'paused' where name = 'erp'`)
  expect(await progress()).toMatchObject({
    state: 'running',
    blocked: 'connection erp is paused',
    counts: { pull: {} },
  })
  await pool.query('update delivery set next_attempt_at = null')
  expect(await progress()).toMatchObject({ state: 'finished', outcome: 'success' })
})

test('a request is not done while a joined stream is being pulled, or what changed there has not been followed', async () => {
  await endPull()
  await catchUp(0)
  await pool.query(`update stream set pull_mode = 'incremental', pull_request = 'r1' where id = $1`, [ids.customers])
  expect((await progress())?.state).not.toBe('finished')
  await endPull()
  expect((await progress())?.state).toBe('finished')
  await addRecord(pool, ids.customers, 'j1', '{}', { seq: 3 })
  await pool.query(
    'insert into sync_position (sync_id, stream_id, slice, seq) select $1, $2, s, 0 from generate_series(0, 63) s',
    [ids.sync, ids.customers],
  )
  expect((await progress())?.state).not.toBe('finished')
  await pool.query('update sync_position set seq = 3 where stream_id = $1', [ids.customers])
  expect((await progress())?.state).toBe('finished')
})

test('a push that was under way when the request began counts, for it may take what the request was made for', async () => {
  const ended = (run: number, at: string) => pool.query(`update run set finished_at = ${at} where id = $1`, [run])
  const startedAt = new Date(Date.now() - 60_000)
  const push = { kind: 'push', syncId: ids.sync, startedAt }
  await ended(await addRun(pool, { ...push, counts: { created: 90 } }), `now() - interval '30 s'`)
  const overlapping = await addRun(pool, { ...push, outcome: 'running', counts: { created: 2 } })
  await addRun(pool, {
    kind: 'pull',
    streamId: ids.contacts,
    requestId: 'r1',
    startedAt: new Date(Date.now() - 20_000),
  })
  await endPull()
  expect(await progress()).toMatchObject({ state: 'running', counts: { push: { created: 2 } } })
  await pool.query(`update run set outcome = 'success' where id = $1`, [overlapping])
  await ended(overlapping, 'now()')
  expect(await progress()).toMatchObject({ state: 'finished', outcome: 'success', counts: { push: { created: 2 } } })
})

test('of a two-way sync both directions are waited for, and what the way back did is told apart', async () => {
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, requestId: 'r1' })
  await endPull()
  await catchUp(0)
  const { rows } = await pool.query<{ id: number }>(
    `insert into sync (name, from_stream, to_stream, version) select name || '~back', to_stream, from_stream, version from sync
      where id = $1 returning id`,
    [ids.sync],
  )
  const back = rows[0]!.id
  await addRecord(pool, ids.customers, 'e1', '{}', { seq: 4 })
  expect(await progress()).toMatchObject({ state: 'running', outcome: null, remaining: 1 })
  await addRun(pool, { kind: 'push', syncId: back, outcome: 'partial', counts: { updated: 1 } })
  await pool.query(
    'insert into sync_position (sync_id, stream_id, slice, seq) select $1, $2, s, 4 from generate_series(0, 63) s',
    [back, ids.customers],
  )
  const done = { state: 'finished', outcome: 'partial', counts: { 'push back': { updated: 1 } } }
  expect(await progress()).toMatchObject({ sync: 'contacts-to-erp', ...done })
  // A file that is no longer two-way leaves the direction behind, and nobody waits for it.
  await addRecord(pool, ids.customers, 'e2', '{}', { seq: 5 })
  await pool.query(`update sync set state = 'removed' where id = $1`, [back])
  expect(await progress()).toMatchObject({ state: 'finished', outcome: 'success' })
})
