import { expect, test } from 'vitest'
import { createPool, withTransaction } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

test('integers come as numbers while a double holds them, and as text beyond', async () => {
  const { pool } = await freshDatabase()
  const { rows } = await pool.query(
    `select 9007199254740991::int8 as safe, 9223372036854775807::int8 as beyond, array[1, null, 2]::int8[] as list,
            '2026-03-01'::date as day, '2026-03-01T10:00:00Z'::timestamptz as at, '{"a":[1]}'::jsonb as counts`,
  )
  expect(rows[0]).toEqual({
    safe: 9007199254740991,
    beyond: '9223372036854775807',
    list: [1, null, 2],
    day: '2026-03-01',
    at: new Date('2026-03-01T10:00:00Z'),
    counts: { a: [1] },
  })
})

test('a deadlock is resolved by repeating the transaction that lost', async () => {
  const { pool } = await freshDatabase()
  await pool.query(`create table t (id int primary key, n int not null); insert into t values (1, 0), (2, 0)`)
  let runs = 0
  const bothHold = Promise.withResolvers<void>()
  const inOrder = (first: number, second: number) =>
    withTransaction(pool, async (client) => {
      await client.query('update t set n = n + 1 where id = $1', [first])
      if (++runs === 2) bothHold.resolve()
      await bothHold.promise
      await client.query('update t set n = n + 1 where id = $1', [second])
    })
  await Promise.all([inOrder(1, 2), inOrder(2, 1)])
  const { rows } = await pool.query('select n from t order by id')
  expect(rows).toEqual([{ n: 2 }, { n: 2 }])
  expect(runs).toBeGreaterThan(2)
})

test('what a failed transaction wrote is gone, and its session can be used again', async () => {
  const { pool } = await freshDatabase({ max: 1 })
  await pool.query('create table t (id int primary key)')
  const failing = withTransaction(pool, async (client) => {
    await client.query('insert into t values (1)')
    await client.query('insert into t values (1)')
  })
  await expect(failing).rejects.toMatchObject({ code: '23505' })
  expect((await pool.query('select count(*) as n from t')).rows).toEqual([{ n: 0 }])
})

test('a session ended by the server is CSW-6001, and the pool goes on with a new one', async () => {
  const { pool } = await freshDatabase()
  const cut = withTransaction(pool, async (client) => {
    await client.query('select pg_terminate_backend(pg_backend_pid())')
  })
  await expect(cut).rejects.toMatchObject({ code: 'CSW-6001', reaction: 'retry' })
  await expect(pool.query('select pg_terminate_backend(pg_backend_pid())')).rejects.toMatchObject({ code: 'CSW-6001' })
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }])
})

test('a process that stands still in a transaction loses its locks, and what it did not commit', async () => {
  const { pool, url } = await freshDatabase()
  await pool.query(`create table t (id int primary key, n int not null); insert into t values (1, 0)`)
  const frozen = createPool(url, { transactionIdleMs: 100 })
  const client = await frozen.connect()
  await client.query('begin; update t set n = 1 where id = 1')
  // Waits for the row for as long as the other one holds it.
  await pool.query('update t set n = n + 10 where id = 1')
  await expect(client.query('commit')).rejects.toThrow()
  client.release(true)
  await frozen.end()
  expect((await pool.query('select n from t')).rows).toEqual([{ n: 10 }])
})
