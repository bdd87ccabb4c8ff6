/** A way through this machine for clients that open their sockets by themselves: they dial here, and outbound dials on. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { pipeline } from 'node:stream'
import type { Dialler } from '../../../outbound/index.ts'

/** Where the client has to connect, once; `socket` is the connection that outbound opened. */
export type Relay = { port: number; socket: Socket; close(): void }

/** The connection stands (with TLS, where it is asked for) before anybody may come in, and the first who comes is the only one. */
export async function openRelay(
  dialler: Dialler,
  { host, port, tls }: { host: string; port: number; tls: boolean },
  signal: AbortSignal,
): Promise<Relay> {
  const plain = await dialler.dial(host, port, { signal })
  const socket = tls ? dialler.secure(plain, host) : plain
  try {
    if (tls) await once(socket, 'secureConnect', { signal })
    const server = createServer({ allowHalfOpen: false }, (client) => {
      server.close()
      // Either end that goes takes the other along.
      pipeline(client, socket, client, () => {})
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    socket.once('close', () => server.close())
    return { port: (server.address() as AddressInfo).port, socket, close: () => socket.destroy() }
  } catch (error) {
    socket.destroy()
    throw error
  }
}
