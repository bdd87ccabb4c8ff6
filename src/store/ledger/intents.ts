import type pg from 'pg'
import { isUniqueViolation } from '../failure.ts'
import { inOneGo, withTransaction } from '../transaction.ts'
import { arrayText, columnText, inRow, rowsOf } from './array-text.ts'
import { findByKey } from './change-log.ts'
import { assertLease, failWithoutLease } from './lease-check.ts'
import { isKeptInPart, openSent, sealSent } from './letter-seals.ts'
import type { BatchCommit, IntentJob, IntentOpen, IntentRow, LeaseProof } from './types.ts'

const COLUMNS = `id, target_stream as "targetStream", target_key as "targetKey", sync_id as "syncId", record_id as "recordId",
  part, operation, match_key::json as "matchKey", idempotency_key as "idempotencyKey", looked_up as "lookedUp", opened_at as "openedAt",
  deaths, job::json as "job", sent, repeatable`

/** Intents left open for these records: their outcome is unknown. */
export async function readIntents(pool: pg.Pool, syncId: number, recordIds: string[]): Promise<IntentRow[]> {
  const { rows } = await pool.query<IntentRow>({
    name: 'read-intents',
    text: `select ${COLUMNS} from intent where sync_id = $1 and record_id = any($2)`,
    values: [syncId, arrayText(recordIds)],
  })
  for (const row of rows) row.sent = await openSent(pool, row.recordId, row.sent)
  return rows
}

/** Keys by which somebody else may have created what an intent is to create. */
type AskedKeys = { streamId: number; field: string; values: string[] }

/** The intents that were opened, and what the asked keys find from then on: field → value → record ids. */
type Opened = { rows: IntentRow[]; known: Map<string, Map<string, string[]>> }

/**
 * Commits intents before anything is sent. An intent whose target is already being written by somebody else is not opened and
 * is missing from the answer; the caller defers that record. An own intent left open from before is taken over. `asked` is looked
 * up once the intents stand: whoever wrote such a record before has committed it, and nobody else can begin.
 */
export async function openIntents(
  pool: pg.Pool,
  lease: LeaseProof,
  intents: IntentOpen[],
  asked: AskedKeys[],
): Promise<Opened> {
  // A fixed order over all workers keeps two batches from waiting for each other's rows in a circle.
  const ordered = [...intents].sort((a, b) => (a.targetKey < b.targetKey ? -1 : 1))
  const sent = await keptSent(pool, ordered)
  try {
    return await openAll(pool, lease, ordered, sent, asked, openNew)
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    // `on conflict` looks for each row before it writes, and writes a second log entry per row, which about doubles the cost.
    return openAll(pool, lease, ordered, sent, asked, takeOver)
  }
}

/** In one round trip, unless creates have to be guarded. */
function openAll(
  pool: pg.Pool,
  lease: LeaseProof,
  intents: IntentOpen[],
  sent: ReadonlyMap<string, string>,
  asked: AskedKeys[],
  insert: (client: pg.PoolClient, open: IntentOpen[], values: unknown[]) => Promise<(OpenedRow | undefined)[]>,
): Promise<Opened> {
  return withTransaction(
    pool,
    async (client, commit) => {
      const held = failWithoutLease(client, lease)
      const [, open] = intents.some(({ guards }) => guards.length)
        ? await inOneGo([held, withoutGuarded(client, intents)] as const)
        : [held, intents]
      const [, rows, found] = await inOneGo([
        held,
        open.length ? insert(client, open, intentColumns(lease, open, sent)) : [],
        Promise.all(asked.map(({ streamId, field, values }) => findByKey(client, streamId, field, values))),
        commit(),
      ] as const)
      const openedAt = new Date()
      return {
        rows: open.flatMap((intent, i) => (rows[i] ? [toRow(intent, rows[i], openedAt)] : [])),
        known: new Map(found.map((hits, i) => [asked[i]!.field, hits])),
      }
    },
    'with-work',
  )
}

