/** Webhooks that say only that something changed, at a whole hub: nothing told is lost with it, and many make few pulls. */
import { expect, onTestFinished, test } from 'vitest'
import { HubProcess, hubFolder, TOKEN, until } from '../e2e/hub-process.ts'
import { CONNECTOR, MAPPING, Peer } from '../e2e/peer.ts'
import { redisMissing, redisRequired, startRedis } from '../queue/redis-server.ts'

const WEBHOOKS = `webhooks:
  signature: { kind: token, header: X-Token, secrets: ["\${ settings.token }"] }
  stream: item.of
  pull: $exists(item.of)
`
/** A pull begins two seconds after the one before at the earliest. */
const REST_MS = 2_000

test('queue on Postgres', () => tell({}))

test.skipIf(redisMissing() !== undefined && !redisRequired)('queue on Redis', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.stop())
  await tell({ REDIS_URL: `redis://127.0.0.1:${redis.port}` })
})

async function tell(env: Record<string, string>): Promise<void> {
  const peer = await Peer.start()
  const dir = await hubFolder(peer.url, {
    connector: CONNECTOR + WEBHOOKS,
    mappings: { 'contacts.yaml': MAPPING.replace('schedule: manual', 'schedule: webhook') },
  })
  let hub = await HubProcess.start(dir, env)
  const pulls = () => peer.calls.filter((call) => call === 'GET /contacts').length
  const delivered = () =>
    until(
      () => peer.customers.size,
      (size) => size === peer.contacts.size,
      400_000,
    )

  peer.fill(5)
  const before = pulls()
  const began = performance.now()
  expect(await send(hub, 100)).toEqual(Array(100).fill(202))
  await delivered()
  // Each page is asked for once, and a pull here has one.
  expect(pulls() - before).toBeLessThanOrEqual(2 + Math.floor((performance.now() - began) / REST_MS))

  for (let round = 0; round < 3; round++) {
    peer.put(`killed${round}`, { name: 'Somebody', email: `k${round}@example.test` })
    expect(await send(hub, 1)).toEqual([202])
    await hub.kill()
    hub = await HubProcess.start(dir, env)
    await delivered()
  }
  expect(peer.duplicates()).toEqual([])
}

async function send(hub: HubProcess, count: number): Promise<number[]> {
  const url = await hub.url()
  const deliver = async (): Promise<number> => {
    const { status } = await fetch(`${url}/hooks/peer`, {
      method: 'POST',
      headers: { 'x-token': TOKEN, 'content-type': 'application/json' },
      body: '{"of":"contacts"}',
    })
    return status
  }
  return Promise.all(Array.from({ length: count }, deliver))
}
