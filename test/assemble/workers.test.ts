import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openHub } from '../../src/assemble/index.ts'
import { createLogger } from '../../src/core/index.ts'
import { listWorkers } from '../../src/store/views/index.ts'
import { freshDatabase } from '../postgres.ts'

const log = createLogger({ level: 'silent', destination: process.stderr })

test('a hub that works says so, and that it has stopped', async () => {
  const { pool, url } = await freshDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'causeway-workers-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'causeway.yaml'), 'hub: {}\n')
  const env = { CAUSEWAY_DATABASE_URL: url }
  const open = (role: 'serve' | 'worker') => openHub({ dir: folder, role, env, logger: log })
  const serving = await open('serve')
  const working = await open('worker')
  try {
    await expect.poll(() => listWorkers(pool), { timeout: 20_000 }).toHaveLength(1)
    const [worker] = await listWorkers(pool)
    expect(worker).toMatchObject({ host: hostname(), process: String(process.pid), alive: true, leftAt: null })
    await expect
      .poll(async () => (await listWorkers(pool))[0]!.seenAt.getTime(), { timeout: 20_000 })
      .toBeGreaterThan(worker!.seenAt.getTime())
  } finally {
    await working.close()
    await serving.close()
  }
  expect(await listWorkers(pool)).toMatchObject([{ alive: false, leftAt: expect.any(Date) }])
})
