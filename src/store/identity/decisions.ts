/** What persons decide: pairs of the review queue, merges, splits, an existing cross-reference. */
import type pg from 'pg'
import { withTransaction } from '../transaction.ts'
import { moveMembers, releaseWaiters } from './matching.ts'
import type { RecordPair } from './types.ts'

type Member = { streamId: number; recordId: string }

type ReviewRow = RecordPair & { id: number; type: string; kind: 'match' | 'duplicate' }
const PAIR = `left_stream as "leftStream", left_id as "leftId", right_stream as "rightStream", right_id as "rightId"`

/**
 * Decides an open pair. Confirmed, its two entities become one. Null when it is not open; otherwise the entity of its left record
 * then.
 */
export async function decideReview(
  pool: pg.Pool,
  id: number,
  decision: { confirmed: boolean; actor: string; note: string | null },
): Promise<{ type: string; entityId: number } | null> {
  return withTransaction(pool, async (client) => {
    const { rows } = await client.query<ReviewRow>(
      `update entity_review set state = $2, actor = $3, note = $4, decided_at = now() where id = $1 and state = 'open'
       returning id, type, kind, ${PAIR}`,
      [id, decision.confirmed ? 'confirmed' : 'rejected', decision.actor, decision.note],
    )
    const review = rows[0]
    if (!review) return null
    const members = [
      { streamId: review.leftStream, recordId: review.leftId },
      { streamId: review.rightStream, recordId: review.rightId },
    ]
    const [left, right] = await entitiesOf(client, members)
    if (decision.confirmed && left !== right)
      await join(client, left!, right!, 'merged', decision, { review: id, ...pairOf(review) })
    await releaseWaiters(client, members)
    await releaseHeld(client, members)
    const [entityId] = await entitiesOf(client, members)
    return { type: review.type, entityId: entityId! }
  })
}

const pairOf = ({ leftStream, leftId, rightStream, rightId }: RecordPair): RecordPair => ({
  leftStream,
  leftId,
  rightStream,
  rightId,
})

/** Makes one entity of two. Null when one of them has no records. */
export async function mergeEntities(
  pool: pg.Pool,
  into: number,
  from: number,
  by: { actor: string; note: string | null },
): Promise<{ records: number } | null> {
  return withTransaction(pool, async (client) => {
    const members = await membersOf(client, from)
    if (!members.length || into === from || !(await membersOf(client, into)).length) return null
    await join(client, into, from, 'merged', by, {})
    await releaseWaiters(client, members)
    await releaseHeld(client, members)
    return { records: members.length }
  })
}

/** The records of an entity of a type, or null where it has none. */
async function membersOf(client: pg.PoolClient, entityId: number): Promise<Member[]> {
  const { rows } = await client.query<Member>(
    `select stream_id as "streamId", record_id as "recordId" from link where entity_id = $1 and not alias
      union all select stream_id, record_id from link where entity_id = $1 and alias order by 1, 2`,
    [entityId],
  )
  return rows
}

/**
 * Takes records out of their entity into a new one. Each pair of one that goes and one that stays counts as rejected, so that the
 * matcher does not bring them together again. What was delivered between them proves nothing any more and is pushed anew. Null when
 * none of the records is in the entity, or all are.
 */
