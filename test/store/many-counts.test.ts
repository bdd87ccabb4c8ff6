import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { listConnections } from '../../src/store/views/connections.ts'
import { listProblems } from '../../src/store/views/problems.ts'
import { showStream } from '../../src/store/views/streams.ts'
import { listSyncs, showSync } from '../../src/store/views/syncs.ts'
import { seedHub } from '../http/rows.ts'
import { freshDatabase } from '../postgres.ts'

/** As many as a stream and a sync must have for their counts to be kept. */
const MANY = 100_000

let pool: pg.Pool
let stream: number
let sync: number

beforeAll(async () => {
  ;({ pool } = await freshDatabase())
  await seedHub(pool)
  const { rows } = await pool.query<{ stream: number; sync: number }>(
    `select from_stream as stream, id as sync from sync where name = 'contacts-to-erp'`,
  )
  stream = rows[0]!.stream
  sync = rows[0]!.sync
}, 600_000)

/** A session of its own for counting, so that what was kept before is not seen. */
const asked = (): { db: Pick<pg.Pool, 'query'>; statements: string[] } => {
  const statements: string[] = []
  const db = {
    query: (query: { text: string; values: unknown[] }) => {
      statements.push(query.text)
      return pool.query(query)
    },
  } as unknown as Pick<pg.Pool, 'query'>
  return { db, statements }
}
const counting = (statements: string[]): number =>
  statements.filter((text) => / from (delivery|record) /.test(text) && text.includes('count(*)')).length

test('what is small is counted each time, what is large now and then', { timeout: 600_000 }, async () => {
  const { db, statements } = asked()
  const address = (
    await pool.query<{ a: string }>(
      `select c.name || ':' || s.name as a from stream s join connection c on c.id = s.connection_id where s.id = $1`,
      [stream],
    )
  ).rows[0]!.a
  const look = async (): Promise<[number, number]> => {
    const { deliveries } = (await showSync(db, 'contacts-to-erp'))!
    const { records } = (await showStream(db, address))!
    return [Object.values(deliveries).reduce((sum, n) => sum + n, 0), records.live]
  }
  const before = await look()
  await add(1, 'small')
  expect(await look()).toEqual(before.map((n) => n + 1))
  await add(MANY, 'large')
  const many = await look()
  expect(many).toEqual(before.map((n) => n + 1 + MANY))
  const counted = counting(statements)
  await add(1, 'later')
  expect(await look()).toEqual(many)
  expect(counting(statements)).toBe(counted)
  // Three looks at two tables, and of a table without rows of theirs a part is looked at first.
  expect(counted).toBe(8)
  // Somebody else's counts are their own.
  const other = asked()
  expect(Object.values((await showSync(other.db, 'contacts-to-erp'))!.deliveries).reduce((sum, n) => sum + n, 0)).toBe(
    many[0] + 1,
  )
})

async function add(count: number, name: string): Promise<void> {
  await pool.query(
    `insert into record (stream_id, id, slice, seq, hash, observed_at) select $1, $3 || n, 0, n, 'h', now() from generate_series(1, $2) n`,
    [stream, count, name],
  )
  await pool.query(
    `insert into delivery (sync_id, record_id, slice, state, source_seq, mapping_version) select $1, $3 || n, 0, 'delivered', n, 'v' from generate_series(1, $2) n`,
    [sync, count, name],
  )
}

test('open letters too: of many, connections, syncs and problems are told from a count of before', {
  timeout: 600_000,
}, async () => {
  const { db, statements } = asked()
  const look = async (): Promise<number[]> => {
    const connections = await listConnections(db, { limit: 50 })
    const syncs = await listSyncs(db, { limit: 50 })
    const problems = await listProblems(db)
    return [connections.items, syncs.items]
      .map((items) => items.reduce((sum, item) => sum + item.openDeadLetters, 0))
      .concat(problems.reduce((sum, { count }) => sum + count, 0))
  }
  const letters = (count: number, name: string) =>
    pool.query(
      `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error)
       select 'push', $1, $3 || n, '', 'CSW-3008', 'f', '{"code":"CSW-3008"}' from generate_series(1, $2::int) n`,
      [sync, count, name],
    )
  const counted = (): number => statements.filter((text) => text.includes('from dead_letter')).length
  const before = await look()
  await letters(1, 'few')
  expect(await look()).toEqual(before.map((n) => n + 1))
  await letters(MANY, 'many')
  const many = await look()
  expect(many).toEqual(before.map((n) => n + 1 + MANY))
  const asks = counted()
  await letters(1, 'late')
  expect(await look()).toEqual(many)
  expect(counted()).toBe(asks)
})
