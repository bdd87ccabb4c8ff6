import { connect, createServer, type Server, type Socket } from 'node:net'

/** What a proxy does to the bytes that come back from the server. Faults of requests are made by the programs that send them. */
export type Fault =
  | { kind: 'none' }
  | { kind: 'delay'; ms: number }
  /** Breaks the connection after so many bytes of answers. */
  | { kind: 'cut'; afterBytes: number }
  | { kind: 'slice'; bytes: number; everyMs: number }
  /** Keeps connections open, and nothing gets through any more. */
  | { kind: 'silence' }
  /** Breaks every new connection. */
  | { kind: 'reset' }

/** A TCP proxy with a fault that can be changed while it runs. */
export class FaultProxy {
  readonly port: number
  readonly #server: Server
  readonly #target: { host: string; port: number }
  readonly #sockets = new Set<Socket>()
  fault: Fault = { kind: 'none' }
  connections = 0

  private constructor(server: Server, target: { host: string; port: number }) {
    this.#server = server
    this.#target = target
    this.port = (server.address() as { port: number }).port
    server.on('connection', (client) => this.#serve(client))
  }

  static async start(target: { host: string; port: number }): Promise<FaultProxy> {
    const server = createServer()
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return new FaultProxy(server, target)
  }

  /** Breaks every connection that is open now. */
  breakAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async stop(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done))
    this.breakAll()
    await closed
  }

  #serve(client: Socket): void {
    this.connections++
    if (this.fault.kind === 'reset') return void client.resetAndDestroy()
    const upstream = connect(this.#target)
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    client.on('data', (chunk) => {
      if (this.fault.kind !== 'silence') upstream.write(chunk)
    })
    let passed = 0
    upstream.on('data', (chunk: Buffer) => {
      const { fault } = this
      if (fault.kind === 'silence') return
      if (fault.kind === 'cut' && passed + chunk.length >= fault.afterBytes) {
        client.write(chunk.subarray(0, Math.max(0, fault.afterBytes - passed)), () => client.resetAndDestroy())
        return
      }
      passed += chunk.length
      if (fault.kind === 'delay') setTimeout(() => client.write(chunk), fault.ms)
      else if (fault.kind === 'slice') void drip(client, chunk, fault)
      else client.write(chunk)
    })
  }
}

async function drip(client: Socket, chunk: Buffer, { bytes, everyMs }: { bytes: number; everyMs: number }) {
  for (let at = 0; at < chunk.length && !client.destroyed; at += bytes) {
    client.write(chunk.subarray(at, at + bytes))
    await new Promise((done) => setTimeout(done, everyMs))
  }
}
