/**
 * TLS of MySQL begins in the middle of a conversation. mysql2 would begin it by itself, but checks a certificate against "localhost"
 * where the host is an address and not a name, so outbound does it, under the rules of all other traffic.
 */
import type { Socket } from 'node:net'
import type { Connection } from 'mysql2'
import { CausewayError } from '../../../core/index.ts'
import type { Dialler } from '../../../outbound/index.ts'
import type { Target } from './dialect.ts'

/** What a connection of mysql2 has, but does not declare. */
type Inside = {
  stream: Socket
  packetParser: { execute(data: Buffer): void }
  startTLS(done: (error?: Error) => void): void
  _handleNetworkError(error: Error): void
}

/** Replaces the step that secures the socket. Why it failed is told here: mysql2 gives every failure its own code. */
export function tlsThroughOutbound(
  connection: Connection,
  dialler: Dialler,
  target: Target,
): { failure: CausewayError | null } {
  const inside = connection as unknown as Inside
  // An override of something that is not there would be none, and nobody would check the certificate.
  if (typeof inside.startTLS !== 'function')
    throw new CausewayError('CSW-3018', { what: 'This version of mysql2 begins TLS in another way.' })
  const told: { failure: CausewayError | null } = { failure: null }
  inside.startTLS = (done) => {
    inside.stream.removeAllListeners('data')
    const secure = dialler.secure(inside.stream, target.host)
    let stands = false
    secure.once('secureConnect', () => {
      stands = true
      done()
    })
    secure.on('error', (error: NodeJS.ErrnoException) => {
      if (stands) return inside._handleNetworkError(error)
      const what = `The TLS handshake with ${target.host} failed (${error.code ?? 'failed'}).`
      told.failure = new CausewayError('CSW-3018', { what, cause: error })
      done(new Error(what))
    })
    secure.on('data', (data) => inside.packetParser.execute(data))
    inside.stream = secure
  }
  return told
}

/** The server does not offer what the connection asks for. */
export const noTls = ({ host, port }: Target): CausewayError =>
  new CausewayError('CSW-3018', {
    what: `The database at ${host}:${port} offers no TLS.`,
    fix: 'Switch TLS on there, or set `tls` of the connection to false where the network is trusted.',
  })
