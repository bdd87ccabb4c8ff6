import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'G5',
  title: 'parallel work on one record',
  holds: ['I3'],
  promise: 'A target record is written by one worker at a time, and the newest version is the last one written.',
  method:
    '100 versions of one key in a shuffled order over several workers and eight lanes, while each write takes its time.',
  world: { lanes: 8 },
  async run(world, check, { short }) {
    const { sender, target, random } = world
    let most = 0
    const underWay = new Map<string, number>()
    target.delayMs = 20
    target.mishap = ({ method, path }) => {
      if (method !== 'PATCH') return undefined
      const count = (underWay.get(path) ?? 0) + 1
      underWay.set(path, count)
      most = Math.max(most, count)
      return { answered: () => underWay.set(path, underWay.get(path)! - 1) }
    }
    await world.start(short ? 3 : 8)
    const keys = ['one', 'two', 'three']
    const versions = random.shuffled(
      keys.flatMap((id) => Array.from({ length: short ? 40 : 100 }, (_, i) => sender.event({ id, rev: i + 1 }))),
    )
    await sender.pour(versions, 100, (event) => sender.sendUntilTaken(event))
    await world.settle(check, 60_000, { events: true })
    check.equal('writes of one record at once', most, Math.min(most, 1))
    check.equal('records', target.customers.size, keys.length)
  },
}
