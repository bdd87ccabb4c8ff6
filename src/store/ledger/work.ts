/** Finding and asking for work: the questions of the sweeps, and the answers of schedules and people. */
import type pg from 'pg'
import { asCausewayError, type CausewayError, type SerializedError } from '../../core/index.ts'
import { openBytes } from '../body-seals.ts'
import { aboutEvent } from '../inbox.ts'
import { withTransaction } from '../transaction.ts'
import { arrayText } from './array-text.ts'
import { LACKS_BODY, savePositions } from './deliveries.ts'
import { reviveEvents } from './events.ts'
import { assertLease } from './lease-check.ts'
import { makeOwedPullsDue } from './pulls.ts'
import type { LeaseProof } from './types.ts'

/** A sync that has to wait for the other side. */
export async function putOffPush(pool: pg.Pool, syncId: number, nextAt: Date): Promise<void> {
  await pool.query('update sync set last_push_at = now(), next_push_at = $2 where id = $1', [syncId, nextAt])
}

/** Streams with a pull that was asked for or is due, or with approved deletions, and that nobody works on. */
export async function findPendingPulls(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>(
    `select s.id from stream s join connection c on c.id = s.connection_id
      where (s.pull_mode is not null or s.pull_due_at <= now() or exists (select 1 from hold where stream_id = s.id and state = 'approved' and kind = 'scan'))
        and c.state = 'active' and (s.next_pull_at is null or s.next_pull_at <= now())
        and (c.wait_until is null or c.wait_until <= now())
        and not exists (select 1 from lease l where l.name = 'pull:' || s.id and l.expires_at > now())`,
  )
  return rows.map((row) => row.id)
}

/** Syncs with something to deliver: records above a position, or deliveries that are due. */
export async function findPendingPushes(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query<{ id: number }>(
    `select y.id from sync y join stream t on t.id = y.to_stream join connection c on c.id = t.connection_id
      where y.state = 'active' and c.state = 'active' and (c.wait_until is null or c.wait_until <= now())
        and (y.next_push_at is null or y.next_push_at <= now())
        and (exists (select 1 from sync_position p join stream s on s.id = p.stream_id where p.sync_id = y.id and p.seq < s.seq)
             or exists (select 1 from stream s where s.id = y.from_stream and s.seq > 0
                          and not exists (select 1 from sync_position p where p.sync_id = y.id and p.stream_id = s.id))
             or exists (select 1 from delivery d where d.sync_id = y.id and d.next_attempt_at <= now()))`,
  )
  return rows.map((row) => row.id)
}

export async function findPendingInboxes(pool: pg.Pool): Promise<number[]> {
  const { rows } = await pool.query<{ connection_id: number }>(
    `select distinct i.connection_id from inbox i join connection c on c.id = i.connection_id
      where i.state = 'pending' and i.next_attempt_at <= now() and c.state = 'active'
        and (c.wait_until is null or c.wait_until <= now())`,
  )
  return rows.map((row) => row.connection_id)
}

/** One lock per sync and joined stream, between following its changes and saving what was computed from it. */
const FOLLOW_LOCK = 'select pg_advisory_xact_lock($1::int, $2::int)'

/**
 * Follows the changes of a joined stream: makes due what was computed from them, then moves the positions. In one transaction
 * and under a lock, so that a lane which saves dependencies meanwhile either is seen here or sees that the positions moved.
 */
export function followChanges(
  pool: pg.Pool,
  request: {
    syncId: number
    streamId: number
    lease: LeaseProof
    keys: string[]
    moves: { slice: number; from: number; to: number }[]
  },
): Promise<void> {
  return withTransaction(pool, async (client) => {
    await assertLease(client, request.lease)
    await client.query(FOLLOW_LOCK, [request.syncId, request.streamId])
    await wakeDependents(client, request.syncId, request.streamId, request.keys)
    await savePositions(client, request.syncId, request.streamId, request.moves)
  })
}

/** Makes records due that were computed from the given records of a joined stream. */
export async function wakeDependents(
  pool: pg.Pool | pg.PoolClient,
  syncId: number,
  streamId: number,
  keys: string[],
): Promise<number> {
  if (!keys.length) return 0
  const { rowCount } = await pool.query(
    `update delivery set next_attempt_at = now(), state = case when state in ('in_doubt', 'parked', 'dead') then state else 'pending' end
       from dependency d
      where d.sync_id = $1 and d.stream_id = $2 and d.key = any($3)
        and delivery.sync_id = $1 and delivery.record_id = d.record_id and (delivery.state <> 'dead' or ${LACKS_BODY})`,
    [syncId, streamId, keys],
  )
  return rowCount ?? 0
}

