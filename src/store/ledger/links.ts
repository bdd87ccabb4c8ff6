import type pg from 'pg'
import { ifAllNew } from '../transaction.ts'
import { arrayText } from './array-text.ts'
import { linkKey, linksOf } from './entity-links.ts'
import { leaveTwins, wakeHeirs } from './twins.ts'
import type { BatchCommit, LinkWrite } from './types.ts'

/** `isTwin`: another record of the source stood for the target first. */
export type LinkedTarget = { id: string; isTwin: boolean }

/**
 * Targets of source records: key `id` + U+001F + `part` → target. Aliases resolve to the record that is in use.
 * `offset 0` keeps both steps index probes per record: without statistics (a table that fills for the first time) the planner
 * reads all links once per batch, which took 76 ms instead of 2.
 */
export async function findTargets(
  pool: pg.Pool,
  fromStream: number,
  toStream: number,
  recordIds: string[],
): Promise<Map<string, LinkedTarget>> {
  const { rows } = await pool.query<{ record_id: string; part: string; alias: boolean; target: string }>({
    name: 'find-targets',
    text: `select s.record_id, s.part, s.alias, t.record_id as target
             from unnest($3::text[]) as wanted(id)
            cross join lateral (select record_id, part, alias, entity_id from link
                                 where stream_id = $1 and record_id = wanted.id offset 0) s
            cross join lateral (select record_id from link
                                 where entity_id = s.entity_id and stream_id = $2 and not alias and part = '' offset 0) t`,
    values: [fromStream, toStream, arrayText(recordIds)],
  })
  return new Map(rows.map((row) => [linkKey(row.record_id, row.part), { id: row.target, isTwin: row.alias }]))
}

/** Which of these records of the target stream no record of the source stream stands for. */
export async function findUnlinked(
  pool: pg.Pool,
  fromStream: number,
  toStream: number,
  targetIds: string[],
): Promise<string[]> {
  if (!targetIds.length) return []
  const { rows } = await pool.query<{ id: string }>({
    name: 'find-unlinked',
    text: `select wanted.id from unnest($3::text[]) as wanted(id)
            where not exists (select 1 from link t cross join lateral (${linksOf('t.entity_id', '$1')}) s
                               where t.stream_id = $2 and t.record_id = wanted.id and t.part = '')`,
    values: [fromStream, toStream, arrayText(targetIds)],
  })
  return rows.map(({ id }) => id)
}

/** Which of these target records were linked for the first time within the last `withinMs`: id → milliseconds since. */
export async function findYoungTargets(
  pool: pg.Pool,
  toStream: number,
  targetIds: string[],
  withinMs: number,
): Promise<Map<string, number>> {
  const { rows } = await pool.query<{ id: string; age: number }>(
    `select record_id as id, (extract(epoch from clock_timestamp() - created_at) * 1000)::float8 as age from link
      where stream_id = $1 and record_id = any($2) and part = ''
        and created_at > clock_timestamp() - $3 * interval '1 millisecond'`,
    [toStream, targetIds, withinMs],
  )
  return new Map(rows.map(({ id, age }) => [id, age]))
}

/**
 * Links source and target (the look-ups are index probes for the reason told at `findTargets`). The target's entity wins,
 * because other systems may know the target already; a second source record that matched the same target (a duplicate in the
 * source) joins as an alias.
 */
