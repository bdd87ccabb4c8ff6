/** `causeway doctor --restored`, on a copy of a ledger that was made while work was under way. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { appendAudit, createPool, createSecretStore, MasterKeys } from '../../src/store/index.ts'
import { acquireLease } from '../../src/store/leases.ts'
import { runCli } from '../cli/run-cli.ts'
import { addDeadLetter, addDelivery, seedHub } from '../http/rows.ts'
import { freshDatabase, withDatabase } from '../postgres.ts'

const KEY = Buffer.alloc(32, 7).toString('base64')
const OTHER_KEY = Buffer.alloc(32, 8).toString('base64')
type Checks = Record<string, { ok: boolean; detail: string; fix?: string }>

/** A folder with nothing but a hub file, as it comes out of git. */
async function folder(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-restored-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  await writeFile(join(dir, 'causeway.yaml'), 'connections: {}\n')
  return dir
}

/** A ledger in the middle of its work. */
async function busyLedger(): Promise<string> {
  const { pool, url } = await freshDatabase()
  const ids = await seedHub(pool)
  const keys = await MasterKeys.load({ value: KEY, file: '/nonexistent' })
  await createSecretStore(pool, keys).put({ connection: 'crm', field: 'key' }, 'canary-secret')
  for (const action of ['token.create', 'sync.pause'])
    await appendAudit(pool, { actor: 'ada', action, subject: 'x', detail: {} })
  const lease = await acquireLease(pool, 'push:1:0', { holder: 'former', ttlMs: 3_600_000 })
  await pool.query(
    `insert into intent (target_stream, target_key, sync_id, record_id, part, operation, match_key, idempotency_key, lease_name, lease_token)
     values ($1, 'key:1', $2, 'c1', '', 'create', '[]', 'i1', 'push:1:0', $3)`,
    [ids.customers, ids.sync, lease!.token],
  )
  await addDelivery(pool, ids.sync, 'c1', 'in_doubt')
  await addDelivery(pool, ids.sync, 'c2', 'pending', { nextAttemptAt: new Date() })
  await addDeadLetter(pool, ids.sync, 'c3', 'CSW-3008', 'f')
  await pool.query(
    `insert into inbox (connection_id, event_id, headers, body) values ($1, 'e1', '{}', 'x'), ($1, 'e2', '{}', 'y')`,
    [ids.crm],
  )
  await pool.query(`insert into schedule_slot (schedule, slot, fired_by) values ('a', now() - interval '1 day', 'x')`)
  await pool.end()
  return url
}

/** What a dump holds, in a database of its own: the pages are copied, as a base backup does. */
async function restore(url: string): Promise<string> {
  const server = withDatabase(url, 'postgres')
  const from = new URL(url).pathname.slice(1)
  const name = `${from}_restored_${Math.random().toString(36).slice(2, 8)}`
  const administer = async (sql: string): Promise<void> => {
    const client = new pg.Client({ connectionString: server })
    await client.connect()
    await client.query(sql).finally(() => client.end())
  }
  await administer(`create database ${name} template ${from} strategy file_copy`)
  onTestFinished(() => administer(`drop database if exists ${name} with (force)`))
  return withDatabase(url, name)
}

async function look(
  dir: string,
  url: string,
  env: Record<string, string> = {},
): Promise<{ code: number | null; checks: Checks }> {
  const { code, stdout, stderr } = await runCli(['-C', dir, 'doctor', '--restored', '-o', 'json'], {
    env: { DATABASE_URL: url, CAUSEWAY_MASTER_KEY: KEY, ...env },
  })
  expect(stderr).not.toContain('CSW-1001')
  const { data } = JSON.parse(stdout) as {
    data: { items: { check: string; ok: boolean; detail: string; fix?: string }[] }
  }
  return { code, checks: Object.fromEntries(data.items.map(({ check, ...rest }) => [check, rest])) }
}

