import { beforeAll, expect, test } from 'vitest'
import { JsonText } from '../../src/core/index.ts'
import { createLedger } from '../../src/store/index.ts'
import type { IncomingRecord } from '../../src/store/ledger/types.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

let db: TestDatabase
let streamId: number

beforeAll(async () => {
  db = await freshDatabase()
  const { rows } = await db.pool.query<{ id: number }>(
    `with c as (insert into connection (name, connector) values ('one', 'sample') returning id)
     insert into stream (connection_id, name) select c.id, 'contacts' from c returning id`,
  )
  streamId = rows[0]!.id
})

const record = (id: string, version: string, name: string, deleted = false): IncomingRecord => ({
  ...{ id, version, hash: name, body: JsonText.of({ name }), content: null, deleted, keys: [], aliases: [] },
})
const commit = (records: IncomingRecord[], allNew: boolean) =>
  createLedger(db.pool).commitPage({
    streamId,
    records,
    rejected: [],
    requestedAt: new Date(),
    cursor: { at: records.length },
    runId: null,
    allNew,
  })
const log = async () =>
  (await db.pool.query('select id, version, body, deleted from record where stream_id = $1 order by id', [streamId]))
    .rows

test('a page whose records are taken for new is written without a look; where one was known it counts as it would with one', async () => {
  const first = await commit([record('1', '5', 'Anna'), record('2', '5', 'Jan'), record('3', '5', 'Zofia', true)], true)
  expect(first.changed).toEqual([1, 2, 3].map((seq) => ({ id: String(seq), seq })))
  // One is older than what is known, one the same, one newer and one new: written as they are, the first three would undo each other.
  const second = await commit(
    [record('1', '4', 'Ann'), record('2', '5', 'Jan'), record('3', '6', 'Zofia'), record('4', '1', 'Tom')],
    true,
  )
  expect(second.changed.map(({ id }) => id)).toEqual(['3', '4'])
  expect(await log()).toEqual([
    { id: '1', version: '5', body: '{"name":"Anna"}', deleted: false },
    { id: '2', version: '5', body: '{"name":"Jan"}', deleted: false },
    { id: '3', version: '6', body: '{"name":"Zofia"}', deleted: false },
    { id: '4', version: '1', body: '{"name":"Tom"}', deleted: false },
  ])
  const { rows } = await db.pool.query('select seq, cursor from stream where id = $1', [streamId])
  expect(rows[0]).toMatchObject({ seq: second.seq, cursor: '{"at":4}' })
  const seqs = second.changed.map(({ seq }) => seq)
  expect(Math.min(...seqs)).toBeGreaterThan(first.seq)
  expect(new Set(seqs).size).toBe(2)
})

test('a record that changes stays on its page, in a log that was changed and vacuumed before too', async () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => `page${i}`)
  const some = ids.filter((_, i) => i % 20 === 0)
  const write = (of: string[], version: string, allNew = false) =>
    commit(
      of.map((id) => record(id, version, `${id} of ${version}: ${'x'.repeat(120)}`)),
      allNew,
    )
  const pages = async () => {
    const { rows } = await db.pool.query<{ id: string; page: string }>(
      `select id, split_part(ctid::text, ',', 1) as page from record where stream_id = $1 and id = any($2) order by id`,
      [streamId, some],
    )
    return rows
  }
  await write(ids, '1', true)
  const first = await pages()
  expect(new Set(first.map(({ page }) => page)).size).toBeGreaterThan(20)
  await write(some, '2')
  expect(await pages()).toEqual(first)
  await db.pool.query('vacuum record')
  await write(some, '3')
  expect(await pages()).toEqual(first)
})
