import type pg from 'pg'
import { arrayText } from './array-text.ts'

/** Where the matcher stands with records of a source that have no counterpart in a target stream. */
export type IdentityStanding = {
  /** All of the target that a pull has ended with has been held against the sources up to this number; null before the first time. */
  through: number | null
  /** Whether the target was ever read to its end. */
  targetRead: boolean
  /** Records that changed, or may be what a create under way has made, and were not held against the others since. */
  waiting: Set<string>
  /** Record id → the open question whether it is a record of the target. */
  reviews: Map<string, number>
  /** Record id → records of the target that a person said are others. */
  apart: Map<string, Set<string>>
}

/** What a push must know before it creates records of the entity `type`. Positions of types that left the files say nothing. */
export async function readIdentityStanding(
  pool: pg.Pool,
  type: string,
  fromStream: number,
  toStream: number,
  recordIds: string[],
): Promise<IdentityStanding> {
  const { rows } = await pool.query<{ through: number | null; target_read: boolean }>({
    name: 'identity-standing',
    text: `select (select min(p.through) from identity_position p where p.type = $3 and p.part = 'records' and p.stream_id = $1) as through,
                  s.last_success_at is not null as target_read
             from stream s where s.id = $2`,
    values: [fromStream, toStream, type],
  })
  const { rows: waiting } = await pool.query<{ record_id: string }>({
    name: 'waiting-identities',
    text: 'select record_id from identity where stream_id = $1 and record_id = any($2) and type = $3 and pending',
    values: [fromStream, arrayText(recordIds), type],
  })
  const { rows: open } = await pool.query<{ record_id: string; id: number }>({
    name: 'open-reviews',
    text: `select r.id as record_id, v.id from unnest($3::text[]) as r(id)
            cross join lateral (
              select id from entity_review where state = 'open' and left_stream = $1 and left_id = r.id and right_stream = $2
              union all
              select id from entity_review where state = 'open' and right_stream = $1 and right_id = r.id and left_stream = $2
              limit 1) v`,
    values: [fromStream, toStream, arrayText(recordIds)],
  })
  const { rows: rejected } = await pool.query<{ record_id: string; other: string }>({
    name: 'rejected-partners',
    text: `select r.id as record_id, v.other from unnest($3::text[]) as r(id)
            cross join lateral (
              select right_id as other from entity_review where state = 'rejected' and left_stream = $1 and left_id = r.id and right_stream = $2
              union all
              select left_id from entity_review where state = 'rejected' and right_stream = $1 and right_id = r.id and left_stream = $2) v`,
    values: [fromStream, toStream, arrayText(recordIds)],
  })
  const apart = new Map<string, Set<string>>()
  for (const { record_id, other } of rejected) apart.set(record_id, (apart.get(record_id) ?? new Set()).add(other))
  return {
    apart,
    through: rows[0]?.through ?? null,
    targetRead: rows[0]?.target_read ?? false,
    waiting: new Set(waiting.map(({ record_id }) => record_id)),
    reviews: new Map(open.map(({ record_id, id }) => [record_id, id])),
  }
}
