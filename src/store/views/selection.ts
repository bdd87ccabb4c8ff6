import { createHash } from 'node:crypto'
import { type Database, rows } from './database.ts'

/** A query for what a bulk action is about: rows of `id`, `code` (what they are counted by) and `mark` (what must not change). */
export type Selection = { text: string; values: unknown[] }

/** How many were selected of one code, and a sum over which ones. */
export type SelectionCount = { code: string; count: number; sum: string }

/** For `select … from chosen group by code`: the same rows give the same sums in any order, whatever their number, in no memory. */
export const COUNTS = `code, count(*)::int as count,
  concat_ws(' ', bit_xor(hashtextextended(concat_ws(' ', id, mark), 1)), bit_xor(hashtextextended(concat_ws(' ', id, mark), 2))) as sum`

export type Counted = {
  count: number
  byCode: Record<string, number>
  /** Stands for exactly these rows; another one as soon as one is added, closed or changed. */
  token: string
}

/** What a bulk action would be about. No id comes here, however many there are. */
export async function countSelection(db: Database, { text, values }: Selection): Promise<Counted> {
  return countedOf(await rows<SelectionCount>(db, `select ${COUNTS} from (${text}) chosen group by code`, values))
}

export function countedOf(counts: SelectionCount[]): Counted {
  const sorted = counts.toSorted((one, other) => (one.code < other.code ? -1 : 1))
  return {
    count: sorted.reduce((sum, { count }) => sum + count, 0),
    byCode: Object.fromEntries(sorted.map(({ code, count }) => [code, count])),
    token: createHash('sha256').update(JSON.stringify(sorted)).digest('base64url'),
  }
}
