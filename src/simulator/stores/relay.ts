/** A wire between a client and the database server that can be cut, before a statement or in its answer. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import type { Fault } from '../faults.ts'

/** First bytes of the messages that bring a statement (PostgreSQL, "Frontend/Backend Protocol"): Query and Parse. */
const STATEMENTS = [0x51, 0x50]

export class Relay {
  private readonly target: { host: string; port: number }
  private readonly meet: (statement: string) => Fault | null
  private readonly sockets = new Set<Socket>()
  private readonly server: Server

  /** `meet` is asked at each statement for the trouble that it has to meet. */
  constructor(target: { host: string; port: number }, meet: (statement: string) => Fault | null) {
    this.target = target
    this.meet = meet
    this.server = createServer((client) => this.join(client, connect(this.target.port, this.target.host)))
  }

  async open(): Promise<number> {
    await new Promise<void>((done) => this.server.listen(0, '127.0.0.1', done))
    return (this.server.address() as AddressInfo).port
  }

  close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    return new Promise((done) => this.server.close(() => done()))
  }

  private join(client: Socket, database: Socket): void {
    let answer: 'lost' | 'cut' | null = null
    for (const socket of [client, database]) {
      this.sockets.add(socket.setNoDelay(true))
      socket
        .on('error', () => {})
        .on('close', () => {
          this.sockets.delete(socket)
          client.destroy()
          database.destroy()
        })
    }
    client.on('data', (chunk: Buffer) => {
      const fault = STATEMENTS.includes(chunk[0]!) ? this.meet(chunk.toString('latin1', 5)) : null
      if (fault?.kind === 'down') return void client.destroy()
      if (fault?.kind === 'lost' || fault?.kind === 'cut') answer = fault.kind
      database.write(chunk)
    })
    database.on('data', (chunk: Buffer) => {
      if (answer === null) return void client.write(chunk)
      if (answer === 'lost') return void client.destroy()
      client.write(chunk.subarray(0, chunk.length >> 1), () => client.destroy())
    })
  }
}
