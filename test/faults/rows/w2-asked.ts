import { readConflicts } from '../rig/conflicts.ts'
import type { Row } from '../rig/row.ts'
import { Storm, sizeOf } from '../rig/storm.ts'

export const row: Row = {
  id: 'W2',
  title: 'conflicts that ask, in a storm',
  holds: ['I1', 'I3'],
  promise:
    'Where conflicts ask, each waits in the queue with both values and holds nothing else up; an answer holds for both sides.',
  method:
    'The storm of W1 with `conflict: ask`. Fields differ only where the queue says so; then all are answered with one side, and both systems must be the same.',
  queue: false,
  world: { twoWay: { conflict: 'ask' } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const storm = new Storm(world)
    storm.fill(people)
    await world.start(2)
    await storm.rest()
    await storm.rage(edits, perSecond)
    await storm.judge(check)
    check.atLeast('asked', (await readConflicts(world.pool)).size, 1)
    const filter = { sync: 'people' }
    const { token } = (await world.hub.api('POST', '/conflicts/preview', { filter })) as { token: string }
    await world.hub.api('POST', '/conflicts/resolve-all', { filter, token, choose: 'from' })
    await storm.judge(check)
    await storm.judgeAnswered(check)
  },
}
