import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'E1',
  title: 'the token expires in the middle of a run',
  holds: ['I1', 'I4'],
  promise: 'A token that expires between two pages is renewed once, and the read goes on with the page it was at.',
  method: '401 on the third page until the token was renewed: one refresh, one run, all records.',
  queue: false,
  world: { tokens: true, batch: true },
  async run(world, check, { short }) {
    const { hub, source, tokens } = world
    source.fill(short ? 400 : 2_000)
    let expired = false
    source.mishap = ({ authorization, n }) => {
      if (n === 2 && !expired) {
        expired = true
        tokens!.expire()
      }
      return tokens!.accepts(authorization)
        ? undefined
        : (response) => void response.writeHead(401, { 'content-type': 'application/json' }).end('{}')
    }
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 60_000, { pulls: true })
    check.equal('expired', expired, true)
    check.equal('token requests', tokens!.refreshes.length, 2)
    check.equal('used twice', tokens!.reused, 0)
    // Each page is asked for from the last value of the one before: only the first request names neither.
    const first = source.calls.filter(({ after, since }) => after === 0 && since === '')
    check.equal('reads of the first page', first.length, 1)
  },
}
