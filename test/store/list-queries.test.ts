import type pg from 'pg'
import { beforeAll, expect, test } from 'vitest'
import { listAudit } from '../../src/store/views/audit.ts'
import { listConflicts } from '../../src/store/views/conflicts.ts'
import { listConnections } from '../../src/store/views/connections.ts'
import type { Database } from '../../src/store/views/database.ts'
import { listDeadLetters } from '../../src/store/views/dead-letters.ts'
import { findEntities, listReviews } from '../../src/store/views/entities.ts'
import { listEvents } from '../../src/store/views/events.ts'
import { listHours } from '../../src/store/views/hours.ts'
import { newestRecords } from '../../src/store/views/newest-records.ts'
import { listProblems } from '../../src/store/views/problems.ts'
import { searchRecords } from '../../src/store/views/record-search.ts'
import { showRecord } from '../../src/store/views/records.ts'
import { listRuns } from '../../src/store/views/runs.ts'
import { listSyncs } from '../../src/store/views/syncs.ts'
import { type Seeded, seedHub } from '../http/rows.ts'
import { freshDatabase } from '../postgres.ts'
import { fillLists } from './full-lists.ts'

const ROWS = 8_000
/** A page is 50 rows; what joins and filters add to it must not depend on how many rows there are. */
const MOST_READ = 1_500
const GROWING =
  'run record record_key delivery dead_letter link identity identity_key inbox conflict entity_review audit'.split(' ')

let pool: pg.Pool
let ids: Seeded

beforeAll(async () => {
  ;({ pool } = await freshDatabase())
  ids = await seedHub(pool)
  await fillLists(pool, ids, ROWS)
}, 600_000)

type Node = {
  'Node Type': string
  'Relation Name'?: string
  'Actual Rows': number
  'Actual Loops': number
  'Rows Removed by Filter'?: number
  'Rows Removed by Index Recheck'?: number
  'Heap Fetches'?: number
  Plans?: Node[]
}

/** Runs a view and gives the plans that its statements were answered by, as they went. */
async function plansOf(view: (db: Database) => Promise<unknown>): Promise<Node[]> {
  const statements: { text: string; values: unknown[] }[] = []
  const recording = {
    query: (query: { text: string; values: unknown[] }) => {
      statements.push(query)
      return pool.query(query)
    },
  } as unknown as Database
  await view(recording)
  expect(statements.length).toBeGreaterThan(0)
  const nodes: Node[] = []
  for (const { text, values } of statements) {
    const { rows } = await pool.query<{ 'QUERY PLAN': { Plan: Node }[] }>(
      `explain (analyze, timing off, format json) ${text}`,
      values,
    )
    const walk = (node: Node): void => {
      nodes.push(node)
      node.Plans?.forEach(walk)
    }
    walk(rows[0]!['QUERY PLAN'][0]!.Plan)
  }
  return nodes
}

/** What a view read whole, and how many rows it touched. */
async function readsOf(view: (db: Database) => Promise<unknown>): Promise<{ whole: string[]; touched: number }> {
  const nodes = await plansOf(view)
  const leaves = nodes.filter((node) => node['Relation Name'] !== undefined)
  const base = (name = ''): string => name.replace(/_(default|p\d.*|\d.*)$/, '')
  return {
    whole: leaves
      .filter(
        (node) =>
          node['Node Type'] === 'Seq Scan' && GROWING.includes(base(node['Relation Name'])) && node['Actual Loops'] > 0,
      )
      .map((node) => node['Relation Name']!),
    touched: leaves
      .filter((node) => GROWING.includes(base(node['Relation Name'])))
      .reduce(
        (sum, node) =>
          sum +
          node['Actual Loops'] *
            (node['Actual Rows'] +
              (node['Rows Removed by Filter'] ?? 0) +
              (node['Rows Removed by Index Recheck'] ?? 0)),
        0,
      ),
  }
}

const limit = 50
const lastMinute = new Date(Date.parse('2026-01-01T00:00:00Z') + ROWS * 60_000).toISOString()
const cursorOf = (key: number | string): string => Buffer.from(JSON.stringify([key])).toString('base64url')
const middle = cursorOf(ROWS / 2)
const half = new Date(Date.parse('2026-01-01T00:00:00Z') + (ROWS / 2) * 60_000).toISOString()
const middleByTime = cursorOf(`${half.replace('Z', '000Z')} ${ROWS / 2}`)

