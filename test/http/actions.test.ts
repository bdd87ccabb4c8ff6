import { afterAll, beforeAll, expect, test } from 'vitest'
import { expectDocumented } from './contract.ts'
import { startHub, type TestHub, TOKEN } from './hub.ts'
import { addDeadLetter, addDelivery, addRecord, addRun, type Seeded, seedHub } from './rows.ts'

let hub: TestHub
let ids: Seeded
beforeAll(async () => {
  hub = await startHub()
  ids = await seedHub(hub.pool)
})
afterAll(() => hub.close())

const stateOf = async (id: number): Promise<unknown> =>
  (await hub.pool.query('select state, actor, reason from dead_letter where id = $1', [id])).rows[0]

test('run answers 202 with a request id and hands the wish on', async () => {
  const response = await hub.post('/api/v1/syncs/contacts-to-erp/run', { full: true, reason: 'new mapping' })
  expect(response.status).toBe(202)
  expect(await expectDocumented(hub, 'runSync', response)).toEqual({ requestId: 'request-1' })
  expect(hub.calls.at(-1)).toEqual([
    'runSync',
    'contacts-to-erp',
    { full: true, trigger: 'api', actor: { name: 'admin', reason: 'new mapping' } },
  ])
  expect((await hub.post('/api/v1/syncs/contacts-to-erq/run', {})).status).toBe(404)
  expect((await hub.post('/api/v1/syncs/contacts-to-erp/run', { full: 'yes' })).status).toBe(400)
})

