import type { Row } from '../rig/row.ts'
import { refusalsAmong } from '../rig/sender.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'B1',
  title: 'Redis crashes',
  holds: ['I1', 'I8'],
  promise: 'Redis may crash and stay away: nothing is lost, and work goes on within 5 s of its return.',
  method: 'SIGKILL, away for 2, 20 and 120 s while webhooks come in, then started on what its log held.',
  only: 'redis',
  async run(world, check, { short }) {
    const { redis, sender, random } = world
    await world.start(2)
    await world.roundTrip('warm')
    for (const seconds of short ? [2] : [2, 20, 120]) {
      await redis!.crash()
      const meanwhile = world.sendVersions(
        Array.from({ length: 50 }, (_, i) => `down${seconds}-${i}`),
        1,
      )
      await sleep(seconds * 1_000)
      await meanwhile
      await redis!.up()
      check.within(
        `first effect after ${seconds} s away`,
        await world.roundTrip(`back${seconds}-${random.between(1, 1e6)}`),
        5_000,
      )
    }
    await world.settle(check, 30_000, { events: true })
    check.equal('refused', refusalsAmong(sender.answers).join(), '')
  },
}
