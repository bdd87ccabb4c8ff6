/** What the API can do, the command line can: a line for each operation, and why for those that have none. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { folderConfiguration } from '../../src/assemble/index.ts'
import { saveConfiguration } from '../../src/store/index.ts'
import { type OpenApiDocument, readDocument } from '../http/contract.ts'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { addDeadLetter, addRecord, addRun, seedHub } from '../http/rows.ts'
import { type CliResult, runCli } from './run-cli.ts'

/**
 * A line for each operation. Numbers that do not exist are as good as others: what is held is that the command asks the hub for this
 * operation in a way that the hub understands, and 404 or 409 say that it did.
 */
const LINES: Record<string, string> = {
  listAlerts: 'alerts list',
  listAlertMessages: 'alerts messages',
  testAlertRoute: 'alerts test ops',
  snoozeAlerts: 'alerts snooze --route ops --for 1h',
  wakeAlerts: 'alerts snooze --route ops --end',
  listAnalyticsTables: 'analytics list',
  writeAnalyticsFiles: 'analytics write bi',
  listAudit: 'audit list',
  verifyAudit: 'audit verify',
  listBulkActions: 'bulk list',
  showBulkAction: 'bulk show 1',
  abortBulkAction: 'bulk abort 1',
  showActivity: 'status activity --hours 2',
  listSyncHours: 'status hours --sync contacts-to-erp --hours 2',
  listConnectionHours: 'status hours --connection crm',
  listHours: 'status hours',
  listLimitUse: 'status limits crm',
  showConfiguration: 'plan',
  applyConfiguration: 'apply configuration.json',
  listConfigurationVersions: 'config versions',
  showConfigurationVersion: 'config show 1',
  planRollBack: 'plan --to 1',
  compareConfigurationVersions: 'config diff 1 2',
  showConfigurationFile: 'config show 1 causeway.yaml',
  listConflicts: 'conflicts list',
  previewConflicts: 'conflicts resolve --sync contacts-to-erp --from --preview',
  resolveConflicts: 'conflicts resolve 1 --from',
  resolveAllConflicts: 'conflicts resolve --sync contacts-to-erp --from --yes',
  listConnections: 'connections list',
  showConnection: 'connections show crm',
  beginConnectionLogin: 'auth login crm --redirect https://hub.example.org/back',
  finishConnectionLogin: 'auth login crm --redirect https://hub.example.org/back',
  pauseConnection: 'connections pause crm',
  resumeConnection: 'connections resume crm',
  testConnection: 'connections test crm',
  listDeadLetters: 'dlq list',
  discardDeadLetters: 'dlq discard --code CSW-4002 --reason test --yes',
  previewDeadLetters: 'dlq requeue --code CSW-3008 --preview',
  requeueDeadLetters: 'dlq requeue --code CSW-3008 --yes',
  showDeadLetter: 'dlq show 1',
  assignDeadLetter: 'dlq assign 1 --to ada',
  correctDeadLetter: 'dlq correct 1 --file body.json',
  discardDeadLetter: 'dlq discard 2 --reason test --yes',
  requeueDeadLetter: 'dlq requeue 3',
  listDrifts: 'drifts list',
  listEntityTypes: 'entities types',
  acceptDrift: 'drifts accept 1',
  searchEntities: 'entities search person ada',
  importEntityLinks: 'entities import person links.csv',
  showEntity: 'entities show person 1',
  mergeEntities: 'entities merge person 1 2',
  splitEntity: 'entities split person 1 crm:contacts/1',
  listEntityReviews: 'entities reviews',
  confirmEntityReview: 'entities confirm 1',
  rejectEntityReview: 'entities reject 1',
  erase: 'erase --key email=gone@example.org --yes',
  listEvents: 'webhooks list',
  previewEvents: 'webhooks replay --state done --preview',
  replayEvents: 'webhooks replay 1',
  replayAllEvents: 'webhooks replay --state done --yes',
  explainTarget: 'explain erp:customers/1',
  listProblems: 'problems list',
  showProblem: 'problems show CSW-3008 f',
  listQueues: 'status queues',
  showRecord: 'records show r1 --stream crm:contacts',
  searchRecords: 'records find r1',
  listRuns: 'runs list',
  showRun: 'runs show 1',
  approveRun: 'runs approve 1 --yes',
  showHold: 'runs show 3',
  rejectRun: 'runs reject 1',
  undoRun: 'runs undo 1 --yes',
  listSchedules: 'status schedules',
  showMasterKeys: 'secrets keys',
  listSecrets: 'secrets list',
  listStoredSecrets: 'secrets list crm',
  storeSecret: 'secrets store crm api-key',
  forgetSecret: 'secrets forget crm api-key --yes',
  listSettings: 'status settings',
  showMe: 'auth whoami',
  listStreams: 'status streams',
  showStream: 'status streams crm:contacts',
  rotateSecrets: 'secrets rotate',
  listSubscriptions: 'webhooks subscriptions',
  orderSubscriptionAgain: 'webhooks subscriptions --again 1',
  readSupportFiles: 'support-bundle --offline --out bundle.zip',
  listSyncs: 'syncs list',
  showSync: 'syncs show contacts-to-erp',
  applyPlan: 'apply plan.json',
  compareMapping: 'plan',
  listMappingVersions: 'config mapping contacts-to-erp',
  showMappingVersion: 'config mapping contacts-to-erp v1',
  pauseSync: 'syncs pause contacts-to-erp',
  planSync: 'plan contacts --out plan.json',
  showRequest: 'run contacts-to-erp --wait',
  resumeSync: 'syncs resume contacts-to-erp',
  runSync: 'run contacts-to-erp',
  saveTest: 'plan contacts --save',
  verifySync: 'verify contacts',
  showSystem: 'doctor',
  listTimeline: 'status timeline',
  listWorkers: 'status workers',
  showWebhookIntake: 'webhooks intake',
  listTokens: 'tokens list',
  createToken: 'tokens create ci --role viewer',
  revokeToken: 'tokens revoke 1 --yes',
  listUsers: 'users list',
  addUser: 'users add ada --role viewer',
  disableUser: 'users disable ada',
  enableUser: 'users enable ada',
  setUserPassword: 'users set-password ada',
  setUserRole: 'users set-role ada editor',
}

