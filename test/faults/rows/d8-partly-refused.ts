import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'D8',
  title: 'a bulk call that is refused in part',
  holds: ['I6', 'I12'],
  promise: 'Of a call for a hundred records exactly those fail that the target refused.',
  method: '3 of 100 items are refused inside a 200: 97 records are delivered and linked, 3 are dead with the reason.',
  queue: false,
  world: { batch: true, lanes: 1, mapping: 'retry: { attempts: 1, base: 200ms, cap: 1s }' },
  async run(world, check) {
    const { hub, target, source, pool } = world
    source.fill(100)
    const bad = new Set(['c7', 'c50', 'c93'])
    target.refuse = (item) => (bad.has(String(item.external_id)) ? 'the name is not allowed' : undefined)
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 60_000, { pulls: true })
    check.equal('records', target.customers.size, 97)
    const { rows } = await pool.query<{ record_id: string; error: string }>(
      `select record_id, error from dead_letter where state = 'open' order by record_id`,
    )
    check.equal('dead', rows.map((row) => row.record_id).join(' '), [...bad].sort().join(' '))
    check.equal(
      'with the reason',
      rows.every(({ error }) => error.includes('not allowed')),
      true,
    )
    const runs = await pool.query<{ outcome: string }>(`select distinct outcome from run where kind = 'push'`)
    check.equal('outcome of the run', runs.rows.map(({ outcome }) => outcome).join(), 'partial')
  },
}
