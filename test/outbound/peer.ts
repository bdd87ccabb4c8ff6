/** Other systems for these tests: real servers on loopback, closed when the test is over. */
import { readFileSync } from 'node:fs'
import http, { type RequestListener } from 'node:http'
import https from 'node:https'
import net, { type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createOutbound, type OutboundClient, type OutboundOptions } from '../../src/outbound/index.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8')
/** Self-signed for localhost and 127.0.0.1; made for these tests only, trusted by nothing. */
export const certificate = read('self-signed.pem')
export const key = read('self-signed.key.pem')

async function listening(server: net.Server, host: string): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket) =>
    sockets.add(socket.on('close', () => sockets.delete(socket)).on('error', () => {})),
  )
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** An HTTP server; gives its base URL. */
export async function httpPeer(listener: RequestListener, host = '127.0.0.1'): Promise<string> {
  return `http://${host.includes(':') ? `[${host}]` : host}:${await listening(http.createServer(listener), host)}`
}

export async function httpsPeer(listener: RequestListener): Promise<string> {
  return `https://localhost:${await listening(https.createServer({ cert: certificate, key }, listener), '127.0.0.1')}`
}

/** A TCP server that may answer anything, or nothing. */
export const rawPeer = (onSocket: (socket: Socket) => void): Promise<number> =>
  listening(net.createServer(onSocket), '127.0.0.1')

/** A client that may talk to loopback, unless the test says otherwise. */
export function client(options: Partial<OutboundOptions> = {}): OutboundClient {
  const made = createOutbound({ connection: 'test', allow: ['127.0.0.1'], ...options })
  onTestFinished(() => made.close())
  return made
}

/** The error a promise ends with. */
export async function errorOf(promise: Promise<unknown>): Promise<Error & { code?: string }> {
  try {
    await promise
  } catch (error) {
    return error as Error
  }
  throw new Error('it did not fail')
}
