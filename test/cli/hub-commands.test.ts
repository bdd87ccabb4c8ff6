/** Commands against a hub with a real ledger, over its socket. */
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sampleEnvironment } from '../../sandbox/index.ts'
import { Adoption } from '../../src/assemble/adoption.ts'
import { folderConfiguration, readHubFiles } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { saveConfiguration } from '../../src/store/index.ts'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { addDeadLetter, addDelivery, addRecord, addRun, type Seeded, seedHub } from '../http/rows.ts'
import { BIN, type CliResult, runBinary, runCli } from './run-cli.ts'

const BODY = '{"big":9223372036854775807,"price":0.10,"huge":1e400,"nul":"a\\u0000b","lone":"\\ud800","2":1,"1":2}'

let hub: TestHub
let ids: Seeded
let tokenFile: string
beforeAll(async () => {
  hub = await startHub()
  ids = await seedHub(hub.pool)
  tokenFile = join(tmpdir(), `causeway-token-${process.pid}`)
  await writeFile(tokenFile, `${TOKEN}\n`, { mode: 0o600 })
  await addRecord(hub.pool, ids.contacts, 'c1', BODY, { email: 'ada@example.org', seq: 3 })
  await addDelivery(hub.pool, ids.sync, 'c1', 'delivered', { delivered: BODY })
})
afterAll(() => hub.close())

const cli = (...args: string[]): Promise<CliResult> => runCli([...args, '--url', hub.url, '--token-file', tokenFile])
const program = (...args: string[]): Promise<CliResult> =>
  runBinary([...args, '--url', hub.url, '--token-file', tokenFile])
const dataOf = (result: CliResult): Record<string, unknown> => {
  expect(result.stderr).toBe('')
  expect(result.code).toBe(0)
  const envelope = JSON.parse(result.stdout) as { causeway: number; data: Record<string, unknown> }
  expect(envelope.causeway).toBe(1)
  return envelope.data
}

test('runs are listed as JSON, as lines and as a table; one is shown', async () => {
  const id = await addRun(hub.pool, { kind: 'pull', streamId: ids.contacts, counts: { read: 12 } })
  expect(dataOf(await cli('runs', 'list', '--kind', 'pull'))).toMatchObject({ items: [{ id, outcome: 'success' }] })
  const lines = (await cli('runs', 'list', '-o', 'ndjson')).stdout.trim().split('\n')
  expect(lines.map((line) => (JSON.parse(line) as { id: number }).id)).toEqual([id])
  const human = (await cli('runs', 'list', '-o', 'human')).stdout
  expect(human).toMatch(/run +kind +of/)
  expect(human).toContain('crm:contacts')
  expect(human).toContain('read 12')
  expect(dataOf(await cli('runs', 'show', String(id)))).toMatchObject({ id })
  expect((await cli('runs', 'show', '999')).code).toBe(2)
})

test('a record body comes through byte for byte, found by e-mail address', async () => {
  const result = await program('records', 'show', 'ada@example.org')
  expect(result.code).toBe(0)
  expect(result.stdout).toContain(`"body":${BODY}`)
  expect(result.stdout).toContain(`"delivered":${BODY}`)
  const human = (await cli('records', 'show', 'c1', '--stream', 'crm:contacts', '-o', 'human')).stdout
  expect(human).toContain('9223372036854775807')
  expect(human).toContain('0.10')
  expect(human).toContain('1e400')
  expect((await cli('records', 'show', 'nobody')).code).toBe(2)
})

test('escape sequences of other systems do not reach the terminal', async () => {
  const evil = '\u001b[2J\u202egpj.exe'
  await addRecord(hub.pool, ids.contacts, evil, JSON.stringify({ name: evil }), { seq: 4 })
  const { stdout } = await cli('records', 'find', evil, '-o', 'human')
  expect(stdout).toContain('\\u001b[2J\\u202e')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is what is tested.
  expect(stdout).not.toMatch(/[\u001b\u202e]/)
})

