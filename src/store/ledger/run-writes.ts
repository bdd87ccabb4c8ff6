import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import type pg from 'pg'
import { isObject, type JsonObject, parseExact } from '../../core/index.ts'

/** What a run did to one record of the target, as the journal has it. */
export type RunWrite = {
  record: string
  part: string
  target: string
  operation: string
  outcome: string
  /** Fields that were sent; null where values are not kept. */
  sent: JsonObject | null
  /** What was known to stand there before. */
  before: JsonObject | null
}

/** No batch we write inflates to more; anything larger is a damaged row. */
const MAX_INFLATED = 256 * 1024 * 1024
const decompress = promisify(zstdDecompress)

/** What a run wrote, the last write first, batch by batch. */
export async function* readRunWrites(pool: pg.Pool, runId: number): AsyncGenerator<RunWrite[]> {
  let before = Number.MAX_SAFE_INTEGER
  for (;;) {
    // One at a time: a batch may inflate to megabytes. A run writes between its beginning and its end, which spares other partitions.
    const { rows } = await pool.query<{ id: number; entries: Buffer }>(
      `select j.id, j.entries from run r join journal j on j.run_id = r.id and j.at >= r.started_at - interval '1 minute'
        where r.id = $1 and j.id < $2 order by j.id desc limit 1`,
      [runId, before],
    )
    const batch = rows[0]
    if (!batch) return
    before = batch.id
    yield writesOf((await decompress(batch.entries, { maxOutputLength: MAX_INFLATED })).toString()).reverse()
  }
}

function writesOf(text: string): RunWrite[] {
  const journal: unknown = parseExact(text)
  const list: unknown[] = isObject(journal) && Array.isArray(journal.entries) ? journal.entries : []
  return list.flatMap((entry) => {
    if (!isObject(entry) || typeof entry.operation !== 'string' || typeof entry.target !== 'string') return []
    const { record, part, target, operation, outcome, output, before } = entry
    return [
      {
        record: String(record),
        part: typeof part === 'string' ? part : '',
        target,
        operation,
        outcome: String(outcome),
        sent: isObject(output) ? (output as JsonObject) : null,
        before: isObject(before) ? (before as JsonObject) : null,
      },
    ]
  })
}
