import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSandbox } from '../../sandbox/index.ts'
import { envelopes, ROOT, readmeScript } from '../docs/readme.ts'
import { ANY_PORT, client } from '../sandbox/calls.ts'
import { attwSays, publintSays } from './entry.ts'
import { ENVIRONMENT, install, type Packed, pack, processesOf, shell } from './installation.ts'
import { oldNode } from './old-node.ts'

const folders: string[] = []
let packed: Packed
let installed: string

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-packed-'))
  folders.push(folder)
  packed = await pack(folder)
  installed = await install(packed)
  folders.push(installed)
})
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true })
})

test('the package holds what runs, and neither sources nor tests', () => {
  expect(packed.paths).toEqual(
    expect.arrayContaining([
      'README.md',
      'LICENSE',
      'llms.txt',
      'bin/causeway.mjs',
      'dist/src/cli/main.js',
      'dist/src/core/errors/published.d.ts',
      'dist/src/mapping/sandbox-entry.js',
      'dist/src/store/migrations/0001_ledger.sql',
      'dist/ui/index.html',
      'dist/sbom.cdx.json',
      'connectors/sample-crm/connector.yaml',
      'docs/mapping-files.md',
      'src/cli/template/causeway.yaml',
      'src/cli/template/gitignore',
    ]),
  )
  expect(packed.paths.filter((path) => /(?<!\.d)\.tsx?$|^test\/|\.test\.|^scripts\//.test(path))).toEqual([])
})

test('publint and "are the types wrong" find nothing', async () => {
  expect(await publintSays(packed.file)).toEqual([])
  expect(await attwSays(packed.file)).toEqual([])
})

test('a program in TypeScript reads the error codes with their types, and nothing else can be imported', async () => {
  const program = [
    `import { type ErrorCode, type ErrorSpec, errorRegistry } from '@causeway-hub/causeway'`,
    `const code: ErrorCode = 'CSW-8021'`,
    `const { meaning, reaction }: ErrorSpec = errorRegistry[code]`,
    `console.log(JSON.stringify({ meaning, reaction }))`,
    `// @ts-expect-error: no such code`,
    `export const wrong: ErrorCode = 'CSW-0000'`,
    '',
  ]
  await writeFile(join(installed, 'program.mts'), program.join('\n'))
  const tsc = join(ROOT, 'node_modules/.bin/tsc')
  const compiled = await shell(installed, `${tsc} --strict --module nodenext --target es2024 program.mts`)
  expect(compiled.stdout + compiled.stderr).toBe('')
  const { stdout } = await shell(installed, 'node program.mjs')
  expect(JSON.parse(stdout)).toEqual({ meaning: 'The hub does not answer.', reaction: 'retry' })
  const inner = await shell(installed, `node -e "import('@causeway-hub/causeway/dist/src/core/index.js')"`)
  expect(inner.stderr).toContain('ERR_PACKAGE_PATH_NOT_EXPORTED')
})

test('what the README promises of the package holds, and the target has the records', async () => {
  const { code, stdout, stderr } = await shell(installed, readmeScript())
  expect(code, stderr).toBe(0)
  const results = envelopes(stdout)
  expect(results.get('test')).toMatchObject({ ok: true, failed: 0 })
  const { outcome, counts } = results.get('run') as { outcome: string; counts: { push: { created: number } } }
  expect(outcome).toBe('success')

  const { notes, tickets } = await notesAndTickets(join(installed, 'demo/.causeway/samples'))
  expect(notes.size).toBe(counts.push.created)
  // The sample systems keep changing while the hub works; what changed after the pull is not in the CRM yet.
  const { items } = results.get('runs.list') as { items: { startedAt: string }[] }
  const settled = tickets.filter(({ updated_at }) => Date.parse(updated_at) < Date.parse(items[0]!.startedAt) - 5_000)
  expect(settled.length).toBeGreaterThan(500)
  const wanted = settled.filter(({ priority, status }) => priority === 'urgent' && status !== 'deleted')
  expect(settled.filter(({ id }) => notes.has(`ticket-${id}`))).toEqual(wanted)
  for (const { id, subject } of wanted) expect(notes.get(`ticket-${id}`)).toBe(`Urgent: ${subject}`)
})

test('the hub starts, serves page and API, and a ctrl-c to its group leaves nothing behind', async () => {
  const demo = join(installed, 'demo')
  const hub = spawn('npx', ['--no-install', 'causeway', 'start', '--port', '0'], {
    cwd: demo,
    env: ENVIRONMENT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  hub.stdout.on('data', (chunk) => (output += chunk))
  try {
    const url = await untilGiven(() => /runs at (\S+)/.exec(output)?.[1])
    expect(await (await fetch(url)).text()).toContain('<div id="root">')
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
    expect(output).toContain(`API docs         ${url}/docs\nWebhooks         ${url}/hooks/`)
    expect(await (await fetch(`${url}/docs`)).text()).toContain('<div id="root">')
    const token = (await readFile(join(demo, '.causeway/admin-token'), 'utf8')).trim()
    expect(output, 'the first start shows its token').toContain(token)
    const answer = await fetch(`${url}/api/v1/syncs`, { headers: { authorization: `Bearer ${token}` } })
    expect(await answer.text()).toContain('"urgent-tickets-to-crm"')
    const metrics = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    expect(await metrics.text()).toContain('causeway_sync_freshness_seconds{sync="urgent-tickets-to-crm"}')
  } finally {
    process.kill(-hub.pid!, 'SIGINT')
  }
  await untilGiven(async () => (await processesOf(installed)).length === 0 || undefined)
  expect(existsSync(join(demo, '.causeway/hub.json')), 'the hub took its announcement back').toBe(false)
})

test('from an empty folder to a record in its target in three commands and a minute', async () => {
  const folder = await mkdtemp(join(installed, 'empty-'))
  const began = performance.now()
  // The commands: init, cd, start. The page shows what this API tells.
  expect((await shell(folder, 'npx --no-install causeway init first')).code).toBe(0)
  const hub = spawn('npx', ['--no-install', 'causeway', 'start', '--port', '0'], {
    cwd: join(folder, 'first'),
    env: ENVIRONMENT,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  hub.stdout.on('data', (chunk) => (output += chunk))
  try {
    const url = await untilGiven(() => /runs at (\S+)/.exec(output)?.[1])
    const token = (await readFile(join(folder, 'first/.causeway/admin-token'), 'utf8')).trim()
    const headers = { authorization: `Bearer ${token}` }
    await untilGiven(async () => {
      const runs = await fetch(`${url}/api/v1/runs?sync=contacts-to-helpdesk`, { headers })
      const { items } = (await runs.json()) as { items: { counts: { created?: number } }[] }
      return items.some(({ counts }) => (counts.created ?? 0) > 0) || undefined
    })
    const seconds = (performance.now() - began) / 1_000
    console.log(`from an empty folder to a synced record: ${seconds.toFixed(1)} s`)
    expect(seconds).toBeLessThan(60)
  } finally {
    process.kill(-hub.pid!, 'SIGINT')
  }
  await untilGiven(async () => (await processesOf(folder)).length === 0 || undefined)
})

test('mappings run where packages are links', async () => {
  const linked = await install(packed, '--install-strategy=linked', '--prefer-offline')
  folders.push(linked)
  expect(readdirSync(join(linked, 'node_modules/.store')).length).toBeGreaterThan(10)
  const { code, stdout, stderr } = await shell(
    linked,
    'npx --no-install causeway -C . init . && npx --no-install causeway test',
  )
  expect(code, stderr).toBe(0)
  expect(envelopes(stdout).get('test')).toMatchObject({ ok: true, total: 2 })
})

test('an older Node ends with one sentence that names the fix', async () => {
  const { path, arguments: simulated } = oldNode()
  const bin = join(installed, 'node_modules/@causeway-hub/causeway/bin/causeway.mjs')
  const { code, stdout, stderr } = await shell(installed, [path, ...simulated, bin, 'init', 'other'].join(' '))
  expect(code).toBe(2)
  expect(stdout).toBe('')
  expect(stderr.trim()).toMatch(/^Causeway needs Node 24\.7 or newer[^\n]*: install it[^\n]*\.$/)
  expect(existsSync(join(installed, 'other'))).toBe(false)
})

type Ticket = { id: number; subject: string; priority: string | null; status: string; updated_at: string }

/** The notes of the CRM that came from tickets, subject by external id, and all tickets of the helpdesk, each by its own API. */
async function notesAndTickets(dataDir: string): Promise<{ notes: Map<string, string>; tickets: Ticket[] }> {
  const systems = await startSandbox({ dataDir, ports: ANY_PORT })
  try {
    const [crm, helpdesk] = [await client(systems, 'crm'), await client(systems, 'helpdesk')]
    const notes = new Map<string, string>()
    const filters = [{ property: 'externalId', operator: 'HAS_PROPERTY' }]
    for (let after: string | undefined, first = true; first || after; first = false) {
      const { json } = await crm('POST', '/crm/v1/activities/search', { filters, limit: 100, ...(after && { after }) })
      for (const { type, externalId, subject } of json.results) if (type === 'note') notes.set(externalId, subject)
      after = json.paging?.next?.after
    }
    const tickets: Ticket[] = []
    // Deleted ones as well: some are at the end of the run.
    for (let next: string | null = '/api/v2/tickets?per_page=100&updated_since=2000-01-01T00:00:00Z'; next; ) {
      const { json } = await helpdesk('GET', next)
      tickets.push(...json.tickets)
      next = json.next_page
    }
    return { notes, tickets }
  } finally {
    await systems.stop()
  }
}

async function untilGiven<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) {
    const value = await look()
    if (value !== undefined) return value
  }
  throw new Error('still nothing after a minute')
}
