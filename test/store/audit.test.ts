import { expect, test } from 'vitest'
import { appendAudit, verifyAudit, withTransaction } from '../../src/store/index.ts'
import { freshDatabase } from '../postgres.ts'

const entry = (n: number) => ({
  actor: 'cli',
  action: 'connection.pause',
  subject: `connection:c${n}`,
  detail: { n, why: 'ümlaut "quoted"' },
})

/** As an attacker with the rights of a superuser would: past the trigger. */
const tamper = (sql: string) =>
  `alter table audit disable trigger audit_insert_only; ${sql}; alter table audit enable trigger audit_insert_only`

async function chained(rows: number) {
  const { pool } = await freshDatabase({ max: 8 })
  await Promise.all(Array.from({ length: rows }, (_, n) => appendAudit(pool, entry(n))))
  return pool
}

test('rows appended by many at once form one chain, over several batches of the check', async () => {
  const pool = await chained(40)
  const check = await verifyAudit(pool, 7)
  expect(check).toMatchObject({ ok: true, rows: 40 })
  await appendAudit(pool, entry(41))
  const next = await verifyAudit(pool)
  expect(next).toMatchObject({ ok: true, rows: 41 })
  expect(next.head).not.toBe(check.head)
  expect((await pool.query('select previous_hash from audit order by id desc limit 1')).rows[0].previous_hash).toBe(
    check.head,
  )
})

test('an empty log is in order', async () => {
  const { pool } = await freshDatabase()
  expect(await verifyAudit(pool)).toMatchObject({ ok: true, rows: 0 })
})

test.each([
  ['a changed actor', `update audit set actor = 'somebody else' where id = 3`, 3],
  ['a changed time', `update audit set at = at + interval '1 ms' where id = 3`, 3],
  ['a changed detail', `update audit set detail = replace(detail, 'n', 'm') where id = 4`, 4],
  ['a removed row', 'delete from audit where id = 3', 4],
  ['a removed first row', 'delete from audit where id = 1', 2],
  ['two rows changed places', `update audit set id = 1000 where id = 2`, 3],
] as const)('%s is noticed', async (_name, sql, brokenAt) => {
  const pool = await chained(6)
  await pool.query('alter table audit alter column id drop identity')
  await pool.query(tamper(sql))
  expect(await verifyAudit(pool)).toMatchObject({ ok: false, brokenAt })
})

test('changes are refused by the database itself', async () => {
  const pool = await chained(1)
  for (const sql of ['update audit set actor = $$x$$', 'delete from audit', 'truncate audit']) {
    await expect(pool.query(sql)).rejects.toThrow('insert-only')
  }
})

test('the note and the deed commit together or not at all', async () => {
  const pool = await chained(1)
  const failing = withTransaction(pool, async (client) => {
    await appendAudit(client, entry(2))
    throw new Error('the deed failed')
  })
  await expect(failing).rejects.toThrow('the deed failed')
  expect(await verifyAudit(pool)).toMatchObject({ ok: true, rows: 1 })
})
