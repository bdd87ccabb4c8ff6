import type pg from 'pg'
import { CausewayError } from '../../core/index.ts'
import { inOneGo, withTransaction } from '../transaction.ts'
import { saveAgreed } from './agreed.ts'
import { arrayText, columnText, inRow, rowsOf } from './array-text.ts'
import { keepRepeatable } from './intents.ts'
import { packJournal, writeJournal } from './journal.ts'
import { assertLease } from './lease-check.ts'
import { isKeptInPart, sealLetter } from './letter-seals.ts'
import { releaseParked, saveLinks } from './links.ts'
import { packTexts, textAt } from './text-blob.ts'
import type { BatchCommit, DeliveryRow, DeliveryWrite } from './types.ts'

/** Stands among delivered values that something else was written over: they tell which fields are ours, and not what they hold. */
export const UNPROVEN_MARK = '~unproven'

/** What is known of the deliveries of some records, all parts. */
export async function readDeliveries(pool: pg.Pool, syncId: number, recordIds: string[]): Promise<DeliveryRow[]> {
  const { rows } = await pool.query<DeliveryRow>({
    name: 'read-deliveries',
    text: `select record_id as "recordId", part, slice, state, source_seq as "sourceSeq", delivered, attempts,
                  coalesce(error like '%"CSW-5007"%', false) as contended,
                  coalesce(error like '%"code":"CSW-5024"%', false) as "notShown",
                  next_attempt_at is not null as due, case when state = 'dead' then error end as "deadFor", xmin::text as mark
             from delivery where sync_id = $1 and record_id = any($2)`,
    values: [syncId, arrayText(recordIds)],
  })
  return rows
}

/** The marks of the deliveries of some records: one that is another later was written meanwhile. */
export async function readMarks(pool: pg.Pool, syncId: number, recordIds: string[]): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ id: string; mark: string }>({
    name: 'read-delivery-marks',
    text: `select record_id as id, xmin::text as mark from delivery where sync_id = $1 and record_id = any($2) and part = ''`,
    values: [syncId, arrayText(recordIds)],
  })
  return new Map(rows.map(({ id, mark }) => [id, mark]))
}

/** Records whose deliveries are due again: retries, released references, doubts, changed joins. Oldest first. */
export async function readDue(pool: pg.Pool, syncId: number, slices: number[], limit: number): Promise<string[]> {
  const { rows } = await pool.query<{ record_id: string }>({
    name: 'read-due',
    text: `select record_id from delivery
            where sync_id = $1 and next_attempt_at <= clock_timestamp() and slice = any($2)
            order by next_attempt_at limit $3`,
    values: [syncId, arrayText(slices), limit],
  })
  return [...new Set(rows.map((row) => row.record_id))]
}

/** Positions of a sync in the slices of a stream; creates the missing ones at 0. */
export async function readPositions(
  pool: pg.Pool,
  syncId: number,
  streamId: number,
  slices: number[],
): Promise<Map<number, number>> {
  const select = {
    text: 'select slice, seq from sync_position where sync_id = $1 and stream_id = $2 and slice = any($3)',
    values: [syncId, streamId, slices],
  }
  let { rows } = await pool.query<{ slice: number; seq: number }>(select)
  if (rows.length < slices.length) {
    await pool.query(
      'insert into sync_position (sync_id, stream_id, slice) select $1, $2, unnest($3::smallint[]) on conflict do nothing',
      [syncId, streamId, slices],
    )
    rows = (await pool.query<{ slice: number; seq: number }>(select)).rows
  }
  return new Map(rows.map((row) => [row.slice, row.seq]))
}

/**
 * Moves positions that have nothing left before `seq`. Safe because sequence order is commit order: `seq` was read before the
 * query that found the log empty above the positions.
 */
