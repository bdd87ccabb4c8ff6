/** An administrator with nothing but docs/operate/from-zero.md: its commands, carried out as they stand there. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PostgresServer } from '../faults/rig/postgres.ts'
import { freePort } from '../faults/rig/waiting.ts'
import { ENVIRONMENT } from '../package/installation.ts'
import { type Step, sectionsOf } from './document.ts'
import { Terminal } from './terminal.ts'

const sections = sectionsOf('operate/from-zero.md')
/** The page says "within a minute"; this machine may have other work. */
const PATIENCE_MS = 120_000

let rig: string
let folder: string
let postgres: PostgresServer
let terminal: Terminal

beforeAll(async () => {
  rig = await mkdtemp(join(tmpdir(), 'causeway-zero-'))
  folder = join(rig, 'hub')
  await mkdir(join(rig, 'bin'))
  await mkdir(folder)
  postgres = await PostgresServer.start(join(rig, 'postgres'))
  // What the page takes for granted: a server somewhere, the program in the path, ports that nobody has.
  await symlink(join(import.meta.dirname, '../../bin/causeway.mjs'), join(rig, 'bin/causeway'))
  const { hostname, port, username, password } = new URL(postgres.url('postgres'))
  const ports: Record<string, string> = {}
  for (const name of ['HUB_PORT', 'REDIS_PORT', 'WORKER_1', 'WORKER_2', 'SSO_PORT', 'ALERTS_PORT', 'PROMETHEUS_PORT'])
    ports[name] = String(await freePort())
  terminal = new Terminal(folder, rig, {
    ...ENVIRONMENT,
    ...ports,
    PATH: `${join(rig, 'bin')}:${dirname(process.execPath)}:${ENVIRONMENT.PATH}`,
    PGHOST: hostname,
    PGPORT: port,
    PGUSER: username,
    PGPASSWORD: password,
  })
}, 120_000)
afterAll(async () => {
  await terminal?.close()
  await postgres?.stop()
  await rm(rig, { recursive: true, force: true })
})

test('all that the page asks for is carried out, in twelve sections', () => {
  expect(sections.map(({ title }) => Number.parseInt(title, 10))).toEqual(Array.from({ length: 12 }, (_, i) => i + 1))
  expect(sections.every(({ steps }) => steps.some(({ kind }) => kind === 'run'))).toBe(true)
})

test.each(sections)('$title', { timeout: 300_000 }, async ({ steps }) => {
  for (const step of steps)
    if (step.kind === 'file') await write(step.path, step.text)
    else await carryOut(step)
})

test('no key and no password of the exercise stands in a log, an alert or what was downloaded', async () => {
  const environment = await readFile(join(folder, 'environment'), 'utf8')
  const secrets = [...environment.matchAll(/(?:TOKEN|KEY|SECRET|PASSWORD)=(\S+)/g)].map(([, value]) => value!)
  secrets.push((await readFile(join(folder, 'prometheus-token'), 'utf8')).trim(), new URL(postgres.url('x')).password)
  expect(secrets).toHaveLength(7)
  const logs = (await readdir(folder)).filter((name) => /\.log$|\.html$|\.jar$/.test(name))
  expect(logs).toEqual(expect.arrayContaining(['serve.log', 'worker-1.log', 'worker-2.log', 'alerts.log']))
  for (const name of logs) {
    const text = await readFile(join(folder, name), 'utf8')
    for (const secret of secrets) expect(text.includes(secret), name).toBe(false)
  }
})

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(folder, path)), { recursive: true })
  await writeFile(join(folder, path), text)
}

async function carryOut(step: Step & { kind: 'run' }): Promise<void> {
  await terminal.carryOut(step, PATIENCE_MS).catch(async (error: Error) => {
    const logs = await Promise.all(['serve.log', 'worker-1.log'].map(tail))
    throw new Error(`${error.message}\n${logs.join('\n')}`)
  })
}

const tail = async (name: string): Promise<string> =>
  (await readFile(join(folder, name), 'utf8').catch(() => '')).slice(-3_000)