/** Operations without a line, and why. Nothing is added here: an operation that comes gets a line. */
const WITHOUT: Record<string, string> = {
  login: 'programs log in with a token',
  listLoginMethods: 'of the login page',
  beginLogin: 'a browser goes there',
  finishLogin: 'a browser goes there',
  logout: 'ends the session of a browser',
  followFeed: 'keeps pages up to date; `--wait` and `--watch` ask for what they wait for',
  receiveWebhook: 'other systems call it',
  receiveWebhookOfStream: 'other systems call it',
  answerWebhookHandshake: 'other systems call it',
  answerWebhookHandshakeOfStream: 'other systems call it',
  readMetrics: 'collectors of metrics call it',
  live: 'probes call it',
  ready: 'probes call it; `doctor` shows the same checks',
  tryMapping: '`map`, `test` and `plan --mapping` run a text without the hub or with it',
  completeMapping: '`lsp` completes in editors',
  listNewestRecords: 'offers samples to the playground',
  listConnectors: '`connectors list` reads the same manifests without a hub',
  showConnector: '`connectors show` reads the same manifest without a hub',
}

/** What cannot be taken back, or touches all that a filter selects. */
const DESTRUCTIVE = [
  'applyConfiguration',
  'applyPlan',
  'approveRun',
  'discardDeadLetter',
  'discardDeadLetters',
  'erase',
  'forgetSecret',
  'replayAllEvents',
  'requeueDeadLetters',
  'resolveAllConflicts',
  'revokeToken',
  'undoRun',
]

let hub: TestHub
let folder: string
let operations: { method: string; pattern: RegExp; id: string }[]
/** Operations that were asked for, each with the status of its answer. */
let asked: { id: string; status: number }[] = []

beforeAll(async () => {
  hub = await startHub()
  folder = await mkdtemp(join(tmpdir(), 'causeway-operations-'))
  await cp(join(import.meta.dirname, '../../src/cli/template'), folder, { recursive: true })
  await seed()
  operations = operationsOf(await readDocument(hub))
  hub.app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const path = new URL(request.url ?? '/', hub.url).pathname
    const found = operations.find(({ method, pattern }) => method === request.method && pattern.test(path))
    response.once('finish', () => found && asked.push({ id: found.id, status: response.statusCode }))
  })
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await hub.close()
})

/** Of two patterns the one with fewer parameters is meant: `/conflicts/preview` is no conflict called "preview". */
const operationsOf = ({ paths }: OpenApiDocument): typeof operations =>
  Object.entries(paths)
    .sort(([a], [b]) => a.split('{').length - b.split('{').length)
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => ({
        method: method.toUpperCase(),
        pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
        id: operationId,
      })),
    )

