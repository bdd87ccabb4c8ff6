import { type Database, rows } from './database.ts'
import { type Verbatim, verbatim, verbatimError } from './verbatim.ts'

export const REVIEW_STATES = ['open', 'confirmed', 'rejected', 'superseded'] as const

type ReviewedRecord = { stream: string; id: string; shown: string | null }

export type ReviewRow = {
  id: number
  entity: string
  kind: 'match' | 'duplicate'
  state: (typeof REVIEW_STATES)[number]
  points: number | null
  reasons: Verbatim | null
  left: ReviewedRecord
  right: ReviewedRecord
  actor: string | null
  createdAt: Date
  decidedAt: Date | null
}

/** Questions about pairs of records, those with the most points first. `shown` of a record is what the entity file makes of it. */
export async function listReviews(
  db: Database,
  choice: { entity?: string; state?: string; after?: number; limit: number },
): Promise<ReviewRow[]> {
  const found = await rows<
    Omit<ReviewRow, 'left' | 'right' | 'reasons'> & {
      reasons: string
      ls: string
      li: string
      lshown: string | null
      rs: string
      ri: string
      rshown: string | null
    }
  >(
    db,
    `select v.id, v.type as entity, v.kind, v.state, v.points, v.reasons, v.actor, v.created_at as "createdAt", v.decided_at as "decidedAt",
            lc.name || ':' || ls.name as ls, v.left_id as li, l.shown as lshown, rc.name || ':' || rs.name as rs, v.right_id as ri, r.shown as rshown
       from entity_review v
       join stream ls on ls.id = v.left_stream join connection lc on lc.id = ls.connection_id
       join stream rs on rs.id = v.right_stream join connection rc on rc.id = rs.connection_id
       left join identity l on l.stream_id = v.left_stream and l.record_id = v.left_id
       left join identity r on r.stream_id = v.right_stream and r.record_id = v.right_id
      where v.state = $1 and ($2::text is null or v.type = $2) and v.id > $3 order by v.id limit $4`,
    [choice.state ?? 'open', choice.entity ?? null, choice.after ?? 0, choice.limit],
  )
  return found.map(({ ls, li, lshown, rs, ri, rshown, reasons, ...row }) => ({
    ...row,
    reasons: verbatim(reasons),
    left: { stream: ls, id: li, shown: lshown },
    right: { stream: rs, id: ri, shown: rshown },
  }))
}

export type EntityRecord = {
  stream: string
  id: string
  entityId: number
  alias: boolean
  /** JSON: texts by field; null where the record is gone or does not belong to the entity by its file. */
  shown: string | null
  changedAt: Date | null
}

const RECORD = `c.name || ':' || s.name as stream, l.record_id as id, l.entity_id as "entityId", l.alias, i.shown, i.changed_at as "changedAt"`
const JOINS = `join stream s on s.id = l.stream_id join connection c on c.id = s.connection_id
     left join identity i on i.stream_id = l.stream_id and i.record_id = l.record_id`

/** The entities of records that have one of the keys, or all of the words as beginnings of theirs, or the id. */
export async function findEntities(
  db: Database,
  type: string,
  search: { keys: string[]; words: string[]; id: string },
  limit: number,
): Promise<number[]> {
  const several = search.words.length > 1
  const found = await rows<{ id: number }>(
    db,
    `with worded as materialized (${several ? WITH_ALL_WORDS : WITH_WORD}), hit as (
       (select stream_id, record_id from identity_key where type = $1 and key = any($2) limit $5)
       union all
       (select stream_id, record_id from worded limit $5)
       union all
       (select i.stream_id, i.record_id from identity_position p join identity i on i.stream_id = p.stream_id and i.record_id = $4
         where p.type = $1 and p.part = 'records' limit $5))
     select distinct l.entity_id as id from hit join link l on l.stream_id = hit.stream_id and l.record_id = hit.record_id and l.part = ''
      order by 1 limit $5`,
    [type, search.keys, several ? allBeginnings(search.words) : (search.words[0] ?? null), search.id, limit],
  )
  return found.map(({ id }) => id)
}

