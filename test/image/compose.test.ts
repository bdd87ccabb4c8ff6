/** compose.yaml as it stands, carried out by Docker's compose on an engine: every service comes up, a sync and a webhook arrive, nothing is left. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { ROOT } from '../docs/readme.ts'
import { FOLDER, healthOf, podman, watchHealth } from './engine.ts'

const PROGRAM = join(FOLDER, 'compose/usr/libexec/docker/cli-plugins/docker-compose')
const SECRET = 'a secret of the shop'
const HUB = 'http://127.0.0.1:4000'

let folder: string
let engine: ChildProcess
let stopWatching: () => Promise<void>

beforeAll(async () => {
  folder = await mkdtemp(join(FOLDER, 'compose-'))
  await cp(join(import.meta.dirname, 'hub'), join(folder, 'hub'), { recursive: true })
  const env = { SHOP_WEBHOOK_SECRET: SECRET, TARGET_USER: 'causeway', TARGET_PASSWORD: 'causeway' }
  await writeFile(
    join(folder, 'hub/.env'),
    Object.entries(env).map(([name, value]) => `${name}=${value}\n`),
  )
  engine = spawn('podman', ['system', 'service', '--time=0', `unix://${folder}/engine.sock`], { stdio: 'ignore' })
  await vi.waitFor(() => compose('ps'), { timeout: 30_000, interval: 500 })
  stopWatching = watchHealth()
})
afterAll(async () => {
  await stopWatching?.()
  await compose('down', '--volumes', '--timeout', '5').catch(() => undefined)
  engine?.kill()
  await rm(folder, { recursive: true, force: true })
})

/** The command of the file's own head, with images that are there already: an image is not built by way of an API here. */
async function compose(...args: string[]): Promise<string> {
  const words = ['--file', join(ROOT, 'compose.yaml'), '--project-name', 'hub', ...args]
  const env = { ...process.env, DOCKER_HOST: `unix://${folder}/engine.sock`, HUB_FOLDER: join(folder, 'hub') }
  const { stdout } = await promisify(execFile)(PROGRAM, words, { env, timeout: 170_000, maxBuffer: 1 << 24 })
  return stdout.trim()
}

const sql = (database: string, statement: string): Promise<string> =>
  compose('exec', '-T', 'postgres', 'psql', '-h', '/tmp', '-U', 'causeway', '-d', database, '-Atc', statement)

const names = async (): Promise<string[]> =>
  (await sql('target', 'select name from customers order by number')).split('\n')

const containers = async (): Promise<{ Names: string[]; ExitCode: number }[]> =>
  JSON.parse(await podman('ps', '--all', '--format', 'json'))

test('one command brings up a server, two workers, Postgres and Redis, and each is healthy by its own check', async () => {
  await compose('up', '--no-build', '--wait', '--scale', 'worker=2')
  const all = await containers()
  expect(all.map(({ Names }) => Names[0]).sort()).toEqual(
    ['hub-postgres-1', 'hub-redis-1', 'hub-serve-1', 'hub-worker-1', 'hub-worker-2'].sort(),
  )
  for (const [name] of all.map(({ Names }) => Names))
    await expect.poll(() => healthOf(name!), { message: name!, timeout: 60_000, interval: 1000 }).toBe('healthy')
  expect((await fetch(`${HUB}/readyz`)).status).toBe(200)
})

test('a file is synced by a worker into the database beside it', async () => {
  await sql('causeway', 'create database target')
  await sql(
    'target',
    'create table customers (id bigint generated always as identity primary key, number text not null unique, name text)',
  )
  await compose('exec', '-T', 'serve', 'node', '/app/bin/causeway.mjs', 'run', 'files-to-table', '--wait')
  expect(await names()).toEqual(['Bäckerei Wislana', 'Mlyn Sp. z o.o.', 'Oak & Sons'])
})

test('a signed webhook is taken by the server and delivered by a worker; one with a wrong signature is not taken', async () => {
  const body = JSON.stringify({ number: 'W-1', name: 'Zażółć Ltd' })
  const send = (signature: string) =>
    fetch(`${HUB}/hooks/shop`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', 'x-signature': signature },
    })
  expect((await send('0'.repeat(64))).status).toBe(401)
  expect((await send(createHmac('sha256', SECRET).update(body).digest('hex'))).status).toBe(202)
  await expect.poll(names, { timeout: 60_000, interval: 500 }).toContain('Zażółć Ltd')
})

test('the admin token is where the file says, and lets in', async () => {
  const token = await compose('exec', '-T', 'serve', 'cat', '/data/admin-token')
  const answer = await fetch(`${HUB}/api/v1/syncs`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
})

test('a stop ends every process by itself within its time, and down leaves nothing', async () => {
  await stopWatching()
  await compose('stop')
  for (const { Names, ExitCode } of await containers()) expect(ExitCode, Names[0]).toBe(0)
  await compose('down', '--volumes')
  expect(await podman('ps', '--all', '--quiet')).toBe('')
  expect(await podman('volume', 'ls', '--quiet')).toBe('')
  expect(await podman('network', 'ls', '--format', '{{.Name}}')).toBe('podman')
})