/** Member by member: to spread three objects into one for each record costs several times as much. */
const toRow = (intent: IntentOpen, { id, idempotencyKey, deaths }: OpenedRow, openedAt: Date): IntentRow => ({
  id,
  targetStream: intent.targetStream,
  targetKey: intent.targetKey,
  syncId: intent.syncId,
  recordId: intent.recordId,
  part: intent.part,
  operation: intent.operation,
  matchKey: intent.matchKey,
  idempotencyKey: idempotencyKey ?? intent.idempotencyKey,
  lookedUp: 0,
  openedAt,
  deaths: deaths ?? 0,
  job: null,
  sent: intent.sent ?? null,
  repeatable: false,
})

/** Where none was there before the ids say it all, and need not be read as hundreds of rows. */
async function openNew(client: pg.PoolClient, _open: IntentOpen[], values: unknown[]): Promise<OpenedRow[]> {
  const { rows } = await client.query<{ ids: number[] }>({
    name: 'open-new-intents',
    // In the order of `open`: keys are plain letters and digits, and compare here as they do there.
    text: `with opened as (${INSERT_INTENTS} returning id, target_key) select array_agg(id order by target_key) as ids from opened`,
    values,
  })
  return rows[0]!.ids.map((id) => ({ id }))
}

async function takeOver(
  client: pg.PoolClient,
  open: IntentOpen[],
  values: unknown[],
): Promise<(OpenedRow | undefined)[]> {
  const { rows } = await client.query<OpenedRow & { targetKey: string }>({
    name: 'open-intents',
    text: TAKE_INTENTS,
    values: [...values, open.every(({ pairedWith }) => pairedWith === undefined)],
  })
  const opened = new Map(rows.map((row) => [row.targetKey, row]))
  return open.map(({ targetKey }) => opened.get(targetKey))
}

/** What is not known before; one that was taken over keeps its idempotency key. */
type OpenedRow = { id: number; idempotencyKey?: string; deaths?: number }

const ROWS = rowsOf({
  target_stream: '$1::int[]',
  target_key: '$2::text[]',
  sync_id: '$3::int[]',
  record_id: '$4::text[]',
  part: '$5::text[]',
  operation: '$6::text[]',
  match_key: '$7::text[]',
  idempotency_key: '$8::text[]',
  guards: '$11::text[]',
  sent: '$12::text[]',
})

const INSERT_INTENTS = `
insert into intent as i (target_stream, target_key, sync_id, record_id, part, operation, match_key, idempotency_key, guards, sent, lease_name, lease_token)
select ${inRow('t.target_stream', '$1')}, t.target_key, ${inRow('t.sync_id', '$3')}, t.record_id, ${inRow('t.part', '$5')},
       ${inRow('t.operation', '$6')}, ${inRow('t.match_key', '$7')}, t.idempotency_key,
       string_to_array(${inRow('t.guards', '$11')}, ' '), nullif(${inRow('t.sent', '$12')}, ''), $9, $10
  from ${ROWS} as t`
/** $13: a create that is sent again with its key is as old as its first try, for the target does not keep the key for ever. */
const TAKE_INTENTS = `${INSERT_INTENTS}
on conflict (target_stream, target_key) do update
   set lease_name = excluded.lease_name, lease_token = excluded.lease_token, operation = excluded.operation,
       match_key = excluded.match_key, sent = excluded.sent, looked_up = 0, under_way = true, job = null,
       opened_at = case when $13 and i.operation = 'create' and i.sent is not null and i.idempotency_key = excluded.idempotency_key
                        then i.opened_at else now() end
 where i.sync_id = excluded.sync_id and i.record_id = excluded.record_id and i.part = excluded.part
returning id, target_key as "targetKey", idempotency_key as "idempotencyKey", deaths`

/** What they send, by target key, as it may stand in the table. */
async function keptSent(pool: pg.Pool, intents: IntentOpen[]): Promise<Map<string, string>> {
  const kept = new Map(intents.flatMap(({ targetKey, sent }) => (sent === undefined ? [] : [[targetKey, sent]])))
  const from = intents.find(({ sent }) => sent !== undefined)?.sentFrom
  if (from === undefined || !(await isKeptInPart(pool, from))) return kept
  for (const { targetKey, recordId, sent } of intents)
    if (sent !== undefined) kept.set(targetKey, await sealSent(pool, pool, recordId, sent))
  return kept
}

