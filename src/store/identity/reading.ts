/** The first half of matching: what changed in the log becomes rows with keys, each record with an entity of its own. */
import type pg from 'pg'
import { SLICES } from '../../core/index.ts'
import { arrayText } from '../ledger/array-text.ts'
import { assertLease } from '../ledger/lease-check.ts'
import { withTransaction } from '../transaction.ts'
import type { EventWrite, IdentityPlace, IdentityWrite, LeaseProof } from './types.ts'

type Part = { part: string; streamId: number }
const ZEROS = Array.from({ length: SLICES }, () => 0)

/** Makes a version of an entity file the one that counts: that of the process that loaded one last. */
export async function takeVersion(pool: pg.Pool, type: string, version: string): Promise<void> {
  await pool.query(
    `insert into entity_version as v (type, version) values ($1, $2)
     on conflict (type) do update set version = excluded.version, since = now() where v.version <> excluded.version`,
    [type, version],
  )
}

/**
 * Where a round begins. A new version of the file, and a new stream, start at the beginning; streams that left are forgotten. Null for
 * a version that another process has replaced.
 */
export async function beginRound(
  pool: pg.Pool,
  type: string,
  version: string,
  parts: readonly Part[],
): Promise<IdentityPlace[] | null> {
  const values = [type, parts.map(({ part }) => part), parts.map(({ streamId }) => streamId)]
  return withTransaction(pool, async (client) => {
    const { rows: counts } = await client.query<{ version: string }>(
      'select version from entity_version where type = $1 for share',
      [type],
    )
    if (counts[0] && counts[0].version !== version) return null
    await forgetOthers(client, values)
    const { rows: anew } = await client.query<{ stream_id: number }>(
      `insert into identity_position as p (type, part, stream_id, version, positions)
       select $1, part, stream, $4, $5 from unnest($2::text[], $3::int[]) as t(part, stream)
       on conflict (type, part, stream_id) do update set version = excluded.version, positions = excluded.positions, through = 0
        where p.version <> excluded.version returning stream_id`,
      [...values, version, ZEROS],
    )
    // Other rules may see the same records differently.
    if (anew.length)
      await client.query('update identity set pending = true where type = $1 and stream_id = any($2) and not pending', [
        type,
        anew.map(({ stream_id }) => stream_id),
      ])
    const { rows } = await client.query<{
      part: string
      streamId: number
      positions: number[]
      through: number
      seq: number
    }>(
      `select p.part, p.stream_id as "streamId", p.positions, p.through, s.seq
         from identity_position p join stream s on s.id = p.stream_id where p.type = $1 order by p.part, p.stream_id`,
      [type],
    )
    return rows.map(({ positions, ...row }) => ({
      ...row,
      positions: new Map(positions.map((seq, slice) => [slice, Number(seq)])),
    }))
  })
}

async function forgetOthers(client: pg.PoolClient, values: unknown[]): Promise<void> {
  const { rows } = await client.query<{ part: string; stream_id: number }>(
    `delete from identity_position where type = $1
        and (part, stream_id) not in (select * from unnest($2::text[], $3::int[])) returning part, stream_id`,
    values,
  )
  for (const { part, stream_id } of rows) {
    await client.query('delete from entity_event where type = $1 and part = $2 and stream_id = $3', [
      values[0],
      part,
      stream_id,
    ])
    if (part !== 'records') continue
    await client.query('delete from identity where type = $1 and stream_id = $2', [values[0], stream_id])
    await client.query('delete from identity_key where type = $1 and stream_id = $2', [values[0], stream_id])
  }
}

type Progress = { type: string; part: string; streamId: number; positions: ReadonlyMap<number, number> }

