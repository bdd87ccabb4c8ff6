/** What probes are told of a process whose database goes away: alive, not ready, and ready again by itself. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openHub } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { buildServer } from '../../src/http/index.ts'
import { freshDatabase } from '../postgres.ts'
import { startRelay } from '../queue/outage.ts'

const PATIENT = { timeout: 120_000, interval: 200 }

/** A hub whose way to its database can be cut, as its probes see it. */
async function hubBehindRelay() {
  const database = new URL((await freshDatabase()).url)
  const relay = await startRelay({ host: database.hostname, port: Number(database.port) })
  database.host = `127.0.0.1:${relay.port}`
  const dir = await mkdtemp(join(tmpdir(), 'causeway-ready-'))
  await writeFile(join(dir, 'causeway.yaml'), 'hub: {}\n')
  const logger = createLogger({ level: 'silent', destination: process.stderr })
  const hub = await openHub({ dir, role: 'serve', env: { CAUSEWAY_DATABASE_URL: database.href }, logger })
  const app = await buildServer(hub.services, {
    database: hub.pool,
    access: hub.access,
    adminToken: 'x'.repeat(40),
    version: '0.0.0-test',
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(async () => {
    // Sockets that stay silent for ever would hold up a stop, which in a process has its time (close-in-time.ts).
    await relay.cut()
    await relay.restore()
    await app.close()
    await hub.close()
    await relay.close()
    await rm(dir, { recursive: true })
  }, 60_000)
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
  const probe = async (path: string) => {
    const answer = await fetch(url + path, { signal: AbortSignal.timeout(30_000) })
    const { checks = [] } = (await answer.json()) as { checks?: { name: string; ok: boolean; code?: string }[] }
    return { status: answer.status, failed: checks.filter(({ ok }) => !ok).map(({ name, code }) => `${name} ${code}`) }
  }
  return { relay, probe }
}

test.each([
  ['broken and refused', 'cut'],
  ['open, and nothing comes through', 'silence'],
  ['broken at once, as by a server that starts', 'slam'],
] as const)(
  'connections to the database are %s: the process is alive, not ready, and ready again once they stand',
  { timeout: 300_000 },
  async (_how, how) => {
    const { relay, probe } = await hubBehindRelay()
    expect(await probe('/readyz?verbose')).toEqual({ status: 200, failed: [] })
    await relay[how]()
    await expect
      .poll(() => probe('/readyz?verbose'), PATIENT)
      .toEqual({ status: 503, failed: expect.arrayContaining(['database CSW-6001', 'migrations CSW-6001']) })
    expect(await probe('/livez')).toMatchObject({ status: 200 })
    await relay.restore()
    await expect.poll(() => probe('/readyz?verbose'), PATIENT).toEqual({ status: 200, failed: [] })
  },
)
