import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands/index.ts'
import { envelopes, README, ROOT, readmeScript } from './readme.ts'

const run = promisify(execFile)
const BIN = join(ROOT, 'bin/causeway.mjs')
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-readme-'))
  // What `npm i` of the package leaves; the package itself has a test of its own.
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true })
  await symlink(BIN, join(folder, 'node_modules/.bin/causeway'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const PATH = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`
const environment = { PATH, HOME: process.env.HOME ?? '', XDG_CACHE_HOME: join(ROOT, 'node_modules/.cache') }

test('the steps to a mapping of one’s own work as they stand', { timeout: 240_000 }, async () => {
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', readmeScript()], { cwd: folder, env: environment })
  const results = envelopes(stdout)
  expect(results.get('validate')).toMatchObject({ ok: true })
  expect(results.get('test')).toMatchObject({ ok: true, failed: 0 })
  const { outcome, counts } = results.get('run') as { outcome: string; counts: Record<string, Record<string, number>> }
  expect(outcome).toBe('success')
  expect(counts.push!.created).toBeGreaterThan(10)
  expect(counts.pull!.read).toBeGreaterThan(counts.push!.created!)
  expect(results.get('runs.list')).toMatchObject({
    items: [{ sync: 'urgent-tickets-to-crm', outcome: 'success', counts: { created: counts.push!.created } }],
  })

  const file = join(folder, 'demo/mappings/urgent-tickets-to-crm.yaml')
  await writeFile(file, (await readFile(file, 'utf8')).replace('when: priority', 'when: prioritty'))
  const { stdout: findings } = await run(process.execPath, [BIN, '-C', join(folder, 'demo'), 'validate'], {
    env: environment,
  })
  expect(envelopes(findings).get('validate')).toMatchObject({
    items: [{ place: { line: 6, column: 7 }, fix: 'Did you mean "priority"?' }],
  })
})

test('what it names exists: commands and files', () => {
  const commands = [...README.matchAll(/\bcauseway ([a-z]+)/g)].map(([, name]) => name)
  expect(commands).toContain('doctor')
  const known = new Set(COMMANDS.map(({ name }) => name))
  expect(commands.filter((name) => !known.has(name!) && !/^(is|holds)$/.test(name!))).toEqual([])

  const links = [...README.matchAll(/\]\(([^):]+)\)/g)].map(([, path]) => path!)
  expect(links).toContain('docs/mapping-files.md')
  expect(links.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
})
