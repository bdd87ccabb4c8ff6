/** Whom MySQL's credentials are given to: only a server whose certificate is in order and names the host that was dialled. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { mysqlDialect } from '../../../src/connector/protocols/sql/mysql.ts'
import { createDialler } from '../../../src/outbound/index.ts'
import { certificate, key } from '../../outbound/peer.ts'
import { failureOf } from '../open.ts'
import { never } from './open.ts'

const USER = 'hub-user'
const CLIENT_SSL = 0x0800
const PROTOCOL_41 = 0x0200
const SECURE_CONNECTION = 0x8000
const PLUGIN_AUTH = 0x0008

test.each([
  ['names the host', '127.0.0.1', certificate, true],
  ['names another host', '127.0.0.2', certificate, false],
  ['is of an unknown authority', '127.0.0.1', undefined, false],
])('a certificate that %s', async (_how, host, ca, trusted) => {
  const server = await greeter({ tls: true })
  const failure = await connect(host, server.port, ca)
  // The server ends the conversation once it has what it would check.
  expect(failure.code).toBe(trusted ? 'CSW-3001' : 'CSW-3018')
  expect(server.heard().includes(USER)).toBe(trusted)
})

test('a server without TLS gets no credentials', async () => {
  const server = await greeter({ tls: false })
  expect((await connect('127.0.0.1', server.port, certificate)).code).toBe('CSW-3018')
  expect(server.heard()).toBe('')
})

function connect(host: string, port: number, ca: string | undefined) {
  const allow = ['127.0.0.1', '127.0.0.2']
  const dialler = createDialler('shop', { allow, tls: ca === undefined ? {} : { ca } })
  const target = { host, port, database: 'shop', schema: null, user: USER, password: 'x', tls: true, timeoutMs: 60_000 }
  return failureOf(mysqlDialect.connect(dialler, target, 'read', never))
}

/** Greets as MySQL does, goes over to TLS, and keeps what it hears of the client's own first packet. */
async function greeter({ tls }: { tls: boolean }): Promise<{ port: number; heard(): string }> {
  let heard = ''
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write(greeting(tls))
    if (!tls) return socket.on('data', (data) => (heard += data.toString('latin1')))
    // The request for TLS is 32 bytes behind the head of a packet; the handshake may have come with it.
    socket.on('readable', function request() {
      if (socket.read(36) === null) return
      socket.off('readable', request)
      secured(socket).once('data', (data) => {
        heard += data.toString('latin1')
        socket.destroy()
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, heard: () => heard }
}

function secured(socket: Socket): TLSSocket {
  const secure = new TLSSocket(socket, {
    isServer: true,
    secureContext: createSecureContext({ cert: certificate, key }),
  })
  return secure.on('error', () => {})
}

/** HandshakeV10 of the client/server protocol. */
function greeting(tls: boolean): Buffer {
  const low = PROTOCOL_41 | SECURE_CONNECTION | (tls ? CLIENT_SSL : 0)
  const word = (value: number) => Buffer.from([value & 0xff, value >> 8])
  const body = Buffer.concat([
    Buffer.from([10]),
    Buffer.from('10.11.0-MariaDB\0'),
    Buffer.from([1, 0, 0, 0]),
    Buffer.from('abcdefgh\0'),
    word(low),
    Buffer.from([45]),
    word(2),
    word(PLUGIN_AUTH),
    Buffer.from([21]),
    Buffer.alloc(10),
    Buffer.from('abcdefghijkl\0'),
    Buffer.from('mysql_native_password\0'),
  ])
  return Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body])
}
