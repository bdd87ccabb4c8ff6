import type { Row } from '../rig/row.ts'
import { Storm, sizeOf } from '../rig/storm.ts'

export const row: Row = {
  id: 'W7',
  title: 'deletions on both sides in a storm',
  holds: ['I1', 'I2'],
  promise: 'What somebody deletes on one side leaves the other one, once, and nobody makes it again.',
  method:
    'The storm of W1 over half of the people; after every twentieth edit somebody deletes one of the other half on one side.',
  queue: false,
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const storm = new Storm(world)
    storm.fill(people * 2)
    storm.spares = (email) => /[02468]@/.test(email)
    await world.start(2)
    await storm.rest()
    await storm.rage(edits, perSecond, () => {
      if (storm.made % 20 === 0) storm.remove()
    })
    await storm.judge(check)
  },
}