/** Beginnings of a word stand together in the order of the keys. */
const WITH_WORD = `select stream_id, record_id from identity_key
         where type = $1 and key >= 'w=' || $3::text and key < 'w=' || $3::text || U&'\\+10FFFF' limit $5`
/**
 * Without a limit of its own: the planner would go over all records in the hope that a few of many fit, and of two words that are
 * never together none does. What is read stops with the limit outside all the same.
 */
const WITH_ALL_WORDS = `select stream_id, record_id from identity where type = $1 and identity_words(keys) @@ $3::tsquery`

const allBeginnings = (words: readonly string[]): string =>
  words.map((word) => `'${word.replace(/['\\]/g, '$&$&')}':*`).join(' & ')

/** All records of entities, in all systems. */
export async function entityRecords(db: Database, entityIds: readonly number[]): Promise<EntityRecord[]> {
  return rows<EntityRecord>(
    db,
    `select ${RECORD} from link l ${JOINS} where l.entity_id = any($1) and not l.alias and l.part = ''
      union all
     select ${RECORD} from link l ${JOINS} where l.entity_id = any($1) and l.alias and l.part = ''
      order by "entityId", stream, id`,
    [entityIds],
  )
}

export type EntityEvent = { at: Date | null; kind: string; text: string; stream: string; id: string }

/** What happened to an entity, the newest first. */
export async function entityEvents(
  db: Database,
  type: string,
  entityId: number,
  limit: number,
): Promise<EntityEvent[]> {
  return rows<EntityEvent>(
    db,
    `with member as (select stream_id, record_id from link where entity_id = $2 and not alias
                     union all select stream_id, record_id from link where entity_id = $2 and alias),
          mark as (select 'record=' || stream_id || '/' || record_id as key from member
                   union select unnest(i.keys) from member m join identity i on i.stream_id = m.stream_id and i.record_id = m.record_id)
     select e.at, e.kind, e.text, c.name || ':' || s.name as stream, e.record_id as id
       from mark cross join lateral (select * from entity_event where type = $1 and key = mark.key order by at desc limit $3) e
       join stream s on s.id = e.stream_id join connection c on c.id = s.connection_id
      order by e.at desc nulls last, e.record_id limit $3`,
    [type, entityId, limit],
  )
}

export type OpenDelivery = {
  sync: string
  stream: string
  id: string
  state: string
  error: Verbatim | null
  nextAttemptAt: Date | null
}

/** Deliveries of the records of an entity that are not done. */
export async function entityDeliveries(db: Database, entityId: number): Promise<OpenDelivery[]> {
  const found = await rows<Omit<OpenDelivery, 'error'> & { error: string | null }>(
    db,
    `select y.name as sync, c.name || ':' || s.name as stream, d.record_id as id, d.state, d.error, d.next_attempt_at as "nextAttemptAt"
       from (select stream_id, record_id from link where entity_id = $1 and not alias
             union all select stream_id, record_id from link where entity_id = $1 and alias) m
       join sync y on y.from_stream = m.stream_id
       join delivery d on d.sync_id = y.id and d.record_id = m.record_id and d.state in ('pending', 'parked', 'in_doubt', 'dead')
       join stream s on s.id = m.stream_id join connection c on c.id = s.connection_id
      order by y.name, d.record_id`,
    [entityId],
  )
  return found.map(({ error, ...row }) => ({ ...row, error: verbatimError(error) }))
}

export type EntityChange = {
  at: Date
  action: string
  entityId: number
  otherId: number | null
  actor: string
  detail: Verbatim | null
}

/** How an entity came to be what it is, the newest first. */
export async function entityHistory(db: Database, entityId: number): Promise<EntityChange[]> {
  const found = await rows<Omit<EntityChange, 'detail'> & { detail: string }>(
    db,
    `select at, action, entity_id as "entityId", other_id as "otherId", actor, detail from entity_history
      where entity_id = $1 or other_id = $1 order by id desc limit 100`,
    [entityId],
  )
  return found.map(({ detail, ...row }) => ({ ...row, detail: verbatim(detail) }))
}
