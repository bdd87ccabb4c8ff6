import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'F2',
  title: 'deliveries out of order',
  holds: ['I3'],
  promise:
    'Whatever order versions come in, the newest is what stands in the end, and an older one is never written over it.',
  method: 'Versions 1 to 20 of 1 000 keys, shuffled, some of them twice.',
  world: { lanes: 4, batch: true },
  async run(world, check, { short }) {
    const { sender, random } = world
    await world.start(2)
    const keys = short ? 60 : 1_000
    const events = Array.from({ length: keys * 20 }, (_, i) =>
      sender.event({ id: `o${i % keys}`, rev: 1 + Math.floor(i / keys) }),
    )
    const shuffled = random.shuffled([...events, ...events.filter(() => random.chance(0.1))])
    await sender.pour(shuffled, 400, (event) => sender.sendUntilTaken(event))
    await world.settle(check, 120_000, { events: true })
  },
}