export async function saveLinks(client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  await dropLinks(client, batch)
  await wakeHeirs(client, batch.sourceStream, batch.left)
  const links = batch.links
  if (!links.length) return
  const ids = (value: (link: LinkWrite) => string): string => arrayText(links.map(value))
  const source = [batch.sourceStream, ids((link) => link.fromId), ids((link) => link.part)]
  const target = [batch.targetStream, ids((link) => link.toId)]
  if (links.every(({ isNew }) => isNew) && (await linkNew(client, [...source, ...target]))) return
  // Two sources of one entity may have got a target each; only one of these can have the entity.
  await client.query({
    name: 'link-targets',
    text: `insert into link (stream_id, record_id, part, entity_id)
           select $4, t.to_id, '', case when t.turn = 1 then coalesce(t.own, nextval('entity_id')) else nextval('entity_id') end
             from (select l.to_id, l.ord, own.entity_id as own, row_number() over (partition by own.entity_id order by l.ord) as turn
                     from unnest($2::text[], $3::text[], $5::text[]) with ordinality as l(from_id, part, to_id, ord)
                     left join lateral (select entity_id from link
                                         where stream_id = $1 and record_id = l.from_id and part = l.part offset 0) held on true
                     left join lateral (select 1 as taken from link
                                         where entity_id = held.entity_id and stream_id = $4 and not alias offset 0) other on true
                    cross join lateral (select case when other.taken is null then held.entity_id end as entity_id) own) t
            order by t.ord
           on conflict do nothing`,
    values: [...source, ...target],
  })
  await mergeEntities(client, [...source, ...target])
  const inserted = await client.query({
    name: 'link-sources',
    text: `insert into link as l (stream_id, record_id, part, entity_id, alias)
           select $1, t.from_id, t.part, target.entity_id,
                  row_number() over (partition by target.entity_id order by t.ord) > 1 or twin.record_id is not null
             from unnest($2::text[], $3::text[], $5::text[]) with ordinality as t(from_id, part, to_id, ord)
            cross join lateral (select entity_id from link
                                 where stream_id = $4 and record_id = t.to_id and part = '' offset 0) target
             left join lateral (select record_id, part from link
                                 where entity_id = target.entity_id and stream_id = $1 and not alias offset 0) twin
                    on (twin.record_id, twin.part) <> (t.from_id, t.part)
           on conflict do nothing`,
    values: [...source, ...target],
  })
  if (inserted.rowCount === links.length) return
  // The others were there, and some perhaps only since a moment ago: a sync into our source stream may have linked a record
  // that we were about to link, and the insert waited for its commit. What hangs on its entity comes along.
  await mergeEntities(client, [...source, ...target])
  await client.query({
    name: 'move-sources',
    text: `update link l set entity_id = target.entity_id, alias = exists (
                    select 1 from link twin where twin.entity_id = target.entity_id and twin.stream_id = $1 and not twin.alias)
             from unnest($2::text[], $3::text[], $5::text[]) as t(from_id, part, to_id)
            cross join lateral (select entity_id from link
                                 where stream_id = $4 and record_id = t.to_id and part = '' offset 0) target
            where l.stream_id = $1 and l.record_id = t.from_id and l.part = t.part and l.entity_id <> target.entity_id`,
    values: [...source, ...target],
  })
}

/** Gives each pair an entity of its own: right, and all there is to do, where both sides are new. False when one was there. */
async function linkNew(client: pg.PoolClient, values: unknown[]): Promise<boolean> {
  const inserted = await ifAllNew(client, () =>
    client.query({
      name: 'link-new',
      text: `with pair as materialized (
             select t.*, nextval('entity_id') as entity from unnest($2::text[], $3::text[], $5::text[]) as t(from_id, part, to_id))
           insert into link (stream_id, record_id, part, entity_id)
           select $1::int, from_id, part, entity from pair
            union all select $4::int, to_id, '', entity from pair`,
      values,
    }),
  )
  return inserted !== undefined
}

/**
 * Whoever waited for one of the records that were just linked may go on. After the deliveries of the batch are saved, because
 * some of them may wait for others of the same batch (employees and their managers). The partial index makes this free when
 * nobody waits.
 */
export async function releaseParked(client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  if (!batch.links.length) return
  await client.query({
    name: 'release-parked',
    text: `update delivery set state = 'pending', next_attempt_at = now()
            where state = 'parked' and parked_stream = $1 and parked_id = any($2)`,
    values: [batch.sourceStream, arrayText(batch.links.map((link) => link.fromId))],
  })
}

/**
 * A source that has an entity already brings along what hangs on it, the targets of other syncs above all: without that they
 * would be created a second time. Where both entities hold a record of one stream, the older one is left to a person.
 */
