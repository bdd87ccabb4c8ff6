import { connect } from 'node:net'
import type { Row } from '../rig/row.ts'

const LIMIT = 1024 * 1024

export const row: Row = {
  id: 'F6',
  title: 'bodies of a hundred megabytes',
  holds: ['I7'],
  promise: 'A body beyond the limit is refused before twice the limit was read, whether its length was said or not.',
  method: '100 MB with a length, 100 MB in chunks, twenty at a time: 413, at most 2 MB read, at most 32 MB of memory.',
  queue: false,
  async run(world, check, { short }) {
    const { hub } = world
    await hub.serve()
    await Promise.all(Array.from({ length: 5 }, () => flood(hub.port, false)))
    const before = hub.server!.residentMB()
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, hub.server!.residentMB())
    }, 10)
    const floods = await Promise.all(Array.from({ length: short ? 10 : 20 }, (_, i) => flood(hub.port, i % 2 === 0)))
    clearInterval(watch)
    check.equal('answers', [...new Set(floods.map(({ status }) => status))].join(), '413')
    // Sockets buffer too, on both sides; what counts is that nobody goes on reading.
    check.atMost('most bytes taken', Math.max(...floods.map(({ sent }) => sent)), 8 * LIMIT)
    check.atMost('growth, MB', most - before, 32)
  },
}

/** Sends zeros until the other side closes; tells what was answered and how much it took. */
function flood(port: number, chunked: boolean): Promise<{ status: string; sent: number }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    let sent = 0
    const size = 64 * 1024
    const head = `POST /hooks/source HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`
    socket.write(head + (chunked ? 'transfer-encoding: chunked\r\n\r\n' : `content-length: ${100 * LIMIT}\r\n\r\n`))
    const zeros = Buffer.alloc(size)
    const piece = chunked ? Buffer.concat([Buffer.from(`${size.toString(16)}\r\n`), zeros, Buffer.from('\r\n')]) : zeros
    const pump = (): void => {
      while (!socket.destroyed && sent < 100 * LIMIT) {
        sent += size
        if (!socket.write(piece)) return void socket.once('drain', pump)
      }
    }
    socket.on('data', (chunk) => {
      answer += chunk
      socket.destroy()
    })
    socket.on('error', () => undefined)
    socket.on('close', () => resolve({ status: /^HTTP\/1.1 (\d+)/.exec(answer)?.[1] ?? 'none', sent }))
    pump()
  })
}