/** Saves a batch of records as the matcher sees them; those that are gone, or do not belong, are forgotten. */
export async function saveIdentities(
  pool: pg.Pool,
  lease: LeaseProof,
  progress: Progress,
  writes: readonly IdentityWrite[],
  gone: readonly string[],
): Promise<void> {
  await withTransaction(pool, async (client) => {
    await assertLease(client, lease)
    await forget(client, progress, gone)
    const changed = await changedOf(client, progress, writes)
    await replaceKeys(client, progress, changed)
    await client.query({
      name: 'save-identities',
      text: `insert into identity (stream_id, record_id, type, shown, keys, changed_at)
             select $2, r.id, $1, r.shown, array(select json_array_elements_text(r.keys::json)), r.at
               from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[]) as r(id, shown, keys, at)
             on conflict (stream_id, record_id) do update set type = excluded.type, shown = excluded.shown, keys = excluded.keys,
                         changed_at = excluded.changed_at, pending = true`,
      values: [
        progress.type,
        progress.streamId,
        arrayText(changed.map(({ recordId }) => recordId)),
        arrayText(changed.map(({ shown }) => shown)),
        arrayText(changed.map(({ keys }) => JSON.stringify(keys))),
        changed.map(({ changedAt }) => changedAt),
      ],
    })
    await client.query({
      name: 'give-entities',
      text: `insert into link (stream_id, record_id, entity_id)
             select $1, id, nextval('entity_id') from unnest($2::text[]) as r(id)
              where not exists (select 1 from link l where l.stream_id = $1 and l.record_id = r.id and l.part = '')
             on conflict do nothing`,
      values: [progress.streamId, arrayText(changed.map(({ recordId }) => recordId).sort())],
    })
    await movePlace(client, progress)
  })
}

type Former = { record_id: string; shown: string; keys: string[] }

/** Those whose row would not be what it is. */
async function changedOf(
  client: pg.PoolClient,
  { type, streamId }: Progress,
  writes: readonly IdentityWrite[],
): Promise<(IdentityWrite & { former: string[] })[]> {
  if (!writes.length) return []
  const { rows } = await client.query<Former & { type: string }>({
    name: 'former-identities',
    text: 'select record_id, shown, keys, type from identity where stream_id = $1 and record_id = any($2)',
    values: [streamId, arrayText(writes.map(({ recordId }) => recordId))],
  })
  const former = new Map(rows.map((row) => [row.record_id, row]))
  return writes.flatMap((write) => {
    const row = former.get(write.recordId)
    const same = row && row.type === type && row.shown === write.shown && row.keys.join('\n') === write.keys.join('\n')
    return same ? [] : [{ ...write, former: row?.keys ?? [] }]
  })
}

async function replaceKeys(
  client: pg.PoolClient,
  { type, streamId }: Progress,
  changed: readonly (IdentityWrite & { former: string[] })[],
): Promise<void> {
  const left = changed.flatMap(({ recordId, keys, former }) =>
    former.filter((key) => !keys.includes(key)).map((key) => ({ key, recordId })),
  )
  const joined = changed.flatMap(({ recordId, keys, former }) =>
    keys.filter((key) => !former.includes(key)).map((key) => ({ key, recordId })),
  )
  const values = (rows: { key: string; recordId: string }[]) => [
    type,
    streamId,
    arrayText(rows.map(({ key }) => key)),
    arrayText(rows.map(({ recordId }) => recordId)),
  ]
  if (left.length)
    await client.query(
      `delete from identity_key k using unnest($3::text[], $4::text[]) as r(key, id)
        where k.type = $1 and k.key = r.key and k.stream_id = $2 and k.record_id = r.id`,
      values(left),
    )
  if (joined.length)
    await client.query({
      name: 'save-identity-keys',
      text: `insert into identity_key (type, key, stream_id, record_id)
             select $1, r.key, $2, r.id from unnest($3::text[], $4::text[]) as r(key, id) on conflict do nothing`,
      values: values(joined),
    })
}

