import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openQueue } from '../../src/queue/index.ts'
import { redisBackend } from './backends.ts'
import { soon, TUNING } from './bench.ts'
import { queueContract } from './contract.ts'
import { redisMissing, redisRequired } from './redis-server.ts'

const log = { info() {}, warn() {}, error() {} }
const missing = redisMissing()
if (missing === undefined) {
  queueContract('Redis', redisBackend)
  test('opened while Redis comes and goes, the queue works as soon as it stays', opensWithoutRedis)
} else if (redisRequired) {
  test('Redis is there', () => expect.fail(`${missing}, and CAUSEWAY_REQUIRE_REDIS=1`))
} else {
  console.warn(`queue contract on Redis skipped: ${missing}`)
  test.skip(`queue contract on Redis (${missing})`, () => undefined)
}

async function opensWithoutRedis(): Promise<void> {
  const backend = await redisBackend()
  await backend.relay.cut()
  const queue = await openQueue(await backend.freshTarget(), { log, tuning: TUNING })
  try {
    const seen: string[] = []
    await queue.work('push', async (id) => void seen.push(id), { concurrency: 1 })
    await expect(queue.wake('push', 'early')).rejects.toMatchObject({ code: 'CSW-7001' })
    expect(await queue.ping()).toBe(false)
    for (let round = 0; round < 8; round += 1) {
      const before = backend.relay.opened()
      await backend.relay.restore()
      await soon(() => expect(backend.relay.opened()).toBeGreaterThan(before))
      await sleep(round)
      await backend.relay.cut()
    }
    await backend.relay.restore()
    await soon(() => queue.wake('push', 'late'))
    await soon(() => expect(seen).toContain('late'))
  } finally {
    await queue.close()
    await backend.close()
  }
}

test('a Redis URL that is none is refused without repeating it', async () => {
  const opening = openQueue({ backend: 'redis', url: 'http://user:hunter2@host' }, { log })
  await expect(opening).rejects.toMatchObject({ code: 'CSW-1002', message: expect.not.stringContaining('hunter2') })
})
