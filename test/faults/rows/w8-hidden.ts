import type { Row } from '../rig/row.ts'
import { Storm, sizeOf } from '../rig/storm.ts'

export const row: Row = {
  id: 'W8',
  title: 'records that a system does not show for a while',
  holds: ['I1', 'I2'],
  promise:
    'A record that a system does not show when it is asked for is not taken for deleted: it is neither made again nor removed on the other side.',
  method:
    'The storm of W1. One read of single records in three leaves out half of what was asked for, as a search that lags does.',
  queue: false,
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const { random } = world
    const storm = new Storm(world)
    storm.fill(people)
    await world.start(2)
    await storm.rest()
    const sides = [storm.side('left'), storm.side('right')]
    let hidden = 0
    for (const side of sides)
      side.hides = (row) => {
        if (!random.chance(0.15)) return false
        hidden++
        return row.id !== ''
      }
    await storm.rage(edits, perSecond)
    for (const side of sides) side.hides = () => false
    check.atLeast('left out', hidden, 3)
    await storm.judge(check, { settle: 2 })
    check.equal(
      'creates',
      sides.flatMap(({ writes }) => writes).filter(({ operation }) => operation === 'create').length,
      people,
    )
    check.equal(
      'deletes',
      sides.flatMap(({ writes }) => writes).filter(({ operation }) => operation === 'delete').length,
      0,
    )
  },
}
