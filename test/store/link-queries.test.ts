/** What is asked of links must not read the table: each record of a batch would, and a ledger has millions. */
import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { findUnlinked, saveLinks } from '../../src/store/ledger/links.ts'
import { findOwners, findTwins } from '../../src/store/ledger/twins.ts'
import type { BatchCommit } from '../../src/store/ledger/types.ts'
import { freshDatabase } from '../postgres.ts'

const LINKS = 30_000
let pool: pg.Pool

beforeAll(async () => {
  ;({ pool } = await freshDatabase())
  await pool.query(
    `insert into link (stream_id, record_id, part, entity_id, alias)
     select s, case s when 1 then 'a' else 't' end || n, '', n, false from generate_series(1, $1::int) n, generate_series(1, 2) s
      union all select 1, 'b' || n, '', n, true from generate_series(1, 100) n`,
    [LINKS],
  )
  await pool.query(
    `insert into record (stream_id, id, slice, seq, hash, body, deleted, observed_at)
     select 1, 'a' || n, 0, n, 'h', '{}', false, now() from generate_series(1, $1::int) n`,
    [LINKS],
  )
  await pool.query('analyze')
})

type Node = {
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  Plans?: Node[]
}
/** Forty records are asked about, some of them in several ways. */
const MOST_READ = 1_000
const readOf = (node: Node): number =>
  node['Relation Name'] === 'link'
    ? (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops']
    : 0
const flat = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(flat)]

/** Runs it in a transaction that is taken back, and names the statements that read many links. */
async function scansOf(work: (client: pg.PoolClient) => Promise<unknown>): Promise<string[]> {
  const client = await pool.connect()
  const scans: string[] = []
  const watching = new Proxy(client, {
    get(target, name) {
      if (name !== 'query') return Reflect.get(target, name)
      return async (query: string | { text: string; values?: unknown[] }, given?: unknown[]) => {
        const { text, values = given } = typeof query === 'string' ? { text: query } : query
        if (/^\s*(select|insert|update|delete|with)/i.test(text)) {
          await target.query('savepoint before')
          const { rows } = await target.query(`explain (analyze, format json) ${text}`, values)
          await target.query('rollback to before')
          const [{ Plan }] = rows[0]['QUERY PLAN'] as [{ Plan: Node }]
          const read = flat(Plan).reduce((sum, node) => sum + readOf(node), 0)
          if (read > MOST_READ) scans.push(`${read}: ${text}`)
        }
        return target.query(text, values)
      }
    },
  })
  try {
    await client.query('begin')
    await work(watching)
  } finally {
    await client.query('rollback')
    client.release()
  }
  return scans
}

const some = Array.from({ length: 40 }, (_, i) => i * 7 + 1)
const asPool = (client: pg.PoolClient): pg.Pool => client as unknown as pg.Pool
const commit = (given: Partial<BatchCommit>): BatchCommit =>
  ({ sourceStream: 1, targetStream: 2, links: [], unlinks: [], left: [], ...given }) as unknown as BatchCommit

test('twins and owners are found by probes', async () => {
  const parts = some.map((n) => ({ recordId: `a${n}`, part: '' }))
  let twins: Map<string, string> | undefined
  expect(await scansOf(async (client) => (twins = await findTwins(asPool(client), 1, parts)))).toEqual([])
  expect(twins!.size).toBe(0)
  const asking = some.map((n) => ({ recordId: `b${n}`, part: '', targetId: `t${n}` }))
  let owners: unknown[] | undefined
  expect(await scansOf(async (client) => (owners = await findOwners(asPool(client), 1, 2, asking)))).toEqual([])
  expect(owners).toHaveLength(some.length)
  const targets = some.map((n) => `t${n}`)
  expect(await scansOf((client) => findUnlinked(asPool(client), 1, 2, [...targets, 'alone']))).toEqual([])
})

test('links are let go and entities are merged by probes', async () => {
  const unlinks = some.map((n) => ({ fromId: `a${n}`, part: '', targetGone: n % 2 === 0 }))
  expect(await scansOf((client) => saveLinks(client, commit({ unlinks })))).toEqual([])
  const left = some.map((n) => ({ recordId: `a${n}`, part: '' }))
  expect(await scansOf((client) => saveLinks(client, commit({ left })))).toEqual([])
  const links = some.map((n) => ({
    ...{ fromStream: 1, fromId: `a${n}`, part: '', toStream: 2, toId: `t${n + 1}`, isNew: false },
  }))
  expect(await scansOf((client) => saveLinks(client, commit({ links })))).toEqual([])
})