export async function movePositions(
  pool: pg.Pool,
  syncId: number,
  streamId: number,
  lease: { name: string; token: number },
  moves: BatchCommit['positions'],
): Promise<void> {
  if (!moves.length) return
  await withTransaction(pool, (client) =>
    inOneGo([assertLease(client, lease), savePositions(client, syncId, streamId, moves)]),
  )
}

/** Everything that one batch of a push settled, in one transaction. */
export function commitBatch(pool: pg.Pool, batch: BatchCommit): Promise<void> {
  return packJournal(batch.journal).then((packed) =>
    withTransaction(
      pool,
      async (client) => {
        await assertLease(client, batch.lease)
        await saveLinks(client, batch)
        // Rows of both directions are locked before anything else of them is touched.
        if (batch.twoWay) await saveDeliveries(client, batch)
        await inOneGo([
          ...(batch.twoWay ? [] : [saveDeliveries(client, batch)]),
          releaseParked(client, batch),
          saveDependencies(client, batch),
          saveTargetKeys(client, batch),
          saveDeadLetters(pool, client, batch),
          saveIntents(pool, client, batch),
          savePositions(client, batch.syncId, batch.sourceStream, batch.positions),
          writeJournal(client, {
            kind: 'push',
            streamId: batch.sourceStream,
            syncId: batch.syncId,
            runId: batch.runId,
            mappingVersion: batch.mappingVersion,
            packed,
            recordIds: batch.journal.entries.map((entry) => entry.record),
          }),
        ])
      },
      'with-work',
    ),
  )
}

const ROWS = rowsOf({
  record_id: '$2::text[]',
  part: '$3::text[]',
  slice: '$4::smallint[]',
  state: '$5::text[]',
  source_seq: '$6::bigint[]',
  attempts: '$7::int[]',
  next_attempt_at: '$8::timestamptz[]',
  error: '$9::text[]',
  parked_stream: '$10::int[]',
  parked_id: '$11::text[]',
  start: '$13::int[]',
  length: '$14::int[]',
})

const INSERT_DELIVERIES = `
insert into delivery as d (sync_id, record_id, part, slice, state, source_seq, attempts, next_attempt_at, error,
                           parked_stream, parked_id, delivered, mapping_version, run_id)
select $1, t.record_id, ${inRow('t.part', '$3')}, t.slice, ${inRow('t.state', '$5')}, t.source_seq, ${inRow('t.attempts', '$7')},
       ${inRow('t.next_attempt_at', '$8')}, ${inRow('t.error', '$9')}, ${inRow('t.parked_stream', '$10')}, ${inRow('t.parked_id', '$11')},
       ${textAt('$12', 't.start', 't.length')}, $15, $16
  from ${ROWS} as t`

const REPLACE_DELIVERIES = `${INSERT_DELIVERIES}
on conflict (sync_id, record_id, part) do update
   set state = excluded.state, source_seq = excluded.source_seq, attempts = excluded.attempts,
       next_attempt_at = excluded.next_attempt_at, error = excluded.error, parked_stream = excluded.parked_stream,
       parked_id = excluded.parked_id, delivered = excluded.delivered, mapping_version = excluded.mapping_version,
       run_id = excluded.run_id, updated_at = now()
 where excluded.source_seq >= d.source_seq`

async function saveDeliveries(client: pg.PoolClient, given: BatchCommit): Promise<void> {
  const batch = given.twoWay ? { ...given, deliveries: await saveAgreed(client, given, given.twoWay) } : given
  // Only the lane makes deliveries of its slices, so what it did not find is still not there; an insert that need not look for
  // conflicts costs less. Should a lane of another layout have been faster, this commit fails as a whole.
  const fresh = batch.deliveries.filter(({ isNew }) => isNew)
  const known = batch.deliveries.filter(({ isNew }) => !isNew)
  await inOneGo([
    writeDeliveries(client, batch, { name: 'insert-deliveries', text: INSERT_DELIVERIES, rows: fresh }),
    writeDeliveries(client, batch, { name: 'replace-deliveries', text: REPLACE_DELIVERIES, rows: known }),
  ])
}

