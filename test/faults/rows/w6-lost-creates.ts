import type { Row } from '../rig/row.ts'
import { Storm, sizeOf } from '../rig/storm.ts'

export const row: Row = {
  id: 'W6',
  title: 'answers of creates are lost while people edit both sides',
  holds: ['I1', 'I2', 'I3'],
  promise:
    'A create whose answer was lost makes nobody twice, and edits of either side made before the record is found again all arrive.',
  method:
    'The storm of W1, while people make new records on both sides. Of every second new record the answer of its create is reset after the effect; half of the records that came of these are edited at once, on one side or on both.',
  world: { twoWay: { conflict: 'newest' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const { random } = world
    const storm = new Storm(world)
    storm.fill(people)
    await world.start(2)
    await storm.rest()
    let lost = 0
    const met = new Set<string>()
    for (const name of ['left', 'right'] as const)
      storm.side(name).mishap = ({ method, path, body }) => {
        if (method !== 'POST' || path !== '/people') return undefined
        const { email } = JSON.parse(body) as { email: string }
        // A slow hub makes most of them after the storm, so each is lost once at most, whenever that is.
        if (met.has(email) || !met.add(email) || !random.chance(0.5)) return undefined
        lost++
        return {
          after: (response) => {
            response.socket?.resetAndDestroy()
            if (random.chance(0.5)) storm.touch(email)
          },
        }
      }
    await storm.rage(edits, perSecond, () => {
      if (random.chance(0.2)) storm.make()
    })
    await storm.rest()
    for (const name of ['left', 'right'] as const) storm.side(name).mishap = () => undefined
    check.atLeast('answers lost', lost, size.short ? 10 : 300)
    await storm.judge(check, { settle: 2 })
  },
}
