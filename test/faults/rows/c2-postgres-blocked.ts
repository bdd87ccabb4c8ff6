import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'C2',
  title: 'Postgres is blocked',
  holds: ['I7', 'I9'],
  promise: 'While the inbox cannot be written, senders are told to come back within 5 s; nothing is acknowledged.',
  method:
    'An exclusive lock on the inbox table for 30 s: 503 with Retry-After in at most 5 s, healed at most 5 s after.',
  queue: false,
  async run(world, check, { short }) {
    const { hub, sender, pool } = world
    await world.start(1)
    await world.roundTrip('warm')
    const client = await pool.connect()
    await client.query('begin; lock table inbox in access exclusive mode')
    const seconds = short ? 7 : 30
    // Each is answered after some four seconds: more at a time would wait for one of the sender's 50 sockets, not for the hub.
    const events = Array.from({ length: seconds * 10 }, (_, i) => sender.event({ id: `l${i}`, rev: 1 }))
    const pouring = sender.pour(events, 10)
    await sleep(3_000)
    const one = await fetch(`${hub.url}/hooks/source`, { method: 'POST', body: '{}' })
    check.equal('unsigned while blocked', one.status, 401)
    await sleep((seconds - 3) * 1_000)
    const unlockedAt = Date.now()
    await client.query('rollback').finally(() => client.release())
    const answers = await pouring
    const during = answers.filter(({ at }) => at < unlockedAt)
    check.atLeast('answers while blocked', during.length, 1)
    check.equal('acknowledged while blocked', during.filter(({ status }) => status !== 503).length, 0)
    check.within('longest answer', Math.max(...answers.map(({ ms }) => ms)), 5_500)
    check.within('first effect afterwards', await world.roundTrip('back'), 5_000)
    await world.settle(check, 30_000, { events: true })
  },
}
