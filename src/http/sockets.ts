import type { Server } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Closes sockets beyond `max` per address before they cost a request. Addresses of our own proxies are exempt: behind one,
 * every client has its address.
 */
export function limitSockets(server: Server, max: number, exempt: ReadonlySet<string>): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress
    if (address === undefined || exempt.has(address)) return
    const count = (open.get(address) ?? 0) + 1
    if (count > max) {
      socket.destroy()
      return
    }
    open.set(address, count)
    socket.once('close', () => {
      const left = open.get(address)! - 1
      if (left) open.set(address, left)
      else open.delete(address)
    })
  })
}
