/** The second half of matching: candidates of records that changed, and what becomes of the pairs. */
import type pg from 'pg'
import { arrayText } from '../ledger/array-text.ts'
import { assertLease } from '../ledger/lease-check.ts'
import { withTransaction } from '../transaction.ts'
import type { IdentityRow, LeaseProof, MemberRow, MergeWrite, RecordPair, ReviewWrite } from './types.ts'

/** A mark that more records share than these tells nobody apart. */
const MOST_SHARING = 60

const IDENTITY = 'i.stream_id as "streamId", i.record_id as "recordId", i.shown, i.keys, i.changed_at as "changedAt"'

/** Records that were not held against the others since they changed: those that come after the one that is given, in a fixed order. */
export async function readPending(
  pool: pg.Pool,
  type: string,
  after: { streamId: number; recordId: string } | null,
  limit: number,
): Promise<IdentityRow[]> {
  const { rows } = await pool.query<IdentityRow>({
    name: 'pending-identities',
    text: `select ${IDENTITY} from identity i where i.type = $1 and i.pending and (i.stream_id, i.record_id) > ($2, $3)
            order by i.stream_id, i.record_id limit $4`,
    values: [type, after?.streamId ?? -1, after?.recordId ?? '', limit],
  })
  return rows
}

/** Which records share marks: per record of the question, by its place in it, the others. */
export async function findCandidates(
  pool: pg.Pool,
  type: string,
  marks: readonly { of: number; key: string }[],
): Promise<{ of: number; streamId: number; recordId: string }[]> {
  if (!marks.length) return []
  const { rows } = await pool.query<{ of: number; streamId: number; recordId: string }>({
    name: 'find-candidates',
    text: `with sharing as materialized (
             select m.key, k.stream_id, k.record_id, count(*) over (partition by m.key) as sharers
               from (select distinct key from unnest($3::text[]) as d(key)) m
              cross join lateral (select stream_id, record_id from identity_key where type = $1 and key = m.key limit ${MOST_SHARING + 1}) k)
           select distinct m.nr as of, s.stream_id as "streamId", s.record_id as "recordId"
             from unnest($2::int[], $3::text[]) as m(nr, key) join sharing s on s.key = m.key and s.sharers <= ${MOST_SHARING}`,
    values: [type, arrayText(marks.map(({ of }) => of)), arrayText(marks.map(({ key }) => key))],
  })
  return rows
}

const pairsOf = (records: readonly { streamId: number; recordId: string }[]): [string, string] => [
  arrayText(records.map(({ streamId }) => streamId)),
  arrayText(records.map(({ recordId }) => recordId)),
]

export async function readIdentities(
  pool: pg.Pool,
  records: readonly { streamId: number; recordId: string }[],
): Promise<IdentityRow[]> {
  if (!records.length) return []
  const { rows } = await pool.query<IdentityRow>({
    name: 'read-identities',
    text: `select ${IDENTITY} from unnest($1::int[], $2::text[]) as r(stream, id)
            cross join lateral (select * from identity where stream_id = r.stream and record_id = r.id offset 0) i`,
    values: pairsOf(records),
  })
  return rows
}

/** The entities of records, and all that belongs to these entities. */
export async function readMembers(
  pool: pg.Pool,
  records: readonly { streamId: number; recordId: string }[],
): Promise<MemberRow[]> {
  if (!records.length) return []
  const { rows } = await pool.query<MemberRow>({
    name: 'entity-members',
    text: `with entity as materialized (
             select distinct l.entity_id from unnest($1::int[], $2::text[]) as r(stream, id)
              cross join lateral (select entity_id from link where stream_id = r.stream and record_id = r.id and part = '' offset 0) l)
           select l.stream_id as "streamId", l.record_id as "recordId", e.entity_id as "entityId", l.alias
             from entity e cross join lateral (
                    select stream_id, record_id, alias from link where entity_id = e.entity_id and not alias
                    union all select stream_id, record_id, alias from link where entity_id = e.entity_id and alias) l`,
    values: pairsOf(records),
  })
  return rows
}

const columnsOf = (pairs: readonly RecordPair[]): string[] => [
  arrayText(pairs.map(({ leftStream }) => leftStream)),
  arrayText(pairs.map(({ leftId }) => leftId)),
  arrayText(pairs.map(({ rightStream }) => rightStream)),
  arrayText(pairs.map(({ rightId }) => rightId)),
]
const PAIRS = 'unnest($1::int[], $2::text[], $3::int[], $4::text[]) as p(ls, li, rs, ri)'
const IS_PAIR = '(v.left_stream, v.left_id, v.right_stream, v.right_id) = (p.ls, p.li, p.rs, p.ri)'

/** Those of the pairs that a person has said are two. */
export async function findRejected(pool: pg.Pool, pairs: readonly RecordPair[]): Promise<RecordPair[]> {
  if (!pairs.length) return []
  const { rows } = await pool.query<RecordPair>({
    name: 'rejected-pairs',
    text: `select p.ls as "leftStream", p.li as "leftId", p.rs as "rightStream", p.ri as "rightId"
             from ${PAIRS} join entity_review v on ${IS_PAIR} and v.state = 'rejected'`,
    values: columnsOf(pairs),
  })
  return rows
}

