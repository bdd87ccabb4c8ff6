import type { Row } from '../rig/row.ts'
import { percentile } from '../rig/sender.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'L1',
  title: 'operations: several schedulers, a flood of events',
  holds: ['I3', 'I6', 'I7'],
  promise:
    'Each slot of a schedule fires once however many workers look at the clock, and a flood of events beside it is delivered once.',
  method:
    'Three workers on a two-second schedule: one read per slot. Then thousands of events at 500 a second while the schedule goes on.',
  world: { lanes: 2, batch: true, schedule: '{ every: 2s }' },
  async run(world, check, { short }) {
    const { sender, pool, source, target } = world
    source.fill(20)
    await world.start(3)
    await sleep(short ? 9_000 : 60_000)
    const { rows } = await pool.query<{ slots: number; reads: number }>(
      `select (select count(*)::int from schedule_slot where schedule like '%contacts%') as slots,
              (select count(*)::int from run where kind = 'pull') as reads`,
    )
    check.atLeast('slots', rows[0]!.slots, 2)
    check.atMost('reads beyond one per slot', rows[0]!.reads - rows[0]!.slots, 0)
    check.note('reads', rows[0]!.reads)
    const alone: number[] = []
    for (let i = 0; i < 5; i++) alone.push(await world.roundTrip(`alone${i}`))
    const flood = sender.pour(
      Array.from({ length: short ? 1_000 : 20_000 }, (_, i) => sender.event({ id: `noise${i}`, rev: 1 })),
      500,
    )
    await flood
    await world.settle(check, 180_000, { events: true, pulls: true })
    check.note('round trip alone, ms', percentile(alone, 0.5))
    check.equal('duplicates', target.customers.size, 25 + (short ? 1_000 : 20_000))
  },
}