async function seed(): Promise<void> {
  const { pool } = hub
  const ids = await seedHub(pool)
  await addRecord(pool, ids.contacts, 'r1', '{"email":"ada@example.org"}', { email: 'ada@example.org', seq: 1 })
  for (const name of ['x1', 'x2', 'x3']) await addDeadLetter(pool, ids.sync, name, 'CSW-3008', 'f')
  await addDeadLetter(pool, ids.sync, 'x4', 'CSW-4002', 'g')
  await addRun(pool, { kind: 'push', syncId: ids.sync })
  // What `run --wait` waits for is over: the request of the test hub has a run that ended, and nothing is left to push.
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, requestId: 'request-1' })
  await pool.query(
    'insert into sync_position (sync_id, stream_id, slice, seq) select $1, $2, s, 4 from generate_series(0, 63) s',
    [ids.sync, ids.contacts],
  )
  await addRun(pool, { kind: 'pull', streamId: ids.contacts, outcome: 'held' })
  await pool.query(
    `insert into conflict (sync_id, from_id, to_id, field, side) select $1, 'a' || n, 'b', 'name', 'from' from generate_series(1, 3) n`,
    [ids.sync],
  )
  await pool.query(
    `insert into inbox (connection_id, event_id, headers, body, state) select $1, 'e' || i, '{}', '{}', 'done' from generate_series(1, 3) i`,
    [ids.crm],
  )
  await pool.query(`insert into drift (stream_id, run_id, changes) values ($1, 1, '[]')`, [ids.contacts])
  await writeFile(join(folder, 'token'), TOKEN, { mode: 0o600 })
  await writeFile(join(folder, 'body.json'), '{"email":"ada@example.org"}')
  await writeFile(join(folder, 'links.csv'), 'crm:contacts,erp:customers\n1,2\n')
  await inForceWithAnotherText()
  for (const line of ['plan --out configuration.json', 'plan contacts --out plan.json'])
    expect((await run(line)).code).toBe(0)
}

/** So that a plan of the configuration has something to say, also of what a changed mapping does. */
async function inForceWithAnotherText(): Promise<void> {
  const file = join(folder, 'mappings/contacts-to-helpdesk.yaml')
  const items = await folderConfiguration(folder)
  await saveConfiguration(hub.pool, { items })
  const text = await readFile(file, 'utf8')
  const { fields } = items.find(({ kind }) => kind === 'sync')!
  await hub.pool.query('insert into mapping_version (sync, version, source) values ($1, $2, $3)', [
    'contacts-to-helpdesk',
    fields.mapping,
    text,
  ])
  await writeFile(file, text.replace('$lowercase(email)', '$uppercase(email)'))
}

/** Whatever asked could have an answer; the passwords and addresses that some commands read are no worse for it. */
const ANSWERS: Record<string, string> = {
  auth: 'https://hub.example.org/back?state=s&code=c\n',
  users: 'a long enough password\n',
}

function run(line: string): Promise<CliResult> {
  const args = line.split(' ')
  asked = []
  const more = ['--url', hub.url, '--token-file', join(folder, 'token')]
  return runCli([...args, ...more], { cwd: folder, input: ANSWERS[args[0]!] ?? 'y\nyes\n' })
}

test('every operation of the API has a command, or a reason why it has none', () => {
  const known = operations.map(({ id }) => id).sort()
  expect([...Object.keys(LINES), ...Object.keys(WITHOUT)].sort()).toEqual(known)
  expect(Object.keys(WITHOUT).length).toBeLessThanOrEqual(18)
})

test('every destructive act wants --yes or a plan: without it nothing is done, and nobody is asked', async () => {
  const lines = DESTRUCTIVE.map((id) => [id, LINES[id]!] as const)
  const agreed = Object.keys(LINES).filter((id) => /--yes|^apply /.test(LINES[id]!))
  expect(agreed.sort()).toEqual(DESTRUCTIVE)
  for (const [id, line] of lines.filter(([, line]) => line.includes('--yes'))) {
    const { code, stderr } = await run(line.replace(' --yes', ''))
    expect([line, code, asked.some((one) => one.id === id)]).toEqual([line, 2, false])
    expect(stderr, line).toContain('--yes')
    expect(asked.every((one) => !DESTRUCTIVE.includes(one.id))).toBe(true)
  }
})

test.each(Object.entries(LINES))('%s: causeway %s', async (id, line) => {
  const { code, stdout, stderr } = await run(line)
  const status = asked.find((one) => one.id === id)?.status
  expect([200, 201, 202, 204, 404, 409], `${status} ${stderr}`).toContain(status)
  // What a program reads stands alone on stdout: an envelope, or nothing where the hub refused.
  if (stdout === '')
    expect([code, stderr]).toEqual([expect.toSatisfy((one) => one > 0), expect.stringContaining('CSW-')])
  else {
    const kind = expect.stringMatching(new RegExp(`^${line.split(' ')[0]}(\\.\\w+)*$`))
    expect([stdout.split('\n').length, JSON.parse(stdout)]).toEqual([2, { causeway: 1, kind, data: expect.anything() }])
  }
})

test.each(Object.entries(LINES).filter(([id]) => /^(list|show)/.test(id)))(
  '%s: causeway %s prints lines for programs and text for people',
  async (_id, line) => {
    const json = await run(line)
    if (json.code !== 0) return
    const { data } = JSON.parse(json.stdout) as { data: { items?: unknown[] } }
    const lines = (await run(`${line} -o ndjson`)).stdout.split('\n').slice(0, -1)
    expect(lines.map((one) => typeof JSON.parse(one))).toEqual((data.items ?? [data]).map(() => 'object'))
    const human = await run(`${line} -o human`)
    expect(human.code).toBe(0)
    expect(human.stdout).toMatch(/\S/)
    expect(() => JSON.parse(human.stdout)).toThrow()
  },
)