async function mergeEntities(client: pg.PoolClient, values: unknown[]): Promise<void> {
  const { rows } = await client.query<{ former: number; entity: number }>({
    name: 'entities-to-merge',
    text: `select distinct on (own.entity_id) own.entity_id as former, target.entity_id as entity
             from unnest($2::text[], $3::text[], $5::text[]) as t(from_id, part, to_id)
            cross join lateral (select entity_id from link
                                 where stream_id = $1 and record_id = t.from_id and part = t.part offset 0) own
            cross join lateral (select entity_id from link
                                 where stream_id = $4 and record_id = t.to_id and part = '' offset 0) target
            where own.entity_id <> target.entity_id order by own.entity_id, target.entity_id`,
    values,
  })
  if (!rows.length) return
  await client.query(
    `with moving as (
       select l.stream_id, l.record_id, l.part, l.alias, p.entity,
              row_number() over (partition by p.entity, l.stream_id, l.alias order by l.created_at, l.record_id) as turn
         from unnest($1::bigint[], $2::bigint[]) as p(former, entity)
        cross join lateral (select * from link where entity_id = p.former and not alias
                             union all select * from link where entity_id = p.former and alias offset 0) l
     )
     update link l set entity_id = m.entity from moving m
      where l.stream_id = m.stream_id and l.record_id = m.record_id and l.part = m.part
        and (m.alias or (m.turn = 1 and not exists (select 1 from link held
              where held.entity_id = m.entity and held.stream_id = m.stream_id and not held.alias)))`,
    [rows.map((row) => row.former), rows.map((row) => row.entity)],
  )
}

/**
 * Lets go of targets. A target that is gone loses its link, and with it every source of it; one that only this source lets go
 * stays with the other records of the same thing, if there are any. The links of other streams stay in both cases.
 */
async function dropLinks(client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  if (!batch.unlinks.length) return
  await rememberTargets(client, batch)
  const leaving = await leaveTwins(
    client,
    batch.sourceStream,
    batch.unlinks.filter((row) => !row.targetGone),
  )
  const rest = batch.unlinks.filter((row) => !leaving.has(linkKey(row.fromId, row.part)))
  await client.query(
    `delete from link t using unnest($2::text[], $3::text[]) as u(id, part)
       join link own on own.stream_id = $1 and own.record_id = u.id and own.part = u.part
      cross join lateral (${linksOf('own.entity_id', '$4')}) its
      where t.stream_id = $4 and t.record_id = its.record_id and t.part = its.part and (t.stream_id, t.record_id) <> ($1, own.record_id)`,
    [batch.sourceStream, rest.map((row) => row.fromId), rest.map((row) => row.part), batch.targetStream],
  )
}

/** What a record let go of may be its own again when it comes back. */
async function rememberTargets(client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  const rows = batch.unlinks
  await client.query(
    `insert into former_link (stream_id, record_id, part, target_stream, target_id, gone)
     select $1, u.id, u.part, $5, t.record_id, u.gone from unnest($2::text[], $3::text[], $4::boolean[]) as u(id, part, gone)
      cross join lateral (select entity_id from link where stream_id = $1 and record_id = u.id and part = u.part offset 0) own
      cross join lateral (select record_id from link
                           where entity_id = own.entity_id and stream_id = $5 and not alias and part = '' offset 0) t
     on conflict (stream_id, record_id, part, target_stream) do update
        set target_id = excluded.target_id, gone = excluded.gone, left_at = now()`,
    [
      batch.sourceStream,
      rows.map((row) => row.fromId),
      rows.map((row) => row.part),
      rows.map((row) => row.targetGone),
      batch.targetStream,
    ],
  )
}

/** Targets that records had before they left: link key → id, and whether it was deleted then. */
export async function findFormerTargets(
  pool: pg.Pool,
  fromStream: number,
  toStream: number,
  recordIds: string[],
): Promise<Map<string, { id: string; gone: boolean }>> {
  const { rows } = await pool.query<{ record_id: string; part: string; id: string; gone: boolean }>(
    `select record_id, part, target_id as id, gone from former_link
      where stream_id = $1 and target_stream = $2 and record_id = any($3)`,
    [fromStream, toStream, recordIds],
  )
  return new Map(rows.map(({ record_id, part, id, gone }) => [linkKey(record_id, part), { id, gone }]))
}

/** Which of these target records were deleted by the hub, or answered as gone: id → when that was last. */
export async function findGoneTargets(
  pool: pg.Pool,
  toStream: number,
  targetIds: string[],
): Promise<Map<string, Date>> {
  const { rows } = await pool.query<{ id: string; at: Date }>({
    name: 'find-gone-targets',
    text: `select target_id as id, max(left_at) as at from former_link
            where target_stream = $1 and target_id = any($2) and gone group by target_id`,
    values: [toStream, arrayText(targetIds)],
  })
  return new Map(rows.map(({ id, at }) => [id, at]))
}
