import type { Row } from '../rig/row.ts'
import { until } from '../rig/waiting.ts'

export const row: Row = {
  id: 'G1',
  title: 'one poison record among many',
  holds: ['I6', 'I12'],
  promise:
    'A record that breaks every rule becomes one dead letter with a reason; all others are delivered; a replay after the fix works.',
  method:
    'One record whose name the mapping fails on among 10 000. Then its source is mended and the letter put back to work.',
  queue: false,
  world: { batch: true, lanes: 2, name: 'name = "poison" ? $error("poison") : name' },
  async run(world, check, { short }) {
    const { hub, target, source, pool } = world
    source.fill(short ? 1_000 : 10_000)
    source.put('c500', { name: 'poison' })
    source.pageSize = 200
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 120_000, { pulls: true })
    const letters = await pool.query<{ id: number; record_id: string; error: string }>(
      `select id, record_id, error from dead_letter where state = 'open'`,
    )
    check.equal('dead', letters.rows.map((row) => row.record_id).join(), 'c500')
    check.equal('delivered', target.customers.size, source.contacts.size - 1)
    source.put('c500', { name: 'mended' })
    await hub.api('POST', '/syncs/contacts/run', {})
    await until(
      'the mended record arrives',
      () => target.find('c500')?.name,
      (name) => name === 'mended',
      60_000,
    )
    await world.settle(check, 30_000, { pulls: true })
    const open = await pool.query(`select 1 from dead_letter where state = 'open'`)
    check.equal('open letters afterwards', open.rowCount ?? 0, 0)
  },
}
