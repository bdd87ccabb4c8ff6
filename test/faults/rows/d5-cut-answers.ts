import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'D5',
  title: 'an answer cut in the middle',
  holds: ['I2', 'I12'],
  promise: 'Half an answer counts as none: the outcome is unknown, is looked up, and then known.',
  method:
    'Answers to writes end after a few bytes of their promised length, for one call in five; runs with such an answer do not say success.',
  world: { lanes: 2, batch: true },
  async run(world, check, { short }) {
    const { hub, target, source, random, pool } = world
    source.fill(short ? 300 : 3_000)
    let cut = 0
    target.mishap = ({ method, n }) => {
      if (method === 'GET' || !(cut === 0 || random.chance(0.2))) return undefined
      cut++
      return {
        after: (response) => {
          response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
          response.write('{"results":[{"status":"ok","id":"'.slice(0, 1 + (n % 30)), () => response.destroy())
        },
      }
    }
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 120_000, { pulls: true })
    check.atLeast('answers cut', cut, 1)
    check.equal('records', target.customers.size, source.contacts.size)
    const { rows } = await pool.query<{ n: number }>(
      `select count(*)::int as n from run where kind = 'push' and outcome = 'success' and (counts->>'in_doubt')::int > 0`,
    )
    check.equal('runs that call doubt a success', rows[0]!.n, 0)
  },
}