export async function splitEntity(
  pool: pg.Pool,
  entityId: number,
  leaving: readonly Member[],
  by: { type: string; actor: string; note: string | null },
): Promise<{ entityId: number } | null> {
  return withTransaction(pool, async (client) => {
    const isLeaving = ({ streamId, recordId }: Member): boolean =>
      leaving.some((one) => one.streamId === streamId && one.recordId === recordId)
    const members = await membersOf(client, entityId)
    const [going, staying] = [members.filter(isLeaving), members.filter((one) => !isLeaving(one))]
    if (!going.length || !staying.length) return null
    const { rows } = await client.query<{ id: number }>(`select nextval('entity_id') as id`)
    const fresh = rows[0]!.id
    const columns = [going.map(({ streamId }) => streamId), going.map(({ recordId }) => recordId)]
    await client.query(
      `with going as (
         select l.stream_id, l.record_id, l.part, row_number() over (partition by l.stream_id order by l.alias, l.created_at, l.record_id) > 1 as alias
           from unnest($1::int[], $2::text[]) as r(stream, id) join link l on l.stream_id = r.stream and l.record_id = r.id and l.entity_id = $4)
       update link l set entity_id = $3, alias = g.alias from going g
        where (l.stream_id, l.record_id, l.part) = (g.stream_id, g.record_id, g.part)`,
      [...columns, fresh, entityId],
    )
    // An alias whose record in use went takes its place.
    await client.query(
      `update link l set alias = false
         from (select distinct on (stream_id) stream_id, record_id, part from link x where entity_id = $1 and alias
                  and not exists (select 1 from link u where u.entity_id = $1 and u.stream_id = x.stream_id and not u.alias)
                order by stream_id, created_at, record_id) heir
        where (l.stream_id, l.record_id, l.part) = (heir.stream_id, heir.record_id, heir.part)`,
      [entityId],
    )
    await rejectAll(client, going, staying, by)
    const detail = JSON.stringify({ records: going, note: by.note })
    await client.query(
      `insert into entity_history (entity_id, other_id, action, actor, detail) values ($1, $2, 'split', $3, $4)`,
      [entityId, fresh, by.actor, detail],
    )
    await pushAnew(client, members)
    return { entityId: fresh }
  })
}

async function rejectAll(
  client: pg.PoolClient,
  going: readonly Member[],
  staying: readonly Member[],
  by: { type: string; actor: string; note: string | null },
): Promise<void> {
  const pairs = going.flatMap((one) => staying.map((other) => orderPair(one, other)))
  await client.query(
    `insert into entity_review as v (left_stream, left_id, right_stream, right_id, type, kind, state, actor, note, decided_at)
     select p.ls, p.li, p.rs, p.ri, $5, case when p.ls = p.rs then 'duplicate' else 'match' end, 'rejected', $6, $7, now()
       from unnest($1::int[], $2::text[], $3::int[], $4::text[]) as p(ls, li, rs, ri)
     on conflict (left_stream, left_id, right_stream, right_id) do update
        set state = 'rejected', actor = excluded.actor, note = excluded.note, decided_at = now()`,
    [
      pairs.map(({ leftStream }) => leftStream),
      pairs.map(({ leftId }) => leftId),
      pairs.map(({ rightStream }) => rightStream),
      pairs.map(({ rightId }) => rightId),
      by.type,
      by.actor,
      by.note,
    ],
  )
}

function orderPair(a: Member, b: Member): RecordPair {
  const [left, right] =
    a.streamId < b.streamId || (a.streamId === b.streamId && a.recordId < b.recordId) ? [a, b] : [b, a]
  return { leftStream: left.streamId, leftId: left.recordId, rightStream: right.streamId, rightId: right.recordId }
}

/** Deliveries between records that are no longer the same thing: the target of each is sought anew. */
async function pushAnew(client: pg.PoolClient, members: readonly Member[]): Promise<void> {
  const streams = [...new Set(members.map(({ streamId }) => streamId))]
  await client.query(
    `update delivery d set delivered = null, state = 'pending', next_attempt_at = now(), attempts = 0, error = null
       from unnest($1::int[], $2::text[]) as r(stream, id) join sync y on y.from_stream = r.stream and y.to_stream = any($3)
      where d.sync_id = y.id and d.record_id = r.id and d.state in ('delivered', 'unchanged', 'pending', 'parked')`,
    [members.map(({ streamId }) => streamId), members.map(({ recordId }) => recordId), streams],
  )
}

/**
 * Pairs that an existing cross-reference says are the same. Those whose entities are one already count as known; those with a record
 * that the log does not have, or that would bring two records of one stream together, are given back.
 */
