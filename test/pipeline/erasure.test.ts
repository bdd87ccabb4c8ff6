import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { Erasures } from '../../src/assemble/erasures.ts'
import { digest } from '../../src/core/index.ts'
import { columnsOf } from '../../src/store/column-classes.ts'
import { createSecretStore, MasterKeys } from '../../src/store/index.ts'
import { one, TestHub, type TestSync } from './hub.ts'
import { MemorySystem } from './memory-system.ts'

const CANARY = 'canary.person@example.test'
const sync: TestSync = {
  name: 'copy',
  from: 'crm:contacts',
  to: 'erp:customers',
  match: [['number']],
  run: (record) => one({ number: record.number!, mail: record.email!, name: record.name! }),
}

/** A hub in which the canary is everywhere: log, deliveries, letters, journal, inbox, both streams. */
async function open() {
  const crm = new MemorySystem().stream('contacts', { deletions: 'scan' })
  const erp = new MemorySystem().stream('customers')
  const hub = await TestHub.open({ crm, erp }, [
    sync,
    { ...sync, name: 'back', from: 'erp:customers', to: 'crm:contacts', mode: 'update-only', run: () => one({}) },
  ])
  for (let i = 0; i < 10; i++)
    crm.put('contacts', `c${i}`, { number: String(i), email: `p${i}@example.test`, name: `N${i}` })
  crm.put('contacts', 'canary', { number: '77', email: CANARY, name: 'Canary' })
  crm.put('contacts', 'refused', { number: '78', email: CANARY, name: 'Canary' })
  erp.fault = (_operation, item) => (item.values.number === '78' ? 'refuse' : undefined)
  await hub.pull('crm:contacts', 'full')
  await hub.push('copy')
  await hub.pull('erp:customers')
  const id = hub.ports.model().connectionId('crm')!
  await hub.pool.query(
    `insert into inbox (connection_id, event_id, headers, body) values ($1, 'e', '{}', $2), ($1, 'f', '{}', 'other')`,
    [id, Buffer.from(JSON.stringify({ email: CANARY }))],
  )
  const folder = await mkdtemp(join(tmpdir(), 'causeway-erasures-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const keys = await MasterKeys.load({ file: join(folder, 'master-key') })
  const secrets = createSecretStore(hub.pool, keys)
  const erasures = new Erasures(hub.pool, secrets, folder)
  await erasures.open()
  hub.ports.erasures = erasures
  return { crm, erp, hub, erasures, folder, secrets }
}

/** Everything in the database as text, compressed columns unpacked. */
async function everything(hub: TestHub): Promise<string> {
  const { rows: tables } = await hub.pool.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = 'causeway' and c.relkind = 'r'`,
  )
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await hub.pool.query<Record<string, unknown>>(`select * from ${name}`)
    for (const row of rows)
      for (const value of Object.values(row))
        texts.push(Buffer.isBuffer(value) ? unpacked(value) : String(JSON.stringify(value)))
  }
  return texts.join('\n')
}

function unpacked(bytes: Buffer): string {
  try {
    return zstdDecompressSync(bytes).toString()
  } catch {
    return bytes.toString('latin1')
  }
}

test('an erased person is found nowhere, the others stay, and the target is not told', async () => {
  const { erp, hub, erasures, folder } = await open()
  expect(await everything(hub)).toContain(CANARY)
  const counts = await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  expect(counts).toMatchObject({ records: 3, deadLetters: 1, events: 1 })
  const left = await everything(hub)
  expect(left).not.toContain(CANARY)
  expect(left).not.toContain('Canary')
  for (let i = 0; i < 10; i++) expect(left).toContain(`p${i}@example.test`)
  expect(await readFile(join(folder, 'erasures.jsonl'), 'utf8')).not.toContain(CANARY)
  expect(erp.list('customers')).toHaveLength(11)
  expect((await hub.pool.query('select state from dead_letter')).rows).toEqual([{ state: 'discarded' }])
})

const said = (what: string, code = 'CSW-3008'): string => JSON.stringify({ code, what, why: 'refused' })

test('what systems said of an erased person goes too, wherever it is kept; its codes stay, and what was said of others', async () => {
  const { hub, erasures } = await open()
  await hub.pool.query(`
    insert into alert_message (id, route, change, content) values ('m', 'ops', 'opened', '{}');
    insert into analytics_table (target, schema_name, name, stream_id, columns) select 'bi', 's', 't', min(id), '[]' from stream;
    insert into analytics_files (target, written_at) values ('bi', now());
    insert into bulk_action (kind, filter, actor, request, total) values ('dead_letters.requeue', '{}', 'ada', '{}', 1);
    insert into webhook_subscription (connection_id, url, events) select min(id), 'https://hub.test', '[]' from connection`)
  // Letters and deliveries of others, which a system may answer with "there is one like it already".
  await hub.pool.query(
    `insert into dead_letter (kind, sync_id, record_id, part, code, fingerprint, error)
     select 'push', sync_id, 'c1', '', 'CSW-3008', 'f', '{}' from delivery where record_id = 'c1' limit 1`,
  )
  for (const { table, column } of columnsOf('words')) {
    const { rowCount } = await hub.pool.query(`update ${table} set ${column} = $1`, [said(`like ${CANARY}`)])
    expect(rowCount, table).toBeGreaterThan(0)
  }
  // And what waits for its cause is still found by its code.
  await hub.pool.query(`update delivery set state = 'parked', error = $1 where record_id = 'c2'`, [
    said(`like ${CANARY}`, 'CSW-5020'),
  ])
  await hub.pool.query(
    `insert into run (kind, trigger, stream_id, outcome, error) select 'pull', 'api', id, 'failed', $1 from stream`,
    // By a field that nobody erases by.
    [said('no such person as Canary Bird')],
  )
  await hub.pool.query(
    `with other as (insert into connection (name, connector) values ('other', 'x') returning id)
     insert into stream (connection_id, name, last_error) select id, 'people', $1 from other`,
    [said('like p3@example.test')],
  )

  await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  const left = await everything(hub)
  expect(left).not.toContain(CANARY)
  expect(left).not.toContain('Canary')
  expect(left).toContain('like p3@example.test')
  const { rows } = await hub.pool.query(
    `select (select string_agg(distinct error, ' ') from run) as runs,
            (select error from delivery where record_id = 'c2' and error like '%"code":"CSW-5020"%') as parked,
            (select state from dead_letter where record_id = 'c1') as letter`,
  )
  expect(rows[0]).toEqual({ runs: '{"code":"CSW-3008"}', parked: '{"code":"CSW-5020"}', letter: 'open' })
})

test('a person is found however their system spells them, and nobody else goes along', async () => {
  const { hub, erasures } = await open()
  const person = 'zoë/o’neil@example.test'
  const id = hub.ports.model().connectionId('crm')!
  const escaped = String.raw`{"email":"zo\u00eb\/o\u2019neil@example.test"}`
  const bodies = [
    escaped,
    `mail=zo%C3%AB%2Fo%E2%80%99neil%40example.test&n=1`,
    '<mail>zo&#xEB;/o&#8217;neil@example.test</mail>',
    '{"email":"abzoë/o’neil@example.test","number":"1777"}',
    '{"total":1770}',
  ]
  for (const [i, body] of bodies.entries())
    await hub.pool.query(`insert into inbox (connection_id, event_id, headers, body) values ($1, $2, '{}', $3)`, [
      id,
      `spelled${i}`,
      Buffer.from(body),
    ])
  await hub.pool.query(`update record set body = $1 where id = 'c3'`, [escaped])
  await hub.pool.query(
    `insert into dead_letter (kind, stream_id, record_id, code, fingerprint, error, input) select 'pull', stream_id, '', 'CSW-5001', 'f', '{}', $1 from record limit 1`,
    [escaped],
  )
  const counts = await erasures.erase({ field: 'email', value: person, actor: 'me' })
  expect(counts).toMatchObject({ events: 3 })
  const left = await everything(hub)
  expect(left).not.toContain(String.raw`zo\\u00eb`)
  expect(left).not.toContain('zo%C3')
  expect(await hub.pool.query(`select 1 from record where id = 'c3' and body is not null`)).toMatchObject({
    rowCount: 0,
  })
  // A short value stands in many numbers: what those webhooks say is not lost.
  expect(await erasures.erase({ field: 'number', value: '77', actor: 'me' })).toMatchObject({ events: 0 })
  const { rows } = await hub.pool.query(`select state from inbox where event_id in ('spelled3', 'spelled4')`)
  expect(rows).toEqual([{ state: 'pending' }, { state: 'pending' }])
})

test('whoever was erased does not come back with the next pull, nor is taken for deleted', async () => {
  const { crm, erp, hub, erasures } = await open()
  await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  crm.put('contacts', 'canary', { number: '77', email: CANARY, name: 'Canary the Second' })
  crm.put('contacts', 'again', { number: '79', email: CANARY, name: 'Canary the Third' })
  expect(await hub.pull('crm:contacts', 'full')).toMatchObject({
    outcome: 'success',
    counts: { deleted: 0, erased: 3 },
  })
  expect(await hub.push('copy')).toMatchObject({ counts: { created: 0, updated: 0, deleted: 0 } })
  expect(await everything(hub)).not.toContain('Canary')
  expect(erp.list('customers')).toHaveLength(11)
})

test('after the restore of an older dump the person is erased again at the start', async () => {
  const { hub, erasures, folder, secrets } = await open()
  const before = await hub.pool.query<{ id: string; body: string }>('select id, body from record where id = $1', [
    'canary',
  ])
  await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  // The dump of yesterday knows the record and nothing of the erasure.
  await hub.pool.query('delete from erasure')
  await hub.pool.query('delete from secret')
  await hub.pool.query('update record set body = $2 where id = $1', ['canary', before.rows[0]!.body])
  expect(await everything(hub)).toContain(CANARY)
  await new Erasures(hub.pool, secrets, folder).open()
  expect(await everything(hub)).not.toContain(CANARY)
})

test('nobody without the master key can tell who was erased, and hashes of former versions get a key', async () => {
  const { hub, erasures, folder, secrets } = await open()
  const bare = digest(`erasure\nemail\n${CANARY}`)
  const file = join(folder, 'erasures.jsonl')
  await hub.pool.query(`insert into erasure (field, value_hash, actor) values ('email', $1, 'me')`, [bare])
  await writeFile(file, `${JSON.stringify({ field: 'email', hash: bare, at: '2026-01-01T00:00:00Z' })}\n{"field`)
  await erasures.open()
  expect(erasures.isErased({ email: CANARY })).toBe(true)
  expect(erasures.isErased({ email: 'p1@example.test' })).toBe(false)
  expect(await everything(hub)).not.toContain(bare)
  expect(await readFile(file, 'utf8')).not.toContain(bare)
  // Erased once more, it is the same entry; another process, and one with a dump of before, know it too.
  await erasures.erase({ field: 'email', value: CANARY, actor: 'me' })
  expect((await hub.pool.query('select 1 from erasure')).rowCount).toBe(1)
  await hub.pool.query('delete from erasure')
  await hub.pool.query('delete from secret')
  const other = new Erasures(hub.pool, secrets, folder)
  await other.open()
  expect(other.isErased({ email: CANARY })).toBe(true)
  expect((await hub.pool.query('select 1 from secret')).rowCount).toBe(1)
})

test('two processes that erase at once, and one whose data folder is empty, agree on who was erased', async () => {
  const { hub, erasures, secrets } = await open()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-erasures-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const other = new Erasures(hub.pool, secrets, folder)
  await other.open()
  await Promise.all([
    erasures.erase({ field: 'email', value: CANARY, actor: 'me' }),
    other.erase({ field: 'email', value: 'p1@example.test', actor: 'me' }),
  ])
  await Promise.all([erasures.refresh(), other.refresh()])
  for (const one of [erasures, other])
    expect(['p1@example.test', 'p2@example.test', CANARY].map((email) => one.isErased({ email }))).toEqual([
      true,
      false,
      true,
    ])
  expect((await hub.pool.query('select 1 from secret')).rowCount).toBe(1)
})
