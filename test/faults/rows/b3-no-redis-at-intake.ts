import type { Row } from '../rig/row.ts'
import { percentile } from '../rig/sender.ts'

export const row: Row = {
  id: 'B3',
  title: 'no Redis at intake',
  holds: ['I1'],
  promise: 'Webhooks are taken at the usual speed while Redis is away.',
  method:
    '5 000 events with Redis up, 5 000 with Redis stopped: all acknowledged, p99 at most twice as long (or 20 ms).',
  only: 'redis',
  async run(world, check, { short }) {
    const { sender, redis, hub } = world
    const count = short ? 1_000 : 5_000
    const pour = async (prefix: string): Promise<number> => {
      const events = Array.from({ length: count }, (_, i) => sender.event({ id: `${prefix}${i}`, rev: 1 }))
      const answers = await sender.pour(events, 500)
      check.equal(`acknowledged ${prefix}`, answers.filter(({ status }) => status === 202).length, count)
      return percentile(
        answers.map(({ ms }) => ms),
        0.99,
      )
    }
    await hub.serve()
    await pour('warm')
    const usual = await pour('up')
    await redis!.crash()
    const without = await pour('down')
    check.note('p99 with Redis, ms', usual)
    check.within('p99 without Redis', without, Math.max(20, 2 * usual))
    await redis!.up()
    await hub.work()
    await world.settle(check, 120_000, { events: true })
  },
}
