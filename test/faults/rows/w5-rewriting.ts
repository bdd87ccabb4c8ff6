import type { Row } from '../rig/row.ts'
import { rewriting, Storm, sizeOf } from '../rig/storm.ts'

export const row: Row = {
  id: 'W5',
  title: 'systems that rewrite what they are given',
  holds: ['I3'],
  promise:
    'Where systems change the case of what they are given or trim it, nothing is written back for it, and no edit is lost.',
  method:
    'The storm of W1 between one system that keeps small letters only and one that trims and keeps capitals only.',
  queue: false,
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const storm = new Storm(world)
    rewriting(storm)
    storm.fill(people)
    await world.start(2)
    await storm.rest()
    const made = storm.writes()
    await storm.rage(edits, perSecond)
    await storm.judge(check)
    check.atMost('writes for each edit', (storm.writes() - made) / edits, 1)
  },
}
