import type { Row } from '../rig/row.ts'
import { bodyOf, signed } from '../rig/sender.ts'

export const row: Row = {
  id: 'F3',
  title: 'a replayed request',
  holds: ['I2', 'I9'],
  promise:
    'A genuine request that somebody sends again is taken for the repeat it is, and refused once it is older than five minutes.',
  method: 'The same bytes and headers again; the same signed one minute ago, six minutes ago, and six minutes ahead.',
  queue: false,
  async run(world, check) {
    const { hub, sender, pool } = world
    await hub.serve()
    const post = async (eventId: string, ageSeconds: number): Promise<number> => {
      const body = bodyOf({ eventId, contact: { id: eventId, rev: 1 } })
      const headers = signed(body, Date.now() - ageSeconds * 1_000)
      return (await fetch(`${hub.url}/hooks/source`, { method: 'POST', headers, body })).status
    }
    check.equal('first', await post('r1', 0), 202)
    check.equal('again, a minute old', await post('r1', 60), 202)
    check.equal('six minutes old', await post('r2', 360), 401)
    check.equal('six minutes ahead', await post('r3', -360), 401)
    check.equal('four minutes old', await post('r4', 240), 202)
    const { rows } = await pool.query<{ ids: string }>(
      `select string_agg(event_id, ' ' order by event_id) as ids from inbox`,
    )
    check.equal('rows', rows[0]!.ids, 'r1 r4')
    await sender.stop()
  },
}