/** A record that is no more, or belongs no longer, is found by nothing and proposed to nobody; its links stay. */
async function forget(client: pg.PoolClient, { type, streamId }: Progress, gone: readonly string[]): Promise<void> {
  if (!gone.length) return
  const { rows } = await client.query<{ record_id: string; key: string }>(
    'select record_id, unnest(keys) as key from identity where stream_id = $1 and record_id = any($2) and type = $3',
    [streamId, gone, type],
  )
  await client.query(
    `delete from identity_key k using unnest($3::text[], $4::text[]) as r(key, id)
      where k.type = $1 and k.key = r.key and k.stream_id = $2 and k.record_id = r.id`,
    [type, streamId, rows.map(({ key }) => key), rows.map(({ record_id }) => record_id)],
  )
  await client.query('delete from identity where stream_id = $1 and record_id = any($2) and type = $3', [
    streamId,
    gone,
    type,
  ])
  await client.query(
    `update entity_review set state = 'superseded', decided_at = now() where state = 'open' and type = $3
        and ((left_stream = $1 and left_id = any($2)) or (right_stream = $1 and right_id = any($2)))`,
    [streamId, gone, type],
  )
}

/** Saves a batch of what happened; what is gone from its stream did not happen. */
export async function saveEvents(
  pool: pg.Pool,
  lease: LeaseProof,
  progress: Progress & { kind: string },
  writes: readonly EventWrite[],
  gone: readonly string[],
): Promise<void> {
  const { type, part, streamId, kind } = progress
  await withTransaction(pool, async (client) => {
    await assertLease(client, lease)
    if (gone.length)
      await client.query(
        'delete from entity_event where type = $1 and part = $2 and stream_id = $3 and record_id = any($4)',
        [type, part, streamId, gone],
      )
    await client.query({
      name: 'save-entity-events',
      text: `insert into entity_event (type, part, stream_id, record_id, key, kind, at, text)
             select $1, $2, $3, r.id, r.key, $4, r.at, r.text
               from unnest($5::text[], $6::text[], $7::timestamptz[], $8::text[]) as r(id, key, at, text)
             on conflict (type, part, stream_id, record_id) do update
                set key = excluded.key, kind = excluded.kind, at = excluded.at, text = excluded.text`,
      values: [
        type,
        part,
        streamId,
        kind,
        writes.map(({ recordId }) => recordId),
        writes.map(({ key }) => key),
        writes.map(({ at }) => at),
        writes.map(({ text }) => text),
      ],
    })
    await movePlace(client, progress)
  })
}

async function movePlace(client: pg.PoolClient, { type, part, streamId, positions }: Progress): Promise<void> {
  const list = Array.from({ length: SLICES }, (_, slice) => positions.get(slice) ?? 0)
  await client.query('update identity_position set positions = $4 where type = $1 and part = $2 and stream_id = $3', [
    type,
    part,
    streamId,
    list,
  ])
}

/**
 * Ends a whole round: all that was in the log when it began has been held against everything else. Whoever waited for that before
 * a create may go on.
 */
export async function endRound(
  pool: pg.Pool,
  lease: LeaseProof,
  type: string,
  places: readonly { part: string; streamId: number; seq: number }[],
): Promise<void> {
  await withTransaction(pool, async (client) => {
    await assertLease(client, lease)
    await client.query(
      `update identity_position p set through = t.seq from unnest($2::text[], $3::int[], $4::bigint[]) as t(part, stream, seq)
        where p.type = $1 and p.part = t.part and p.stream_id = t.stream`,
      [type, places.map(({ part }) => part), places.map(({ streamId }) => streamId), places.map(({ seq }) => seq)],
    )
    const streams = places.filter(({ part }) => part === 'records').map(({ streamId }) => streamId)
    await client.query(
      `update delivery set next_attempt_at = now() where state = 'parked' and error like '%"code":"CSW-5021"%'
          and sync_id in (select id from sync where from_stream = any($1) and to_stream = any($1))`,
      [streams],
    )
  })
}
