import { connect, createServer, type Socket } from 'node:net'

/** A TCP relay in front of a real server. Cutting it is an outage as a client sees one; the server keeps its data. */
export type Relay = {
  port: number
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>
  /** Keeps connections open and takes new ones, but nothing gets through any of them ever again, as behind a firewall that lost its state. */
  silence(): void
  /** Breaks every connection and each new one at once, as a server does that is still starting up. */
  slam(): void
  /** How many connections were opened so far. */
  opened(): number
  /** Lets new connections through again. */
  restore(): Promise<void>
  close(): Promise<void>
}

type Mode = 'open' | 'silent' | 'slammed'

export async function startRelay(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>()
  let mode: Mode = 'open'
  let opened = 0
  const server = createServer((client) => {
    opened += 1
    keep(client)
    if (mode === 'slammed') client.destroy()
    if (mode === 'open') join(client, keep(connect(target)))
  })

  function keep(socket: Socket): Socket {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    return socket
  }

  function join(client: Socket, upstream: Socket): void {
    client.pipe(upstream)
    upstream.pipe(client)
    client.on('close', () => upstream.destroy())
    upstream.on('close', () => client.destroy())
  }

  const breakAll = () => {
    for (const socket of sockets) socket.destroy()
  }
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  await listen(0)
  const { port } = server.address() as { port: number }
  const cut = async () => {
    const closed = new Promise((done) => server.close(done))
    breakAll()
    await closed
  }
  return {
    port,
    cut,
    silence() {
      mode = 'silent'
      for (const socket of sockets) socket.unpipe().pause()
    },
    slam() {
      mode = 'slammed'
      breakAll()
    },
    opened: () => opened,
    async restore() {
      mode = 'open'
      if (!server.listening) await listen(port)
    },
    async close() {
      if (server.listening) await cut()
    },
  }
}
