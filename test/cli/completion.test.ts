/** What shells are answered on <Tab>, and hubs by name: the library prints for itself, so the program is asked. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runBinary } from './run-cli.ts'

let folder: string
let env: Record<string, string>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'causeway-complete-'))
  env = { HOME: folder, XDG_CONFIG_HOME: join(folder, 'config'), CAUSEWAY_COMPLETION_MS: '60000' }
  await mkdir(join(folder, 'mappings'))
  await writeFile(join(folder, 'token'), 'a-token\n')
  await mkdir(join(folder, 'connectors', 'our-own'), { recursive: true })
  await writeFile(
    join(folder, 'causeway.yaml'),
    'connections:\n  crm: { connector: sample-crm }\n  erp: { connector: sample-erp }\n',
  )
  await writeFile(join(folder, 'mappings', 'people.yaml'), 'from: crm:contacts\n')
  await writeFile(join(folder, 'mappings', 'b.yaml'), 'from: crm:companies\nsync: companies-to-erp # not b\n')
  await writeFile(join(folder, 'mappings', 'people.test.yaml'), 'tests: []\n')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function offered(...words: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await runBinary(['complete', '--', ...words], { cwd: folder, env })
  expect([code, stderr]).toEqual([0, ''])
  const lines = stdout.trimEnd().split('\n')
  expect(lines.pop()).toMatch(/^:\d+$/)
  return lines.map((line) => line.split('\t')[0]!)
}

test('commands, options and their values are offered by what was typed so far', async () => {
  expect(await offered('sy')).toEqual(['syncs'])
  expect(await offered('runs', '')).toEqual(expect.arrayContaining(['list', 'show', 'undo']))
  expect(await offered('runs', 'list', '--syn')).toEqual(['--sync'])
  expect(await offered('runs', 'list', '--output', 'nd')).toEqual(['ndjson'])
  expect(await offered('explain', 'CSW-600')).toContain('CSW-6009')
  expect(await offered('nonsense', '')).toEqual([])
})

test('names come from the files of the hub folder, as they are now', async () => {
  expect((await offered('run', '')).sort()).toEqual(['companies-to-erp', 'people'])
  expect(await offered('runs', 'list', '--sync', 'peo')).toEqual(['people'])
  expect(await offered('connections', 'pause', '')).toEqual(['crm', 'erp'])
  expect(await offered('connectors', 'show', 'our')).toEqual(['our-own'])
  expect(await offered('validate', 'mappings/p')).toEqual(['mappings/people.test.yaml', 'mappings/people.yaml'])
  expect(await offered('-C', '/nowhere', 'run', '')).toEqual([])
})

test('with the address of a hub its names are offered, and nothing where it does not answer', async () => {
  const asked: unknown[] = []
  const server = createServer((request, response) => {
    asked.push([request.url, request.headers.authorization])
    response.setHeader('content-type', 'application/json').end('{"items":[{"name":"far-away"}],"next":null}')
  }).listen(0, '127.0.0.1')
  await new Promise((done) => server.once('listening', done))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    expect(await offered('--url', url, '--token-file', 'token', 'run', '')).toEqual(['far-away'])
    expect(asked).toEqual([['/api/v1/syncs?limit=500', 'Bearer a-token']])
    const set = await runBinary(['profiles', 'set', 'prod', '--url', url, '--token-file', 'token'], {
      cwd: folder,
      env,
    })
    expect([set.code, set.stderr]).toEqual([0, ''])
    expect(await offered('--profile', '')).toEqual(['prod'])
    expect(await offered('--profile', 'prod', 'run', '')).toEqual(['far-away'])
    // The token of a profile goes nowhere else.
    asked.length = 0
    expect(await offered('--profile', 'prod', '--url', `${url}/`, 'run', '')).toEqual([])
    expect(asked).toEqual([])
  } finally {
    server.close()
  }
  expect(await offered('--url', url, '--token-file', 'token', 'run', '')).toEqual([])
})

test('a profile stands for a hub and its token file, from any folder; the command line counts more', async () => {
  const file = join(folder, 'config', 'causeway', 'profiles.json')
  const run = (...args: string[]) => runBinary(args, { cwd: tmpdir(), env })
  await run('profiles', 'set', 'gone', '--url', 'http://127.0.0.1:1', '--token-file', join(folder, 'token'))
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ gone: { tokenFile: join(folder, 'token') } })
  const remote = await run('syncs', 'list', '--profile', 'gone')
  expect([remote.code, remote.stderr]).toEqual([4, expect.stringContaining('http://127.0.0.1:1 does not answer')])
  const elsewhere = ['--profile', 'gone', '--url', 'http://127.0.0.1:2']
  expect((await run('syncs', 'list', ...elsewhere)).stderr).toContain('token cannot be read')
  const other = await run('syncs', 'list', ...elsewhere, '--token-file', join(folder, 'token'))
  expect(other.stderr).toContain('http://127.0.0.1:2 does not answer')
  const wrong = await run('syncs', 'list', '--profile', 'gnoe')
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean "gone"?')])
  expect((await run('profiles', 'remove', 'gone')).code).toBe(0)
  expect(JSON.parse((await run('profiles', 'list')).stdout)).not.toHaveProperty('items.1')
  await writeFile(file, '{')
  expect(await run('profiles', 'list')).toMatchObject({ code: 5, stderr: expect.stringContaining(file) })
})

test('the scripts are understood by their shells', async () => {
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    const { code, stdout } = await runBinary(['complete', shell], { env })
    expect(code).toBe(0)
    expect(stdout).toMatch(/causeway['"]? complete/)
    if (shell !== 'bash') continue
    await writeFile(join(folder, 'completion.bash'), stdout)
    await promisify(execFile)('bash', ['-n', join(folder, 'completion.bash')])
  }
  expect(await runBinary(['complete', 'tcsh'], { env })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('bash'),
  })
})
