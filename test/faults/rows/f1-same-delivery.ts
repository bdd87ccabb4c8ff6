import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'F1',
  title: 'the same delivery fifty times at once',
  holds: ['I2'],
  promise: 'A delivery that is repeated is acknowledged each time and taken once.',
  method: '50 times at once, for many events, spread over two serving processes.',
  queue: false,
  async run(world, check, { short }) {
    const { sender, pool } = world
    await world.start(1)
    const events = Array.from({ length: short ? 10 : 100 }, (_, i) => sender.event({ id: `s${i}`, rev: 1 }))
    for (const event of events) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => sender.send(event)))
      check.equal('acknowledged', answers.filter(({ status }) => status === 202).length, 50)
    }
    const { rows } = await pool.query<{ n: number }>('select count(*)::int as n from inbox')
    check.equal('rows', rows[0]!.n, events.length)
    await world.settle(check, 60_000, { events: true })
    check.equal('effects', world.target.journal.effects.length, events.length)
  },
}
