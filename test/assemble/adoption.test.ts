/** Plans of the configuration, applied to whole hubs on one ledger. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { sampleEnvironment } from '../../sandbox/index.ts'
import { Adoption } from '../../src/assemble/adoption.ts'
import {
  configurationPlan,
  folderConfiguration,
  type HubFiles,
  openHub,
  readHubFiles,
} from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { showConfiguration } from '../../src/store/views/index.ts'
import { atEndOfFile } from '../end-of-file.ts'
import { freshDatabase, type TestDatabase } from '../postgres.ts'

const log = createLogger({ level: 'silent', destination: process.stderr })
const ACTOR = { name: 'admin', reason: 'reviewed' }
const MAPPING = 'mappings/contacts.yaml'

/** A hub folder over the sample systems, which need not run: nothing is pulled here. */
async function hubFolder(samples: boolean) {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-adoption-'))
  atEndOfFile(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'mappings'))
  const system = (name: string, key: string, settings = '') =>
    `  ${name}: { connector: sample-${name}, settings: { url: "\${SAMPLE_${name.toUpperCase()}_URL}"${settings} }, secrets: { ${key}: env:KEY }, allow: [127.0.0.1] }\n`
  await writeFile(
    join(folder, 'causeway.yaml'),
    `hub: { samples: ${samples} }\nconnections:\n${system('crm', 'key')}${system('helpdesk', 'token', ', email: a@example.org')}`,
  )
  const write = (email: string) =>
    writeFile(
      join(folder, MAPPING),
      `from: crm:contacts\nto: helpdesk:requesters\nmatch: [email]\nmap: { email: ${email}, name: lastName }\n`,
    )
  await write('email')
  return { folder, write }
}

const planOf = async ({ pool }: TestDatabase, folder: string) => {
  const plan = configurationPlan(await showConfiguration(pool), await folderConfiguration(folder))
  return { ...plan, named: plan.configuration.map(({ change, kind, name }) => `${change} ${kind} ${name}`) }
}

test('a plan is applied as it was made, and refused by name when the hub, its files or a permission are not as it needs them', async () => {
  const database = await freshDatabase()
  const { folder, write } = await hubFolder(true)
  const used: HubFiles[] = []
  const read = () =>
    // Where sample systems happen to listen is no change.
    readHubFiles({ dir: folder, env: { ...sampleEnvironment(), SAMPLE_CRM_URL: 'http://127.0.0.1:9' } })
  const adoption = new Adoption({
    pool: database.pool,
    env: {},
    sources: { env: {}, folder },
    log,
    read,
    use: async (files) => void used.push(files),
  })
  await adoption.begin(await read())
  expect((await planOf(database, folder)).named).toEqual([])
  const apply = async (plan: { basis: Parameters<Adoption['apply']>[0]['basis'] }, allowDestructive = false) =>
    adoption.apply({ basis: plan.basis, allowDestructive }, { actor: ACTOR.name })

  await write('$lowercase(email)')
  const early = await planOf(database, folder)
  await write('$uppercase(email)')
  await expect(apply(early)).rejects.toMatchObject({
    code: 'CSW-8024',
    message: expect.stringContaining('sync contacts'),
  })
  const plan = await planOf(database, folder)
  await database.pool.query(`update configuration set fields = '{}' where name = 'crm'`)
  await expect(apply(plan)).rejects.toMatchObject({
    code: 'CSW-8024',
    message: expect.stringContaining('connection crm'),
  })
  expect(used).toEqual([])
  expect(await apply(await planOf(database, folder))).toEqual({
    applied: [
      { kind: 'connection', name: 'crm', change: 'changed' },
      { kind: 'sync', name: 'contacts', change: 'changed' },
    ],
  })
  expect(used.map(({ syncs }) => syncs.length)).toEqual([1])
  // What was done is not done again.
  await expect(apply(plan)).rejects.toMatchObject({ code: 'CSW-8024' })

  await rm(join(folder, MAPPING))
  const removing = await planOf(database, folder)
  await expect(apply(removing)).rejects.toMatchObject({ code: 'CSW-8025', message: 'The plan removes sync contacts.' })
  await apply(removing, true)
  expect(used.map(({ syncs }) => syncs.length)).toEqual([1, 0])
})