async function writeDeliveries(
  client: pg.PoolClient,
  batch: BatchCommit,
  { name, text, rows }: { name: string; text: string; rows: DeliveryWrite[] },
): Promise<void> {
  if (!rows.length) return
  const delivered = packTexts(rows.map((row) => row.delivered?.bytes ?? null))
  const own = (value: (row: DeliveryWrite) => string | number): string => arrayText(rows.map(value))
  const column = (value: (row: DeliveryWrite) => string | number | null): string => columnText(rows.map(value))
  await client.query({
    name,
    text,
    values: [
      batch.syncId,
      own((row) => row.recordId),
      column((row) => row.part),
      own((row) => row.slice),
      column((row) => row.state),
      own((row) => row.sourceSeq),
      column((row) => row.attempts),
      column((row) => row.nextAttemptAt?.toISOString() ?? null),
      column((row) => (row.error ? JSON.stringify(row.error) : null)),
      column((row) => row.parkedStream),
      column((row) => row.parkedId),
      delivered.bytes,
      arrayText(delivered.starts),
      arrayText(delivered.lengths),
      batch.mappingVersion,
      batch.runId,
    ],
  })
}

async function saveDependencies(client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  if (!batch.dependencies.length) return
  const ids = batch.dependencies.map((row) => row.recordId)
  await client.query('delete from dependency where sync_id = $1 and record_id = any($2)', [batch.syncId, ids])
  const rows = batch.dependencies.flatMap((row) => row.keys.map((key) => ({ ...key, recordId: row.recordId })))
  await client.query(
    `insert into dependency (sync_id, stream_id, key, record_id)
     select $1, * from unnest($2::int[], $3::text[], $4::text[]) on conflict do nothing`,
    [batch.syncId, rows.map((row) => row.streamId), rows.map((row) => row.key), rows.map((row) => row.recordId)],
  )
  for (const { streamId, seq } of batch.joined) await repeatIfFollowed(client, batch.syncId, streamId, seq, ids)
}

/** Dead because a body is not kept: whatever is new of what it was computed from may be that body. */
export const LACKS_BODY = `error like '%"code":"CSW-5018"%'`

/** Another lane followed a joined stream past the state that these records were computed from: they come again. */
async function repeatIfFollowed(
  client: pg.PoolClient,
  syncId: number,
  streamId: number,
  seq: number,
  ids: string[],
): Promise<void> {
  await client.query('select pg_advisory_xact_lock_shared($1::int, $2::int)', [syncId, streamId])
  await client.query(
    `update delivery d set next_attempt_at = now(), state = case when state in ('in_doubt', 'parked', 'dead') then state else 'pending' end
      where d.sync_id = $1 and d.record_id = any($3) and (d.state <> 'dead' or ${LACKS_BODY})
        and exists (select 1 from dependency p where p.sync_id = $1 and p.stream_id = $2 and p.record_id = d.record_id)
        and exists (select 1 from sync_position p where p.sync_id = $1 and p.stream_id = $2 and p.seq > $4)`,
    [syncId, streamId, ids, seq],
  )
}

async function saveTargetKeys(client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  const rows = batch.targetKeys
  if (!rows.length) return
  await client.query({
    name: 'save-target-keys',
    text: `insert into record_key (stream_id, field, value, record_id)
           select $1, * from unnest($2::text[], $3::text[], $4::text[]) on conflict do nothing`,
    values: [
      batch.targetStream,
      rows.map((row) => row.field),
      rows.map((row) => row.value),
      rows.map((row) => row.recordId),
    ],
  })
}