test('dead letters: list, show, requeue by number and by filter only after a preview or --yes, discard with reason', async () => {
  const first = await addDeadLetter(hub.pool, ids.sync, 'x1', 'CSW-3008', 'f', { input: BODY })
  for (const name of ['x2', 'x3']) await addDeadLetter(hub.pool, ids.sync, name, 'CSW-4002', 'g')
  expect((dataOf(await cli('dlq', 'list')).items as unknown[]).length).toBe(3)
  expect((await cli('dlq', 'show', String(first))).stdout).toContain(`"input":${BODY}`)
  expect(dataOf(await cli('dlq', 'requeue', String(first)))).toEqual({ requeued: 1 })

  const asked = await cli('dlq', 'requeue', '--code', 'CSW-4002')
  expect(asked.code).toBe(2)
  expect(asked.stderr).toContain('--yes')
  expect(dataOf(await cli('dlq', 'requeue', '--code', 'CSW-4002', '--preview'))).toMatchObject({ count: 2 })
  expect((dataOf(await cli('dlq', 'list')).items as unknown[]).length).toBe(2)
  expect((await cli('dlq', 'discard', '--code', 'CSW-4002', '--yes')).code).toBe(2)
  expect(dataOf(await cli('dlq', 'discard', '--code', 'CSW-4002', '--yes', '--reason', 'test data'))).toMatchObject({
    kind: 'dead_letters.discard',
    state: 'done',
    done: 2,
  })
  expect(dataOf(await cli('bulk', 'list'))).toMatchObject({ items: [{ state: 'done', total: 2 }] })
  expect((await cli('dlq', 'requeue')).code).toBe(2)
})

test('pause and resume, problems and queues', async () => {
  expect(dataOf(await cli('syncs', 'pause', 'contacts-to-erp'))).toMatchObject({ state: 'paused' })
  expect(dataOf(await cli('syncs', 'resume', 'contacts-to-erp'))).toMatchObject({ state: 'active' })
  expect(dataOf(await cli('connections', 'pause', 'erp', '--reason', 'upgrade'))).toMatchObject({ state: 'paused' })
  expect(dataOf(await cli('connections', 'resume', 'erp'))).toMatchObject({ state: 'active' })
  expect((dataOf(await cli('status', 'queues')).items as unknown[]).length).toBeGreaterThan(0)
  expect(dataOf(await cli('status', 'problems'))).toEqual({ items: [] })
  await addDeadLetter(hub.pool, ids.sync, 'p1', 'CSW-3008', 'f')
  expect((await cli('status', 'problems')).code).toBe(1)
  const near = await cli('syncs', 'show', 'contacts-to-erq')
  expect(near.code).toBe(2)
})

test('a connection test that fails is exit code 4 and names the step and the fix', async () => {
  const result = await cli('connectors', 'test', '--live', 'crm', '-o', 'human')
  expect(result.code).toBe(4)
  expect(result.stdout).toMatch(/✓ dns[\s\S]*✗ auth +401 +CSW-3003\n +fix: Renew/)
})

test('run --wait follows the request to its end; the exit code is its outcome', async () => {
  const wait = (): Promise<CliResult> => cli('run', 'contacts-to-erp', '--wait')
  await hub.pool.query(
    'insert into sync_position (sync_id, stream_id, slice, seq) select $1, $2, s, 4 from generate_series(0, 63) s',
    [ids.sync, ids.contacts],
  )
  // The request id is what the services of the test hub answer.
  const pull = await addRun(hub.pool, {
    kind: 'pull',
    streamId: ids.contacts,
    requestId: 'request-1',
    outcome: 'running',
  })
  const running = wait()
  setTimeout(
    () => void hub.pool.query(`update run set outcome = 'success', counts = '{"read": 5}' where id = $1`, [pull]),
    1_500,
  )
  const ended = dataOf(await running)
  expect(ended).toMatchObject({ state: 'finished', outcome: 'success', counts: { pull: { read: 5 } } })
  expect(hub.calls.at(-1)).toMatchObject(['runSync', 'contacts-to-erp', { full: false }])

  const setOutcome = (outcome: string, error: object | null) =>
    hub.pool.query('update run set outcome = $2, error = $3 where id = $1', [
      pull,
      outcome,
      error && JSON.stringify(error),
    ])
  await setOutcome('partial', null)
  expect((await wait()).code).toBe(1)
  await setOutcome('failed', { code: 'CSW-3003', what: 'refused' })
  expect((await program('run', 'contacts-to-erp', '--wait')).code).toBe(4)
  await setOutcome('failed', { code: 'CSW-2002', what: 'no such stream' })
  expect((await wait()).code).toBe(5)
})

