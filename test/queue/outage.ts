import { connect, createServer, type Socket } from 'node:net'

/** A TCP relay in front of a real server. Cutting it is an outage as a client sees one; the server keeps its data. */
export type Relay = {
  port: number
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>
  /** Keeps connections open but lets nothing through, as a firewall that drops packets does. */
  freeze(): void
  restore(): Promise<void>
  close(): Promise<void>
}

export async function startRelay(target: { host: string; port: number }): Promise<Relay> {
  const sockets = new Set<Socket>()
  let frozen = false
  const server = createServer((client) => {
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
    async restore() {
      frozen = false
      if (!server.listening) await listen(port)
    },
    async close() {
      if (server.listening) await cut()
    },
  }
}
