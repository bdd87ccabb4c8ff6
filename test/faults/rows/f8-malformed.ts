import type { Row } from '../rig/row.ts'
import { bodyOf, signed } from '../rig/sender.ts'

export const row: Row = {
  id: 'F8',
  title: 'malformed JSON and UTF-8',
  holds: ['I6', 'I9'],
  promise:
    'Whatever bytes are signed correctly: they are refused or end as dead with a reason, and the events after them are done.',
  method:
    'Broken JSON, 100 000 levels, invalid UTF-8, odd records and random cuts, all signed, with good events in between.',
  queue: false,
  async run(world, check, { short }) {
    const { hub, random, pool, sender } = world
    await world.start(1)
    const statuses = new Set<number>()
    const corpus = makeCorpus(short ? 60 : 200, (least, most) => random.between(least, most))
    for (const [i, body] of corpus.entries()) {
      const answer = await fetch(`${hub.url}/hooks/source`, {
        method: 'POST',
        headers: signed(body),
        body: new Uint8Array(body),
      })
      statuses.add(answer.status)
      if (i % 10 === 0) await sender.sendUntilTaken(sender.event({ id: `good${i}`, rev: 1 }))
    }
    check.equal('answers of the server class 5', [...statuses].filter((status) => status >= 500).length, 0)
    await world.settle(check, 90_000, { events: true })
    const { rows } = await pool.query<{ n: number }>(
      `select count(*)::int as n from inbox where state = 'dead' and reason is null`,
    )
    check.equal('dead without a reason', rows[0]!.n, 0)
    check.equal('processes that fell over', hub.crashed().length, 0)
  },
}

function makeCorpus(count: number, between: (least: number, most: number) => number): Buffer[] {
  const good = bodyOf({ eventId: 'x', contact: { id: 'x', rev: 1, name: 'Zoë' } })
  const fixed = [
    '',
    ' ',
    '{',
    'null',
    '[]',
    '7',
    '"text"',
    '[[[',
    `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    `{"id":"deep","contact":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`,
    '{"id":1e999,"contact":{"id":1e999}}',
    '{"id":"p","contact":{"__proto__":{"x":1},"id":"p","rev":1}}',
    '{"id":"dup","id":"dup2","contact":{"id":"a","id":"b","rev":1}}',
    '{"id":"n","contact":{"id":null,"rev":1}}',
    '{"id":"o","contact":{"id":{},"rev":1}}',
    '{"id":"z","contact":{"id":"\\u0000","rev":1}}',
    '{"id":"s","contact":{"id":"\\ud800","rev":1}}',
    `{"id":"l","contact":{"id":"${'x'.repeat(5_000)}","rev":1}}`,
    '{"id":"v","contact":{"id":"v","rev":"not a number"}}',
    '{"id":"m","contact":[]}',
    '\ufeff{"id":"bom","contact":{"id":"bom","rev":1}}',
  ].map((text) => Buffer.from(text))
  const random = Array.from({ length: Math.max(0, count - fixed.length) }, () => {
    const bytes = Buffer.from(good)
    if (between(0, 1)) return bytes.subarray(0, between(0, bytes.length - 1))
    for (let i = 0; i < 3; i++) bytes[between(0, bytes.length - 1)] = between(0, 255)
    return bytes
  })
  return [...fixed, Buffer.from([0x7b, 0xff, 0xfe, 0x00]), ...random]
}