test('a wrong token is exit code 4', async () => {
  const result = await runBinary(['runs', 'list', '--url', hub.url], {
    env: { CAUSEWAY_ADMIN_TOKEN: 'w'.repeat(43) },
  })
  expect(result.code).toBe(4)
  expect(result.stderr).toContain('CSW-8001')
})

test('a reader that leaves early is no failure', async () => {
  const line = `'${process.execPath}' '${BIN}' runs list -o human --url '${hub.url}' --token-file '${tokenFile}'`
  const { stderr } = await promisify(execFile)('bash', ['-c', `set -o pipefail; ${line} | head -c 1`])
  expect(stderr).toBe('')
})

test('a plan is shown, kept in a file, and tells by its exit code that something would be written', async () => {
  const file = join(tmpdir(), `causeway-plan-${process.pid}.json`)
  const shown = await cli('plan', 'contacts', '--record', '7', '--out', file, '--exit-code', '-o', 'human')
  expect(shown.code).toBe(3)
  expect(shown.stdout).toContain('1 records of the target would be written')
  expect(shown.stdout).toContain('update 7 → C-7 (found by email)')
  expect(shown.stdout).toContain('phone: null → "+48 22"')
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ sync: 'contacts', actions: { update: 1 } })
  expect(hub.calls.at(-1)).toEqual(['planSync', 'contacts', { records: ['7'], limit: 10_000, all: false }])
  expect((await cli('plan', 'contacts', '--limit', 'many')).code).toBe(2)
  expect((await cli('explain', 'erp:customers/nobody')).code).toBe(2)
})

test('planned records are saved as tests beside their mapping, and what is there stays', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-save-'))
  await mkdir(join(dir, 'mappings'))
  const file = join(dir, 'mappings/contacts.test.yaml')
  await writeFile(file, 'tests:\n  # By hand.\n  - name: saved\n    given: {}\n    expect: { filtered: true }\n')
  const { code, stderr } = await cli('plan', 'contacts', '--save', '--keep', 'status', '-C', dir)
  expect(hub.calls.at(-1)).toEqual(['saveTest', 'contacts', { input: { record: '7' }, keep: ['status'] }])
  expect([code, stderr]).toEqual([0, expect.stringContaining('ends as mapped, with its values replaced as filtered')])
  expect(await readFile(file, 'utf8')).toBe(`tests:
  # By hand.
  - name: saved
    given: {}
    expect: { filtered: true }
  - name: saved 2
    given:
      id: "1"
      body:
        email: x@example.org
    expect:
      filtered: true
`)
  await rm(dir, { recursive: true })
})

test('both sides of a sync are compared, what differs is told by the exit code, and kept it is a plan to apply', async () => {
  const file = join(tmpdir(), `causeway-verify-${process.pid}.json`)
  const shown = await cli('verify', 'contacts', '--sample', '2', '--extra', '--out', file, '--exit-code', '-o', 'human')
  expect(shown.code).toBe(3)
  expect(shown.stdout).toContain('1 equal, 1 diverged')
  expect(shown.stdout).toContain('7 → C-7: "+48 11" there, "+48 22" from the source')
  expect(shown.stdout).toContain('1 of 3 records of the target belong to no source record: C-9')
  expect(hub.calls.at(-1)).toEqual(['verifySync', 'contacts', { sample: 2, extra: true, limit: 10_000 }])
  expect((await cli('apply', file)).code).toBe(0)
  expect(hub.calls.at(-1)!.slice(0, 3)).toEqual([
    'applyPlan',
    'contacts',
    expect.objectContaining({ basis: 'target', changes: [expect.objectContaining({ record: '7', fingerprint: 'f' })] }),
  ])
})

test('what a run wrote is taken back; what stays is named, and the exit code tells of it', async () => {
  const id = await addRun(hub.pool, { kind: 'push', syncId: ids.sync, counts: { updated: 2 } })
  const planned = await cli('runs', 'undo', String(id), '--plan', '-o', 'human')
  expect(planned.code).toBe(1)
  expect(planned.stdout).toContain('1 records would get their former values back, 1 stay')
  expect(planned.stdout).toContain('phone: "+48 22" → "+48 11"')
  expect(planned.stdout).toContain('8 → C-8 stays: name (it was changed since)')
  expect(hub.calls.at(-1)).toEqual(['undoRun', id, { plan: true, creations: false }, null])
  await cli('runs', 'undo', String(id), '--yes', '--reason', 'wrong mapping')
  expect(hub.calls.at(-1)).toEqual(['undoRun', id, { plan: false, creations: false }, 'wrong mapping'])
  const deleting = await cli('runs', 'undo', String(id), '--plan', '--creations', '-o', 'human')
  expect(deleting.stdout).toContain('1 that it created would be deleted, 1 stay')
  expect(deleting.stdout).toContain('9 → C-9: deleted, for the run created it')
  expect((await cli('runs', 'undo', '999999', '--yes')).code).not.toBe(0)
})