/** What came of a batch. Merges are in the order in which they build on each other. */
export async function commitMatches(
  pool: pg.Pool,
  lease: LeaseProof,
  batch: {
    type: string
    matched: readonly IdentityRow[]
    merges: readonly MergeWrite[]
    reviews: readonly ReviewWrite[]
  },
): Promise<void> {
  await withTransaction(pool, async (client) => {
    await assertLease(client, lease)
    const [streams, ids] = pairsOf(batch.matched)
    await client.query({
      name: 'identities-matched',
      text: `update identity i set pending = false from unnest($1::int[], $2::text[], $3::text[]) as r(stream, id, shown)
              where i.stream_id = r.stream and i.record_id = r.id and i.shown = r.shown`,
      values: [streams, ids, arrayText(batch.matched.map(({ shown }) => shown))],
    })
    await client.query({
      name: 'supersede-reviews',
      text: `update entity_review v set state = 'superseded', decided_at = now() from unnest($1::int[], $2::text[]) as r(stream, id)
              where v.state = 'open' and ((v.left_stream, v.left_id) = (r.stream, r.id) or (v.right_stream, v.right_id) = (r.stream, r.id))`,
      values: [streams, ids],
    })
    if (batch.merges.length) await mergeAll(client, batch.merges)
    if (batch.reviews.length) await propose(client, batch.type, batch.reviews)
  })
}

async function propose(client: pg.PoolClient, type: string, reviews: readonly ReviewWrite[]): Promise<void> {
  await client.query({
    name: 'propose-pairs',
    text: `insert into entity_review as v (left_stream, left_id, right_stream, right_id, type, kind, points, reasons)
           select p.ls, p.li, p.rs, p.ri, $5, p.kind, p.points, p.reasons
             from unnest($1::int[], $2::text[], $3::int[], $4::text[], $6::text[], $7::real[], $8::text[]) as p(ls, li, rs, ri, kind, points, reasons)
           on conflict (left_stream, left_id, right_stream, right_id) do update
              set type = excluded.type, kind = excluded.kind, points = excluded.points, reasons = excluded.reasons, state = 'open', decided_at = null, actor = null
            where v.state <> 'rejected'`,
    values: [
      ...columnsOf(reviews),
      type,
      reviews.map(({ kind }) => kind),
      reviews.map(({ points }) => points),
      reviews.map(({ reasons }) => reasons),
    ],
  })
}

async function mergeAll(client: pg.PoolClient, merges: readonly MergeWrite[]): Promise<void> {
  await moveMembers(client, merges)
  await client.query({
    name: 'note-links',
    text: `insert into entity_history (entity_id, other_id, action, actor, detail)
           select t.into_id, t.from_id, 'linked', 'matcher', t.detail
             from unnest($1::bigint[], $2::bigint[], $3::text[]) as t(into_id, from_id, detail)`,
    values: [
      arrayText(merges.map(({ into }) => into)),
      arrayText(merges.map(({ from }) => from)),
      merges.map(({ pair, points, reasons }) => JSON.stringify({ ...pair, points, reasons: JSON.parse(reasons) })),
    ],
  })
  const records = merges.flatMap(({ pair }) => [
    { streamId: pair.leftStream, recordId: pair.leftId },
    { streamId: pair.rightStream, recordId: pair.rightId },
  ])
  await releaseWaiters(client, records)
}

/** Whoever waited for one of these records to have a counterpart may look again. */
export async function releaseWaiters(
  client: pg.PoolClient,
  records: readonly { streamId: number; recordId: string }[],
): Promise<void> {
  await client.query({
    name: 'release-waiters',
    text: `update delivery d set state = 'pending', next_attempt_at = now() from unnest($1::int[], $2::text[]) as r(stream, id)
            where d.state = 'parked' and d.parked_stream = r.stream and d.parked_id = r.id`,
    values: pairsOf(records),
  })
}

/** Moves all members of `from` into `into`; where both have a record of one stream, the one that comes becomes an alias. */
export async function moveMembers(
  client: pg.PoolClient,
  merges: readonly { into: number; from: number }[],
): Promise<void> {
  const root = new Map<number, number>()
  const rootOf = (entity: number): number => {
    const next = root.get(entity)
    return next === undefined ? entity : rootOf(next)
  }
  for (const { into, from } of merges) if (rootOf(from) !== rootOf(into)) root.set(rootOf(from), rootOf(into))
  const from = [...root.keys()]
  await client.query({
    name: 'move-members',
    text: `with moving as (
             select l.stream_id, l.record_id, l.part, t.into_id,
                    l.alias or row_number() over (partition by t.into_id, l.stream_id order by l.alias, l.created_at, l.record_id) > 1
                            or exists (select 1 from link h where h.entity_id = t.into_id and h.stream_id = l.stream_id and not h.alias) as alias
               from unnest($1::bigint[], $2::bigint[]) as t(from_id, into_id)
              cross join lateral (select * from link where entity_id = t.from_id and not alias
                                  union all select * from link where entity_id = t.from_id and alias) l)
           update link l set entity_id = m.into_id, alias = m.alias from moving m
            where (l.stream_id, l.record_id, l.part) = (m.stream_id, m.record_id, m.part)`,
    values: [arrayText(from), arrayText(from.map(rootOf))],
  })
}
