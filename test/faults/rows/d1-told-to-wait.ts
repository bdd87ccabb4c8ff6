import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'D1',
  title: 'told to wait',
  holds: ['I8'],
  promise: 'A 429 with Retry-After holds for every worker of the connection: nobody calls before that time.',
  method:
    '429 with seconds and with a date, three workers on four lanes. No call in the waiting time but those under way when it was said.',
  world: { lanes: 4 },
  async run(world, check, { short }) {
    const { hub, target, source } = world
    source.fill(short ? 80 : 400)
    const waits: { from: number; until: number }[] = []
    target.delayMs = 20
    target.mishap = ({ method, n }) => {
      if (method === 'GET' || n === 0 || n % 40 !== 0 || waits.length >= (short ? 2 : 6)) return undefined
      return {
        before: (response) => {
          const until = Math.floor(Date.now() / 1_000) * 1_000 + 4_000
          waits.push({ from: Date.now(), until: Math.min(until, Date.now() + 3_000) })
          const text = waits.length % 2 ? '3' : new Date(until).toUTCString()
          response.writeHead(429, { 'retry-after': text, 'content-type': 'application/json' }).end('{}')
        },
      }
    }
    await world.start(3)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 120_000, { pulls: true })
    check.atLeast('waits', waits.length, 1)
    // What other processes had on the wire in that moment, and the word going round.
    const early = target.calls.filter(({ at }) => waits.some(({ from, until }) => at > from + 300 && at < until - 50))
    check.equal('calls before the time', early.length, 0)
  },
}
