import { createHmac } from 'node:crypto'
import type { Row } from '../rig/row.ts'
import { bodyOf, FORMER_SECRET, signed, WEBHOOK_SECRET } from '../rig/sender.ts'

export const row: Row = {
  id: 'F4',
  title: 'wrong, missing and rotated signatures',
  holds: ['I9'],
  promise:
    'Only what is signed with a secret that is valid now gets in; everything else gets an empty 401 and leaves no row.',
  method:
    'Twelve variants: valid, former secret, wrong secret, missing and empty headers, changed body, other digest, cut, re-serialised.',
  queue: false,
  async run(world, check) {
    const { hub, pool } = world
    await hub.serve()
    const body = bodyOf({ eventId: 'sig', contact: { id: 'sig', rev: 1 } })
    const good = signed(body)
    const plain = createHmac('sha256', WEBHOOK_SECRET).update(body).digest('hex')
    const sha1 = createHmac('sha1', WEBHOOK_SECRET).update(`${good['x-timestamp']}.${body}`).digest('hex')
    const variants: [string, Record<string, string>, string, number][] = [
      ['wrong secret', signed(body, Date.now(), 'guessed'), body, 401],
      ['empty secret', signed(body, Date.now(), ''), body, 401],
      ['no headers', {}, body, 401],
      ['no signature', { 'x-timestamp': good['x-timestamp']! }, body, 401],
      ['no timestamp', { 'x-signature': good['x-signature']! }, body, 401],
      ['empty signature', { ...good, 'x-signature': '' }, body, 401],
      ['without prefix', { ...good, 'x-signature': good['x-signature']!.slice(7) }, body, 401],
      ['cut short', { ...good, 'x-signature': good['x-signature']!.slice(0, -2) }, body, 401],
      ['body alone', { ...good, 'x-signature': `sha256=${plain}` }, body, 401],
      ['another digest', { ...good, 'x-signature': `sha256=${sha1}` }, body, 401],
      ['changed body', good, body.replace('"rev":1', '"rev":9'), 401],
      ['re-serialised body', good, JSON.stringify(JSON.parse(body), null, 1), 401],
    ]
    for (const [name, headers, sent, status] of variants) {
      const answer = await fetch(`${hub.url}/hooks/source`, { method: 'POST', headers, body: sent })
      check.equal(name, answer.status, status)
      check.equal(`${name}, body`, (await answer.text()).length, 0)
    }
    check.equal('rows', await rows(), 0)
    for (const secret of [WEBHOOK_SECRET, FORMER_SECRET]) {
      const own = bodyOf({ eventId: secret.slice(0, 6), contact: { id: 'sig', rev: 1 } })
      const answer = await fetch(`${hub.url}/hooks/source`, {
        method: 'POST',
        headers: signed(own, Date.now(), secret),
        body: own,
      })
      check.equal(`valid ${secret.slice(0, 6)}`, answer.status, 202)
    }
    check.equal('rows of the valid ones', await rows(), 2)

    async function rows(): Promise<number> {
      return (await pool.query<{ n: number }>('select count(*)::int as n from inbox')).rows[0]!.n
    }
  },
}
