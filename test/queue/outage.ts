import { connect, createServer, type Socket } from 'node:net'

/** A TCP relay in front of a real server. Cutting it is an outage as a client sees one; the server keeps its data. */
export type Relay = {
  port: number
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>
  /** Keeps connections open but lets nothing through, as a firewall that drops packets does. */
  freeze(): void
  /** Breaks every connection and each new one at once, as a server does that is still starting up. */
  slam(): void
  /** How many connections were opened so far. */
  opened(): number
  restore(): Promise<void>
  close(): Promise<void>
}

export async function startRelay(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>()
  let frozen = false
  let slammed = false
  let opened = 0
  const server = createServer((client) => {
    opened += 1
    if (slammed) {
      client.on('error', () => undefined)
      client.destroy()
      return
    }
    const upstream = connect(target)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        if (!frozen) to.write(chunk)
      })
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  })
  const listen = (port: number) => new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  await listen(0)
  const { port } = server.address() as { port: number }
  const cut = async () => {
    const closed = new Promise((done) => server.close(done))
    for (const socket of sockets) socket.destroy()
    await closed
  }
  return {
    port,
    cut,
    freeze: () => {
      frozen = true
    },
    slam() {
      slammed = true
      for (const socket of sockets) socket.destroy()
    },
    opened: () => opened,
    async restore() {
      frozen = false
      slammed = false
      if (!server.listening) await listen(port)
    },
    async close() {
      if (server.listening) await cut()
    },
  }
}