/** Notes that the other side asked us to wait, or is not there; nobody starts work for the connection before `until`. */
export async function setWait(
  pool: pg.Pool,
  connectionId: number,
  until: Date | null,
  reason: string | null,
): Promise<void> {
  await pool.query(
    // Of two waits the longer holds: who was told less must not cut it short.
    `update connection set wait_until = $2, wait_reason = $3
      where id = $1 and (wait_until, wait_reason) is distinct from ($2, $3) and ($2::timestamptz is null or wait_until is null or wait_until < $2)`,
    [connectionId, until, reason],
  )
}

/** The connection works again: a wait that is over is forgotten, one that another worker was told meanwhile is not. */
export async function forgetPastWait(pool: pg.Pool, connectionId: number): Promise<void> {
  await pool.query(
    'update connection set wait_until = null, wait_reason = null where id = $1 and wait_until <= now()',
    [connectionId],
  )
}

export async function setConnectionState(
  pool: pg.Pool,
  connectionId: number,
  state: 'active' | 'paused' | 'needs_authorisation',
  reason: string | null,
): Promise<void> {
  await pool.query(
    `update connection set state = $2, state_reason = $3, state_since = now(), wait_until = null, wait_reason = null
      where id = $1 and (state, state_reason) is distinct from ($2, $3)`,
    [connectionId, state, reason],
  )
  // What failed for its sake need not wait any longer.
  if (state === 'active') {
    await makeOwedPullsDue(pool, { connectionId })
    await pool.query(
      `update sync set next_push_at = null where next_push_at is not null
          and to_stream in (select id from stream where connection_id = $1)`,
      [connectionId],
    )
  }
}

/** Asks for a person because credentials were refused. A connection that is paused stays paused. */
export async function askAuthorisation(
  pool: pg.Pool,
  connectionId: number,
  reason: string,
  refusedWith: string | null,
): Promise<void> {
  await pool.query(
    `update connection set state = 'needs_authorisation', state_reason = $2, state_since = now(), wait_until = null, wait_reason = null,
            refused_with = $3
      where id = $1 and state = 'active'`,
    [connectionId, reason, refusedWith],
  )
}

/** Connections whose credentials were refused, with the mark of those. */
export async function readRefused(pool: pg.Pool): Promise<{ id: number; name: string; refusedWith: string | null }[]> {
  const { rows } = await pool.query<{ id: number; name: string; refusedWith: string | null }>(
    `select id, name, refused_with as "refusedWith" from connection where state = 'needs_authorisation'`,
  )
  return rows
}

export async function setSyncState(
  pool: pg.Pool,
  syncId: number,
  state: 'active' | 'paused',
  reason: string | null,
): Promise<void> {
  await pool.query(
    'update sync set state = $2, state_reason = $3, state_since = now(), next_push_at = null where id = $1',
    [syncId, state, reason],
  )
  if (state === 'active') await makeOwedPullsDue(pool, { syncId })
  await endPushWait(pool, [syncId])
}

/** Notes how a lane ended. After a failure the sync is left alone until `nextAt`. */
export async function notePush(
  pool: pg.Pool,
  syncId: number,
  failure: { error: SerializedError; nextAt: Date | null } | null,
): Promise<void> {
  await pool.query(
    `update sync set last_push_at = now(), last_error = $2, next_push_at = $3,
            push_failures = case when $2::text is null then 0 else push_failures + 1 end,
            last_success_at = case when $2::text is null then now() else last_success_at end where id = $1`,
    [syncId, failure ? JSON.stringify(failure.error) : null, failure?.nextAt ?? null],
  )
}

/** Notes how a lane ended: after a failure of its own it waits until `nextAt`; null forgets its failures. */
export async function noteLane(pool: pg.Pool, syncId: number, lane: number, nextAt: Date | null): Promise<void> {
  if (nextAt === null) await pool.query('delete from lane where sync_id = $1 and lane = $2', [syncId, lane])
  else
    await pool.query(
      `insert into lane (sync_id, lane, failures, next_at) values ($1, $2, 1, $3)
       on conflict (sync_id, lane) do update set failures = lane.failures + 1, next_at = excluded.next_at`,
      [syncId, lane, nextAt],
    )
}

