import type { Database } from './database.ts'
import { countMany } from './many-counts.ts'

/** Which column of which table is counted by, and which column says whose rows they are. */
export type Counted = { table: 'delivery' | 'record'; by: 'state' | 'deleted'; of: 'sync_id' | 'stream_id' }
/** `estimated`: told from a part of the table, to two digits; a value that few rows have may be missing. */
export type BoundedCounts = { counts: Map<string, number>; estimated: boolean }

/**
 * `rows`: so many are counted one by one, in seconds even where they come from a disk; a hundred million take minutes. `pages`: so many of the
 * table are read to tell of more, some 100,000 rows, so that what one row in a hundred has is told to a few percent.
 */
const MOST = { rows: 2_000_000, pages: 4_000 }

type Row = { value: string; count: number; percent: number }

/**
 * Counts the rows of one sync or stream by a value: one by one up to a bound, and from a sample beyond it, so that a hundred million take no longer
 * than two. The sample comes first, for it alone tells how many there are at a cost that does not grow.
 */
export async function countWithin(db: Database, counted: Counted, id: number, most = MOST): Promise<BoundedCounts> {
  const sampled = await countMany<Row>(db, samplingOf(counted), [id, most.pages])
  const seen = byValue(sampled)
  const whole = (sampled[0]?.percent ?? 0) >= 100
  if (whole) return { counts: seen, estimated: false }
  if (total(seen) > most.rows)
    return { counts: new Map([...seen].map(([value, count]) => [value, twoDigits(count)])), estimated: true }
  return { counts: byValue(await countMany<Row>(db, countingOf(counted), [id])), estimated: false }
}

const countingOf = ({ table, by, of }: Counted): string =>
  `select ${by}::text as value, count(*)::float8 as count from ${table} where ${of} = $1 group by 1`

/** Of a table that has no more pages than that it reads all, and counts. */
function samplingOf({ table, by, of }: Counted): string {
  const pages = `greatest(pg_relation_size('${table}') / current_setting('block_size')::int, 1)`
  const percent = `least(100, 100 * $2::float8 / ${pages})`
  return `select ${by}::text as value, round(count(*) * 100 / (${percent}))::float8 as count, (${percent})::float8 as percent
            from ${table} tablesample system ((${percent})::real) where ${of} = $1 group by 1`
}

const byValue = (rows: Row[]): Map<string, number> => new Map(rows.map(({ value, count }) => [value, count]))
const total = (counts: Map<string, number>): number => [...counts.values()].reduce((sum, count) => sum + count, 0)
const twoDigits = (count: number): number => Number(count.toPrecision(2))