function intentColumns(lease: LeaseProof, intents: IntentOpen[], sent: ReadonlyMap<string, string>): unknown[] {
  const own = (value: (intent: IntentOpen) => string): string => arrayText(intents.map(value))
  const column = (value: (intent: IntentOpen) => string | number): string => columnText(intents.map(value))
  return [
    column((intent) => intent.targetStream),
    own((intent) => intent.targetKey),
    column((intent) => intent.syncId),
    own((intent) => intent.recordId),
    column((intent) => intent.part),
    column((intent) => intent.operation),
    column((intent) => (intent.matchKey.length ? JSON.stringify(intent.matchKey) : '[]')),
    own((intent) => intent.idempotencyKey),
    lease.name,
    lease.token,
    column((intent) => intent.guards.join(' ')),
    column((intent) => sent.get(intent.targetKey) ?? ''),
  ]
}

/**
 * Leaves out creates that share a match key with a create of somebody else that is under way. Only where several fields of one
 * stream are matched by; then such creates open one after the other, or two would not see each other.
 */
async function withoutGuarded(client: pg.PoolClient, intents: IntentOpen[]): Promise<IntentOpen[]> {
  const guarding = intents.filter(({ guards }) => guards.length)
  if (!guarding.length) return intents
  // Of a pair the other direction writes the other stream.
  const streams = [...new Set(guarding.flatMap((intent) => [intent.targetStream, intent.pairedWith ?? []].flat()))]
  for (const stream of streams.sort((a, b) => a - b))
    await client.query('select pg_advisory_xact_lock($1::int, $2::int)', [GUARD_LOCK, stream])
  const { rows } = await client.query<{ guards: string[]; syncId: number; recordId: string; part: string }>(
    `select guards, sync_id as "syncId", record_id as "recordId", part from intent where target_stream = any($1) and guards && $2`,
    [streams, guarding.flatMap(({ guards }) => guards)],
  )
  const taken = (intent: IntentOpen): boolean =>
    rows.some(
      (row) =>
        (row.syncId !== intent.syncId || row.recordId !== intent.recordId || row.part !== intent.part) &&
        row.guards.some((guard) => intent.guards.includes(guard)),
    )
  return intents.filter((intent) => !intent.guards.length || !taken(intent))
}

const GUARD_LOCK = 0x43_53_47

/**
 * Notes which jobs of the target system the writes are in. Throws CSW-6004 for a lease that is lost: then the jobs must not be
 * started.
 */
export function noteJobs(pool: pg.Pool, lease: LeaseProof, jobs: { intent: number; job: IntentJob }[]): Promise<void> {
  return withTransaction(pool, async (client) => {
    await assertLease(client, lease)
    await client.query(
      `update intent i set job = t.job from unnest($1::bigint[], $2::text[]) as t(id, job)
        where i.id = t.id and i.lease_name = $3 and i.lease_token = $4`,
      [
        arrayText(jobs.map(({ intent }) => intent)),
        arrayText(jobs.map(({ job }) => JSON.stringify(job))),
        lease.name,
        lease.token,
      ],
    )
  })
}

/** Creates that may be done and are sent again as they were: what they sent must outlive the change of their record. */
export async function keepRepeatable(
  pool: pg.Pool,
  client: pg.PoolClient,
  { sourceStream, repeatableIntents: intents }: Pick<BatchCommit, 'sourceStream' | 'repeatableIntents'>,
): Promise<void> {
  if (!intents.length) return
  const partly = await isKeptInPart(client, sourceStream)
  const sent = await Promise.all(
    intents.map(({ recordId, sent }) => (partly && sent !== null ? sealSent(pool, client, recordId, sent) : sent)),
  )
  await client.query(
    `update intent i set under_way = false, repeatable = true, sent = coalesce(nullif(t.sent, ''), i.sent)
       from unnest($1::bigint[], $2::text[]) as t(id, sent) where i.id = t.id`,
    [arrayText(intents.map(({ id }) => id)), arrayText(sent.map((text) => text ?? ''))],
  )
}

/** Closes own intents for which nothing was sent after all. One that a successor took over stays. */
export async function closeIntents(pool: pg.Pool, lease: LeaseProof, ids: number[]): Promise<void> {
  if (!ids.length) return
  await pool.query('delete from intent where id = any($1) and lease_name = $2 and lease_token = $3', [
    ids,
    lease.name,
    lease.token,
  ])
}