/** False while somebody paused the sync or its target, or the target asked to wait. */
export async function mayPush(pool: pg.Pool, syncId: number): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'may-push',
    text: `select 1 from sync y join stream t on t.id = y.to_stream join connection c on c.id = t.connection_id
            where y.id = $1 and y.state = 'active' and c.state = 'active' and (c.wait_until is null or c.wait_until <= now())`,
    values: [syncId],
  })
  return rowCount === 1
}

/** How often in a row a lane failed by itself. */
export async function laneFailures(pool: pg.Pool, syncId: number, lane: number): Promise<number> {
  const { rows } = await pool.query<{ failures: number }>(
    'select failures from lane where sync_id = $1 and lane = $2',
    [syncId, lane],
  )
  return rows[0]?.failures ?? 0
}

/** Lanes that wait, as `sync.lane`. */
export async function findWaitingLanes(pool: pg.Pool): Promise<Set<string>> {
  const { rows } = await pool.query<{ name: string }>(
    `select sync_id || '.' || lane as name from lane where next_at > now()`,
  )
  return new Set(rows.map(({ name }) => name))
}

export async function laneWaits(pool: pg.Pool, syncId: number, lane: number): Promise<boolean> {
  const { rowCount } = await pool.query('select 1 from lane where sync_id = $1 and lane = $2 and next_at > now()', [
    syncId,
    lane,
  ])
  return rowCount === 1
}

/** A person asks, or what stood in the way is gone: no wait holds the sync any longer. */
export async function endPushWait(pool: pg.Pool, syncIds: number[]): Promise<void> {
  await pool.query('update sync set next_push_at = null where id = any($1) and next_push_at is not null', [syncIds])
  await pool.query('update lane set next_at = null where sync_id = any($1)', [syncIds])
}

/** True while records wait above a position or deliveries are due within `withinMs`. */
export async function hasPendingPush(pool: pg.Pool, syncId: number): Promise<boolean> {
  const { rows } = await pool.query<{ pending: boolean }>(
    `select exists (select 1 from sync y join stream s on s.id = y.from_stream where y.id = $1 and s.seq >
                     coalesce((select min(p.seq) from sync_position p where p.sync_id = y.id and p.stream_id = s.id), 0))
         or exists (select 1 from delivery d where d.sync_id = $1 and d.next_attempt_at <= now()) as pending`,
    [syncId],
  )
  return rows[0]!.pending
}

/** The inbox of a connection, oldest first. */
export type InboxRow = {
  id: number
  receivedAt: Date
  stream: string | null
  headers: string
  body: Buffer
  attempts: number
  /** Set while it is replayed: 0 = for all syncs that follow, else for this one. */
  replayTo: number | null
  /** Why its body cannot be opened. */
  fault?: CausewayError
}

export async function readInbox(pool: pg.Pool, connectionId: number, limit: number): Promise<InboxRow[]> {
  const { rows } = await pool.query<InboxRow & { eventId: string }>(
    `select id, received_at as "receivedAt", stream, headers, body, attempts, replay_to as "replayTo", event_id as "eventId" from inbox
      where connection_id = $1 and state = 'pending' and next_attempt_at <= now() order by id limit $2`,
    [connectionId, limit],
  )
  for (const row of rows)
    try {
      row.body = await openBytes(pool, aboutEvent(connectionId, row.eventId), row.body)
    } catch (error) {
      // One that was altered holds no other one up.
      row.fault = asCausewayError(error)
    }
  return rows
}

/** Settles an event that gave nothing, or puts it off, or gives it up. An attempt counts unless the connection was at fault. */
export async function settleEvent(
  pool: pg.Pool,
  event: { id: number; receivedAt: Date },
  outcome: {
    state: 'done' | 'skipped' | 'dead' | 'pending'
    reason: string
    nextAttemptAt: Date | null
    free?: boolean
  },
): Promise<void> {
  await pool.query(
    // The time finds the day's partition. Postgres keeps microseconds, a Date milliseconds: as an equal it would find nothing.
    `update inbox set state = $3, reason = $4, next_attempt_at = $5, attempts = attempts + $6,
            replay_to = case when $3 = 'pending' then replay_to end
      where id = $1 and received_at between $2::timestamptz - interval '1 ms' and $2::timestamptz + interval '1 ms'`,
    [event.id, event.receivedAt, outcome.state, outcome.reason, outcome.nextAttemptAt, outcome.free ? 0 : 1],
  )
  if (outcome.state === 'done' || outcome.state === 'skipped')
    await pool.query(
      `update dead_letter set state = 'resolved', closed_at = now()
        where kind = 'inbox' and record_id = $1 and state in ('open', 'requeued')`,
      [String(event.id)],
    )
}

