import { openQueue, type QueueTarget } from '../../../src/queue/index.ts'
import type { Row } from '../rig/row.ts'

const silent = { info() {}, warn() {}, error() {} }

export const row: Row = {
  id: 'B7',
  title: 'several jobs for the same work',
  holds: ['I2'],
  promise: 'However many jobs ask for the same work at once, it is done once.',
  method: 'Ten wake-ups from ten clients for each lane and each inbox, again and again, over three workers.',
  world: { lanes: 2 },
  async run(world, check, { short }) {
    const { redis, pool, databaseUrl } = world
    const target: QueueTarget = redis
      ? { backend: 'redis', url: redis.url }
      : { backend: 'postgres', connectionString: databaseUrl }
    await world.start(3)
    const queues = await Promise.all(Array.from({ length: short ? 4 : 10 }, () => openQueue(target, { log: silent })))
    try {
      const { rows: syncs } = await pool.query<{ id: number }>('select id from sync')
      const { rows: connections } = await pool.query<{ id: number }>('select id from connection')
      const lanes = syncs.flatMap(({ id }) => [`${id}.0`, `${id}.1`])
      for (let rev = 1; rev <= (short ? 3 : 20); rev++) {
        const sending = world.sendVersions(
          Array.from({ length: 50 }, (_, i) => `d${i}`),
          rev,
        )
        await Promise.all(
          queues.flatMap((queue) => [
            ...lanes.map((id) => queue.wake('push', id, { delayMs: world.random.between(0, 30) })),
            ...connections.map(({ id }) => queue.wake('inbox', String(id), { delayMs: world.random.between(0, 30) })),
          ]),
        )
        await sending
      }
    } finally {
      await Promise.all(queues.map((queue) => queue.close()))
    }
    await world.settle(check, 30_000, { events: true })
    check.equal('records', world.target.customers.size, 50)
  },
}
