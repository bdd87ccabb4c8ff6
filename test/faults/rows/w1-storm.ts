import type { Row } from '../rig/row.ts'
import { Storm, sizeOf } from '../rig/storm.ts'

export const row: Row = {
  id: 'W1',
  title: 'a storm of edits on both sides',
  holds: ['I1', 'I2', 'I3'],
  promise: 'Edits on both sides of a two-way sync all arrive, both systems come to the same, and then nobody writes.',
  method:
    'People edit two systems at once, one edit in five comes upon a field of the other side; both are read over and over. In the end both hold the same, every edit that met no other one is there, of two that met one won, and one cycle after the last edit nothing is written.',
  queue: false,
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const storm = new Storm(world)
    storm.fill(people)
    await world.start(2)
    await storm.rest()
    await storm.rage(edits, perSecond)
    await storm.judge(check)
  },
}
