import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'F10',
  title: 'a burst',
  holds: ['I1', 'I7'],
  promise: 'Ten times the usual load is taken, or refused with a time to come back; never half.',
  method:
    'As fast as 100 sockets can for 10 s, then back to normal: every answer is a 202, or a 429 or 503 with Retry-After.',
  queue: false,
  world: { batch: true },
  async run(world, check, { short }) {
    const { hub, sender } = world
    await world.start(1)
    const end = performance.now() + (short ? 3_000 : 10_000)
    let n = 0
    await Promise.all(
      Array.from({ length: 90 }, async () => {
        while (performance.now() < end) await sender.send(sender.event({ id: `b${n++ % 500}`, rev: n }))
      }),
    )
    const odd = sender.answers.filter(({ status }) => ![202, 429, 503].includes(status))
    check.note('sent', sender.answers.length)
    check.equal('answers of another kind', odd.length, 0)
    check.equal('processes that fell over', hub.crashed().length, 0)
    await world.settle(check, 120_000, { events: true })
  },
}
