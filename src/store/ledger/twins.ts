/** Records of one stream that stand for one target record: who may write there, and who is woken when the first one leaves. */
import type pg from 'pg'
import { ALIAS_FIELD } from './aliases.ts'
import { arrayText } from './array-text.ts'
import { linkKey, linksOf } from './entity-links.ts'

/**
 * Which of these parts, which leave together, share their target record with another one of the same stream that still lives (duplicates
 * in the source, the survivor of a merge, another part of the record): `shared`; or were merged into one that lives and has an entity of its own: `merged`. By link key.
 */
export async function findTwins(
  pool: pg.Pool,
  streamId: number,
  parts: { recordId: string; part: string }[],
): Promise<Map<string, 'shared' | 'merged'>> {
  if (!parts.length) return new Map()
  const { rows } = await pool.query<{ record_id: string; part: string; shared: boolean }>(
    `select own.record_id, own.part, twins.shared from unnest($2::text[], $3::text[]) as p(id, part)
       join link own on own.stream_id = $1 and own.record_id = p.id and own.part = p.part
      cross join lateral (select exists (select 1 from (${linksOf('own.entity_id', '$1')}) twin
                     join record r on r.stream_id = $1 and r.id = twin.record_id and not r.deleted
                     where (twin.record_id, twin.part) not in (select id, part from unnest($2::text[], $3::text[]) as leaving(id, part))) as shared) twins
      where twins.shared
          or (own.alias and exists (select 1 from record_key k join record r on r.stream_id = $1 and r.id = k.record_id and not r.deleted
                     where k.stream_id = $1 and k.field = '${ALIAS_FIELD}' and k.value = own.record_id and k.record_id <> own.record_id))`,
    [streamId, parts.map((row) => row.recordId), parts.map((row) => row.part)],
  )
  return new Map(rows.map((row) => [linkKey(row.record_id, row.part), row.shared ? 'shared' : 'merged']))
}

/**
 * `asker`: the link key of the record that asks. `delivered`: what the syncs into this target hold of the owner, as JSON; null while none of
 * them has come to it.
 */
export type TargetOwner = {
  asker: string
  targetId: string
  recordId: string
  part: string
  delivered: string[] | null
}

/**
 * Of each of these targets the living record of the source that stood for it first, where that is another one than the record that asks. One
 * that no sync delivers there (filtered out, taken back) does not count.
 */
export async function findOwners(
  pool: pg.Pool,
  fromStream: number,
  toStream: number,
  asking: { recordId: string; part: string; targetId: string }[],
): Promise<TargetOwner[]> {
  if (!asking.length) return []
  const { rows } = await pool.query<TargetOwner & { askerPart: string }>({
    name: 'find-owners',
    text: `select a.id as asker, a.part as "askerPart", a.target as "targetId", o.record_id as "recordId", o.part, o.delivered
             from unnest($3::text[], $4::text[], $5::text[]) as a(id, part, target)
            cross join lateral (select entity_id from link
                                 where stream_id = $2 and record_id = a.target and part = '' offset 0) t
            cross join lateral (
                   select l.record_id, l.part, d.delivered
                     from (${linksOf('t.entity_id', '$1')}) l
                     join record r on r.stream_id = $1 and r.id = l.record_id and not r.deleted
                    cross join lateral (
                           select array_agg(v.delivered) filter (where v.delivered is not null) as delivered,
                                  bool_and(v.state in ('skipped', 'gone')) as left
                             from delivery v join sync y on y.id = v.sync_id
                            where y.from_stream = $1 and y.to_stream = $2 and y.state <> 'removed' and v.record_id = l.record_id and v.part = l.part) d
                    where d.left is distinct from true
                    order by l.alias, l.created_at, l.record_id, l.part limit 1) o
            where (o.record_id, o.part) <> (a.id, a.part)`,
    values: [
      fromStream,
      toStream,
      arrayText(asking.map(({ recordId }) => recordId)),
      arrayText(asking.map(({ part }) => part)),
      arrayText(asking.map(({ targetId }) => targetId)),
    ],
  })
  return rows.map(({ askerPart, ...owner }) => ({ ...owner, asker: linkKey(owner.asker, askerPart) }))
}

/** Takes out those that share their entity with records of their own stream; the oldest of these takes a vacant place. */
export async function leaveTwins(
  client: pg.PoolClient,
  streamId: number,
  parts: { fromId: string; part: string }[],
): Promise<Set<string>> {
  const { rows } = await client.query<{ record_id: string; part: string; entity_id: number }>(
    `delete from link own using unnest($2::text[], $3::text[]) as u(id, part)
      where own.stream_id = $1 and own.record_id = u.id and own.part = u.part
        and exists (select 1 from (${linksOf('own.entity_id', '$1')}) twin
                     where (twin.record_id, twin.part) <> (own.record_id, own.part))
     returning own.record_id, own.part, own.entity_id`,
    [streamId, parts.map((row) => row.fromId), parts.map((row) => row.part)],
  )
  if (rows.length)
    await client.query(
      `update link l set alias = false
         from (select distinct on (l.entity_id) l.entity_id, l.record_id, l.part from unnest($2::bigint[]) as left_by(entity)
                cross join lateral (${linksOf('left_by.entity', '$1')}) l order by l.entity_id, l.alias, l.created_at, l.record_id) heir
        where l.alias and l.stream_id = $1 and (l.record_id, l.part) = (heir.record_id, heir.part)`,
      [streamId, rows.map((row) => row.entity_id)],
    )
  await wakeTwins(
    client,
    streamId,
    rows.map((row) => row.entity_id),
  )
  return new Set(rows.map((row) => linkKey(row.record_id, row.part)))
}

/** Records that another one kept from their target look again once that one has left, for its place may be theirs now. */
async function wakeTwins(client: pg.PoolClient, streamId: number, entities: number[]): Promise<void> {
  if (!entities.length) return
  await client.query(
    `update delivery d set next_attempt_at = now() from link l, sync y
      where l.entity_id = any($2) and l.stream_id = $1 and not l.alias and y.from_stream = $1
        and d.sync_id = y.id and d.record_id = l.record_id and d.part = l.part and ${KEPT_OUT}`,
    [streamId, entities],
  )
}

/** The same where the one that left stays linked, because its target is to be left as it is. */
export async function wakeHeirs(
  client: pg.PoolClient,
  streamId: number,
  left: { recordId: string; part: string }[],
): Promise<void> {
  if (!left.length) return
  await client.query(
    `update delivery d set next_attempt_at = now() from unnest($2::text[], $3::text[]) as u(id, part)
       join link own on own.stream_id = $1 and own.record_id = u.id and own.part = u.part and not own.alias
      cross join lateral (${linksOf('own.entity_id', '$1')}) twin
      cross join sync y
      where twin.alias and y.from_stream = $1
        and d.sync_id = y.id and d.record_id = twin.record_id and d.part = twin.part and ${KEPT_OUT}`,
    [streamId, arrayText(left.map(({ recordId }) => recordId)), arrayText(left.map(({ part }) => part))],
  )
}

const KEPT_OUT = `d.state = 'dead' and d.error like '%"code":"CSW-5026"%'`
