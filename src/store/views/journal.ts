import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import { isObject, type Json, parseExact } from '../../core/index.ts'
import { recordHash } from '../ledger/journal.ts'
import { type Database, rows } from './database.ts'
import { type Verbatim, verbatim } from './verbatim.ts'

export type JournalView = {
  at: Date
  kind: string
  stream: string | null
  sync: string | null
  runId: number | null
  mappingVersion: string | null
  part: string
  seq: number
  outcome: string
  operation: string | null
  /** Id of the target record. */
  target: string | null
  input: Verbatim | null
  output: Json | null
  before: Json | null
  error: Json | null
}

/** Batches looked through per record; the newest come first. */
const BATCHES = 50
/** No batch we write inflates to more; anything larger is a damaged row. */
const MAX_INFLATED = 256 * 1024 * 1024

const decompress = promisify(zstdDecompress)

type Batch = Pick<JournalView, 'at' | 'kind' | 'stream' | 'sync' | 'runId' | 'mappingVersion'> & { entries: Buffer }

/** What happened to one record, newest first: its entries in the batches that carry its hash. */
export async function recordJournal(db: Database, streamId: number, recordId: string): Promise<JournalView[]> {
  const batches = await rows<Batch>(
    db,
    `select j.at, j.kind, c.name || ':' || s.name as stream, y.name as sync, j.run_id as "runId",
            j.mapping_version as "mappingVersion", j.entries
       from journal j
       left join sync y on y.id = j.sync_id
       left join stream s on s.id = j.stream_id
       left join connection c on c.id = s.connection_id
      where j.record_hashes @> array[$1::integer] and (j.stream_id = $2 or y.from_stream = $2)
      order by j.at desc, j.id desc limit ${BATCHES}`,
    [recordHash(recordId), streamId],
  )
  const entries: JournalView[] = []
  // One after the other: a batch may inflate to megabytes, and fifty at once would be felt.
  for (const { entries: packed, ...batch } of batches) {
    for (const entry of await entriesOf(packed, recordId)) entries.push({ ...batch, ...entry })
  }
  return entries
}

type Entry = Omit<JournalView, keyof Omit<Batch, 'entries'>>

/** Entries of this record (another record of the batch may share the hash), with numbers spelled as they were written. */
async function entriesOf(packed: Buffer, recordId: string): Promise<Entry[]> {
  const text = (await decompress(packed, { maxOutputLength: MAX_INFLATED })).toString()
  const journal: unknown = parseExact(text)
  const list: unknown[] = isObject(journal) && Array.isArray(journal.entries) ? journal.entries : []
  return list.flatMap((entry) => {
    if (!isObject(entry) || entry.record !== recordId) return []
    const { part, seq, outcome, operation, target, input, output, before, error } = entry
    return [
      {
        part: typeof part === 'string' ? part : '',
        seq: Number(seq ?? 0),
        outcome: String(outcome),
        operation: typeof operation === 'string' ? operation : null,
        target: typeof target === 'string' ? target : null,
        input: inputOf(input),
        output: output ?? null,
        before: before ?? null,
        error: error ?? null,
      },
    ]
  })
}

/** The input stands in the journal as the JSON it is; as a text only where it was none. */
function inputOf(input: Json | undefined): Verbatim | null {
  if (input === undefined || input === null) return null
  return verbatim(typeof input === 'string' ? input : JSON.stringify(input))
}