test('a kept plan is applied; what moved since is named and nothing is called done', async () => {
  const file = join(tmpdir(), `causeway-apply-${process.pid}.json`)
  await cli('plan', 'contacts', '--out', file)
  const done = await cli('apply', file, '--reason', 'reviewed', '-o', 'human')
  expect([done.code, done.stdout]).toEqual([0, 'contacts: 1 delivered\n'])
  const {
    fields: _fields,
    error: _error,
    matched: _matched,
    ...change
  } = (JSON.parse(await readFile(file, 'utf8')) as { changes: Record<string, unknown>[] }).changes[0]!
  expect(hub.calls.at(-1)).toEqual([
    'applyPlan',
    'contacts',
    { version: 'v', changes: [change] },
    { name: 'admin', reason: 'reviewed' },
  ])
  await writeFile(file, (await readFile(file, 'utf8')).replace('"version":"v"', '"version":"w"'))
  const refused = await cli('apply', file, '-o', 'human')
  expect([refused.code, refused.stdout]).toEqual([
    1,
    'contacts: nothing was written, because the plan does not hold any more\n  7: the mapping has changed\n',
  ])
  await writeFile(file, '{}')
  expect((await cli('apply', file)).code).toBe(2)
  await rm(file)
})

test('a plan without a sync: what the files say differently from what the hub works with, and what a changed mapping does', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-configuration-'))
  await cp(join(import.meta.dirname, '../../src/cli/template'), folder, { recursive: true })
  const file = join(folder, 'mappings/contacts-to-helpdesk.yaml')
  const items = await folderConfiguration(folder)
  const former = await readFile(file, 'utf8')
  // Addresses of systems are told apart, not shown.
  expect(JSON.stringify(items.map(({ fields }) => fields))).not.toContain('://')
  await saveConfiguration(hub.pool, {
    items: [...items, { kind: 'sync', name: 'gone', fields: { mapping: 'v' } }],
  })
  const version = items.find(({ kind }) => kind === 'sync')!.fields.mapping
  await hub.pool.query(
    'insert into mapping_version (sync, version, source) values ($1, $2, $3) on conflict do nothing',
    ['contacts-to-helpdesk', version, former],
  )
  const plan = (...more: string[]) => cli('plan', '-C', folder, ...more)
  const edit = async (path: string, from: string, to: string) =>
    writeFile(join(folder, path), (await readFile(join(folder, path), 'utf8')).replace(from, to))
  await edit('mappings/contacts-to-helpdesk.yaml', 'every: 15s', 'every: 20s')
  await edit('mappings/contacts-to-helpdesk.yaml', '$lowercase(email)', '$uppercase(email)')
  await writeFile(
    join(folder, 'mappings/new.yaml'),
    'from: crm:contacts\nto: helpdesk:requesters\nmap: { email: email, name: lastName }\n',
  )
  await edit('causeway.yaml', '${SAMPLE_CRM_URL}', 'https://secret.example.org')
  const kept = join(folder, 'plan.json')
  const shown = await plan('-o', 'human', '--limit', '50', '--exit-code', '--out', kept)
  expect([shown.code, shown.stderr]).toEqual([3, ''])
  expect(
    shown.stdout.replace(/mapping: \S+ → \S+/, 'mapping: A → B').replace(/^ {7}.*\n/gm, ''),
  ).toBe(`Configuration: 1 added, 2 changed, 1 removed
~ connection crm
    settings.url: (not shown) → (not shown)
~ sync contacts-to-helpdesk
    mapping: A → B
      @@ -17,10 +17,10 @@
      -  email: $lowercase(email)
      +  email: $uppercase(email)
      -schedule: { every: 15s }
      +schedule: { every: 20s }
    schedule: [{"kind":"interval","everyMs":15000}] → [{"kind":"interval","everyMs":20000}]
    3 of 9 recorded inputs looked at come out differently: email (2), mapped → filtered (1); 1 whose body is not kept left out
- sync gone
+ sync new
    from: crm:contacts
    to: helpdesk:requesters
    schedule: [{"kind":"manual"}]
`)
  expect(hub.calls.at(-1)).toEqual([
    'compareMapping',
    'contacts-to-helpdesk',
    { before: former, after: await readFile(file, 'utf8'), limit: 50 },
  ])

  const adoption = new Adoption({
    pool: hub.pool,
    env: {},
    sources: { env: {}, folder },
    log: createLogger({ level: 'silent', destination: process.stderr }),
    read: () => readHubFiles({ dir: folder, env: sampleEnvironment() }),
    use: async () => undefined,
  })
  hub.services.applyConfiguration = (request, actor) => adoption.apply(request, { actor: actor.name })
  const refused = await cli('apply', kept)
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('The plan removes sync gone.')])
  const done = await cli('apply', kept, '--allow-destructive', '-o', 'human')
  expect([done.code, done.stdout.split('\n')]).toEqual([
    0,
    [
      'The hub works with:',
      '  changed connection crm',
      '  changed sync contacts-to-helpdesk',
      '  removed sync gone',
      '  added sync new',
      '',
    ],
  ])
  expect(dataOf(await plan())).toMatchObject({ configuration: [] })
  // A file that cannot be read is no removal.
  await writeFile(file, former.replace('\nmap:', '\nmpa:'))
  expect((await plan()).code).toBe(5)
  expect((await plan('--record', 'x')).code).toBe(2)
  await rm(folder, { recursive: true })
})

