/** Which records of a stream have changed: by position, and last. */
import type pg from 'pg'
import { SLICES } from '../../core/index.ts'
import { arrayText } from './array-text.ts'
import type { LogEntry } from './types.ts'

/** Slices are never equally full; what is read beyond the limit is read again by the next batch. */
const FAIR_SHARE = 1.15

/**
 * Records above the given positions, at most about `limit`. Takes a prefix of each slice, so a position may move to the last
 * entry taken of its slice. Asks every slice for its fair share first and the busy ones for more only when that left room.
 */
export async function readLog(
  pool: pg.Pool,
  streamId: number,
  positions: ReadonlyMap<number, number>,
  limit: number,
): Promise<LogEntry[]> {
  const slices = [...positions.keys()]
  const share = Math.ceil((limit / Math.max(1, slices.length)) * FAIR_SHARE)
  const entries = await readSlices(pool, streamId, slices, positions, share)
  if (entries.length >= limit / 2 || share >= limit) return entries
  const perSlice = Map.groupBy(entries, (entry) => entry.slice)
  const busy = slices.filter((slice) => (perSlice.get(slice)?.length ?? 0) === share)
  if (!busy.length) return entries
  const rest = entries.filter((entry) => !busy.includes(entry.slice))
  return [...rest, ...(await readSlices(pool, streamId, busy, positions, Math.ceil(limit / busy.length)))]
}

async function readSlices(
  pool: pg.Pool,
  streamId: number,
  slices: number[],
  positions: ReadonlyMap<number, number>,
  perSlice: number,
): Promise<LogEntry[]> {
  const { rows } = await pool.query<LogEntry>({
    name: 'read-log',
    text: `select r.id, r.slice, r.seq, r.deleted, r.content
             from unnest($2::smallint[], $3::bigint[]) as p(slice, seq)
            cross join lateral (select id, slice, seq, deleted, content from record
                                 where stream_id = $1 and slice = p.slice and seq > p.seq order by seq limit $4) r`,
    values: [streamId, arrayText(slices), arrayText(slices.map((slice) => positions.get(slice)!)), perSlice],
  })
  return rows.sort((a, b) => a.seq - b.seq)
}

/** Ids of the records that changed last, the latest first. Asks each slice by its index, for none goes over the whole stream. */
export async function lastRecords(pool: pg.Pool, streamId: number, limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'last-records',
    text: `select r.id from generate_series(0, ${SLICES - 1}) as p(slice)
            cross join lateral (select id, seq from record where stream_id = $1 and slice = p.slice order by seq desc limit $2) r
            order by r.seq desc limit $2`,
    values: [streamId, limit],
  })
  return rows.map(({ id }) => id)
}
