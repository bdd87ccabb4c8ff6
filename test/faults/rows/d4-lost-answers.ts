import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'D4',
  title: 'applied, and the answer is lost',
  holds: ['I2', 'I12'],
  promise: 'An answer that gets lost after the target did its work leads to no second record.',
  method: 'The connection is reset after the effect is in the journal, for one call in five (short) or in twenty.',
  world: { lanes: 2 },
  async run(world, check, { short }) {
    const { hub, target, source, random } = world
    source.fill(short ? 60 : 1_000)
    let lost = 0
    target.mishap = ({ method }) => {
      if (method === 'GET' || !random.chance(short ? 0.2 : 0.05)) return undefined
      lost++
      return { after: (response) => void response.socket?.resetAndDestroy() }
    }
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 120_000, { pulls: true })
    check.atLeast('answers lost', lost, short ? 3 : 20)
    check.equal('records', target.customers.size, source.contacts.size)
  },
}
