import { openBodies } from '../body-seals.ts'
import { type Database, firstRow, rows } from './database.ts'
import { type JournalView, recordJournal } from './journal.ts'
import { findStream } from './streams.ts'

export type SourceOfTarget = {
  sync: string
  from: string
  record: string
  part: string
  state: string
  delivered: string | null
  mappingVersion: string
  /** The text of that version of the mapping file. */
  source: string | null
  runId: number | null
  at: Date
  /** The source record as the log holds it now. */
  body: string | null
  /** True where parts of the source record are not kept. */
  shrunk: boolean
  /** The last entry in the journal that concerns this delivery. */
  last: JournalView | null
}

type Row = Omit<SourceOfTarget, 'last'> & { fromStream: number }

/** The deliveries that stand behind a target record, with the text of the mapping each was made by. */
export async function sourcesOfTarget(
  db: Database,
  address: string,
  id: string,
): Promise<{ entity: string; sources: SourceOfTarget[] } | undefined> {
  const stream = id.includes('\0') ? undefined : await findStream(db, address)
  if (!stream) return undefined
  const link = await firstRow<{ entity: string }>(
    db,
    'select entity_id::text as entity from link where stream_id = $1 and record_id = $2 order by part limit 1',
    [stream.id, id],
  )
  if (!link) return undefined
  const found = await rows<Row>(
    db,
    `select y.name as sync, c.name || ':' || s.name as "from", s.id as "fromStream", l.record_id as record, l.part, d.state,
            d.delivered, d.mapping_version as "mappingVersion", v.source, d.run_id as "runId", d.updated_at as at, r.body,
            coalesce(r.field_hashes is not null, false) as shrunk
       from link l
       join sync y on y.from_stream = l.stream_id and y.to_stream = $2
       join delivery d on d.sync_id = y.id and d.record_id = l.record_id and d.part = l.part
       join stream s on s.id = l.stream_id join connection c on c.id = s.connection_id
       left join mapping_version v on v.sync = y.name and v.version = d.mapping_version
       left join record r on r.stream_id = l.stream_id and r.id = l.record_id
      where l.entity_id = $1 and not l.alias
      order by d.updated_at desc limit 20`,
    [link.entity, stream.id],
  )
  const sources: SourceOfTarget[] = []
  for (const { fromStream, ...row } of found) {
    const [opened] = await openBodies(db, fromStream, [{ id: row.record, body: row.body }])
    row.body = opened!.body
    const entries = await recordJournal(db, fromStream, row.record)
    const last = entries.find((entry) => entry.sync === row.sync && entry.part === row.part && entry.operation) ?? null
    sources.push({ ...row, last })
  }
  return { entity: link.entity, sources }
}
