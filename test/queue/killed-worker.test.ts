import { expect, test, vi } from 'vitest'
import { DEFAULT_TUNING, openQueue } from '../../src/queue/index.ts'
import { type Backend, postgresBackend, redisBackend } from './backends.ts'
import { redisMissing, redisRequired } from './redis-server.ts'
import { startVictim } from './victim.ts'

/** With the settings of production, so it takes as long as production does: at worst a lock and two checks. */
test('a job whose process was killed is taken up by another within 15 s', { timeout: 240_000 }, async () => {
  const opening = [postgresBackend()]
  if (redisRequired || redisMissing() === undefined) opening.push(redisBackend())
  const backends = await Promise.all(opening)
  await Promise.all(backends.map(killAndTakeOver))
})

async function killAndTakeOver(backend: Backend): Promise<void> {
  const target = await backend.freshTarget()
  const log = { info() {}, warn() {}, error() {} }
  const queue = await openQueue(target, { log })
  try {
    const victim = await startVictim(target, {})
    await queue.wake('pull', 'orphan')
    await victim.says('started orphan')
    const taken: string[] = []
    await queue.work('pull', async (id) => void taken.push(id), { concurrency: 1 })
    victim.kill()
    await vi.waitFor(() => expect(taken).toEqual(['orphan']), { timeout: 90_000, interval: 50 })
  } finally {
    await queue.close()
    await backend.close()
  }
}

test('the settings promise those 15 s', () => {
  expect(DEFAULT_TUNING.lockMs + 2 * DEFAULT_TUNING.stalledCheckMs).toBeLessThan(15_000)
})