test.for<[name: string, view: (db: Database) => Promise<unknown>]>([
  ['runs', (db) => listRuns(db, { limit })],
  ['runs from the middle', (db) => listRuns(db, { limit, cursor: middle })],
  ['runs of a sync', (db) => listRuns(db, { limit, sync: 'contacts-to-erp' })],
  ['runs of a sync that has none', (db) => listRuns(db, { limit, sync: 'nobody' })],
  ['runs of a stream that has none', (db) => listRuns(db, { limit, stream: 'nobody:nothing' })],
  ['runs of a connection that has none', (db) => listRuns(db, { limit, connection: 'nobody' })],
  ['runs that failed, which is rare', (db) => listRuns(db, { limit, outcome: 'failed' })],
  ['runs of a request', (db) => listRuns(db, { limit, requestId: 'asked-7' })],
  ['runs before a day', (db) => listRuns(db, { limit, until: '2026-01-01T01:00:00Z' })],
  ['runs since the last minute', (db) => listRuns(db, { limit, since: lastMinute })],
  [
    'runs before a day from the middle',
    (db) => listRuns(db, { limit, until: '2030-01-01T00:00:00Z', cursor: middleByTime }),
  ],
  ['hours of a sync that rests', (db) => listHours(db, { of: 'sync', name: 'contacts-to-erp', hours: 24 })],
  ['hours of a connection that rests', (db) => listHours(db, { of: 'connection', name: 'crm', hours: 24 })],
  ['open letters', (db) => listDeadLetters(db, { limit })],
  ['closed letters from the middle', (db) => listDeadLetters(db, { limit, state: 'resolved', cursor: middleByTime })],
  ['letters before a day', (db) => listDeadLetters(db, { limit, state: 'resolved', before: '2026-01-02T00:00:00Z' })],
  ['letters of a cause', (db) => listDeadLetters(db, { limit, code: 'CSW-3008', fingerprint: 'f' })],
  ['discarded letters, of which there are none', (db) => listDeadLetters(db, { limit, state: 'discarded' })],
  ['webhook events', (db) => listEvents(db, { limit })],
  ['webhook events from the middle', (db) => listEvents(db, { limit, cursor: middle })],
  ['webhook events that came to nothing', (db) => listEvents(db, { limit, state: 'dead' })],
  ['the audit from the middle', (db) => listAudit(db, { limit, cursor: middle })],
  ['deeds of somebody who did little', (db) => listAudit(db, { limit, actor: 'user:rare' })],
  ['a deed that is rare', (db) => listAudit(db, { limit, action: 'configuration.apply' })],
  ['deeds to a thing to which little was done', (db) => listAudit(db, { limit, subject: 'configuration' })],
  ['deeds of somebody who did nothing', (db) => listAudit(db, { limit, actor: 'user:nobody', action: 'sync.run' })],
  ['conflicts', (db) => listConflicts(db, { limit })],
  ['reviews', (db) => listReviews(db, { limit })],
  ['a record by its id', (db) => searchRecords(db, { key: 'c777', limit })],
  ['a record by its e-mail address', (db) => searchRecords(db, { key: 'C777@example.org', limit })],
  ['a record that is not there', (db) => searchRecords(db, { key: 'nobody', limit })],
  ['one record with its deliveries and letters', (db) => showRecord(db, 'crm:contacts', 'c777')],
  ['the newest records of a sync', (db) => newestRecords(db, 'contacts-to-erp', 20)],
  [
    'entities by a key',
    (db) => findEntities(db, 'person', { keys: ['e=c777@example.org'], words: [], id: 'c777' }, limit),
  ],
  ['entities by a word', (db) => findEntities(db, 'person', { keys: [], words: ['c777'], id: 'c777' }, limit)],
  ['entities by words of many', (db) => findEntities(db, 'person', { keys: [], words: ['c', 'odd'], id: '' }, limit)],
  [
    'entities by words that nobody has together',
    (db) => findEntities(db, 'person', { keys: [], words: ['odd', 'even'], id: '' }, limit),
  ],
])('%s: by an index, and no more rows than a page needs', async ([, view]) => {
  const { whole, touched } = await readsOf(view)
  expect(whole).toEqual([])
  expect(touched).toBeLessThan(MOST_READ)
})

test.for<[name: string, view: (db: Database) => Promise<unknown>]>([
  ['problems', (db) => listProblems(db)],
  ['problems by stream', (db) => listProblems(db, { rejected: 'byStream' })],
  ['connections', (db) => listConnections(db, { limit })],
  ['syncs', (db) => listSyncs(db, { limit })],
])('%s: open letters are counted from an index alone, and no letter is read', async ([, view]) => {
  // Marks which pages hold nothing that somebody may still see otherwise, as the database does by itself after a while.
  await pool.query('vacuum analyze dead_letter')
  const letters = (await plansOf(view)).filter((node) => node['Relation Name'] === 'dead_letter')
  expect(letters.length).toBeGreaterThan(0)
  expect(letters.map((node) => [node['Node Type'], node['Heap Fetches']])).toEqual(
    letters.map(() => ['Index Only Scan', 0]),
  )
})

test('entities are found by all of their words, in any order and by beginnings, whatever stands in a word', async () => {
  const found = (...words: string[]) => findEntities(pool, 'person', { keys: [], words, id: '' }, 3)
  const [last, word] = [ROWS - 1, `c${ROWS - 1}`]
  expect(await found('odd', word)).toEqual([last])
  expect(await found(word, 'od')).toEqual([last])
  expect(await found('even', word)).toEqual([])
  expect(await found('c', 'even')).toHaveLength(3)
  for (const odd of ["'", '\\', "c'7", ':*', '& !', '|', '', ' '])
    expect(await found(word, `${odd}x`), JSON.stringify(odd)).toEqual([])
})
