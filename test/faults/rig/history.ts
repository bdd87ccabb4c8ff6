import { zstdDecompressSync } from 'node:zlib'
import type pg from 'pg'
import type { Side } from './side.ts'

type Entry = { record: string; target?: string; [field: string]: unknown }

/**
 * What happened to a pair of records, in order: what people and the hub did on both sides, what each run made of it, and what stands in
 * the ledger now. For the person who reads a failure.
 */
export async function historyOf(pool: pg.Pool, sides: Side[], ids: string[]): Promise<string> {
  const [journal, deliveries, conflicts, records] = await Promise.all([
    pool.query<{ at: Date; kind: string; sync_id: number | null; entries: Buffer }>(
      'select at, kind, sync_id, entries from journal order by id',
    ),
    pool.query('select * from delivery where record_id = any($1)', [ids]),
    pool.query('select * from conflict where from_id = any($1) or to_id = any($1) order by id', [ids]),
    pool.query('select id, seq, version, deleted, observed_at, body from record where id = any($1)', [ids]),
  ])
  const runs = journal.rows.flatMap(({ at, kind, sync_id, entries }) =>
    (JSON.parse(zstdDecompressSync(entries).toString()) as { entries: Entry[] }).entries
      .filter(({ record, target }) => ids.includes(record) || ids.includes(target ?? ''))
      .map((entry) => ({ at: at.toISOString(), by: `${kind} ${sync_id ?? ''}`, ...entry })),
  )
  const edits = sides.flatMap((side) => side.log.filter(({ id }) => ids.includes(id)))
  const events = [...runs, ...edits].sort((a, b) => (a.at < b.at ? -1 : 1))
  const lines = (rows: unknown[]): string => rows.map((row) => `\n         ${JSON.stringify(row)}`).join('')
  return `history of ${ids.join(' and ')}:${lines(events)}${lines([...deliveries.rows, ...conflicts.rows, ...records.rows])}`
}
