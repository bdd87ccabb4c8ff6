/** The queue of fields that both sides of a two-way sync changed. */
import type pg from 'pg'
import { withTransaction } from '../transaction.ts'
import { arrayText } from './array-text.ts'
import type { ConflictKey, ConflictRow, ConflictWrite, SeenPair } from './types.ts'

/** What is not settled of some pairs, by the id on the side under `from` or under `to`. */
export async function readConflicts(
  pool: pg.Pool,
  syncId: number,
  by: 'from' | 'to',
  ids: string[],
): Promise<ConflictRow[]> {
  if (!ids.length) return []
  const { rows } = await pool.query<ConflictRow>(
    `select id, from_id as "fromId", to_id as "toId", field, side, from_value as "fromValue", to_value as "toValue", state, decision,
            value from conflict
      where sync_id = $1 and ${by === 'from' ? 'from_id' : 'to_id'} = any($2) and state <> 'settled'`,
    [syncId, arrayText(ids)],
  )
  return rows
}

/**
 * Keeps conflicts as they are now. Other values than those that were decided on ask again. An open one that the other direction asked is taken
 * over, in the words of this one, by a direction whose record has changed: what it shows would be gone.
 */
export async function saveConflicts(client: pg.PoolClient, syncId: number, conflicts: ConflictWrite[]): Promise<void> {
  for (const row of conflicts)
    await client.query(
      `insert into conflict as c (sync_id, from_id, to_id, field, side, base, from_value, to_value)
       values ($1, $2, $3, $4, $5, $6, $7, $8)
       on conflict (sync_id, from_id, to_id, field) where state <> 'settled' do update
          set side = excluded.side, base = excluded.base, from_value = excluded.from_value, to_value = excluded.to_value, state = 'open', decision = null,
              value = null
        where (c.side = excluded.side or (c.state = 'open' and $9)) and (c.from_value, c.to_value) is distinct from (excluded.from_value, excluded.to_value)`,
      [syncId, row.fromId, row.toId, row.field, row.side, row.base, row.fromValue, row.toValue, row.asker.isNews],
    )
}

/** What is asked about pairs whose newest state does not ask it: the edit that stood against another one was taken back. */
export async function findMoot(
  client: pg.PoolClient,
  syncId: number,
  seen: SeenPair[],
  but: ConflictKey[],
): Promise<{ id: number; recordId: string }[]> {
  if (!seen.length) return []
  const { rows } = await client.query<ConflictKey & { id: number }>({
    name: 'find-open-conflicts',
    text: `select c.id, c.from_id as "fromId", c.to_id as "toId", c.field from conflict c
             join unnest($2::text[], $3::text[]) as t(from_id, to_id) on c.from_id = t.from_id and c.to_id = t.to_id
            where c.sync_id = $1 and c.state <> 'settled'`,
    values: [syncId, arrayText(seen.map(({ fromId }) => fromId)), arrayText(seen.map(({ toId }) => toId))],
  })
  const isSame = (a: Omit<ConflictKey, 'field'>, b: Omit<ConflictKey, 'field'>): boolean =>
    a.fromId === b.fromId && a.toId === b.toId
  return rows.flatMap((row) => {
    const pair = seen.find((one) => isSame(one, row))!
    const isSeen = pair.fields.some((field) => row.field === field || row.field.startsWith(`${field}.`))
    const isAsked = but.some((key) => isSame(key, row) && key.field === row.field)
    return isSeen && !isAsked ? [{ id: row.id, recordId: pair.recordId }] : []
  })
}

/** Ends what is moot, and has the other direction look again, whose edit may go over now. */
export async function settleMoot(
  client: pg.PoolClient,
  partner: number,
  moot: { id: number; recordId: string }[],
): Promise<void> {
  if (!moot.length) return
  await client.query(
    `update conflict set state = 'settled', closed_at = now() where id = any($1) and state <> 'settled'`,
    [moot.map(({ id }) => id)],
  )
  await client.query(
    `update delivery set next_attempt_at = now(), state = case when state in ('in_doubt', 'parked', 'dead') then state else 'pending' end
      where sync_id = $1 and record_id = any($2) and part = '' and source_seq > 0`,
    [partner, arrayText(moot.map(({ recordId }) => recordId))],
  )
}

/** Ends conflicts of some fields; with `inside` also those of values inside them, but for what is asked or not carried out yet. */
export async function settleConflicts(
  client: pg.PoolClient,
  syncId: number,
  keys: ConflictKey[],
  { inside = false, but = [] }: { inside?: boolean; but?: ConflictKey[] } = {},
): Promise<void> {
  if (!keys.length) return
  const matches = inside
    ? `(c.field = t.field or starts_with(c.field, t.field || '.')) and t.field <> ''
       and (c.from_id, c.to_id, c.field) not in (select * from unnest($5::text[], $6::text[], $7::text[]))`
    : 'c.field = t.field'
  await client.query(
    `update conflict c set state = 'settled', closed_at = now()
       from unnest($2::text[], $3::text[], $4::text[]) as t(from_id, to_id, field)
      where c.sync_id = $1 and c.from_id = t.from_id and c.to_id = t.to_id and ${matches} and c.state <> 'settled'`,
    [syncId, ...columnsOf(keys), ...(inside ? columnsOf(but) : [])],
  )
}

const columnsOf = (keys: ConflictKey[]): string[] => [
  arrayText(keys.map(({ fromId }) => fromId)),
  arrayText(keys.map(({ toId }) => toId)),
  arrayText(keys.map(({ field }) => field)),
]

/**
 * Notes what a person decided of open conflicts and makes both records due. `value`: JSON text, in the words of the side that the
 * conflict names. Gives how many were open, and the syncs (both directions) that have work now.
 */
export function decideConflicts(
  pool: pg.Pool,
  ids: number[],
  decision: ConflictDecision,
): Promise<{ decided: number; syncs: number[] }> {
  return withTransaction(pool, (client) => decideConflictsIn(client, ids, decision))
}

type ConflictDecision = { decision: 'from' | 'to' | 'value'; value: string | null; actor: string; note: string | null }

/** The same within a transaction. */
export async function decideConflictsIn(
  client: pg.PoolClient,
  ids: number[],
  decision: ConflictDecision,
): Promise<{ decided: number; syncs: number[] }> {
  const { rows } = await client.query<{ sync_id: number; from_id: string; to_id: string; back_id: number | null }>(
    `update conflict c set state = 'decided', decision = $2, value = $3, actor = $4, note = $5
       from sync y left join sync b on b.name = y.name || '~back'
      where c.id = any($1) and c.state = 'open' and y.id = c.sync_id and ($2 <> 'value' or c.field <> '')
     returning c.sync_id, c.from_id, c.to_id, b.id as back_id`,
    [ids, decision.decision, decision.value, decision.actor, decision.note],
  )
  const due = rows.flatMap((row) => [
    { sync: row.sync_id, record: row.from_id },
    ...(row.back_id === null ? [] : [{ sync: row.back_id, record: row.to_id }]),
  ])
  await client.query(
    `update delivery d set next_attempt_at = now()
       from unnest($1::int[], $2::text[]) as t(sync_id, record_id)
      where d.sync_id = t.sync_id and d.record_id = t.record_id and d.state <> 'dead'`,
    [due.map(({ sync }) => sync), due.map(({ record }) => record)],
  )
  return { decided: rows.length, syncs: [...new Set(due.map(({ sync }) => sync))] }
}
