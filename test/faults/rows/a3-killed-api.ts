import type { Row } from '../rig/row.ts'
import { isAcknowledged } from '../rig/sender.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'A3',
  title: 'the API killed during intake',
  holds: ['I1'],
  promise: 'A webhook that got a 2xx is in the database, even if the process that said so died in the next moment.',
  method:
    'SIGKILL and restart of `serve` while 500 requests a second come in. Each event that was acknowledged has its row.',
  queue: false,
  async run(world, check, { short, kills = short ? 3 : 50 }) {
    const { hub, sender, random, pool } = world
    await hub.serve()
    let over = false
    const pouring = (async () => {
      for (let n = 0; !over; n++) {
        await sender.pour(
          Array.from({ length: 250 }, (_, i) => sender.event({ id: `c${i}`, rev: n + 1 })),
          500,
        )
      }
    })()
    for (let kill = 0; kill < kills; kill++) {
      await sleep(random.between(300, 1_500))
      await hub.server!.kill()
      await hub.serve()
    }
    await sleep(500)
    over = true
    await pouring
    const { rows } = await pool.query<{ event_id: string }>('select event_id from inbox')
    const stored = new Set(rows.map((row) => row.event_id))
    const acknowledged = sender.answers.filter(isAcknowledged)
    check.note('sent', sender.answers.length)
    check.atLeast('acknowledged', acknowledged.length, kills * 10)
    check.equal('acknowledged without a row', acknowledged.filter(({ eventId }) => !stored.has(eventId)).length, 0)
    check.equal('rows', rows.length, stored.size)
  },
}
