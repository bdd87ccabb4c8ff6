/** A secret and a person, put wherever the hub keeps text, are in no file of a support bundle. */
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strFromU8, unzipSync } from 'fflate'
import { expect, onTestFinished, test } from 'vitest'
import { readHubFiles } from '../../src/assemble/files.ts'
import { describeConnections } from '../../src/assemble/services.ts'
import { supportFiles } from '../../src/assemble/support.ts'
import { CausewayError, createLogger } from '../../src/core/index.ts'
import { runCli } from '../cli/run-cli.ts'
import { startHub, TOKEN } from '../http/hub.ts'
import { addDeadLetter, addDelivery, addRecord, addRun, seedHub } from '../http/rows.ts'
import { freshDatabase } from '../postgres.ts'

const PERSON = 'zofia.canary@private.test'
const SECRET = 'canary-secret-8812'
const CANARIES = [PERSON, 'zofia', 'Canary', SECRET, 'canary']

const HUB = `hub:
  public_url: https://\${USER_OF_PROXY}:x@hub.test/?person=zofia
connections:
  crm:
    connector: sample-crm
    title: CRM of Zofia Canary
    settings: { url: "http://127.0.0.1:1/of/zofia?token=${SECRET}", api_key: "${SECRET}", owner: "${PERSON}", user: zofia, folder: /home/zofia/out }
    secrets: { key: env:KEY }
  desk:
    connector: sample-crm
    settings: { url: "http://127.0.0.1:1" }
    secrets: { key: env:KEY }
alerts:
  mail: { kind: email, smtp: { host: mail.test }, from: "${PERSON}", to: ["${PERSON}"] }
`
const MAPPING = `from: crm:contacts
to: desk:contacts
match: [email]
map: { email: '"${PERSON}"', lastName: lastName }
tests:
  - { name: "${PERSON}", given: { body: { email: "${PERSON}" } }, expect: { filtered: true } }
`

/** Where words of systems and people come to stand in what a bundle is read from. */
const WORDS = {
  dead_letter: ['error', 'input', 'output', 'exchange', 'reason', 'note', 'assignee', 'actor'],
  connection: ['state_reason', 'wait_reason'],
  stream: ['last_error', 'cursor', 'shape'],
  sync: ['state_reason', 'last_error'],
  run: ['error'],
  delivery: ['error', 'delivered'],
  record: ['body'],
  alert_message: ['content', 'error'],
}

test('nothing of people and no secret is in it, wherever they stand', async () => {
  const { pool } = await freshDatabase()
  const ids = await seedHub(pool)
  await addRecord(pool, ids.contacts, 'c1', `{"email":"${PERSON}"}`, { email: PERSON })
  await addDelivery(pool, ids.sync, 'c1', 'pending', { nextAttemptAt: new Date(), error: 'x', delivered: '{}' })
  await addDeadLetter(pool, ids.sync, 'c2', 'CSW-3008', 'f')
  await addRun(pool, { kind: 'push', syncId: ids.sync, counts: { created: 1 } })
  await pool.query(
    `insert into alert_message (id, route, change, content, error) values ('m', 'ops', 'opened', '{}', '{}')`,
  )
  await pool.query(`update connection set wait_until = now() + interval '1 hour'`)
  const words = JSON.stringify({
    code: SECRET,
    what: `${PERSON} and ${SECRET}`,
    message: PERSON,
    data: { status: 404, who: PERSON },
  })
  for (const [table, columns] of Object.entries(WORDS)) {
    const { rowCount } = await pool.query(
      `update ${table} set ${columns.map((column) => `${column} = $1`).join(', ')}`,
      [words],
    )
    expect(rowCount, table).toBeGreaterThan(0)
  }

  const dir = await mkdtemp(join(tmpdir(), 'causeway-support-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await mkdir(join(dir, 'mappings'))
  await writeFile(join(dir, 'causeway.yaml'), HUB)
  await writeFile(join(dir, 'mappings', 'contacts.yaml'), MAPPING)
  const files = await readHubFiles({ dir, env: { KEY: SECRET, USER_OF_PROXY: 'zofia' } })
  const log = createLogger({ destination: { write: () => undefined } })
  log.warn(
    { connection: 'crm', err: new CausewayError('CSW-3008', { what: `${PERSON} exists` }), detail: PERSON },
    'not taken',
  )
  log.error({ err: new Error(SECRET), sync: 'contacts' }, 'a defect')

  const found = await supportFiles({ pool, files: () => files, log, backend: 'postgres' })
  const all = Object.fromEntries(found.map(({ name, text }) => [name, text]))
  for (const [name, text] of Object.entries(all))
    for (const canary of CANARIES)
      expect(text.includes(canary), `${canary} in ${name}: ${text.slice(0, 400)}`).toBe(false)
  expect(Object.values(all).join()).not.toContain('notRead')
  // What it is for is there.
  expect(JSON.parse(all['problems.json']!)).toContainEqual(expect.objectContaining({ code: 'CSW-3008', count: 1 }))
  expect(JSON.parse(all['configuration.json']!).connections[0]).toMatchObject({
    name: 'crm',
    settings: {
      url: 'http://127.0.0.1:1',
      api_key: '[secret]',
      owner: '[text of 25]',
      user: '[text of 5]',
      folder: '/home/…/out',
    },
    secrets: { key: 'env' },
  })
  expect(JSON.parse(all['syncs.json']!)[0].lastError).toEqual({ code: null, status: 404 })
  const lines = all['log.jsonl']!.trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines.map(({ msg, err }) => [msg, err.code])).toEqual([
    ['not taken', 'CSW-3008'],
    ['a defect', null],
  ])
})

test('who may see a connection sees no secret that came under its settings', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'causeway-support-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(
    join(dir, 'causeway.yaml'),
    `connections:
  crm: { connector: sample-crm, settings: { url: "https://zofia:\${CODE}@crm.test/?token=\${CODE}&page=2", key: "\${CODE}", api_token: "\${CODE}" } }
`,
  )
  const files = await readHubFiles({ dir, env: { CODE: SECRET } })
  expect(files.config.connections.get('crm')!.settings.key).toBe(SECRET)
  expect(describeConnections(files)[0]!.settings).toEqual({
    url: 'https://crm.test/?token=[secret]&page=2',
    key: '[secret]',
    api_token: '[secret]',
  })
})

test('the command writes it as a zip for its owner only, of a hub elsewhere too, and never over something', async () => {
  const hub = await startHub()
  onTestFinished(() => hub.close())
  const dir = await mkdtemp(join(tmpdir(), 'causeway-support-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  await writeFile(join(dir, 'token'), TOKEN)
  const out = join(dir, 'bundle.zip')
  const args = ['--url', hub.url, '--token-file', join(dir, 'token'), 'support-bundle', '--out', out]
  const { code, stdout } = await runCli(args, { cwd: dir })
  expect(code).toBe(0)
  expect(stdout).toContain('process.json')
  expect((await stat(out)).mode & 0o777).toBe(0o600)
  const files = unzipSync(await readFile(out))
  expect(Object.keys(files)).toEqual(['hub.json', 'process.json'])
  expect(JSON.parse(strFromU8(files['hub.json']!))).toMatchObject({ version: '0.0.0-test' })
  expect((await runCli(args, { cwd: dir })).code).not.toBe(0)
})
