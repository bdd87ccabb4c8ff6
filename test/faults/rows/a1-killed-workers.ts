import { positionsAhead } from '../rig/ledgers.ts'
import type { Row } from '../rig/row.ts'
import { isAcknowledged } from '../rig/sender.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'A1',
  title: 'workers killed in a loop',
  holds: ['I1', 'I2', 'I4'],
  promise: 'Workers may be killed at any moment and as often as you like: nothing is lost, doubled or left behind.',
  method:
    'Events pour in while one of three workers is killed (SIGKILL) every 0.5 to 3 s and replaced. Positions may never be ahead of deliveries, the ledgers must agree afterwards, and the backlog must be gone 60 s after the last kill.',
  world: { lanes: 4, batch: true },
  async run(world, check, { short, kills = short ? 8 : 200 }) {
    const { hub, sender, random, pool, target } = world
    await Promise.all([hub.serve(), hub.work(), hub.work(), hub.work()])
    target.delayMs = 10
    const records = short ? 300 : 3_000
    const revisions = new Map<string, number>()
    const events = Array.from({ length: short ? 1_500 : 10_000 }, () => {
      const id = `c${random.between(1, records)}`
      revisions.set(id, (revisions.get(id) ?? 0) + 1)
      return sender.event({ id, rev: revisions.get(id)!, name: `Person ${id}` })
    })
    const pouring = sender.pour(events, events.length / (kills * 1.5), (event) => sender.sendUntilTaken(event))
    for (let kill = 0; kill < kills; kill++) {
      await sleep(random.between(500, short ? 2_000 : 3_000))
      await hub.replace(random.pick(hub.workers), { ready: false })
      check.equal('positions ahead at a kill', (await positionsAhead(pool)).length, 0)
    }
    await pouring
    await world.settle(check, 60_000, { events: true })
    check.note('kills', kills)
    check.equal(
      'acknowledged',
      new Set(sender.answers.filter(isAcknowledged).map(({ eventId }) => eventId)).size,
      events.length,
    )
    check.note('asked to come back', sender.answers.filter((answer) => !isAcknowledged(answer)).length)
  },
}