async function saveDeadLetters(pool: pg.Pool, client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  if (batch.settled.length) {
    await client.query(
      `update dead_letter set state = 'resolved', closed_at = now()
        where state in ('open', 'requeued') and sync_id = $1 and record_id = any($2)`,
      [batch.syncId, batch.settled],
    )
  }
  if (!batch.deadLetters.length) return
  const partly = await isKeptInPart(client, batch.sourceStream)
  const kept = async (recordId: string, text: string | null): Promise<string | null> =>
    partly && text !== null ? sealLetter(pool, client, recordId, text) : text
  for (const letter of batch.deadLetters) {
    await client.query(
      `insert into dead_letter as d (kind, sync_id, record_id, part, source_seq, code, fingerprint, error, input, output, exchange,
                                attempts, mapping_version, run_id)
       values ('push', $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
       on conflict (kind, coalesce(sync_id, 0), coalesce(stream_id, 0), record_id, part) where state = 'open'
       do update set source_seq = excluded.source_seq, code = excluded.code, fingerprint = excluded.fingerprint,
                     error = excluded.error, input = excluded.input, output = excluded.output, exchange = excluded.exchange,
                     attempts = d.attempts + 1, mapping_version = excluded.mapping_version, run_id = excluded.run_id`,
      [
        batch.syncId,
        letter.recordId,
        letter.part,
        letter.sourceSeq,
        letter.code,
        letter.fingerprint,
        JSON.stringify(letter.error),
        await kept(letter.recordId, letter.input),
        await kept(letter.recordId, letter.output),
        await kept(letter.recordId, letter.exchange),
        letter.attempts,
        batch.mappingVersion,
        batch.runId,
      ],
    )
  }
}

/**
 * Writes that may have gone over newer ones: what is kept of the records as delivered proves nothing any more, and they are due again, after a
 * moment in which the target is done with the late write. Needs no lease, for only who has lost it has this to tell.
 */
export async function noteLateWrites(pool: pg.Pool, syncId: number, recordIds: string[]): Promise<void> {
  await pool.query(
    `update delivery
        set delivered = case when delivered like '%"${UNPROVEN_MARK}"%' then delivered
                             else left(delivered, -1) || case when delivered = '{}' then '' else ',' end || '"${UNPROVEN_MARK}":true}' end,
            next_attempt_at = now() + interval '1 second',
            state = case when state in ('in_doubt', 'parked', 'dead') then state else 'pending' end
      where sync_id = $1 and record_id = any($2) and delivered is not null`,
    [syncId, recordIds],
  )
}

async function saveIntents(pool: pg.Pool, client: pg.PoolClient, batch: BatchCommit): Promise<void> {
  if (batch.closeIntents.length)
    await client.query({
      name: 'close-intents',
      text: 'delete from intent where id = any($1)',
      values: [arrayText(batch.closeIntents)],
    })
  if (batch.doubtIntents.length)
    await client.query('update intent set looked_up = looked_up + 1 where id = any($1)', [batch.doubtIntents])
  if (batch.keptIntents.length)
    await client.query('update intent set under_way = false where id = any($1)', [batch.keptIntents])
  await keepRepeatable(pool, client, batch)
}

export async function savePositions(
  client: pg.PoolClient,
  syncId: number,
  streamId: number,
  moves: BatchCommit['positions'],
): Promise<void> {
  if (!moves.length) return
  const { rowCount } = await client.query({
    name: 'save-positions',
    text: `update sync_position p set seq = m.next
             from unnest($3::smallint[], $4::bigint[], $5::bigint[]) as m(slice, previous, next)
            where p.sync_id = $1 and p.stream_id = $2 and p.slice = m.slice and p.seq = m.previous`,
    values: [
      syncId,
      streamId,
      moves.map((move) => move.slice),
      moves.map((move) => move.from),
      moves.map((move) => move.to),
    ],
  })
  // Belt beside the lease's braces: two lane layouts of one sync (after a change of `lanes`) hold different leases.
  if (rowCount !== moves.length)
    throw new CausewayError('CSW-5005', { what: 'another worker moved the position of this sync' })
}
