import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readHubFiles } from '../../src/assemble/index.ts'
import { checkHub, explainHub } from '../../src/config/index.ts'

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-environments-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}

const FILE = `hub:
  log_level: warn
  database_sessions: 20
connections:
  people:
    connector: csv
    settings: { folder: exchange, file: people.csv }
    allow: [10.0.0.1, 10.0.0.2]
  crm:
    connector: sample-crm
    settings: { url: https://crm.example }
    secrets: { key: env:CRM_KEY }
environments:
  test:
    hub: { log_level: debug }
    connections:
      people:
        settings: { file: test.csv }
        allow: [127.0.0.1]
      crm:
        settings:
          url: \${CRM_TEST_URL}
        secrets: { key: "env:CRM_TEST_KEY" }
    tables:
      mappings/owners.csv: environments/test-owners.csv
`
const check = async (text: string, env: Record<string, string> = {}) =>
  checkHub({ folder: await folderWith({ 'causeway.yaml': text }), env })
const told = ({ findings }: Awaited<ReturnType<typeof check>>) =>
  findings.map(({ code, message, place }) => `${code} ${place.line}:${place.column} ${message}`)

test('what an environment says is laid over the file, and everything else stays', async () => {
  const common = await check(FILE)
  expect(common.findings).toEqual([])
  expect(common.environment).toBeNull()
  expect(common.settings).toMatchObject({ log_level: 'warn', database_sessions: 20 })
  expect(common.connections.get('crm')!.settings).toEqual({ url: 'https://crm.example' })
  expect(common.tables.size).toBe(0)

  const hub = await check(FILE, { CAUSEWAY_ENV: 'test', CRM_TEST_URL: 'https://test.example' })
  expect(hub.findings).toEqual([])
  expect(hub.environment).toBe('test')
  expect(hub.settings).toMatchObject({ log_level: 'debug', database_sessions: 20 })
  expect(hub.connections.get('people')).toMatchObject({
    connector: 'csv',
    settings: { folder: 'exchange', file: 'test.csv' },
    // A list is replaced: an address of production has no business in a test.
    allow: ['127.0.0.1'],
  })
  expect(hub.connections.get('crm')!.secrets.key).toMatchObject({ kind: 'env', name: 'CRM_TEST_KEY' })
  expect([...hub.tables]).toEqual([['mappings/owners.csv', 'environments/test-owners.csv']])
  // Places are where the value stands.
  const { people, crm } = Object.fromEntries(hub.connections)
  expect(people!.placeOf(['settings', 'folder']).line).toBe(7)
  expect(people!.placeOf(['settings', 'file']).line).toBe(18)
  expect(crm!.placeOf(['settings', 'url']).line).toBe(22)
  const missing = await check(FILE, { CAUSEWAY_ENV: 'test' })
  expect(told(missing)).toEqual([
    'CSW-1007 22:16 connections.crm.settings.url: the environment variable CRM_TEST_URL is not set',
  ])
})

test('each value says where it came from', async () => {
  const folder = await folderWith({ 'causeway.yaml': FILE })
  const env = { CAUSEWAY_ENV: 'test', CRM_TEST_URL: 'https://test.example', CAUSEWAY_PORT: '4100' }
  const hub = await checkHub({ folder, env, flags: { host: '0.0.0.0' } })
  const explained = new Map(explainHub(hub).map(({ key, ...rest }) => [key, rest]))
  expect(explained.get('hub.host')).toEqual({ value: '0.0.0.0', from: 'flag', where: null })
  expect(explained.get('hub.port')).toEqual({ value: 4100, from: 'variable', where: 'CAUSEWAY_PORT' })
  expect(explained.get('hub.log_level')).toEqual({ value: 'debug', from: 'environment', where: 'causeway.yaml:15:23' })
  expect(explained.get('hub.database_sessions')).toMatchObject({ from: 'file', where: 'causeway.yaml:3:22' })
  expect(explained.get('hub.samples')).toEqual({ value: false, from: 'default', where: null })
  expect(explained.get('connections.people.settings.folder')).toMatchObject({ value: 'exchange', from: 'file' })
  expect(explained.get('connections.crm.settings.url')).toMatchObject({
    value: 'https://test.example',
    from: 'environment',
  })
  expect(explained.get('connections.crm.secrets.key')).toMatchObject({ value: 'env:CRM_TEST_KEY', from: 'environment' })
})

