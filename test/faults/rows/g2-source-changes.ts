import type { Row } from '../rig/row.ts'
import { until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'G2',
  title: 'the source changes while it is read',
  holds: ['I1', 'I4'],
  promise: 'Records that are created or changed between two pages are in the target after the next run at the latest.',
  method: 'New and changed records between all pages of a full read, then one incremental run.',
  queue: false,
  world: { batch: true },
  async run(world, check, { short }) {
    const { hub, source, random } = world
    source.fill(short ? 400 : 3_000)
    let changes = 0
    source.mishap = ({ after, since }) => {
      if ((after === 0 && since === '') || changes > 200) return undefined
      for (let i = 0; i < 3; i++) source.put(random.chance(0.5) ? `new${++changes}` : `c${random.between(0, 399)}`)
      return undefined
    }
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await until(
      'the first run reads',
      () => source.calls.length,
      (count) => count > 3,
      30_000,
    )
    await world.drained(60_000)
    check.atLeast('changes between pages', changes, 3)
    source.mishap = () => undefined
    await hub.api('POST', '/syncs/contacts/run', {})
    await until(
      'the next run reads',
      () => source.calls.at(-1)?.since,
      (since) => since !== '',
      30_000,
    )
    await world.settle(check, 60_000, { pulls: true })
  },
}