test('actions need no body', async () => {
  expect((await hub.post('/api/v1/syncs/contacts-to-erp/run')).status).toBe(202)
  const bare = await fetch(`${hub.url}/api/v1/syncs/contacts-to-erp/resume`, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  expect(bare.status).toBe(200)
})

test('pause and resume show in connection and queue', async () => {
  const paused = await hub.post('/api/v1/connections/erp/pause', { reason: 'upgrade' })
  expect(await expectDocumented(hub, 'pauseConnection', paused)).toMatchObject({ name: 'erp', state: 'paused' })
  const { items } = (await (await hub.get('/api/v1/queues?connection=erp')).json()) as {
    items: { kind: string; paused: boolean }[]
  }
  expect(items).toMatchObject([{ kind: 'push', paused: true }])
  await hub.post('/api/v1/connections/erp/resume')
  expect(await (await hub.get('/api/v1/connections/erp')).json()).toMatchObject({ connection: { state: 'active' } })
})

test('a connection test reports each step and is not ok when one failed', async () => {
  const response = await hub.post('/api/v1/connections/crm/test', {})
  expect(await expectDocumented(hub, 'testConnection', response)).toMatchObject({
    ok: false,
    steps: [
      { step: 'dns', ok: true },
      { step: 'auth', ok: false, code: 'CSW-3003' },
    ],
  })
})

test('one dead letter is requeued or discarded once; a second time is a conflict', async () => {
  const [first, second] = [
    await addDeadLetter(hub.pool, ids.sync, 'd1', 'CSW-3008', 'a'),
    await addDeadLetter(hub.pool, ids.sync, 'd2', 'CSW-3008', 'a'),
  ]
  await addDelivery(hub.pool, ids.sync, 'd1', 'dead')
  expect(await (await hub.post(`/api/v1/dead-letters/${first}/requeue`, {})).json()).toEqual({ requeued: 1 })
  const { rows } = await hub.pool.query(
    `select state, next_attempt_at is not null as due from delivery where record_id = 'd1'`,
  )
  expect(rows).toEqual([{ state: 'pending', due: true }])
  const again = await hub.post(`/api/v1/dead-letters/${first}/requeue`, {})
  expect(await expectDocumented(hub, 'requeueDeadLetter', again)).toMatchObject({ status: 409, code: 'CSW-8008' })
  expect((await hub.post(`/api/v1/dead-letters/${second}/discard`, {})).status).toBe(400)
  expect(await (await hub.post(`/api/v1/dead-letters/${second}/discard`, { reason: 'test data' })).json()).toEqual({
    discarded: 1,
  })
  expect(await stateOf(second)).toEqual({ state: 'discarded', actor: 'admin', reason: 'test data' })
})

test('a corrected record is kept to the last digit; what is no record is refused', async () => {
  const id = await addDeadLetter(hub.pool, ids.sync, 'k1', 'CSW-3008', 'k')
  await addRecord(hub.pool, ids.contacts, 'k1', '{}', { seq: 50 })
  await hub.pool.query('update dead_letter set source_seq = 50 where id = $1', [id])
  const path = `/api/v1/dead-letters/${id}/correct`
  for (const text of ['[]', '7', 'null', '{"a":', '{"a":1} x', '{"a":"\ud800"}']) {
    const refused = await hub.post(path, { text })
    expect(await expectDocumented(hub, 'correctDeadLetter', refused), text).toMatchObject({
      status: 400,
      code: 'CSW-8003',
    })
  }
  const text = '{"id": 9223372036854775807, "price": 0.10, "nul": "\\u0000"}'
  expect(await (await hub.post(path, { text })).json()).toEqual({ requeued: 1 })
  const { rows } = await hub.pool.query('select body from correction where record_id = $1', ['k1'])
  expect(rows).toEqual([{ body: text }])
})

test('a letter is somebody’s, is found by that, and a note can be taken away again', async () => {
  const id = await addDeadLetter(hub.pool, ids.sync, 'w1', 'CSW-3008', 'w')
  const assign = async (body: object) => (await hub.post(`/api/v1/dead-letters/${id}/assign`, body)).json()
  expect(await assign({ assignee: 'Ada', note: 'asked' })).toMatchObject({ assignee: 'Ada', note: 'asked' })
  expect(await assign({ assignee: 'Ada' })).toMatchObject({ note: 'asked' })
  const of = async (name: string) => (await (await hub.get(`/api/v1/dead-letters?assignee=${name}`)).json()) as object
  expect(await of('Ada')).toMatchObject({ items: [{ id }] })
  expect(await of('Bob')).toMatchObject({ items: [] })
  const preview = await hub.post('/api/v1/dead-letters/preview', { filter: { assignee: 'Ada' } })
  expect(await preview.json()).toMatchObject({ count: 1 })
  expect(await assign({ assignee: null, note: '' })).toMatchObject({ assignee: null, note: null })
})

test('a drift is listed with the lines it touches, and accepted once', async () => {
  const touches = [
    { sync: 'contacts-to-erp', key: 'map.id', expression: 'id', place: { file: 'm.yaml', line: 4, column: 7 } },
  ]
  const changes = [{ kind: 'type', field: 'id', before: ['text'], after: ['number'], by: 'records', touches }]
  const { rows } = await hub.pool.query<{ id: number }>(
    'insert into drift (stream_id, run_id, changes) values ($1, 1, $2) returning id',
    [ids.contacts, JSON.stringify(changes)],
  )
  const { id } = rows[0]!
  const listed = await hub.get('/api/v1/drifts?stream=crm:contacts&state=open&run=1')
  expect(await expectDocumented(hub, 'listDrifts', listed)).toMatchObject({ items: [{ id, changes }] })
  const accepted = await hub.post(`/api/v1/drifts/${id}/accept`, { reason: 'mapping is fine' })
  expect(await expectDocumented(hub, 'acceptDrift', accepted)).toEqual({ accepted: id })
  const again = await hub.post(`/api/v1/drifts/${id}/accept`, {})
  expect(await expectDocumented(hub, 'acceptDrift', again)).toMatchObject({ status: 409, code: 'CSW-8008' })
})

test('alerts tell how far each route is; tests and snoozes name who asked', async () => {
  await hub.pool.query(
    `insert into alert_subject (key, kind, state, round, content, first_seen_at, seen_at)
     values ('k1', 'problem', 'open', 1, '{"title":"x"}', now(), now())`,
  )
  await hub.pool.query(
    `insert into alert_snooze (scope, until, actor) values ('subject:k1', now() + interval '1 hour', 'user:ada')`,
  )
  const listed = await hub.get('/api/v1/alerts')
  const { routes, open } = (await expectDocumented(hub, 'listAlerts', listed)) as { routes: object[]; open: object[] }
  expect(routes).toMatchObject([{ name: 'ops', waiting: 0, snooze: null }])
  expect(open).toMatchObject([{ key: 'k1', content: { title: 'x' }, snooze: { actor: 'user:ada' } }])
  const tried = await hub.post('/api/v1/alerts/routes/ops/test', {})
  expect(await expectDocumented(hub, 'testAlertRoute', tried)).toEqual({ sent: true })
  const until = '2027-01-01T00:00:00.000Z'
  const quiet = await hub.post('/api/v1/alerts/snooze', { route: 'ops', until, reason: 'vendor' })
  expect(await expectDocumented(hub, 'snoozeAlerts', quiet)).toEqual({ until })
  const unclear = await hub.post('/api/v1/alerts/wake', { route: 'ops', subject: 'k1' })
  expect(unclear.status).toBe(400)
  expect(hub.calls.slice(-2)).toEqual([
    ['testAlertRoute', 'ops', { name: 'admin', reason: null }],
    ['snoozeAlerts', { route: 'ops' }, new Date(until), { name: 'admin', reason: 'vendor' }],
  ])
})

test('a rotation of the master key says what became of it, and in whose name', async () => {
  const asked = await hub.post('/api/v1/secrets/rotate', { reason: 'somebody left' })
  expect(await expectDocumented(hub, 'rotateSecrets', asked)).toMatchObject({ key: 'k2', former: ['k1'], resealed: 2 })
  expect(hub.calls.at(-1)).toEqual(['rotateSecrets', { name: 'admin', reason: 'somebody left' }])
})

test('tables for analytics tell how far behind they are, and their files can be asked for', async () => {
  const { rows } = await hub.pool.query<{ seq: number }>('select seq from stream where id = $1', [ids.contacts])
  await hub.pool.query(
    `insert into analytics_table (target, schema_name, name, stream_id, columns, position, error) values ('bi', 'bi', 'crm_contacts', $1, '[]', $2, $3)`,
    [ids.contacts, rows[0]!.seq - 1, JSON.stringify({ code: 'CSW-6009', what: 'no right' })],
  )
  const listed = await hub.get('/api/v1/analytics')
  expect(await expectDocumented(hub, 'listAnalyticsTables', listed)).toMatchObject({
    items: [{ schema: 'bi', stream: 'crm:contacts', behind: 1, rows: null, lastError: { code: 'CSW-6009' } }],
  })
  const asked = await hub.post('/api/v1/analytics/bi/files', { reason: 'report' })
  expect(await expectDocumented(hub, 'writeAnalyticsFiles', asked)).toEqual({ folder: 'exports/bi' })
})

test('conflicts are listed with both sides, and decided one by one or all that are alike', async () => {
  await hub.pool.query(
    `insert into conflict (sync_id, from_id, to_id, field, side, base, from_value, to_value)
     select y.id, 'a' || n, 'b' || n, 'name', 'to', null, '"L"', '"R"' from sync y, generate_series(1, 3) n
      where y.name = 'contacts-to-erp'`,
  )
  const listed = await hub.get('/api/v1/conflicts?sync=contacts-to-erp&field=name&limit=2')
  const { items } = (await expectDocumented(hub, 'listConflicts', listed)) as { items: { id: number }[] }
  expect(items[0]).toMatchObject({
    fromId: 'a3',
    toId: 'b3',
    fromValue: 'L',
    toValue: 'R',
    agreedValue: null,
    state: 'open',
  })
  const said = { ids: [items[0]!.id], choose: 'value', value: 'Both', reason: 'asked them' }
  expect(await expectDocumented(hub, 'resolveConflicts', await hub.post('/api/v1/conflicts/resolve', said))).toEqual({
    decided: 1,
  })
  const filter = { sync: 'contacts-to-erp', field: 'name' }
  const previewed = await hub.post('/api/v1/conflicts/preview', { filter })
  const preview = (await expectDocumented(hub, 'previewConflicts', previewed)) as { token: string }
  expect(preview).toMatchObject({ count: 2, byField: { name: 2 } })
  // A side that is edited meanwhile is another question.
  await hub.pool.query(`update conflict set to_value = '"R2"' where from_id = 'a2'`)
  const stale = await hub.post('/api/v1/conflicts/resolve-all', { filter, token: preview.token, choose: 'from' })
  expect(await expectDocumented(hub, 'resolveAllConflicts', stale)).toMatchObject({ code: 'CSW-8007' })
  const { token } = (await (await hub.post('/api/v1/conflicts/preview', { filter })).json()) as { token: string }
  const rest = await hub.post('/api/v1/conflicts/resolve-all', { filter, token, choose: 'from' })
  const begun = await expectDocumented(hub, 'resolveAllConflicts', rest)
  expect(await ended(begun)).toMatchObject({ kind: 'conflicts.resolve', state: 'done', total: 2, done: 2 })
  const decided = await hub.get('/api/v1/conflicts?state=decided&record=a3')
  expect(await expectDocumented(hub, 'listConflicts', decided)).toMatchObject({
    items: [{ decision: 'value', decidedValue: 'Both', actor: 'admin', note: 'asked them' }],
  })
  const vague = await hub.post('/api/v1/conflicts/resolve', { choose: 'from' })
  expect(await expectDocumented(hub, 'resolveConflicts', vague)).toMatchObject({ code: 'CSW-8003' })
})

/** The bulk action when it is over. */
async function ended(begun: unknown): Promise<unknown> {
  const { id } = begun as { id: number }
  for (;;) {
    const action = await expectDocumented(hub, 'showBulkAction', await hub.get(`/api/v1/bulk-actions/${id}`))
    if ((action as { state: string }).state !== 'running') return action
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

test('a bulk requeue does what its preview counted and is refused when that changed', async () => {
  for (let i = 0; i < 8; i++) await addDeadLetter(hub.pool, ids.sync, `b${i}`, i < 6 ? 'CSW-3008' : 'CSW-5004', 'bulk')
  const filter = { fingerprint: 'bulk' }
  const response = await hub.post('/api/v1/dead-letters/preview', { filter })
  const preview = (await expectDocumented(hub, 'previewDeadLetters', response)) as { token: string; sample: unknown[] }
  expect(preview).toMatchObject({
    count: 8,
    byCode: { 'CSW-3008': 6, 'CSW-5004': 2 },
    duplicateRisk: 2,
  })
  expect(preview.sample).toHaveLength(5)

  const newcomer = await addDeadLetter(hub.pool, ids.sync, 'late', 'CSW-3008', 'bulk')
  const stale = await hub.post('/api/v1/dead-letters/requeue', { filter, token: preview.token })
  expect(await expectDocumented(hub, 'requeueDeadLetters', stale)).toMatchObject({ status: 409, code: 'CSW-8007' })
  expect(await stateOf(newcomer)).toMatchObject({ state: 'open' })

  const fresh = (await (await hub.post('/api/v1/dead-letters/preview', { filter })).json()) as { token: string }
  const done = await hub.post('/api/v1/dead-letters/requeue', { filter, token: fresh.token })
  expect(done.status).toBe(202)
  const begun = await expectDocumented(hub, 'requeueDeadLetters', done)
  expect(await ended(begun)).toMatchObject({ state: 'done', total: 9, done: 9, left: 0, actor: 'admin' })
  const over = await hub.post(`/api/v1/bulk-actions/${(begun as { id: number }).id}/abort`, {})
  expect(await expectDocumented(hub, 'abortBulkAction', over)).toMatchObject({ code: 'CSW-8008' })
  const listed = await hub.get('/api/v1/bulk-actions?kind=dead_letters.requeue&state=done')
  expect(await expectDocumented(hub, 'listBulkActions', listed)).toMatchObject({ items: [{ filter }] })
  expect(await stateOf(newcomer)).toMatchObject({ state: 'requeued' })
  const none = (await (await hub.get('/api/v1/dead-letters?fingerprint=bulk')).json()) as { items: unknown[] }
  expect(none.items).toEqual([])
})

test('an outage of 3 causes with 500 failures each shows as exactly 3 problems', async () => {
  await hub.pool.query(`update dead_letter set state = 'resolved'`)
  await hub.pool.query(
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error)
     select 'push', $1, 'p' || c.fingerprint || i, '', c.code, c.fingerprint, '{}'
       from generate_series(1, 500) i, (values ('CSW-3008', 'email'), ('CSW-3008', 'phone'), ('CSW-4002', 'map')) c(code, fingerprint)`,
    [ids.sync],
  )
  const { items } = (await (await hub.get('/api/v1/problems')).json()) as { items: Record<string, unknown>[] }
  expect(items.map(({ code, fingerprint, count }) => [code, fingerprint, count]).sort()).toEqual([
    ['CSW-3008', 'email', 500],
    ['CSW-3008', 'phone', 500],
    ['CSW-4002', 'map', 500],
  ])
  expect(items[0]).toMatchObject({
    connection: 'erp',
    connector: 'demo-erp',
    syncs: ['contacts-to-erp'],
    status: 'dead',
  })
  expect(items.find(({ code }) => code === 'CSW-4002')).toMatchObject({ causeClass: 'mapping' })
})

test('failing pulls and retrying deliveries are problems too', async () => {
  await hub.pool.query(`update dead_letter set state = 'resolved'`)
  await hub.pool.query('update stream set last_error = $2, pull_failures = 4 where id = $1', [
    ids.contacts,
    '{"code":"CSW-3001","what":"down"}',
  ])
  await addDelivery(hub.pool, ids.sync, 'retry', 'pending', {
    error: '{"code":"CSW-3006","what":"\\u0000"}',
    nextAttemptAt: new Date(Date.now() + 60_000),
  })
  const { items } = (await (await hub.get('/api/v1/problems')).json()) as { items: Record<string, unknown>[] }
  expect(items).toMatchObject([
    { code: 'CSW-3001', status: 'failing', connection: 'crm', count: 4, streams: ['crm:contacts'] },
    { code: 'CSW-3006', status: 'retrying', connection: 'erp', count: 1 },
  ])
  await hub.pool.query('update stream set last_error = null, pull_failures = 0')
})

test('queues count what waits, by connection and kind', async () => {
  await hub.pool.query('delete from delivery')
  await hub.pool.query('delete from record')
  const hour = 3_600_000
  for (let i = 0; i < 5; i++) await addRecord(hub.pool, ids.contacts, `q${i}`, '{}', { seq: 10 + i })
  await hub.pool.query(`update record set observed_at = now() - interval '1 hour'`)
  await addDelivery(hub.pool, ids.sync, 'due', 'pending', { nextAttemptAt: new Date(Date.now() - 1_000) })
  await addDelivery(hub.pool, ids.sync, 'later', 'pending', { nextAttemptAt: new Date(Date.now() + hour) })
  await hub.pool.query(
    `update stream set pull_mode = 'incremental', next_pull_at = now() - interval '2 minutes' where id = $1`,
    [ids.contacts],
  )
  await hub.pool.query(
    `insert into inbox (connection_id, event_id, headers, body) select $1, 'e' || i, '{}', '' from generate_series(1, 3) i`,
    [ids.crm],
  )
  await hub.pool.query(
    `update connection set wait_until = now() + interval '1 minute', wait_reason = 'quota', max_per_second = 5 where name = 'erp'`,
  )
  await addRun(hub.pool, { kind: 'push', syncId: ids.sync, outcome: 'running' })
  const queue = async (): Promise<Record<string, Record<string, unknown>>> => {
    const { items } = (await (await hub.get('/api/v1/queues')).json()) as { items: Record<string, unknown>[] }
    return Object.fromEntries(items.map((item) => [`${item.connection} ${item.kind}`, item]))
  }
  const before = await queue()
  expect(before['erp push']).toMatchObject({
    waiting: 6,
    delayed: 1,
    active: 1,
    throttlePerSecond: 5,
    waitReason: 'quota',
  })
  expect(before['erp push']!.oldestAgeSeconds).toBeGreaterThanOrEqual(3_590)
  expect(before['crm pull']).toMatchObject({ waiting: 1, delayed: 0, paused: false })
  expect(before['crm pull']!.oldestAgeSeconds).toBeGreaterThanOrEqual(119)
  expect(before['crm inbox']).toMatchObject({ waiting: 3 })

  // The sync comes as far as the log, somebody takes the pull: nothing is left but the due delivery.
  await hub.pool.query(
    'insert into sync_position (sync_id, stream_id, slice, seq) select $1, $2, s, 14 from generate_series(0, 63) s',
    [ids.sync, ids.contacts],
  )
  await hub.pool.query(
    `insert into lease (name, holder, expires_at) values ('pull:' || $1, 'w', now() + interval '1 minute')`,
    [ids.contacts],
  )
  const after = await queue()
  expect(after['erp push']).toMatchObject({ waiting: 1 })
  expect(after['crm pull']).toMatchObject({ waiting: 0, oldestAgeSeconds: null })
})