export async function importPairs(
  pool: pg.Pool,
  pairs: readonly RecordPair[],
  by: { actor: string },
): Promise<{ linked: number; known: number; refused: { at: number; why: 'unknown' | 'collides' | 'rejected' }[] }> {
  return withTransaction(pool, async (client) => {
    const result = { linked: 0, known: 0, refused: [] as { at: number; why: 'unknown' | 'collides' | 'rejected' }[] }
    const { rows } = await client.query<{
      at: number
      left: number | null
      right: number | null
      collides: boolean
      rejected: boolean
    }>(
      `select p.at::int as at, l.entity_id as left, r.entity_id as right,
              exists (select 1 from link a join link b on b.entity_id = r.entity_id and b.stream_id = a.stream_id and not b.alias
                       where a.entity_id = l.entity_id and not a.alias and l.entity_id <> r.entity_id) as collides,
              exists (select 1 from entity_review v where (v.left_stream, v.left_id, v.right_stream, v.right_id) = (p.ls, p.li, p.rs, p.ri)
                         and v.state = 'rejected') as rejected
         from unnest($1::int[], $2::text[], $3::int[], $4::text[]) with ordinality as p(ls, li, rs, ri, at)
         left join link l on l.stream_id = p.ls and l.record_id = p.li and l.part = ''
         left join link r on r.stream_id = p.rs and r.record_id = p.ri and r.part = ''
        order by p.at`,
      [
        pairs.map(({ leftStream }) => leftStream),
        pairs.map(({ leftId }) => leftId),
        pairs.map(({ rightStream }) => rightStream),
        pairs.map(({ rightId }) => rightId),
      ],
    )
    // Entities that an earlier pair of this batch has joined are looked at again by the next import; one row joins them at most once.
    const touched = new Set<number>()
    for (const row of rows) {
      const at = row.at - 1
      if (row.left === null || row.right === null) result.refused.push({ at, why: 'unknown' })
      else if (row.left === row.right) result.known++
      else if (row.rejected) result.refused.push({ at, why: 'rejected' })
      else if (row.collides || touched.has(row.left) || touched.has(row.right))
        result.refused.push({ at, why: 'collides' })
      else {
        touched.add(row.left).add(row.right)
        const [into, from] = row.left < row.right ? [row.left, row.right] : [row.right, row.left]
        await join(client, into, from, 'imported', { actor: by.actor, note: null }, pairOf(pairs[at]!))
        result.linked++
      }
    }
    const members = pairs.flatMap((pair) => [
      { streamId: pair.leftStream, recordId: pair.leftId },
      { streamId: pair.rightStream, recordId: pair.rightId },
    ])
    await releaseWaiters(client, members)
    await releaseHeld(client, members)
    return result
  })
}

async function join(
  client: pg.PoolClient,
  into: number,
  from: number,
  action: 'merged' | 'imported',
  by: { actor: string; note: string | null },
  detail: object,
): Promise<void> {
  await moveMembers(client, [{ into, from }])
  await client.query(
    `insert into entity_history (entity_id, other_id, action, actor, detail) values ($1, $2, $3, $4, $5)`,
    [into, from, action, by.actor, JSON.stringify({ ...detail, note: by.note })],
  )
  // What stood open between the two is answered by this.
  await client.query(
    `update entity_review v set state = 'superseded', decided_at = now() from link l, link r
      where v.state = 'open' and l.entity_id = $1 and r.entity_id = $1 and l.part = '' and r.part = ''
        and (v.left_stream, v.left_id) = (l.stream_id, l.record_id) and (v.right_stream, v.right_id) = (r.stream_id, r.record_id)`,
    [into],
  )
}

/** Creates that waited for a decision about one of these records. */
async function releaseHeld(client: pg.PoolClient, members: readonly Member[]): Promise<void> {
  await client.query(
    `update delivery d set next_attempt_at = now() from unnest($1::int[], $2::text[]) as r(stream, id) join sync y on y.from_stream = r.stream
      where d.sync_id = y.id and d.record_id = r.id and d.state = 'parked' and d.error like '%"code":"CSW-5022"%'`,
    [members.map(({ streamId }) => streamId), members.map(({ recordId }) => recordId)],
  )
}

async function entitiesOf(client: pg.PoolClient, members: readonly Member[]): Promise<number[]> {
  const { rows } = await client.query<{ entity_id: number }>(
    `select l.entity_id from unnest($1::int[], $2::text[]) with ordinality as r(stream, id, ord)
       join link l on l.stream_id = r.stream and l.record_id = r.id and l.part = '' order by r.ord`,
    [members.map(({ streamId }) => streamId), members.map(({ recordId }) => recordId)],
  )
  return rows.map(({ entity_id }) => entity_id)
}
