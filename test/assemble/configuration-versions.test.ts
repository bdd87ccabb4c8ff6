/** What is kept of a configuration that comes into force, and what is not. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { Adoption } from '../../src/assemble/adoption.ts'
import { type HubFiles, readHubFiles } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { saveConfiguration } from '../../src/store/index.ts'
import { atEndOfFile } from '../end-of-file.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

const log = createLogger({ level: 'silent', destination: process.stderr })
const URLS = { SAMPLE_CRM_URL: 'http://127.0.0.1:1', SAMPLE_HELPDESK_URL: 'http://127.0.0.1:2' }

async function folderOf(files: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-versions-'))
  atEndOfFile(() => rm(folder, { recursive: true }))
  const write = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  for (const [path, text] of Object.entries(files)) await write(path, text)
  return { folder, write }
}

const HUB_FILE = `connections:
  crm: { connector: sample-crm, settings: { url: "\${SAMPLE_CRM_URL}" }, secrets: { key: env:CRM_KEY }, allow: [127.0.0.1] }
  helpdesk:
    connector: sample-helpdesk
    settings: { url: "\${SAMPLE_HELPDESK_URL}", email: a@example.org }
    secrets: { token: env:HELPDESK_TOKEN }
    allow: [127.0.0.1]
`
const mapping = (email: string) =>
  `from: crm:contacts\nto: helpdesk:requesters\nmatch: [email]\nmap:\n  email: ${email}\n  name: lastName\n`

function adoptionOf({ pool }: TestDatabase, folder: string, env: Record<string, string> = {}) {
  const read = () => readHubFiles({ dir: folder, env: { ...URLS, ...env } })
  const used: HubFiles[] = []
  const adoption = new Adoption({
    pool,
    env: { ...URLS, ...env },
    sources: { env: { ...URLS, ...env }, folder },
    log,
    read,
    use: async (files) => void used.push(files),
  })
  return { adoption, read, used }
}

async function versionsOf({ pool }: TestDatabase) {
  const { rows } = await pool.query<{ id: number; how: string; path: string; content: Buffer; masked: boolean }>(
    `select v.id, v.how, f.path, c.content, f.masked from configuration_version v
       join configuration_version_file f on f.version_id = v.id join configuration_file c on c.digest = f.digest
      order by v.id, f.path`,
  )
  return rows.map((row) => ({ ...row, content: row.content.toString() }))
}

test('the files that the hub works with are kept as they stand: those of its environment too, and no tests', async () => {
  const database = await freshDatabase()
  const files = {
    'causeway.yaml': `${HUB_FILE}environments:\n  test: { tables: { mappings/kinds.csv: test-kinds.csv } }\n`,
    'mappings/contacts.yaml': `tables: { kinds: { file: kinds.csv } }\n${mapping('$table("kinds", email)')}`,
    'mappings/kinds.csv': 'key,value\na,live\n',
    'test-kinds.csv': 'key,value\r\na,test\r\n',
  }
  const { folder, write } = await folderOf({
    ...files,
    'mappings/contacts.test.yaml': 'tests: []\n',
    'mappings/other.txt': 'none of it',
  })
  const { adoption, read } = adoptionOf(database, folder, { CAUSEWAY_ENV: 'test' })
  await adoption.begin(await read())
  await adoption.begin(await read())
  expect(await versionsOf(database)).toEqual(
    Object.entries(files)
      .map(([path, content]) => ({ id: 1, how: 'start', path, content, masked: false }))
      .sort((a, b) => (a.path < b.path ? -1 : 1)),
  )
  const edit = async (text: string) => {
    await write('mappings/contacts.yaml', text)
    await adoption.reload(true)
    return (await versionsOf(database)).map(({ id, how, path }) => `${id} ${how} ${path}`)
  }
  // The environment names a table that no mapping has any more: these files never come into force.
  expect(await edit(mapping('email'))).toHaveLength(4)
  const edited = await edit(files['mappings/contacts.yaml'].replace('lastName', 'firstName'))
  expect(edited.slice(4)).toEqual(Object.keys(files).map((path) => `2 edit ${path}`))
})

test('an own connector is kept with its schemas, and one that comes with Causeway is not', async () => {
  const database = await freshDatabase()
  const { folder } = await folderOf({ 'causeway.yaml': HUB_FILE, 'connectors/unused/connector.yaml': 'language: 1\n' })
  const shipped = join(import.meta.dirname, '../../connectors/sample-crm')
  await cp(shipped, join(folder, 'connectors/sample-crm'), { recursive: true })
  const { adoption, read } = adoptionOf(database, folder)
  await adoption.begin(await read())
  const rows = await versionsOf(database)
  const schemas = (await readdir(join(shipped, 'schemas'))).map((name) => `connectors/sample-crm/schemas/${name}`)
  expect(schemas.length).toBeGreaterThan(0)
  expect(rows.map(({ path }) => path)).toEqual(
    ['causeway.yaml', 'connectors/sample-crm/connector.yaml', ...schemas].sort(),
  )
  expect(rows[1]!.content).toBe(await readFile(join(shipped, 'connector.yaml'), 'utf8'))
})

test('no secret lands in a version: neither known ones in whatever spelling, nor what a name gives away', async () => {
  const database = await freshDatabase()
  const canary = (n: number) => `canary/${n}+s3cr3t`
  const env = {
    CRM_KEY: canary(1),
    HELPDESK_TOKEN: canary(2),
    CAUSEWAY_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
  }
  const { folder } = await folderOf({
    'causeway.yaml': `# The old password: ${canary(3)}, and ${canary(1)}\n${HUB_FILE.replace(
      'email: a@example.org',
      `email: a@example.org, api_token: ${canary(4)}`,
    )}# https://someone:${canary(5).replace('/', '')}@example.org/\n# ${env.CAUSEWAY_MASTER_KEY}\n`,
    'mappings/contacts.yaml': `# ${Buffer.from(canary(2)).toString('base64')} ${encodeURIComponent(canary(1))}\n${mapping('email')}`,
  })
  const { read } = adoptionOf(database, folder, env)
  const files = await read()
  // A connector refuses settings that it does not know; here what is kept is looked at, not what is allowed.
  const { keptFiles } = await import('../../src/assemble/hub-texts.ts')
  const kept = await keptFiles(files, { env, folder })
  await saveConfiguration(database.pool, {
    items: [],
    version: { files: kept, environment: null, mappings: [], how: 'start', actor: 'hub', host: 'here' },
  })
  const rows = await versionsOf(database)
  expect(rows.map(({ path, masked }) => [path, masked])).toEqual([
    ['causeway.yaml', true],
    ['mappings/contacts.yaml', true],
  ])
  const whole = rows.map(({ content }) => content).join('\n')
  expect(whole).not.toMatch(/canary|s3cr3t/)
  expect(whole).not.toContain(env.CAUSEWAY_MASTER_KEY)
  expect(whole).not.toContain(Buffer.from(canary(2)).toString('base64').slice(0, 12))
  // What says where a secret stands is no secret.
  expect(whole).toContain('secrets: { token: env:HELPDESK_TOKEN }')
  expect(whole).toContain('secrets: { key: env:CRM_KEY }')
})

test('a process that read its files before a plan was applied, and says so after, works with the plan', async () => {
  const database = await freshDatabase()
  const { folder, write } = await folderOf({ 'causeway.yaml': HUB_FILE, 'mappings/contacts.yaml': mapping('email') })
  const one = adoptionOf(database, folder)
  await one.adoption.begin(await one.read())
  const late = adoptionOf(database, folder)
  const former = await late.read()
  await write('mappings/contacts.yaml', mapping('$lowercase(email)'))
  await one.adoption.reload(true)
  const begun = await late.adoption.begin(former)
  expect(begun.syncs[0]!.source).toContain('lowercase')
  expect(late.used).toEqual([begun])
  // The same in the middle of a look at the files.
  const slow = adoptionOf(database, folder)
  let looks = 0
  const overtaken = new Adoption({
    pool: database.pool,
    env: URLS,
    sources: { env: URLS, folder },
    log,
    read: async () => {
      const files = await slow.read()
      if (looks++ > 0) return files
      await write('mappings/contacts.yaml', mapping('$trim(email)'))
      await one.adoption.reload(true)
      return files
    },
    use: async () => undefined,
  })
  expect((await overtaken.reload(true)).syncs[0]!.source).toContain('trim')
  expect(looks).toBe(2)
  const texts = (await versionsOf(database)).filter(({ path }) => path !== 'causeway.yaml')
  expect(texts.map(({ id, content }) => [id, / {2}email: (.*)/.exec(content)![1]])).toEqual([
    [1, 'email'],
    [2, '$lowercase(email)'],
    [3, '$trim(email)'],
  ])
  const { rows } = await database.pool.query<{ fields: string }>("select fields from configuration where kind = 'sync'")
  expect(JSON.parse(rows[0]!.fields)).toMatchObject({
    mapping: begun.syncs[0] && (await slow.read()).syncs[0]!.version,
  })
})
