import type { Row } from '../rig/row.ts'

export const row: Row = {
  id: 'D6',
  title: 'an answer that drips',
  holds: ['I7'],
  promise: 'A deadline is for the whole call: an answer that comes byte by byte ends at it.',
  method: 'The first answers come one byte each 200 ms. Each call ends at its deadline of 5 s, and nothing is doubled.',
  queue: false,
  async run(world, check) {
    const { hub, target, source } = world
    source.fill(10)
    const lasted: number[] = []
    target.mishap = ({ method, n }) => {
      if (method === 'GET' || n > 12) return undefined
      return {
        after: (response) => {
          const began = performance.now()
          response.writeHead(201, { 'content-type': 'application/json', 'content-length': '5000' })
          const drip = setInterval(() => response.write(' '), 200)
          response.on('close', () => {
            clearInterval(drip)
            lasted.push(performance.now() - began)
          })
        },
      }
    }
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 90_000, { pulls: true })
    check.atLeast('dripping answers', lasted.length, 1)
    check.within('longest call', Math.max(...lasted), 7_000)
  },
}
