import type { Row } from '../rig/row.ts'

const ANSWERS = ['<html>Signed out</html>', '{"id": "k', '', '[]', 'null', '{"ok":true}', '\u0000\u0001']

export const row: Row = {
  id: 'D7',
  title: '200 with HTML or broken JSON',
  holds: ['I12', 'I2'],
  promise:
    'A status of 200 alone is no success: without the id that was promised the outcome is unknown and is looked up.',
  method:
    'Writes are answered 200 with a login page, broken JSON, nothing, or JSON without an id; half of them took effect.',
  queue: false,
  async run(world, check, { short }) {
    const { hub, target, source } = world
    source.fill(short ? 14 : 100)
    let odd = 0
    target.mishap = ({ method, n }) => {
      if (method === 'GET' || odd >= source.contacts.size) return undefined
      odd++
      const answer = (response: import('node:http').ServerResponse): void =>
        void response.writeHead(200, { 'content-type': 'application/json' }).end(ANSWERS[n % ANSWERS.length])
      return n % 2 ? { before: answer } : { after: answer }
    }
    await world.start(1)
    await hub.api('POST', '/syncs/contacts/run', { full: true })
    await world.settle(check, 120_000, { pulls: true })
    check.atLeast('odd answers', odd, 10)
    check.equal('records', target.customers.size, source.contacts.size)
  },
}
