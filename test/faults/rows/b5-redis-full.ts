import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'B5',
  title: 'Redis is full',
  holds: ['I1', 'I9'],
  promise:
    'A Redis without memory refuses jobs: events stay pending in the ledger, no process falls over, and all is done later.',
  method: 'maxmemory below what is in use (noeviction), 500 events, then memory again.',
  only: 'redis',
  async run(world, check, { short }) {
    const { hub, redis, sender } = world
    await world.start(1)
    await world.roundTrip('warm')
    await redis!.command('CONFIG', 'SET', 'maxmemory', '100kb')
    const events = Array.from({ length: short ? 100 : 500 }, (_, i) => sender.event({ id: `m${i}`, rev: 1 }))
    const answers = await sender.pour(events, 200)
    check.equal('acknowledged', answers.filter(({ status }) => status === 202).length, events.length)
    await sleep(short ? 2_000 : 20_000)
    check.equal('processes that fell over', hub.crashed().length, 0)
    await redis!.command('CONFIG', 'SET', 'maxmemory', '0')
    await world.settle(check, 30_000, { events: true })
  },
}
