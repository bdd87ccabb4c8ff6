import { openBodies } from '../body-seals.ts'
import { type Database, rows } from './database.ts'
import { type JournalView, recordJournal } from './journal.ts'
import { findStream } from './streams.ts'
import { type Verbatim, verbatim, verbatimError } from './verbatim.ts'

type DeliveryView = {
  sync: string
  to: string
  part: string
  state: string
  sourceSeq: number
  delivered: Verbatim | null
  attempts: number
  nextAttemptAt: Date | null
  error: Verbatim | null
  /** The record this one waits for. */
  waitsFor: { stream: string; id: string } | null
  mappingVersion: string
  runId: number | null
  updatedAt: Date
}

type LinkView = { stream: string; id: string; part: string; alias: boolean; entity: string; createdAt: Date }

export type RecordView = {
  stream: string
  id: string
  /** Null when only a link or a delivery knows the id and the change log holds no such record. */
  log: {
    version: string | null
    seq: number
    slice: number
    hash: string
    deleted: boolean
    firstSeenAt: Date
    observedAt: Date
    /** As received; null after retention. */
    body: Verbatim | null
    content: Verbatim | null
  } | null
  deliveries: DeliveryView[]
  links: LinkView[]
  deadLetters: { id: number; sync: string | null; code: string; state: string; createdAt: Date }[]
  journal: JournalView[]
}

type LogRow = Omit<NonNullable<RecordView['log']>, 'body' | 'content'> & { body: string | null; content: string | null }

/** Everything the hub knows about one record: last state, deliveries, links, dead letters and what happened to it. */
export async function showRecord(db: Database, address: string, id: string): Promise<RecordView | undefined> {
  const stream = id.includes('\0') ? undefined : await findStream(db, address)
  if (!stream) return undefined
  const [log, deliveries, links, deadLetters, journal] = await Promise.all([
    logRow(db, stream.id, id),
    deliveriesOf(db, stream.id, id),
    linksOf(db, stream.id, id),
    deadLettersOf(db, stream.id, id),
    recordJournal(db, stream.id, id),
  ])
  if (!log && !deliveries.length && !links.length && !deadLetters.length) return undefined
  return {
    stream: stream.address,
    id,
    log: log ? { ...log, body: verbatim(log.body), content: verbatim(log.content) } : null,
    deliveries,
    links,
    deadLetters,
    journal,
  }
}

async function logRow(db: Database, streamId: number, id: string): Promise<LogRow | undefined> {
  const found = await rows<LogRow & { id: string }>(
    db,
    `select version, seq, slice, hash, deleted, first_seen_at as "firstSeenAt", observed_at as "observedAt", body, content, id
       from record where stream_id = $1 and id = $2`,
    [streamId, id],
  )
  const [row] = await openBodies(db, streamId, found)
  if (!row) return undefined
  const { id: _id, ...log } = row
  return log
}

type DeliveryRow = Omit<DeliveryView, 'delivered' | 'error' | 'waitsFor'> & {
  delivered: string | null
  error: string | null
  parkedStream: string | null
  parkedId: string | null
}

async function deliveriesOf(db: Database, streamId: number, id: string): Promise<DeliveryView[]> {
  const found = await rows<DeliveryRow>(
    db,
    `select y.name as sync, tc.name || ':' || t.name as "to", d.part, d.state, d.source_seq as "sourceSeq", d.delivered,
            d.attempts, d.next_attempt_at as "nextAttemptAt", d.error, pc.name || ':' || p.name as "parkedStream",
            d.parked_id as "parkedId", d.mapping_version as "mappingVersion", d.run_id as "runId",
            d.updated_at as "updatedAt"
       from sync y
       join delivery d on d.sync_id = y.id and d.record_id = $2
       join stream t on t.id = y.to_stream join connection tc on tc.id = t.connection_id
       left join stream p on p.id = d.parked_stream left join connection pc on pc.id = p.connection_id
      where y.from_stream = $1
      order by y.name, d.part`,
    [streamId, id],
  )
  return found.map(({ parkedStream, parkedId, ...row }) => ({
    ...row,
    delivered: verbatim(row.delivered),
    error: verbatimError(row.error),
    waitsFor: parkedId === null ? null : { stream: parkedStream ?? '', id: parkedId },
  }))
}

/** The records that are the same thing, this one first. Aliases of other streams are not listed: no index leads to them. */
const linksOf = (db: Database, streamId: number, id: string): Promise<LinkView[]> =>
  rows<LinkView>(
    db,
    `with own as (select * from link where stream_id = $1 and record_id = $2),
          same as (select * from own
                   union
                   select l.* from link l where not l.alias and l.entity_id in (select entity_id from own))
     select c.name || ':' || s.name as stream, m.record_id as id, m.part, m.alias, m.entity_id::text as entity,
            m.created_at as "createdAt"
       from same m join stream s on s.id = m.stream_id join connection c on c.id = s.connection_id
      order by m.stream_id <> $1, m.record_id <> $2, 1, 2, 3`,
    [streamId, id],
  )

const deadLettersOf = (db: Database, streamId: number, id: string): Promise<RecordView['deadLetters']> =>
  rows(
    db,
    `select d.id, y.name as sync, d.code, d.state, d.created_at as "createdAt"
       from dead_letter d left join sync y on y.id = d.sync_id
      where d.state = 'open' and d.record_id = $2
        and (d.kind, coalesce(d.sync_id, 0), coalesce(d.stream_id, 0)) in (
          select k.kind, i.sync_id, i.stream_id
            from (values ('pull'), ('push'), ('inbox')) k(kind),
                 (select 0 as sync_id, $1::int as stream_id
                  union select id, 0 from sync where from_stream = $1
                  union select id, from_stream from sync where from_stream = $1
                  union select id, to_stream from sync where from_stream = $1) i)
      order by d.id desc limit 50`,
    [streamId, id],
  )
