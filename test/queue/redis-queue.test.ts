import { expect, test } from 'vitest'
import { redisBackend } from './backends.ts'
import { queueContract } from './contract.ts'
import { redisMissing, redisRequired } from './redis-server.ts'

const missing = redisMissing()
if (missing === undefined) {
  queueContract('Redis', redisBackend)
} else if (redisRequired) {
  test('Redis is there', () => expect.fail(`${missing}, and CAUSEWAY_REQUIRE_REDIS=1`))
} else {
  console.warn(`queue contract on Redis skipped: ${missing}`)
  test.skip(`queue contract on Redis (${missing})`, () => undefined)
}
