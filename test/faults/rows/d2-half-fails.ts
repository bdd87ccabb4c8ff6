import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'D2',
  title: 'half of all answers are errors',
  holds: ['I7', 'I8'],
  promise: 'A target that fails half of the time is not hammered, and gets everything once it works again.',
  method:
    'Every second answer is a 500, 502 or 503 for 5 min: calls stay bounded, nothing is doubled, all is delivered afterwards.',
  queue: false,
  // The waits and attempts of a sync that says nothing of them: eight short ones are used up in five such minutes.
  world: { lanes: 2, mapping: '' },
  async run(world, check, { short }) {
    const { hub, target, source, random } = world
    source.fill(short ? 40 : 500)
    let broken = true
    target.mishap = () =>
      broken && random.chance(0.5)
        ? { before: (response) => void response.writeHead(random.pick([500, 502, 503])).end('{}') }
        : undefined
    await world.start(2)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await sleep(short ? 6_000 : 300_000)
    const during = target.calls.length
    broken = false
    check.atMost('calls while half of them failed', during, source.contacts.size * 12)
    await world.settle(check, 330_000, { pulls: true })
    check.equal('records', target.customers.size, source.contacts.size)
  },
}
