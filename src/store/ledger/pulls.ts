/** Pulls of a stream: asked for, due, owed, begun, ended, failed, put off. */
import type pg from 'pg'
import type { SerializedError } from '../../core/index.ts'

/** Asks for a pull of streams. A full pull is never downgraded, and one under way goes on. */
export async function requestPull(
  pool: pg.Pool | pg.PoolClient,
  streamIds: number[],
  mode: 'full' | 'incremental',
  requestId: string | null,
): Promise<void> {
  await pool.query(
    `update stream set pull_mode = case when pull_mode = 'full' then 'full' else $2 end,
            pull_begun = pull_begun and pull_mode is not distinct from case when pull_mode = 'full' then 'full' else $2 end,
            pull_request = coalesce($3, pull_request), next_pull_at = null,
            pull_asked_at = case when pull_mode is null then now() else coalesce(pull_asked_at, now()) end
      where id = any($1)`,
    [streamIds, mode, requestId],
  )
}

/** How soon after a pull the next one may begin that was asked for by what says only that something changed. */
const REST_SECONDS = 2

/**
 * Notes that something of these streams changed, whatever it was: a pull becomes due. At once where the stream rested; while a
 * pull is under way, or just after one, a little later, so that many such notes make few pulls. Gives those that were not due
 * before, and how soon they are.
 */
export async function makePullDue(pool: pg.Pool, streamIds: number[]): Promise<{ id: number; inMs: number }[]> {
  const { rows } = await pool.query<{ id: number; inMs: number }>(
    `update stream set pull_due_at = greatest(now(), next_pull_at,
              case when pull_begun or last_pull_at > now() - $2::float8 * interval '1 second'
                   then now() + $2::float8 * interval '1 second' end)
      where id = any($1) and pull_due_at is null
      returning id, ceil(extract(epoch from pull_due_at - now()) * 1000)::int as "inMs"`,
    [streamIds, REST_SECONDS],
  )
  return rows
}

/**
 * Makes the pulls due that were given up after a webhook had asked for them: what stood in the way may be gone. Once for each
 * such occasion, so that a pull that fails for good is not tried over and over.
 */
export async function makeOwedPullsDue(
  pool: pg.Pool | pg.PoolClient,
  of: { connectionId: number } | { syncId: number } | 'all',
): Promise<void> {
  await pool.query(
    `update stream s set pull_due_at = now(), next_pull_at = null
      where pull_owed and pull_mode is null and pull_due_at is null and ($1::int is null or connection_id = $1)
        and ($2::int is null or exists (select 1 from sync where id = $2 and from_stream = s.id)
             or exists (select 1 from sync_position where sync_id = $2 and stream_id = s.id))`,
    [of !== 'all' && 'connectionId' in of ? of.connectionId : null, of !== 'all' && 'syncId' in of ? of.syncId : null],
  )
}

/** Also where only a full pull brings the values of new match fields. */
const IS_FULL = "(pull_mode = 'full' or keys_missing = 'asked')"

/**
 * Marks a pull as begun that was asked for or is due. A full one forgets the cursor and starts a new scan; a resumed one goes on
 * from where it was, and stays due where it was: it may have passed the place of the change. What made it due is owed until a
 * pull ends well.
 */
export async function beginPull(pool: pg.Pool, streamId: number): Promise<void> {
  const { rows } = await pool.query<{ mode: string }>(
    `update stream set pull_begun = true, pull_mode = case when ${IS_FULL} then 'full' else coalesce(pull_mode, 'incremental') end,
            pull_owed = pull_owed or pull_due_at is not null, pull_due_at = null, pull_asked_at = null,
            cursor = case when ${IS_FULL} then null else cursor end,
            scan_id = scan_id + case when ${IS_FULL} then 1 else 0 end,
            scan_began_seq = case when ${IS_FULL} then seq else scan_began_seq end,
            keys_missing = case when keys_missing = 'asked' then 'pull' else keys_missing end
      where id = $1 and case when pull_mode is null then pull_due_at <= now() else not pull_begun end
      returning pull_mode as mode`,
    [streamId],
  )
  if (rows[0]?.mode === 'full') await missBodies(pool, streamId)
}

