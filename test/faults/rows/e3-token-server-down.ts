import type { Row } from '../rig/row.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'E3',
  title: 'the token server is down',
  holds: ['I8', 'I9'],
  promise:
    'A token server that fails or stays silent costs no connection: it is asked again with pauses, and work goes on by itself.',
  method: '503 for 10 min: few calls, the connection keeps its state, everything is read afterwards.',
  queue: false,
  world: { tokens: true, batch: true },
  async run(world, check, { short }) {
    const { hub, source, tokens, pool } = world
    source.fill(100)
    source.mishap = ({ authorization }) =>
      tokens!.accepts(authorization)
        ? undefined
        : (response) => void response.writeHead(401, { 'content-type': 'application/json' }).end('{}')
    tokens!.mishap = (response) => void response.writeHead(503).end('busy')
    await world.start(2)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await sleep(short ? 6_000 : 600_000)
    check.atLeast('token requests meanwhile', tokens!.refreshes.length, 1)
    check.atMost('token requests meanwhile', tokens!.refreshes.length, short ? 12 : 120)
    const { rows } = await pool.query<{ state: string }>(`select state from connection where name = 'source'`)
    check.equal('state of the connection', rows[0]!.state, 'active')
    tokens!.mishap = undefined
    await world.settle(check, short ? 60_000 : 960_000, { pulls: true })
    check.equal('records', world.target.customers.size, 100)
  },
}
