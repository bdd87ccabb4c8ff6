import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { Check, type Row } from '../rig/row.ts'
import { rewriting, Storm, sizeOf } from '../rig/storm.ts'

const HOOK = pathToFileURL(join(import.meta.dirname, '../rig/without-recognition.ts')).href

export const row: Row = {
  id: 'W9',
  title: 'the check of the check: a hub that does not know its own writes',
  holds: ['I3'],
  promise: 'The rows above would notice a hub that takes its own writes for edits.',
  method: 'The row W5 with the recognition of echoes taken out of the hub as it is loaded: what W5 checks must fail.',
  queue: false,
  world: { twoWay: { conflict: 'newest' }, env: { NODE_OPTIONS: `--import=${HOOK}` } },
  async run(world, check, size) {
    const { people, edits, perSecond } = sizeOf(size)
    const storm = new Storm(world)
    rewriting(storm)
    storm.fill(people)
    await world.start(2)
    await storm.rest()
    const made = storm.writes()
    await storm.rage(edits, perSecond)
    const inner = new Check()
    await storm.judge(inner)
    inner.atMost('writes for each edit', (storm.writes() - made) / storm.made, 1)
    check.atLeast('what the check of W5 found', inner.failures.length, 1)
  },
}
