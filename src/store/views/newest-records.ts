import { type Database, rows } from './database.ts'

/** The records of a sync's source that changed last, of those that are there: examples to try a mapping on. */
export const newestRecords = (db: Database, sync: string, limit: number): Promise<{ id: string; observedAt: Date }[]> =>
  rows(
    db,
    // Newest of each slice first: the log is indexed by slice, and a stream may have millions.
    `select r.id, r.observed_at as "observedAt" from sync y cross join generate_series(0, 63) as n(slice) cross join lateral
            (select id, observed_at, seq from record
              where stream_id = y.from_stream and slice = n.slice and not deleted order by seq desc limit $2) r
      where y.name = $1 order by r.seq desc limit $2`,
    [sync, limit],
  )