test('all processes of a hub follow a plan that one of them applied; one whose files say something else goes on as before', async () => {
  const database = await freshDatabase()
  const { folder, write } = await hubFolder(false)
  const elsewhere = await hubFolder(false)
  const env = { ...sampleEnvironment(), KEY: 'k', CAUSEWAY_DATABASE_URL: database.url }
  // The plan is made with the environment of the command.
  for (const [name, value] of Object.entries(sampleEnvironment())) vi.stubEnv(name, value)
  const open = (dir: string) => openHub({ dir, role: 'serve', env, logger: log })
  const hubs = [await open(folder), await open(folder), await open(elsewhere.folder)]
  try {
    const mappingOf = (hub: (typeof hubs)[number]) => hub.files().syncs[0]!.source
    await write('$lowercase(email)')
    const plan = await planOf(database, folder)
    expect(plan.named).toEqual(['changed sync contacts'])
    expect(hubs.map(mappingOf).some((text) => text.includes('lowercase'))).toBe(false)
    await hubs[0]!.services.applyConfiguration({ basis: plan.basis, allowDestructive: false }, ACTOR)
    const applied = await readFile(join(folder, MAPPING), 'utf8')
    expect(mappingOf(hubs[0]!)).toBe(applied)
    await vi.waitFor(() => expect(mappingOf(hubs[1]!)).toBe(applied), { timeout: 120_000, interval: 50 })
    expect(mappingOf(hubs[2]!)).not.toBe(applied)
    // Nobody hears the call about the next one: the sessions that listen are cut, and come again after a second.
    await write('$trim(email)')
    const next = await planOf(database, folder)
    const listeners = `from pg_stat_activity where application_name = 'causeway-calls' and datname = current_database()`
    expect((await database.pool.query(`select pg_terminate_backend(pid) ${listeners}`)).rowCount).toBe(3)
    await hubs[0]!.services.applyConfiguration({ basis: next.basis, allowDestructive: false }, ACTOR)
    await vi.waitFor(() => expect(mappingOf(hubs[1]!)).toContain('trim'), { timeout: 30_000, interval: 50 })
    expect(mappingOf(hubs[2]!)).not.toContain('trim')
    const { rows } = await database.pool.query<{ action: string; detail: string }>(
      `select action, detail from audit where action = 'configuration.apply'`,
    )
    expect(rows.map(({ action, detail }) => [action, JSON.parse(detail)])).toEqual([
      ...Array(2).fill([
        'configuration.apply',
        { applied: [{ kind: 'sync', name: 'contacts', change: 'changed' }], reason: 'reviewed' },
      ]),
    ])
  } finally {
    for (const hub of hubs) await hub.close()
    vi.unstubAllEnvs()
  }
})

test('an entry in `allow` that comes or goes stands in the audit, with who brought it into force and in which version', async () => {
  const database = await freshDatabase()
  const { folder } = await hubFolder(true)
  const read = () => readHubFiles({ dir: folder, env: sampleEnvironment() })
  const adoption = new Adoption({
    pool: database.pool,
    env: {},
    sources: { env: {}, folder },
    log,
    read,
    use: () => Promise.resolve(),
  })
  const file = join(folder, 'causeway.yaml')
  const written = await readFile(file, 'utf8')
  const allowCrm = (entries: string) =>
    writeFile(file, written.replace(/(crm: .*?)allow: \[127\.0\.0\.1\]/, `$1allow: [${entries}]`))
  const noted = async () =>
    (
      await database.pool.query<{ actor: string; subject: string; detail: string }>(
        `select actor, subject, detail from audit where action = 'connection.allow' order by id`,
      )
    ).rows.map(({ actor, subject, detail }) => ({ actor, subject, ...JSON.parse(detail) }))

  await adoption.begin(await read())
  const first = { actor: 'hub', how: 'start', version: 1, added: ['127.0.0.1'], removed: [], allow: ['127.0.0.1'] }
  expect(await noted()).toEqual([
    { ...first, subject: 'connection:crm' },
    { ...first, subject: 'connection:helpdesk' },
  ])
  await allowCrm('127.0.0.1, "10.1.2.3:389"')
  await adoption.reload(true)
  // Neither a second reading nor another order is a change of what is allowed.
  await adoption.reload(true)
  await allowCrm('"10.1.2.3:389", 127.0.0.1')
  await adoption.reload(true)
  expect((await noted()).slice(2)).toEqual([
    {
      actor: 'hub',
      subject: 'connection:crm',
      how: 'edit',
      version: 2,
      added: ['10.1.2.3:389'],
      removed: [],
      allow: ['127.0.0.1', '10.1.2.3:389'],
    },
  ])
  await writeFile(file, written.replace(/^ {2}crm:.*\n/m, ''))
  await rm(join(folder, MAPPING))
  const { basis } = await planOf(database, folder)
  await adoption.apply({ basis, allowDestructive: true }, { actor: 'admin', reason: 'moved away' })
  expect((await noted()).slice(3)).toEqual([
    {
      actor: 'admin',
      subject: 'connection:crm',
      how: 'plan',
      version: 4,
      reason: 'moved away',
      added: [],
      removed: ['10.1.2.3:389', '127.0.0.1'],
      allow: [],
    },
  ])
})

test('entries in `allow` that were in force before anybody noted them are noted at the next start, once', async () => {
  const database = await freshDatabase()
  const { folder } = await hubFolder(true)
  const read = () => readHubFiles({ dir: folder, env: sampleEnvironment() })
  const start = async () =>
    new Adoption({
      pool: database.pool,
      env: {},
      sources: { env: {}, folder },
      log,
      read,
      use: () => Promise.resolve(),
    }).begin(await read())
  const noted = async () =>
    (
      await database.pool.query<{ subject: string; detail: string }>(
        `select subject, detail from audit where action = 'connection.allow' order by id`,
      )
    ).rows.map(({ subject, detail }) => ({ subject, ...JSON.parse(detail) }))
  await start()
  // What a version left that did not note them yet.
  await database.pool.query('alter table audit disable trigger user')
  await database.pool.query(`delete from audit where subject = 'connection:crm'`)
  const crm = {
    subject: 'connection:crm',
    how: 'start',
    version: 1,
    added: ['127.0.0.1'],
    removed: [],
    allow: ['127.0.0.1'],
  }
  await Promise.all([start(), start(), start()])
  expect((await noted()).map(({ subject }) => subject)).toEqual(['connection:helpdesk', 'connection:crm'])
  expect((await noted())[1]).toEqual(crm)

  // And one that kept no versions either.
  await database.pool.query('delete from audit')
  await database.pool.query('delete from configuration_version_file')
  await database.pool.query('delete from configuration_version')
  await start()
  expect((await noted()).map(({ subject }) => subject)).toEqual(['connection:crm', 'connection:helpdesk'])
})