test('alerts and analytics are explained too, with what is theirs by default and where their secrets stand', async () => {
  const folder = await folderWith({
    'causeway.yaml': `connections:
  crm: { connector: x }
analytics:
  bi: { streams: [crm:*], files: { folder: out } }
alerts:
  ops:
    kind: webhook
    url: "https://ada:pw@alerts.example/hook"
    secrets: { signing_key: env:ALERT_KEY }
    severity: warning
  mail:
    kind: email
    smtp: { host: mail.example }
    from: a@example.com
    to: [b@example.com]
`,
  })
  const hub = await checkHub({ folder, env: {} })
  const explained = new Map(explainHub(hub).map(({ key, ...rest }) => [key, rest]))
  expect(explained.get('analytics.bi.streams')).toEqual({ value: ['crm:*'], from: 'file', where: 'causeway.yaml:4:18' })
  expect(explained.get('analytics.bi.schema')).toEqual({ value: 'bi', from: 'default', where: null })
  expect(explained.get('analytics.bi.files.folder')).toMatchObject({ value: 'out', from: 'file' })
  expect(explained.get('analytics.bi.files.every_minutes')).toEqual({ value: 60, from: 'default', where: null })
  expect(explained.get('alerts.ops.secrets.signing_key')).toMatchObject({ value: 'env:ALERT_KEY', from: 'file' })
  expect(explained.get('alerts.ops.severity')).toEqual({ value: 'warning', from: 'file', where: 'causeway.yaml:10:15' })
  expect(explained.get('alerts.ops.tell')).toMatchObject({ from: 'default', where: null })
  expect(explained.get('alerts.mail.smtp.port')).toEqual({ value: 587, from: 'default', where: null })
  expect(explained.get('alerts.mail.to')).toMatchObject({ value: ['b@example.com'], from: 'file' })
  expect(JSON.stringify([...explained])).not.toContain('pw@')
})

test('an address is explained without who logs in there and what its query keeps secret', async () => {
  const folder = await folderWith({
    'causeway.yaml': `connections:
  crm:
    connector: crm
    settings: { url: "https://ada:\${CRM_PASSWORD}@crm.example/x?api_key=\${CRM_PASSWORD}&page=2", mirrors: ["https://ada:hunter2@m.example/"] }
    secrets: { key: "env:CRM_KEY" }
`,
  })
  const hub = await checkHub({ folder, env: { CRM_PASSWORD: 'hunter2' } })
  const told = explainHub(hub).filter(({ key }) => key.startsWith('connections.crm.settings'))
  expect(told.map(({ value }) => value)).toEqual([
    'https://crm.example/x?api_key=[secret]&page=2',
    ['https://m.example/'],
  ])
})

test('what is wrong in an environment is found whether it is in use or not, with its place', async () => {
  const wrong = FILE.replace('crm:\n        settings', 'crn:\n        settings')
  expect(told(await check(wrong))).toEqual([
    'CSW-1007 20:7 environments.test: there is no connection "crn" to lay something over',
  ])
  expect(told(await check(FILE, { CAUSEWAY_ENV: 'tset' }))[0]).toMatch(/^CSW-1007 .*there is no environment "tset"/)
  // A secret that stands in the file is worst where nobody looks.
  const secret = told(await check(FILE.replace('"env:CRM_TEST_KEY"', 'hunter2')))
  expect(secret).toEqual([
    'CSW-1005 23:25 connections.crm.secrets.key: a secret must not stand in the file; give a reference to it',
  ])
  expect(told(await check(FILE.replace('    hub: { log_level: debug }', '    hub: { log_lvl: debug }')))[0]).toContain(
    'log_lvl',
  )
  expect(told(await check(FILE.replace('  test:', '  Test Drive:')))[0]).toContain('is not a name for an environment')
})

test('mappings take the ids of their tables from the environment, and a table that nobody has is named', async () => {
  const mapping = `from: people:rows
to: people:rows
match: [id]
tables: { owners: { file: owners.csv, key: crm, value: id } }
map: { id: id, owner: '$table("owners", owner)' }
`
  const files = {
    'causeway.yaml': FILE,
    'mappings/owners.yaml': mapping,
    'mappings/owners.csv': 'crm,id\nada,17\n',
    'environments/test-owners.csv': 'crm,id\nada,99\n',
  }
  const folder = await folderWith(files)
  const read = async (env: Record<string, string>) => readHubFiles({ dir: folder, env })
  const ownersOf = ({ syncs }: Awaited<ReturnType<typeof read>>) => syncs[0]!.tables
  const test = { CAUSEWAY_ENV: 'test', CRM_TEST_URL: 'https://test.example' }
  expect(ownersOf(await read({}))).toEqual({ owners: { ada: '17' } })
  expect(ownersOf(await read(test))).toEqual({ owners: { ada: '99' } })
  const version = ({ syncs }: Awaited<ReturnType<typeof read>>) => syncs[0]!.version
  expect(version(await read(test))).not.toBe(version(await read({})))

  await rm(join(folder, 'environments/test-owners.csv'))
  expect((await read(test)).findings.map(({ message }) => message)).toContain(
    'there is no file environments/test-owners.csv',
  )
  await writeFile(join(folder, 'causeway.yaml'), FILE.replace('mappings/owners.csv', 'mappings/owner.csv'))
  const { findings } = await read(test)
  expect(findings.find(({ code }) => code === 'CSW-1007')).toMatchObject({
    message: 'no mapping has a table in the file mappings/owner.csv',
    fix: 'Did you mean "mappings/owners.csv"?',
  })
})