test('a whole copy passes, and what the first start will do is said; nothing is changed by looking', async () => {
  const dir = await folder()
  const url = await restore(await busyLedger())
  const { code, checks } = await look(dir, url)
  expect(Object.entries(checks).filter(([, { ok }]) => !ok)).toEqual([])
  expect(code).toBe(0)
  const said = Object.fromEntries(Object.entries(checks).map(([check, { detail }]) => [check, detail]))
  expect(said).toMatchObject({
    'other processes': 'none is in this database',
    'master key': '1 sealed secrets and keys of bodies open',
    erasures: 'nobody was erased',
    queue: expect.stringMatching(/^came with the ledger/),
  })
  expect(said.audit).toMatch(/^2 rows, each follows the one before; the last is [0-9a-f]{64}/)
  expect(said.leases).toMatch(/^1 still run, until \d{4}-/)
  expect(said['writes under way']).toMatch(/^1 of \S+: each is looked up in its target before anything is sent$/)
  expect(said.deliveries).toMatch(/^1 are tried again, 1 are in doubt and looked up first, 1 dead letters/)
  expect(said.inbox).toMatch(/^2 webhooks that nobody has read/)
  expect(said.schedules).toMatch(/^1 fired before; where slots were missed since, the latest fires once/)
  expect(said.age).toMatch(/nothing is known of what came after \d{4}-.*run each sync in full/)

  const pool = createPool(url, { max: 1 })
  const { rows } = await pool.query(
    `select (select count(*)::int from lease) as leases, (select count(*)::int from intent) as intents,
            (select count(*)::int from inbox where state = 'pending') as inbox, (select count(*)::int from audit) as audit`,
  )
  await pool.end()
  expect(rows[0]).toEqual({ leases: 1, intents: 1, inbox: 2, audit: 2 })
  expect((await readdir(dir)).sort(), 'no key was made').toEqual(['causeway.yaml'])
})

test('another master key, none at all, and a list of erasures that is missing or longer are told', async () => {
  const dir = await folder()
  const url = await restore(await busyLedger())
  const wrong = await look(dir, url, { CAUSEWAY_MASTER_KEY: OTHER_KEY })
  expect(wrong.code).toBe(1)
  expect(wrong.checks['master key']).toMatchObject({
    ok: false,
    detail: expect.stringMatching(/^of 1 sealed .* do not open: 1 with CSW-60\d\d$/),
    fix: expect.stringContaining('Put the master key of the backup back'),
  })
  const none = await look(dir, url, { CAUSEWAY_MASTER_KEY: '' })
  expect(none.checks['master key']).toMatchObject({ ok: false, detail: expect.stringContaining('there is none') })

  const pool = createPool(url, { max: 1 })
  await pool.query(`insert into erasure (field, value_hash, actor) values ('email', 'k1:aa', 'ada')`)
  await pool.end()
  expect((await look(dir, url)).checks.erasures).toMatchObject({ ok: false })
  const lines = ['k1:aa', 'k1:bb'].map((hash) => JSON.stringify({ field: 'email', hash, at: '2026-01-01T00:00:00Z' }))
  await writeFile(join(dir, 'erasures.jsonl'), `${lines.join('\n')}\n{"cut`)
  const longer = await look(dir, url, { CAUSEWAY_DATA_DIR: '.' })
  expect(longer.checks.erasures).toEqual({
    ok: true,
    detail: '1 of 2 were made after the backup: they are carried out again before any work begins',
  })
})

test('a chain that was changed, a hub that is still at it, and a database without a ledger do not pass', async () => {
  const dir = await folder()
  const url = await restore(await busyLedger())
  const hub = createPool(url, { max: 1 })
  await hub.query('alter table audit disable trigger user')
  await hub.query(`update audit set actor = 'eve' where id = (select min(id) from audit)`)
  const { code, checks } = await look(dir, url)
  await hub.end()
  expect(code).toBe(1)
  expect(checks.audit).toMatchObject({ ok: false, detail: expect.stringMatching(/^broken at row \d+: /) })
  expect(checks['other processes']).toMatchObject({ ok: false, detail: '1 sessions of hubs are in this database' })

  const empty = await freshDatabase({ migrated: false })
  const nothing = await look(dir, empty.url)
  expect(nothing).toMatchObject({ code: 1, checks: { ledger: { ok: false, detail: 'the database holds no ledger' } } })
})
