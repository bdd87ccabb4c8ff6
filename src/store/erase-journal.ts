import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import type pg from 'pg'
import { parseExact } from '../core/index.ts'
import { packJournal, recordHash } from './ledger/journal.ts'
import type { JournalEntry } from './ledger/types.ts'

const decompress = promisify(zstdDecompress)
const MAX_INFLATED = 256 * 1024 * 1024

/**
 * Takes the entries of records out of the journal: a batch is unpacked, cut and packed again. Its exchanges go as a whole,
 * because which of them told of whom is not known. Gives the number of batches.
 */
export async function eraseFromJournal(pool: pg.Pool, streamId: number, ids: string[]): Promise<number> {
  const gone = new Set(ids)
  const { rows } = await pool.query<{ id: number; at: Date; entries: Buffer }>(
    `select j.id, j.at, j.entries from journal j left join sync y on y.id = j.sync_id
      where j.record_hashes && $1::integer[] and $2 in (j.stream_id, y.from_stream, y.to_stream)`,
    [ids.map(recordHash), streamId],
  )
  for (const { id, at, entries } of rows) {
    const text = (await decompress(entries, { maxOutputLength: MAX_INFLATED })).toString()
    const all = (parseExact(text) as unknown as { entries: JournalEntry[] }).entries
    const kept = all.filter((entry) => !gone.has(entry.record) && !gone.has(entry.target ?? ''))
    const packed = await packJournal({ entries: kept, exchanges: [] })
    const place = [id, new Date(at.getTime() - 1), new Date(at.getTime() + 1)]
    if (packed)
      await pool.query('update journal set entries = $4, record_hashes = $5 where id = $1 and at between $2 and $3', [
        ...place,
        packed,
        kept.map((entry) => recordHash(entry.record)),
      ])
    else await pool.query('delete from journal where id = $1 and at between $2 and $3', place)
  }
  return rows.length
}
