/** Rows of a hub in the middle of its day: some things work, some wait, some are broken. */
import type pg from 'pg'
import { digest, sliceOf } from '../../src/core/index.ts'
import { saveConfiguration } from '../../src/store/index.ts'
import { packJournal, recordHash } from '../../src/store/ledger/journal.ts'
import { addDelivery, addRecord, addRun, type Seeded, seedHub } from '../http/rows.ts'

export const BIG_BODY =
  '{"id":9223372036854775807,"price":0.10,"share":1e400,"10":"ten","9":"nine","name":"Ada","name":"Ada Lovelace","tags":["a"],"none":null}'

/** Names that would run, hide or turn things around if they were taken for more than text. */
export const HOSTILE = {
  script: '<img src=x onerror="globalThis.hacked=1"><script>globalThis.hacked=1</script>',
  bidi: 'invoice\u202egnp.exe',
  long: 'x'.repeat(900),
}

const ERROR = {
  code: 'CSW-3008',
  what: 'The target refused the record: "vat_number" is not valid.',
  why: 'The other side refused this record.',
  fix: 'Correct the value in the source, or the mapping.',
  causeClass: 'data',
  place: { file: 'mappings/contacts-to-erp.yaml', line: 12, column: 7 },
  data: { status: 422, path: 'vat_number' },
}

const EXCHANGE = JSON.stringify([
  {
    at: '2026-03-02T11:59:58.000Z',
    method: 'POST',
    url: 'https://erp.example.org/customers',
    status: 422,
    ms: 41,
    requestBytes: 13,
    responseBytes: 33,
    requestHeaders: { authorization: '***', 'content-type': 'application/json' },
    request: '{"vat":"DE1"}',
    response: '{"error":"vat_number is invalid"}',
  },
])

export type Lively = Seeded & { deadLetters: number[]; failedRun: number }

/** `earlier`: what ran before, whose numbers come first. */
export async function fillHub(pool: pg.Pool, earlier?: (ids: Seeded) => Promise<void>): Promise<Lively> {
  const ids = await seedHub(pool)
  await earlier?.(ids)
  await addRecord(pool, ids.contacts, 'c1', BIG_BODY, { email: 'ada@example.org', seq: 7 })
  await addRecord(pool, ids.contacts, HOSTILE.script, JSON.stringify({ name: HOSTILE.script }), { seq: 8 })
  await addRecord(pool, ids.contacts, HOSTILE.bidi, JSON.stringify({ name: HOSTILE.bidi }), { seq: 9 })
  await addDelivery(pool, ids.sync, 'c1', 'delivered', { delivered: '{"name":"Ada Lovelace","price":0.10}' })
  await pool.query(`insert into link (stream_id, record_id, entity_id) values ($1, 'c1', 9), ($2, '4711', 9)`, [
    ids.contacts,
    ids.customers,
  ])
  await addJournal(pool, ids)
  const failedRun = await addRuns(pool, ids)
  const deadLetters = await addDeadLetters(pool, ids)
  await addStandstills(pool)
  return { ...ids, deadLetters, failedRun }
}

async function addRuns(pool: pg.Pool, ids: Seeded): Promise<number> {
  const at = (minutes: number): Date => new Date(Date.now() - minutes * 60_000)
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, counts: { read: 2000, changed: 12 }, startedAt: at(40) })
  const failed = await addRun(pool, { kind: 'pull', streamId: ids.contacts, outcome: 'failed', startedAt: at(20) })
  await pool.query(`update run set error = $2 where id = $1`, [
    failed,
    JSON.stringify({ ...ERROR, code: 'CSW-3001', what: 'crm.example.org does not answer.' }),
  ])
  await addRun(pool, {
    kind: 'push',
    syncId: ids.sync,
    outcome: 'partial',
    counts: { read: 1200, created: 1100, updated: 60, dead: 40 },
    startedAt: at(3),
  })
  await pool.query(`update run set finished_at = started_at + interval '4.2 seconds' where trigger = 'api'`)
  await pool.query(`update run set times = $1 where kind = 'push' and trigger = 'api'`, [
    { queue: 800, limits: 1000, remote: 2500, mapping: 300, storing: 150 },
  ])
  await pool.query(`update sync set last_success_at = now() - interval '3 minutes', last_push_at = now()`)
  return failed
}

