import type { Row } from '../rig/row.ts'
import { percentile } from '../rig/sender.ts'

export const row: Row = {
  id: 'L3',
  title: 'a noisy neighbour',
  holds: ['I6', 'I7'],
  promise: 'A connection that floods the hub does not hold up the events of another one.',
  method:
    'A schedule reads one connection while events of another come at 300 a second: the records of the first reach the target, p99 at most twice as long as before (or 2 s).',
  world: { lanes: 2, batch: true, neighbours: ['quiet'] },
  async run(world, check, { short }) {
    const { hub, sender, source, target } = world
    const rounds = short ? 8 : 60
    await world.start(2)
    let n = 0
    /** From the request for a pull of the quiet connection until the target has its record. */
    const quiet = async (): Promise<number> => {
      const id = `q${n++}`
      source.put(id)
      const began = performance.now()
      await hub.api('POST', '/syncs/contacts-quiet/run', { full: false })
      while (!target.find(`quiet-${id}`)) await new Promise((done) => setTimeout(done, 5))
      return performance.now() - began
    }
    await quiet()
    const alone: number[] = []
    for (let i = 0; i < rounds; i++) alone.push(await quiet())
    const flood = Array.from({ length: short ? 1_500 : 100_000 }, (_, i) => sender.event({ id: `n${i}`, rev: 1 }))
    let over = false
    const pouring = sender
      .pour(flood, 300, (event) => sender.sendUntilTaken(event))
      .finally(() => {
        over = true
      })
    const beside: number[] = []
    while (!over && beside.length < rounds) beside.push(await quiet())
    await pouring
    check.note('alone p99, ms', percentile(alone, 0.99))
    check.within('beside a flood, p99', percentile(beside, 0.99), Math.max(2_000, 2 * percentile(alone, 0.99)))
    await world.drained(300_000)
    check.equal('delivered of the flood', flood.filter(({ contact }) => target.find(contact.id)).length, flood.length)
  },
}
