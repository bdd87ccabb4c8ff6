import type { Row } from '../rig/row.ts'
import { until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'D3',
  title: 'a target that never answers',
  holds: ['I7', 'I6'],
  promise: 'A target that accepts calls and stays silent holds up nobody else, and every call to it ends.',
  method:
    'One target goes silent for all calls; the sync of a neighbour on the same workers goes on, and after the silence everything is delivered once.',
  queue: false,
  world: { neighbours: ['next'] },
  async run(world, check) {
    const { hub, target, source } = world
    let silent = true
    const held: (() => void)[] = []
    target.mishap = ({ body, path, method }) =>
      silent && !body.includes('"next-') && !path.includes('next') && method !== 'GET'
        ? { before: (response) => void held.push(() => response.destroy()) }
        : undefined
    source.fill(20)
    await world.start(1)
    await Promise.all([
      hub.api('POST', '/syncs/contacts/run', { full: true }),
      hub.api('POST', '/syncs/contacts-next/run', { full: true }),
    ])
    const began = performance.now()
    const neighbours = (): number => [...target.customers.keys()].length
    await until('the neighbour is done', neighbours, (count) => count >= 20, 30_000)
    check.within('neighbour done after', performance.now() - began, 30_000)
    await until(
      'the silent calls were given up',
      () => held.length,
      (count) => count > 0,
      30_000,
    )
    silent = false
    for (const end of held) end()
    await world.drained(90_000)
    check.equal('records', target.customers.size, 40)
    check.equal('duplicates', (await world.ledgers()).duplicate, 0)
  },
}