async function addDeadLetters(pool: pg.Pool, ids: Seeded): Promise<number[]> {
  const made: number[] = []
  for (const [fingerprint, code, count] of [
    ['vat', 'CSW-3008', 3],
    ['doubt', 'CSW-5004', 1],
  ] as const)
    for (let i = 0; i < count; i++) {
      const { rows } = await pool.query<{ id: number }>(
        `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error, input, output, exchange, attempts)
         values ('push', $1, $2, '', $3, $4, $5, $6, $7, $8, 3) returning id`,
        [
          ids.sync,
          `${fingerprint}-${i}`,
          code,
          fingerprint,
          JSON.stringify({ ...ERROR, code }),
          BIG_BODY,
          '{"vat":"DE1"}',
          EXCHANGE,
        ],
      )
      made.push(rows[0]!.id)
    }
  return made
}

/** A letter of a record that the log holds. */
export async function addLetter(pool: pg.Pool, ids: Seeded, recordId: string, seq: number): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    `insert into dead_letter (kind, sync_id, record_id, part, source_seq, code, fingerprint, error, input, attempts)
     values ('push', $1, $2, '', $3, $4, 'own', $5, $6, 1) returning id`,
    [ids.sync, recordId, seq, ERROR.code, JSON.stringify(ERROR), BIG_BODY],
  )
  return rows[0]!.id
}

async function addStandstills(pool: pg.Pool): Promise<void> {
  await pool.query(
    `insert into connection (name, connector, state, state_reason, wait_until, wait_reason, max_per_second) values
       ('helpdesk', 'demo-helpdesk', 'needs_authorisation', 'The refresh token was revoked.', null, null, null),
       ('docs', 'webdav', 'active', null, now() + interval '7 minutes', 'The quota of this hour is used up.', 10),
       ('hrm', 'demo-hrm', 'paused', 'Payroll week', null, null, null)`,
  )
  await pool.query(
    `insert into stream (connection_id, name) select id, 'files' from connection where name in ('docs', 'hrm', 'helpdesk')`,
  )
  await pool.query(
    `insert into sync (name, from_stream, to_stream, version, state, state_reason)
     select 'files-to-docs', s.id, t.id, 'v1', 'active', null
       from stream s, stream t, connection c where t.connection_id = c.id and c.name = 'docs' and s.name = 'contacts'`,
  )
}

async function addJournal(pool: pg.Pool, ids: Seeded): Promise<void> {
  const packed = await packJournal({
    entries: [
      {
        record: 'c1',
        part: '',
        seq: 7,
        outcome: 'updated',
        operation: 'update',
        target: '4711',
        input: BIG_BODY,
        output: { name: 'Ada Lovelace' },
        before: { name: 'Ada' },
        error: null,
      },
    ] as unknown as Parameters<typeof packJournal>[0]['entries'],
    exchanges: [],
  })
  await pool.query(
    `insert into journal (kind, stream_id, sync_id, run_id, mapping_version, record_hashes, entries)
     values ('push', $1, $2, 1, 'v1', $3, $4)`,
    [ids.contacts, ids.sync, [recordHash('c1')], packed],
  )
}

/** Two configurations that came into force; gives the number of the former. */
export async function keepVersions(pool: pg.Pool): Promise<number> {
  for (const [price, how, actor] of [
    ['list_price', 'start', 'hub'],
    ['net_price', 'plan', 'user:ada'],
  ] as const) {
    const text = `from: crm:contacts\nto: erp:customers\nmatch: [email]\nmap:\n  name: name\n  price: ${price}\n`
    await saveConfiguration(pool, {
      items: [{ kind: 'sync', name: 'contacts-to-erp', fields: { mapping: digest(text), schedule: 'every 15m' } }],
      version: {
        files: [
          { path: 'causeway.yaml', content: Buffer.from('connections: {}\n'), digest: digest('hub'), masked: false },
          { path: 'mappings/contacts-to-erp.yaml', content: Buffer.from(text), digest: digest(text), masked: false },
        ],
        environment: null,
        mappings: [],
        how,
        actor,
        host: 'hub-1',
        reason: how === 'plan' ? 'Net prices from today' : null,
      },
    })
  }
  const { rows } = await pool.query<{ id: number }>('select min(id) as id from configuration_version')
  return rows[0]!.id
}

/** A push backlog: records the sync has not come to. */
export async function addBacklog(pool: pg.Pool, ids: Seeded, count: number): Promise<void> {
  for (let i = 0; i < count; i++)
    await pool.query(
      `insert into record (stream_id, id, slice, seq, hash, body, observed_at)
       values ($1, $2, $3, $4, 'h', '{}', now() - interval '5 minutes')`,
      [ids.contacts, `b${i}`, sliceOf(`b${i}`), 100 + i],
    )
}
