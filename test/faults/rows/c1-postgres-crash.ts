import type { Row } from '../rig/row.ts'
import { isAcknowledged } from '../rig/sender.ts'
import { sleep, until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'C1',
  title: 'Postgres crashes',
  holds: ['I1', 'I8'],
  promise:
    'Postgres may crash under load: what was acknowledged is there, the hub serves again within 15 s, and no process ends.',
  method: 'Immediate stop, 5 s away, start, ten times while webhooks come in and are delivered.',
  world: { ownPostgres: true, lanes: 2 },
  async run(world, check, { short, kills = short ? 2 : 10 }) {
    const { hub, sender, postgres, random } = world
    await world.start(2)
    await world.roundTrip('warm')
    let over = false
    const pouring = (async () => {
      for (let n = 1; !over; n++)
        await sender.pour(
          Array.from({ length: 50 }, (_, i) => sender.event({ id: `c${i}`, rev: n })),
          100,
        )
    })()
    for (let kill = 0; kill < kills; kill++) {
      await sleep(random.between(500, 3_000))
      await postgres.crash()
      await sleep(short ? 2_000 : 5_000)
      await postgres.up()
      const began = performance.now()
      const before = sender.answers.length
      await until('it serves again', () => sender.answers.slice(before).some(isAcknowledged), Boolean, 60_000, 20)
      check.within('serving again after', performance.now() - began, 15_000)
    }
    over = true
    await pouring
    check.within('first effect afterwards', await world.roundTrip('back'), 15_000)
    check.equal('processes that ended', hub.crashed().length, 0)
    await world.settle(check, 60_000, { events: true })
  },
}