test('value tables travel with the texts of a mapping: to a plan of the configuration, a plan of one text and a comparison with a revision', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-tables-'))
  await cp(join(import.meta.dirname, '../../src/cli/template'), folder, { recursive: true })
  const mapping = join(folder, 'mappings/contacts-to-erp.yaml')
  const table = join(folder, 'mappings/kinds.csv')
  const text =
    'from: crm:contacts\nto: helpdesk:requesters\ntables: { kinds: { file: kinds.csv } }\nmap:\n  email: email\n  name: $table("kinds", lastName)\n'
  await writeFile(mapping, text)
  await writeFile(table, 'key,value\na,old\n')
  const git = (...args: string[]) =>
    promisify(execFile)('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: folder })
  await git('init', '-q')
  await git('add', 'mappings')
  await git('commit', '-qm', 'first')
  const items = await folderConfiguration(folder)
  await saveConfiguration(hub.pool, { items })
  const { fields } = items.find(({ kind, name }) => kind === 'sync' && name === 'contacts-to-erp')!
  await hub.pool.query(
    'insert into mapping_version (sync, version, source) values ($1, $2, $3) on conflict do nothing',
    ['contacts-to-erp', fields.mapping, text],
  )
  await writeFile(table, 'key,value\na,young\n')
  const [was, is] = ['key,value\na,old\n', 'key,value\na,young\n']
  const { configuration } = dataOf(await cli('plan', '-C', folder)) as { configuration: object[] }
  expect(configuration).toMatchObject([{ kind: 'sync', name: 'contacts-to-erp', effect: { changed: 3 } }])
  expect(hub.calls.at(-1)?.[2]).toEqual({ before: text, after: text, afterTables: { 'kinds.csv': is }, limit: 1_000 })
  dataOf(await cli('plan', 'contacts-to-erp', '-C', folder, '--mapping', 'mappings/contacts-to-erp.yaml'))
  expect(hub.calls.at(-1)?.[2]).toMatchObject({ mapping: text, tables: { 'kinds.csv': is } })
  const { syncs } = await readHubFiles({ dir: folder, env: sampleEnvironment() })
  hub.services.syncs = () => syncs
  dataOf(await cli('diff', 'contacts-to-erp', '-C', folder, '--against', 'HEAD'))
  expect(hub.calls.at(-1)?.[2]).toMatchObject({
    before: text,
    beforeTables: { 'kinds.csv': was },
    after: text,
    afterTables: { 'kinds.csv': is },
  })
  expect((await cli('diff', 'contacts-to-erp', '-C', folder, '--against', 'nowhere')).code).toBe(2)
  await rm(folder, { recursive: true })
})
