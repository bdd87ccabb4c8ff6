import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'B4',
  title: 'Redis freezes',
  holds: ['I7', 'I8'],
  promise: 'A Redis that accepts connections and answers nothing slows work down, and intake not at all.',
  method:
    'SIGSTOP for 30 s while webhooks come in: all acknowledged, memory bounded, no process falls over, work goes on after SIGCONT.',
  only: 'redis',
  async run(world, check, { short }) {
    const { hub, sender, redis } = world
    await world.start(1)
    await world.roundTrip('warm')
    const before = hub.server!.residentMB()
    redis!.freeze()
    const seconds = short ? 8 : 30
    const events = Array.from({ length: seconds * 100 }, (_, i) => sender.event({ id: `f${i}`, rev: 1 }))
    const [answers] = await Promise.all([sender.pour(events, 100), sleep(seconds * 1_000)])
    check.equal('acknowledged', answers.filter(({ status }) => status === 202).length, events.length)
    check.atMost('growth of serve, MB', hub.server!.residentMB() - before, 64)
    redis!.thaw()
    check.within('first effect afterwards', await world.roundTrip('back'), 10_000)
    await world.settle(check, 60_000, { events: true })
    check.equal('unhandled rejections', hub.output().includes('unhandled'), false)
  },
}