/** A full pull brings bodies back that somebody waits for, as a source or joined: without its hash what is read again is news. */
async function missBodies(pool: pg.Pool, streamId: number): Promise<void> {
  await pool.query(
    `update record set hash = ''
      where stream_id = $1 and shrunk and field_hashes is not null and not deleted
        and id in (select d.record_id from dead_letter d join sync y on y.id = d.sync_id
                    where y.from_stream = $1 and d.code = 'CSW-5018' and d.state in ('open', 'requeued')
                    union all
                   select substr(p.key, 2) from dead_letter d join dependency p on p.sync_id = d.sync_id and p.record_id = d.record_id
                    where p.stream_id = $1 and p.key like '#%' and d.code = 'CSW-5018' and d.state in ('open', 'requeued'))`,
    [streamId],
  )
}

/** Ends a pull. One that was asked for in the meantime, or in another mode, stays asked for; `againInMs` says how soon it may begin. */
export async function endPull(
  pool: pg.Pool,
  streamId: number,
  done: { mode: 'full' | 'incremental'; request: string | null },
): Promise<{ againInMs: number | null }> {
  const { rows } = await pool.query<{ againInMs: number | null; hadKeys: boolean }>(
    `with former as (select keys_missing from stream where id = $1)
     update stream set pull_mode = case when keys_missing = 'asked' then 'full'
                                 when pull_mode = $2 and pull_request is not distinct from $3 then null else pull_mode end,
            pull_request = case when pull_request is not distinct from $3 then null else pull_request end,
            keys_missing = case when $2 = 'full' and keys_missing = 'pull' then null else keys_missing end,
            pull_asked_at = case when keys_missing = 'asked' or pull_mode <> $2 or pull_request is distinct from $3 then now() end,
            pull_begun = false, pull_owed = false, pull_failures = 0, last_error = null, last_pull_at = now(), last_success_at = now(), next_pull_at = null
      where id = $1
      returning case when pull_mode is not null then 0 when pull_due_at is not null
                     then greatest(0, ceil(extract(epoch from pull_due_at - now()) * 1000))::int end as "againInMs",
                keys_missing is null and (select keys_missing is not null from former) as "hadKeys"`,
    [streamId, done.mode, done.request],
  )
  if (rows[0]?.hadKeys) await releaseWaiting(pool, streamId)
  return { againInMs: rows[0]?.againInMs ?? null }
}

/** Deliveries that waited for this pull, because they match or join the stream. */
async function releaseWaiting(pool: pg.Pool, streamId: number): Promise<void> {
  await pool.query(
    `update delivery set next_attempt_at = now()
      where state = 'parked' and error like '%"code":"CSW-5020"%'
        and sync_id in (select id from sync where to_stream = $1 union select sync_id from sync_position where stream_id = $1)`,
    [streamId],
  )
}

/**
 * A pull that failed stays asked for; it is tried again at `nextAt`, from the last committed page. Null: only when asked, or
 * when it is owed and a connection, a sync or the files are taken up again.
 */
export async function failPull(
  pool: pg.Pool,
  streamId: number,
  error: SerializedError,
  nextAt: Date | null,
): Promise<void> {
  await pool.query(
    `update stream set pull_failures = pull_failures + 1, last_error = $2, last_pull_at = now(), next_pull_at = $3,
            pull_mode = case when $3::timestamptz is null then null else pull_mode end,
            pull_asked_at = case when $3::timestamptz is null then null else pull_asked_at end,
            keys_missing = case when $3::timestamptz is null and keys_missing = 'pull' then 'asked' else keys_missing end
      where id = $1`,
    [streamId, JSON.stringify(error), nextAt],
  )
}

/** A pull that has to wait for the other side: nothing failed, and it goes on at `nextAt` from the last committed page. */
export async function putOffPull(pool: pg.Pool, streamId: number, nextAt: Date): Promise<void> {
  await pool.query('update stream set last_pull_at = now(), next_pull_at = $2 where id = $1', [streamId, nextAt])
}
