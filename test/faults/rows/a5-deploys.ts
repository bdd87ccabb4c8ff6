import type { Row } from '../rig/row.ts'
import { isAcknowledged } from '../rig/sender.ts'
import { patient, sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'A5',
  title: 'deploys under load',
  holds: ['I1', 'I8'],
  promise: 'A hub that is told to stop ends its work within 30 s, and its successor goes on where it was.',
  method:
    'SIGTERM to all processes and a start anew, twenty times under load: exit code 0 within 30 s, nothing left for the stalled check.',
  world: { lanes: 4, batch: true },
  async run(world, check, { short, kills = short ? 2 : 20 }) {
    const { hub, sender, target } = world
    target.delayMs = 50
    await world.start(2)
    let over = false
    const pouring = (async () => {
      for (let n = 1; !over; n++)
        await sender.pour(
          Array.from({ length: 100 }, (_, i) => sender.event({ id: `c${i}`, rev: n })),
          100,
          (event) => sender.sendUntilTaken(event),
        )
    })()
    for (let deploy = 0; deploy < kills; deploy++) {
      await sleep(world.random.between(1_000, 3_000))
      const old = [hub.server!, ...hub.workers.splice(0)]
      const ends = await Promise.all(old.map((program) => program.stop(patient(40_000))))
      check.within('slowest stop', Math.max(...ends.map(({ ms }) => ms)), 30_000)
      check.equal('exit codes', [...new Set(ends.map(({ code }) => code))].join(), '0')
      await world.start(2)
    }
    over = true
    await pouring
    await world.settle(check, 60_000, { events: true })
    const taken = new Set(sender.answers.filter(isAcknowledged).map(({ eventId }) => eventId))
    check.equal('never acknowledged', sender.answers.filter(({ eventId }) => !taken.has(eventId)).length, 0)
  },
}