/** Settles many events that are over, in one statement. */
export async function settleEvents(
  pool: pg.Pool,
  outcomes: { event: { id: number; receivedAt: Date }; state: 'done' | 'skipped'; reason: string; forget?: boolean }[],
): Promise<void> {
  if (!outcomes.length) return
  const times = outcomes.map(({ event }) => event.receivedAt.getTime())
  await pool.query({
    name: 'settle-events',
    // The range of times finds the day's partition; an id alone would be looked for in all of them.
    text: `with settled as (
             update inbox i set state = t.state, reason = t.reason, next_attempt_at = null, attempts = attempts + 1, replay_to = null,
                    body = case when t.forget then ''::bytea else i.body end, headers = case when t.forget then '{}' else i.headers end
               from unnest($1::text[]::bigint[], $2::text[], $3::text[], $6::boolean[]) as t(id, state, reason, forget)
              where i.id = t.id and i.received_at between $4::timestamptz and $5::timestamptz
           ) update dead_letter d set state = 'resolved', closed_at = now(),
                    input = case when d.record_id = any($7::text[]) then null else d.input end
              where kind = 'inbox' and record_id = any($1::text[]) and state in ('open', 'requeued')`,
    values: [
      arrayText(outcomes.map(({ event }) => event.id)),
      arrayText(outcomes.map(({ state }) => state)),
      arrayText(outcomes.map(({ reason }) => reason)),
      new Date(Math.min(...times) - 1),
      new Date(Math.max(...times) + 1),
      arrayText(outcomes.map(({ forget }) => forget === true)),
      arrayText(outcomes.flatMap(({ event, forget }) => (forget ? [event.id] : []))),
    ],
  })
}

/** Puts open dead letters back to work: deliveries become due with the current record and mapping, events are read again. */
export async function requeueDeadLetters(
  pool: pg.Pool | pg.PoolClient,
  ids: number[],
  actor: string,
): Promise<{ requeued: number; syncs: number[]; connections: number[] }> {
  const connections = await reviveEvents(pool, ids)
  const { rows } = await pool.query<{ requeued: number; syncs: number[] }>(
    `with letters as (
       update dead_letter set state = 'requeued', actor = $2, closed_at = null where id = any($1) and state = 'open' and kind in ('push', 'inbox')
       returning sync_id, record_id, part, code
     ), answered as (
       -- Nobody but a person could tell whether the create took effect; asking for it again is the answer.
       delete from intent i using letters l
        where l.code = 'CSW-5004' and i.sync_id = l.sync_id and i.record_id = l.record_id and i.part = l.part and i.operation = 'create'
     ), forgiven as (
       update intent i set deaths = 0 from letters l
        where l.code = 'CSW-5015' and i.sync_id = l.sync_id and i.record_id = l.record_id
     ), unhindered as (
       update sync set next_push_at = null where id in (select sync_id from letters)
     ), due as (
       update delivery d set next_attempt_at = now(), attempts = 0, state = case when d.state = 'dead' then 'pending' else d.state end
         from letters l where d.sync_id = l.sync_id and d.record_id = l.record_id and d.part = l.part
       returning d.sync_id
     ) select (select count(*)::int from letters) as requeued, coalesce((select array_agg(distinct sync_id) from due), '{}') as syncs`,
    [ids, actor],
  )
  return { ...rows[0]!, connections }
}

export async function discardDeadLetters(
  pool: pg.Pool | pg.PoolClient,
  ids: number[],
  actor: string,
  reason: string,
): Promise<number> {
  const { rowCount } = await pool.query(
    `update dead_letter set state = 'discarded', actor = $2, reason = $3, closed_at = now() where id = any($1) and state = 'open'`,
    [ids, actor, reason],
  )
  return rowCount ?? 0
}

/** Releases what a dead worker left behind when nobody else will: intents of syncs that no longer exist. */
export async function dropOrphanedIntents(pool: pg.Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from intent i using sync y where y.id = i.sync_id and y.state = 'removed' and i.opened_at < now() - interval '1 day'`,
  )
  return rowCount ?? 0
}

export type { LeaseProof }
