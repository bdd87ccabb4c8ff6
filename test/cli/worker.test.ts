/** `causeway worker` as its operator and Prometheus see it: a process of its own, real sockets, a real ledger. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hubFolder, TOKEN, until } from '../e2e/hub-process.ts'
import { CONNECTOR, MAPPING, Peer } from '../e2e/peer.ts'
import { freshDatabase } from '../postgres.ts'
import { BIN, CACHE } from './run-cli.ts'

const ADMIN = 'admin-token-of-the-worker-test-000001'

test('a worker with a port answers probes, measures its own calls, and says that it drains until the write under way has its answer', async () => {
  const peer = await Peer.start()
  peer.fill(3)
  const database = await freshDatabase()
  const dir = await hubFolder(peer.url, {
    connector: CONNECTOR.replace('timeout_seconds: 5', 'timeout_seconds: 60'),
    mappings: { 'contacts.yaml': MAPPING.replace('manual', '{ every: 1s }') },
  })
  const child = spawn(process.execPath, [BIN, '-C', dir, '-o', 'json', 'worker', '--metrics-port', '0'], {
    env: {
      ...{ PATH: process.env.PATH, XDG_CACHE_HOME: CACHE, PEER_TOKEN: TOKEN },
      ...{ DATABASE_URL: database.url, CAUSEWAY_ADMIN_TOKEN: ADMIN },
      CAUSEWAY_DATA_DIR: await mkdtemp(join(tmpdir(), 'causeway-worker-')),
      ...{ CAUSEWAY_SHUTDOWN_SECONDS: '300', CAUSEWAY_LOG_LEVEL: 'warn' },
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  const url = await until(
    () => (child.exitCode === null ? /"url":"([^"]+)"/.exec(output)?.[1] : `it ended: ${output}`),
    Boolean,
  )
  const get = (path: string, token?: string) =>
    fetch(`${url}${path}`, token ? { headers: { authorization: `Bearer ${token}` } } : {})

  expect((await get('/livez')).status).toBe(200)
  await until(
    async () => (await get('/readyz')).status,
    (status) => status === 200,
  )
  expect((await get('/metrics')).status).toBe(401)
  // Nothing of the admin API is here, nor the intake.
  for (const path of ['/api/v1/syncs', '/api/v1/system', '/openapi.json', '/hooks/peer'])
    expect((await get(path, ADMIN)).status, path).toBe(404)

  const measured = /^causeway_remote_request_duration_seconds_count\{connection="peer",outcome="2xx"\} [1-9]/m
  const text = await until(
    async () => (await get('/metrics', ADMIN)).text(),
    (seen) => measured.test(seen),
  )
  expect(text).toMatch(/^causeway_queue_oldest_age_seconds\{connection="peer",kind="pull"\} /m)

  // A write is under way when it is told to stop: probes are answered until it has its answer and the outcome is committed.
  let late: ServerResponse | undefined
  const hold = (response: ServerResponse): void => {
    late = response
  }
  peer.intercept = ({ method, body }) =>
    method === 'POST' && body.includes('late@') && !late ? { after: hold } : undefined
  peer.put('late', { name: 'Late', email: 'late@example.test' })
  await until(() => late !== undefined, Boolean)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await until(
    async () => (await get('/readyz?verbose=true')).text(),
    (text) => /"serving","ok":false/.test(text),
  )
  expect((await get('/livez')).status).toBe(200)
  const { id } = [...peer.customers.values()].find(({ external_id }) => external_id === 'late')!
  late!.writeHead(200, { 'content-type': 'application/json' })
  late!.end(JSON.stringify({ results: [{ status: 'ok', id }] }))
  expect((await ended)[0]).toBe(0)
  const { rows } = await database.pool.query(
    `select state, (select count(*)::int from intent) as intents from delivery where record_id = 'late'`,
  )
  expect(rows).toEqual([{ state: 'delivered', intents: 0 }])
}, 240_000)
