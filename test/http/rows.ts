/** Rows of a small hub: a CRM that is read, an ERP that is written, one sync between them. */
import type pg from 'pg'
import { sliceOf } from '../../src/core/index.ts'

export type Seeded = { crm: number; erp: number; contacts: number; customers: number; sync: number }

const idOf = async (pool: pg.Pool, sql: string, values: unknown[]): Promise<number> =>
  (await pool.query<{ id: number }>(`${sql} returning id`, values)).rows[0]!.id

export async function seedHub(pool: pg.Pool): Promise<Seeded> {
  const connection = 'insert into connection (name, connector) values ($1, $2)'
  const stream = 'insert into stream (connection_id, name, key_fields) values ($1, $2, $3)'
  const crm = await idOf(pool, connection, ['crm', 'demo-crm'])
  const erp = await idOf(pool, connection, ['erp', 'demo-erp'])
  const contacts = await idOf(pool, stream, [crm, 'contacts', ['email']])
  const customers = await idOf(pool, stream, [erp, 'customers', []])
  const sync = await idOf(pool, 'insert into sync (name, from_stream, to_stream, version) values ($1, $2, $3, $4)', [
    'contacts-to-erp',
    contacts,
    customers,
    'v1',
  ])
  return { crm, erp, contacts, customers, sync }
}

export async function addRecord(
  pool: pg.Pool,
  streamId: number,
  id: string,
  body: string,
  options: { seq?: number; email?: string } = {},
): Promise<void> {
  const seq = options.seq ?? 1
  await pool.query(
    'insert into record (stream_id, id, slice, seq, hash, body, observed_at) values ($1, $2, $3, $4, $5, $6, now())',
    [streamId, id, sliceOf(id), seq, 'h', body],
  )
  await pool.query('update stream set seq = greatest(seq, $2) where id = $1', [streamId, seq])
  if (options.email)
    await pool.query(`insert into record_key (stream_id, field, value, record_id) values ($1, 'email', $2, $3)`, [
      streamId,
      options.email,
      id,
    ])
}

export async function addDelivery(
  pool: pg.Pool,
  syncId: number,
  recordId: string,
  state: string,
  more: { error?: string; nextAttemptAt?: Date; delivered?: string } = {},
): Promise<void> {
  await pool.query(
    `insert into delivery (sync_id, record_id, slice, state, source_seq, error, next_attempt_at, delivered, mapping_version)
     values ($1, $2, $3, $4, 1, $5, $6, $7, 'v1')`,
    [
      syncId,
      recordId,
      sliceOf(recordId),
      state,
      more.error ?? null,
      more.nextAttemptAt ?? null,
      more.delivered ?? null,
    ],
  )
}

export async function addDeadLetter(
  pool: pg.Pool,
  syncId: number,
  recordId: string,
  code: string,
  fingerprint: string,
  texts: { input?: string; output?: string } = {},
): Promise<number> {
  return idOf(
    pool,
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error, input, output)
     values ('push', $1, $2, '', $3, $4, $5, $6, $7)`,
    [
      syncId,
      recordId,
      code,
      fingerprint,
      JSON.stringify({ code, what: 'refused' }),
      texts.input ?? null,
      texts.output ?? null,
    ],
  )
}

export async function addRun(
  pool: pg.Pool,
  run: {
    kind: string
    streamId?: number
    syncId?: number
    requestId?: string
    outcome?: string
    counts?: object
    startedAt?: Date
  },
): Promise<number> {
  return idOf(
    pool,
    `insert into run (kind, trigger, stream_id, sync_id, request_id, outcome, counts, started_at)
     values ($1, 'api', $2, $3, $4, $5, $6, $7)`,
    [
      run.kind,
      run.streamId ?? null,
      run.syncId ?? null,
      run.requestId ?? null,
      run.outcome ?? 'success',
      run.counts ?? {},
      run.startedAt ?? new Date(),
    ],
  )
}
