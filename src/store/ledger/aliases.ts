/** Other ids of records: those of records that were merged into one, and names by which a system tells that a renamed record is the same. */
import type pg from 'pg'
import { sliceOf } from '../../core/index.ts'
import { arrayText } from './array-text.ts'
import type { PageCommit } from './types.ts'

/** Under this name aliases stand among the keys of records. No field of a record has it: mappings cannot match by it. */
export const ALIAS_FIELD = '~alias'

type Pair = { former: string; id: string }

/**
 * A former id stays resolvable: it becomes an alias in the entity of the id that survived. If only the former id was linked,
 * the survivor takes its place, with what was delivered of it; if both were, the survivor's entity wins and the former target link is
 * left to a person.
 */
export async function saveAliases(
  client: pg.PoolClient,
  streamId: number,
  records: PageCommit['records'],
): Promise<void> {
  const named = namedBy(records)
  if (!named.length) return
  const pairs = [...named, ...(await renamed(client, streamId, named))]
  const values = [streamId, arrayText(pairs.map(({ former }) => former)), arrayText(pairs.map(({ id }) => id))]
  const { rows: moved } = await client.query<{ id: string }>(
    `insert into link (stream_id, record_id, part, entity_id, alias)
     select $1, p.id, former.part, former.entity_id, true
       from unnest($2::text[], $3::text[]) as p(former, id)
       join link former on former.stream_id = $1 and former.record_id = p.former
     on conflict (stream_id, record_id, part) do nothing returning record_id as id`,
    values,
  )
  await client.query(
    `update link set alias = true from unnest($2::text[], $3::text[]) as p(former, id)
      where stream_id = $1 and record_id = p.former and not link.alias`,
    values,
  )
  await client.query(
    `update link set alias = false from unnest($2::text[], $3::text[]) as p(former, id)
      where stream_id = $1 and record_id = p.id and link.alias
        and not exists (select 1 from link other where other.entity_id = link.entity_id and other.stream_id = $1 and not other.alias)`,
    values,
  )
  const ids = new Set(moved.map(({ id }) => id))
  await takeOver(
    client,
    streamId,
    pairs.filter(({ id }) => ids.has(id)),
  )
}

/** Which ids are now which: as the record that is left names them, or as the tombstones name it. */
function namedBy(records: PageCommit['records']): Pair[] {
  const merged = new Map(records.flatMap(({ id, mergedInto }) => (mergedInto === undefined ? [] : [[id, mergedInto]])))
  return records.flatMap(({ id, deleted, aliases }) => {
    if (!deleted) return aliases.map((alias) => ({ former: alias, id }))
    const survivor = lastOf(merged, id)
    return survivor === undefined ? [] : [{ former: id, id: survivor }]
  })
}

/** Where a chain of merges ends; undefined where it comes back to where it began. */
function lastOf(merged: ReadonlyMap<string, string>, id: string): string | undefined {
  const met = new Set([id])
  let last = merged.get(id)
  for (let next = last; next !== undefined; next = merged.get(next)) {
    if (met.has(next)) return undefined
    met.add(next)
    last = next
  }
  return last
}

/** Notes the aliases of records, and gives those records that had one of them under another id before. */
async function renamed(client: pg.PoolClient, streamId: number, named: Pair[]): Promise<Pair[]> {
  const values = [streamId, arrayText(named.map(({ former }) => former)), arrayText(named.map(({ id }) => id))]
  const { rows } = await client.query<Pair>({
    name: 'find-renamed',
    text: `select k.record_id as former, p.id from unnest($2::text[], $3::text[]) as p(alias, id)
            cross join lateral (select record_id from record_key
                                 where stream_id = $1 and field = '${ALIAS_FIELD}' and value = p.alias offset 0) k
            where k.record_id <> p.id`,
    values,
  })
  await client.query({
    name: 'save-aliases',
    text: `insert into record_key (stream_id, field, value, record_id)
     select $1, '${ALIAS_FIELD}', * from unnest($2::text[], $3::text[]) on conflict do nothing`,
    values,
  })
  return rows
}

/** What was delivered of the former id, and agreed with the other side, holds for the new one: otherwise all of it would look like an edit. */
export async function takeOver(client: pg.PoolClient, streamId: number, pairs: Pair[]): Promise<void> {
  if (!pairs.length) return
  await client.query(
    `insert into delivery (sync_id, record_id, part, slice, state, source_seq, delivered, mapping_version)
     select d.sync_id, p.id, d.part, p.slice, 'delivered', 0, d.delivered, d.mapping_version
       from unnest($2::text[], $3::text[], $4::smallint[]) as p(former, id, slice)
       join sync y on y.from_stream = $1
       join delivery d on d.sync_id = y.id and d.record_id = p.former and d.delivered is not null
     on conflict (sync_id, record_id, part) do update
        set delivered = excluded.delivered, state = 'delivered' where delivery.delivered is null and delivery.state = 'gone'`,
    [
      streamId,
      arrayText(pairs.map(({ former }) => former)),
      arrayText(pairs.map(({ id }) => id)),
      arrayText(pairs.map(({ id }) => sliceOf(id))),
    ],
  )
}
