import { connect, type Socket } from 'node:net'
import type { Row } from '../rig/row.ts'
import { percentile, refusalsAmong } from '../rig/sender.ts'
import { sleep } from '../rig/waiting.ts'

export const row: Row = {
  id: 'F9',
  title: 'slow senders',
  holds: ['I7'],
  promise: 'Whoever drips headers or body is closed within 15 s, and all others are served as before.',
  method:
    '2 000 sockets from 40 loopback addresses, dripping headers or bodies, beside a steady stream of honest events.',
  queue: false,
  async run(world, check, { short }) {
    const { hub, sender } = world
    await hub.serve()
    const count = short ? 400 : 2_000
    const pour = (seconds: number) =>
      sender.pour(
        Array.from({ length: seconds * 100 }, (_, i) => sender.event({ id: `h${i}`, rev: 1 })),
        100,
      )
    await pour(2)
    const usual = percentile(
      (await pour(4)).map(({ ms }) => ms),
      0.99,
    )
    const sockets = Array.from({ length: count }, (_, i) => slow(hub.port, `127.0.1.${1 + (i % 40)}`, i % 2 === 0))
    const drip = setInterval(() => {
      for (const { socket } of sockets) if (socket.writable) socket.write('x')
    }, 1_000)
    await sleep(1_000)
    const beside = percentile(
      (await pour(4)).map(({ ms }) => ms),
      0.99,
    )
    await sleep(short ? 10_000 : 12_000)
    clearInterval(drip)
    check.equal(
      'still open after 15 s',
      sockets.filter(({ socket }) => !socket.destroyed && socket.readyState === 'open').length,
      0,
    )
    for (const { socket } of sockets) socket.destroy()
    check.note('p99 before, ms', usual)
    check.within('p99 beside them', beside, Math.max(50, 2 * usual))
    check.equal('honest ones refused', refusalsAmong(sender.answers).join(), '')
  },
}

function slow(port: number, localAddress: string, inBody: boolean): { socket: Socket } {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => undefined)
  socket.on('data', () => undefined)
  socket.write('POST /hooks/source HTTP/1.1\r\nhost: x\r\n')
  if (inBody) socket.write('content-length: 1000\r\n\r\n{')
  return { socket }
}
