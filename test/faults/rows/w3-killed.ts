import { positionsAhead } from '../rig/ledgers.ts'
import type { Row } from '../rig/row.ts'
import { Storm, sizeOf } from '../rig/storm.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'W3',
  title: 'workers killed in a storm on both sides',
  holds: ['I1', 'I2', 'I3', 'I4'],
  promise:
    'Workers of a two-way sync may be killed at any moment: no edit is lost, nobody is made twice, both sides come to the same.',
  method: 'The storm of W1, while one of two workers is killed (SIGKILL) every 3 to 6 s and replaced.',
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const { hub, random, pool } = world
    const storm = new Storm(world)
    storm.fill(people)
    await world.start(2)
    let over = false
    let kills = 0
    const killing = (async () => {
      while (!over) {
        await sleep(random.between(3_000, 6_000))
        if (over) break
        await hub.replace(random.pick(hub.workers))
        kills++
        check.equal('positions ahead at a kill', (await positionsAhead(pool)).length, 0)
      }
    })()
    await storm.rage(edits, perSecond / 2)
    over = true
    await killing
    check.atLeast('kills', kills, size.short ? 1 : 20)
    await storm.judge(check, { settle: 2 })
  },
}
