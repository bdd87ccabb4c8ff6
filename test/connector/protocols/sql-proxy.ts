/** A wire between the hub and a database that is cut when the hub says a certain word. */

import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

export type Wire = {
  port: number
  /** Cuts the connection when the hub sends this text: before it is passed on, or after the database has answered it. */
  cutAt(word: string, when: 'before' | 'answered'): void
  connections: number
  close(): Promise<void>
}

export async function startWire(host: string, port: number): Promise<Wire> {
  let plan: { word: string; when: 'before' | 'answered' } | null = null
  const sockets = new Set<Socket>()
  const server = createServer((hub) => {
    wire.connections++
    const database = connect(port, host)
    let cutNext = false
    for (const socket of [hub, database]) {
      sockets.add(socket)
      socket
        .on('error', () => {})
        .on('close', () => {
          hub.destroy()
          database.destroy()
        })
    }
    hub.on('data', (chunk) => {
      if (plan && chunk.includes(plan.word)) {
        const { when } = plan
        plan = null
        if (when === 'before') return void hub.destroy()
        cutNext = true
      }
      database.write(chunk)
    })
    database.on('data', (chunk) => {
      if (cutNext) hub.destroy()
      else hub.write(chunk)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const wire: Wire = {
    port: (server.address() as AddressInfo).port,
    cutAt: (word, when) => {
      plan = { word, when }
    },
    connections: 0,
    close: () =>
      new Promise((done) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => done())
      }),
  }
  return wire
}
