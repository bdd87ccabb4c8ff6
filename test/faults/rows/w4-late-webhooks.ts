import type { Row } from '../rig/row.ts'
import type { Answer } from '../rig/sender.ts'
import { Storm, sizeOf } from '../rig/storm.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'W4',
  title: 'late and doubled webhooks from both sides',
  holds: ['I1', 'I3'],
  promise: 'Webhooks that come late, twice or out of order take back no edit, of neither side.',
  method:
    'The storm of W1, every edit with a webhook that holds the record as it was then and comes up to 5 s later, one in five twice. The reads go on beside them.',
  queue: false,
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const { random, sender } = world
    const storm = new Storm(world)
    storm.fill(people)
    await world.start(2)
    await storm.rest()
    const sent: Promise<Answer>[] = []
    await storm.rage(edits, perSecond, ({ name, person }) => {
      const event = sender.event({ ...person, rev: 0 })
      const send = async (): Promise<Answer> => {
        await sleep(random.between(0, 5_000))
        return sender.sendUntilTaken(event, name)
      }
      sent.push(send())
      if (random.chance(0.2)) sent.push(send())
    })
    await Promise.all(sent)
    check.note('webhooks', sent.length)
    await storm.judge(check)
  },
}
