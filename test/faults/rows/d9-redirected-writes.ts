import { createServer } from 'node:http'
import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'D9',
  title: 'a redirect on a write',
  holds: ['I2', 'I10'],
  promise: 'Writes follow no redirect: neither is one sent twice, nor do credentials reach another origin.',
  method:
    '301 to 308 as answers to creates, to the same and to another origin. The other origin gets no request at all.',
  queue: false,
  world: { mapping: 'retry: { attempts: 2, base: 200ms, cap: 1s }' },
  async run(world, check) {
    const { hub, target, source, pool } = world
    source.fill(10)
    let strangers = 0
    const other = createServer((request, response) => {
      strangers++
      request.resume()
      response.end('{}')
    })
    await new Promise<void>((done) => other.listen(0, '127.0.0.1', done))
    const { port } = other.address() as { port: number }
    const statuses = [301, 302, 303, 307, 308]
    target.mishap = ({ method, n }) =>
      method === 'GET'
        ? undefined
        : {
            before: (response) =>
              void response
                .writeHead(statuses[n % 5]!, {
                  location: n % 2 ? `http://127.0.0.1:${port}/customers` : `${target.url}/customers`,
                })
                .end(),
          }
    try {
      await world.start(1)
      await hub.api('POST', '/syncs/contacts/run', { full: true })
      await world.drained(60_000)
      check.equal('requests at the other origin', strangers, 0)
      check.equal('records', target.customers.size, 0)
      const { rows } = await pool.query<{ n: number }>(
        `select count(*)::int as n from dead_letter where state = 'open'`,
      )
      check.equal('dead', rows[0]!.n, 10)
    } finally {
      other.closeAllConnections()
      other.close()
    }
  },
}
