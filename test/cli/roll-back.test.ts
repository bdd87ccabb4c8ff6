/** Going back to a version of the configuration: from the command line to the files, over a real ledger. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sampleEnvironment } from '../../sandbox/index.ts'
import { Adoption } from '../../src/assemble/adoption.ts'
import { readHubFiles } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { startHub, type TestHub, TOKEN } from '../http/hub.ts'
import { HUB_FILE, mapping, type VersionedFolder, versionedFolder } from '../versioned-folder.ts'
import { runCli } from './run-cli.ts'

let hub: TestHub
let home: string
let of: VersionedFolder
const at = (path: string) => of.at(path)
const cli = (...args: string[]) =>
  runCli([...args, '--url', hub.url, '--token-file', join(home, 'token')], { env: sampleEnvironment() })
const latest = async () =>
  (await hub.pool.query('select id, how, actor, back_to from configuration_version order by id desc limit 1')).rows[0]

beforeAll(async () => {
  hub = await startHub()
  home = await mkdtemp(join(tmpdir(), 'causeway-roll-back-'))
  await writeFile(join(home, 'token'), `${TOKEN}\n`, { mode: 0o600 })
})
afterAll(async () => {
  await rm(home, { recursive: true, force: true })
  await hub.close()
})

let first: number
beforeEach(async () => {
  of = await versionedFolder(hub, home)
  first = of.first
  expect((await latest()).id).toBe(first + 1)
})

test('a plan names the files and the syncs, and applied it brings the files back byte by byte', async () => {
  const plan = join(home, 'plan.json')
  const shown = await cli('plan', '--to', String(first), '--out', plan, '-o', 'human')
  expect(shown.stderr).toBe('')
  expect(shown.stdout).toContain(`Back to version ${first}, files:`)
  expect(shown.stdout).toMatch(/changed mappings\/contacts\.yaml\n.*removed mappings\/more\.yaml\n/)
  expect(shown.stdout).toMatch(/~ sync contacts\n {4}mapping: /)
  expect(shown.stdout).toContain('- sync more')
  const refused = await cli('apply', plan)
  expect(refused.stderr).toContain('The plan removes sync more.')
  expect(await readFile(at('mappings/contacts.yaml'), 'utf8')).toBe(mapping('contacts', 'firstName'))
  expect(await readFile(at('mappings/more.yaml'), 'utf8')).toBe(mapping('contacts', 'email'))

  const done = await cli('apply', plan, '--allow-destructive', '--reason', 'was better')
  expect([done.code, done.stderr]).toEqual([0, ''])
  expect(await readFile(at('mappings/contacts.yaml'), 'utf8')).toBe(mapping('contacts', 'lastName'))
  expect(await readFile(at('causeway.yaml'), 'utf8')).toBe(HUB_FILE)
  await expect(readFile(at('mappings/more.yaml'))).rejects.toThrow('ENOENT')
  expect(await latest()).toEqual({ id: first + 2, how: 'roll_back', actor: 'admin', back_to: first })
  await of.adoption.reload(true)
  expect((await latest()).id).toBe(first + 2)
})

test('a file that was edited since the plan is named, and nothing is written', async () => {
  const plan = join(home, 'edited.json')
  await cli('plan', '--to', String(first), '--out', plan)
  const edited = mapping('contacts', 'email')
  await writeFile(at('mappings/contacts.yaml'), edited)
  const refused = await cli('apply', plan, '--allow-destructive')
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('Files are not as they were planned: mappings/contacts.yaml.')
  expect(await readFile(at('mappings/contacts.yaml'), 'utf8')).toBe(edited)
  expect((await latest()).id).toBe(first + 1)
})

test('a version with a masked file is refused by the name of that file, at the plan and at the hub', async () => {
  const plan = join(home, 'masked.json')
  await cli('plan', '--to', String(first), '--out', plan)
  await hub.pool.query(
    "update configuration_version_file set masked = true where version_id = $1 and path = 'causeway.yaml'",
    [first],
  )
  for (const args of [
    ['plan', '--to', String(first)],
    ['apply', plan, '--allow-destructive'],
  ]) {
    const refused = await cli(...args)
    expect(refused.code).not.toBe(0)
    expect(refused.stderr).toContain('CSW-8027')
    expect(refused.stderr).toContain('files with a secret in them: causeway.yaml.')
  }
  expect(await readFile(at('mappings/contacts.yaml'), 'utf8')).toBe(mapping('contacts', 'firstName'))
})

test.skipIf(process.getuid?.() === 0)('a folder that the hub may not write is refused', async () => {
  const plan = join(home, 'closed.json')
  await cli('plan', '--to', String(first), '--out', plan)
  await chmod(at('mappings'), 0o500)
  const refused = await cli('apply', plan, '--allow-destructive')
  await chmod(at('mappings'), 0o700)
  expect(refused.stderr).toContain('CSW-8028')
  expect(await readFile(at('mappings/contacts.yaml'), 'utf8')).toBe(mapping('contacts', 'firstName'))
})

test('a file that lies outside of the folder is never written', async () => {
  const plan = join(home, 'outside.json')
  await cli('plan', '--to', String(first), '--out', plan)
  await hub.pool.query(
    `insert into configuration_version_file (version_id, path, digest, masked)
     select version_id, '../outside.yaml', digest, false from configuration_version_file where version_id = $1 limit 1`,
    [first],
  )
  const refused = await cli('apply', plan, '--allow-destructive')
  expect(refused.stderr).toContain('../outside.yaml lies outside the folder of the hub.')
  await expect(readFile(join(home, 'outside.yaml'))).rejects.toThrow('ENOENT')
})

test('another process that sees the files first while they are written back waits, and follows', async () => {
  const plan = join(home, 'watched.json')
  await cli('plan', '--to', String(first), '--out', plan)
  const read = () => readHubFiles({ dir: of.folder, env: sampleEnvironment() })
  const parts = {
    pool: hub.pool,
    env: sampleEnvironment(),
    sources: { env: sampleEnvironment(), folder: of.folder },
    log: createLogger({ level: 'silent', destination: process.stderr }),
    use: async () => undefined,
  }
  const watching = new Adoption({ ...parts, read })
  await watching.begin(await read())
  let seen: Promise<unknown> | undefined
  const rolling = new Adoption({
    ...parts,
    async read() {
      const files = await read()
      if (!seen && (await readFile(at('mappings/contacts.yaml'), 'utf8')) === mapping('contacts', 'lastName')) {
        seen = watching.reload(true)
        // Until it has put them into force, or waits for whoever writes them.
        await expect
          .poll(async () => (await latest()).id > first + 1 || (await waitsForConfiguration()), { timeout: 60_000 })
          .toBe(true)
      }
      return files
    },
  })
  await rolling.begin(await read())
  hub.services.applyConfiguration = (request, actor) => rolling.apply(request, { actor: actor.name })
  const done = await cli('apply', plan, '--allow-destructive')
  expect([done.code, done.stderr]).toEqual([0, ''])
  await seen
  expect(seen).toBeDefined()
  expect(await latest()).toEqual({ id: first + 2, how: 'roll_back', actor: 'admin', back_to: first })
  expect(await readFile(at('mappings/contacts.yaml'), 'utf8')).toBe(mapping('contacts', 'lastName'))
})

const waitsForConfiguration = async (): Promise<boolean> =>
  (
    await hub.pool.query(
      `select from pg_locks where relation = 'configuration'::regclass and not granted
        and database = (select oid from pg_database where datname = current_database())`,
    )
  ).rowCount! > 0
