import { expect, test } from 'vitest'
import { bulkSweep } from '../../src/assemble/bulk-actions.ts'
import { abortBulkAction, acquireLease, beginBulkAction, holdLease, workBulkPart } from '../../src/store/index.ts'
import { countSelection, openDeadLetters, showBulkAction } from '../../src/store/views/index.ts'
import { seedHub } from '../http/rows.ts'
import { freshDatabase } from '../postgres.ts'

const FILTER = { fingerprint: 'bulk' }

async function withLetters(count: number) {
  const { pool } = await freshDatabase()
  const { sync } = await seedHub(pool)
  await pool.query(
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error)
     select 'push', $1, 'r' || n, '', 'CSW-3008', 'bulk', '{}' from generate_series(1, $2::int) n`,
    [sync, count],
  )
  const selection = openDeadLetters(FILTER)
  const request = (token: string, more: object = {}) => ({
    kind: 'dead_letters.requeue' as const,
    filter: FILTER,
    said: null,
    selection,
    token,
    id: null,
    actor: 'ada',
    reason: null,
    ...more,
  })
  const counted = await countSelection(pool, selection)
  const inState = async (state: string) =>
    (await pool.query<{ n: number }>('select count(*)::int as n from dead_letter where state = $1', [state])).rows[0]!.n
  const audit = async () =>
    (await pool.query<{ action: string }>('select action from audit order by id')).rows.map(({ action }) => action)
  const parts = async () => (await pool.query<{ n: number }>('select count(*)::int as n from bulk_part')).rows[0]!.n
  const sweep = bulkSweep(pool, {
    holdLease: (name) => holdLease(pool, name, { holder: 'test' }),
    model: () => ({ sync: () => undefined }) as never,
    queue: { wakeMany: async () => undefined } as never,
  })
  return { pool, sync, request, counted, inState, audit, parts, sweep, live: new AbortController().signal }
}

test('100,000 letters are counted, taken and requeued part by part; what began and what ended stands in the audit', async () => {
  const { pool, request, counted, inState, audit, parts, sweep, live } = await withLetters(100_000)
  expect(counted).toMatchObject({ count: 100_000, byCode: { 'CSW-3008': 100_000 } })
  const id = await beginBulkAction(pool, request(counted.token))
  expect(await parts()).toBe(200)
  await sweep.run(live)
  expect(await showBulkAction(pool, id)).toMatchObject({
    state: 'done',
    total: 100_000,
    done: 100_000,
    left: 0,
    failed: 0,
  })
  expect(await inState('requeued')).toBe(100_000)
  expect(await parts()).toBe(0)
  expect(await audit()).toEqual(['dead_letters.requeue', 'dead_letters.requeue.ended'])
}, 120_000)

test('who is killed in the middle of a part has done nothing of it, and the next one does the rest once', async () => {
  const { pool, request, counted, inState, sweep, live } = await withLetters(1_200)
  const id = await beginBulkAction(pool, request(counted.token))
  const first = (await acquireLease(pool, `bulk:${id}`, { holder: 'first' }))!
  await workBulkPart(pool, first, id)
  // Its session is torn down while it is at the second part: somebody else holds a letter of that, so it has to wait there.
  const other = await pool.connect()
  await other.query('begin')
  await other.query(`select 1 from dead_letter where record_id = 'r700' for update`)
  const cut = workBulkPart(pool, first, id).then(
    () => 'done',
    () => 'cut',
  )
  await expect
    .poll(async () => {
      const { rowCount } = await pool.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like 'with letters as%'`,
      )
      return rowCount
    })
    .toBe(1)
  expect(await cut).toBe('cut')
  await other.query('rollback')
  other.release()
  expect(await inState('requeued')).toBe(500)
  expect(await showBulkAction(pool, id)).toMatchObject({ state: 'running', done: 500, left: 700 })

  await pool.query(`update lease set expires_at = 'epoch'`)
  await sweep.run(live)
  expect(await showBulkAction(pool, id)).toMatchObject({ state: 'done', done: 1_200, passedOver: 0 })
  expect(await inState('requeued')).toBe(1_200)
  // Back from the dead, it holds nothing any more.
  await expect(workBulkPart(pool, first, id)).rejects.toMatchObject({ code: 'CSW-6004' })
})

test('an action that is stopped leaves the rest alone, and what came after the preview or was closed meanwhile is not touched', async () => {
  const { pool, sync, request, counted, inState, audit, parts, sweep, live } = await withLetters(1_500)
  const id = await beginBulkAction(pool, request(counted.token))
  await pool.query(
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error) values ('push', $1, 'late', '', 'CSW-3008', 'bulk', '{}')`,
    [sync],
  )
  await pool.query(`update dead_letter set state = 'discarded' where record_id in ('r1', 'r2')`)
  const lease = (await acquireLease(pool, `bulk:${id}`, { holder: 'first' }))!
  await workBulkPart(pool, lease, id)
  expect(await abortBulkAction(pool, id, { name: 'bob', reason: 'wrong filter' })).toBe(true)
  expect(await workBulkPart(pool, lease, id)).toBeNull()
  await sweep.run(live)
  expect(await showBulkAction(pool, id)).toMatchObject({
    state: 'aborted',
    abortedBy: 'bob',
    done: 498,
    passedOver: 2,
    left: 1_000,
  })
  expect([await inState('requeued'), await inState('open'), await parts()]).toEqual([498, 1_001, 0])
  expect(await abortBulkAction(pool, id, { name: 'bob', reason: null })).toBe(false)
  expect(await audit()).toEqual(['dead_letters.requeue', 'bulk_action.abort'])
})

test('a preview that has gone stale is refused and leaves nothing; the same request is the same action', async () => {
  const { pool, request, counted, parts } = await withLetters(10)
  await pool.query(`update dead_letter set state = 'resolved' where record_id = 'r3'`)
  await expect(beginBulkAction(pool, request(counted.token))).rejects.toMatchObject({ code: 'CSW-8007' })
  expect([await parts(), (await pool.query('select from bulk_action')).rowCount]).toEqual([0, 0])

  const { token } = await countSelection(pool, openDeadLetters(FILTER))
  const twice = await Promise.all([1, 2].map(() => beginBulkAction(pool, request(token, { id: 'k' }))))
  expect(twice[0]).toBe(twice[1])
  expect(await parts()).toBe(1)
  expect(await beginBulkAction(pool, request(token, { id: 'k2' }))).not.toBe(twice[0])
})

test('one that cannot be done counts as failed and holds up nobody', async () => {
  const { pool, request, counted, inState, sweep, live } = await withLetters(700)
  await pool.query(
    `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
     create trigger refuse before update on dead_letter for each row when (new.record_id = 'r300') execute function refuse()`,
  )
  const id = await beginBulkAction(pool, request(counted.token))
  await sweep.run(live)
  expect(await showBulkAction(pool, id)).toMatchObject({ state: 'done', done: 699, failed: 1, left: 0 })
  expect([await inState('requeued'), await inState('open')]).toEqual([699, 1])
})
