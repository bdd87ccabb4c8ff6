import type { Row } from '../rig/row.ts'
import { Storm, sizeOf } from '../rig/storm.ts'

export const row: Row = {
  id: 'W7',
  title: 'deletions on both sides in a storm',
  holds: ['I1', 'I2'],
  promise: 'What somebody deletes on one side leaves the other one, once, and nobody makes it again.',
  method:
    'The storm of W1; after every twentieth edit somebody deletes a person on one side and lets it be. Edits of a person end with its deletion, but those on their way may still arrive: then the policy decides, and both sides must agree.',
  queue: false,
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const storm = new Storm(world)
    storm.fill(people * 2)
    await world.start(2)
    await storm.rest()
    await storm.rage(edits, perSecond, () => {
      if (storm.made % 20 === 0) storm.remove()
    })
    await storm.judge(check)
  },
}
