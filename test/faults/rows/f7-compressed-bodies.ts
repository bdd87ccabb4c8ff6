import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import type { Row } from '../rig/row.ts'
import { signed } from '../rig/sender.ts'

export const row: Row = {
  id: 'F7',
  title: 'compressed bodies',
  holds: ['I7'],
  promise: 'Compressed bodies are not read: nothing can inflate.',
  method: '200 MB of zeros as gzip, deflate and br, signed and unsigned: 415, no memory.',
  queue: false,
  async run(world, check) {
    const { hub, pool } = world
    await hub.serve()
    const zeros = Buffer.alloc(64 * 1024 * 1024)
    const bombs = {
      gzip: gzipSync(zeros),
      deflate: deflateSync(zeros),
      br: brotliCompressSync(zeros.subarray(0, 1 << 22)),
    }
    const before = hub.server!.residentMB()
    for (const [encoding, body] of Object.entries(bombs)) {
      const answer = await fetch(`${hub.url}/hooks/source`, {
        method: 'POST',
        headers: { ...signed(body), 'content-encoding': encoding },
        body: new Uint8Array(body),
      })
      check.equal(encoding, answer.status, 415)
    }
    check.atMost('growth, MB', hub.server!.residentMB() - before, 32)
    check.equal('rows', (await pool.query('select 1 from inbox')).rowCount ?? 0, 0)
  },
}
