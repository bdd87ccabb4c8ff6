/**
 * Opens sockets to other systems. Every address is checked at the moment it is dialled, whether it came from DNS (so that a
 * name that resolves differently the second time gains nothing) or stood there literally.
 */
import { lookup as dnsLookup, type LookupAddress, type LookupAllOptions } from 'node:dns'
import { isIP, type LookupFunction, connect as netConnect, Socket } from 'node:net'
import { type TLSSocket, type ConnectionOptions as TlsOptions, connect as tlsConnect } from 'node:tls'
import { CausewayError } from '../core/index.ts'
import { type AddressKind, kindOfAddress } from './address.ts'
import { parseAllowList } from './allow.ts'
import { failureOfError } from './failure.ts'

type DialOptions = { tls?: TlsOptions | true; deadlineMs?: number; signal?: AbortSignal }

export type Dialler = {
  /** The refusal (CSW-3010) for a host that is a literal address and may not be dialled; null for names and fine addresses. */
  refusalOf(host: string, port: number): CausewayError | null
  /** A `lookup` for `net.connect`: gives only addresses that may be dialled, or CSW-3010. */
  lookup(port: number): LookupFunction
  /** Starts a TCP connection at once, as `net.connect(port, host)` does; a refused address arrives as its 'error' event. */
  tcp(port: number, host: string): Socket
  /** The same over TLS, with the connection's authority and certificate. Certificates are always verified. */
  tls(port: number, host: string, options?: TlsOptions): TLSSocket | Socket
  /** Goes on in TLS on a socket that stands already (StartTLS), under the same rules. */
  secure(socket: Socket, host: string): TLSSocket
  /** The rules, authority and certificate of TLS, for libraries that go on in TLS on a dialled socket by themselves. */
  tlsOptions(host: string): TlsOptions
  /** Waits until the connection (and the TLS handshake) stands. */
  dial(host: string, port: number, options?: DialOptions): Promise<Socket>
  /** The addresses a name stands for now that may be dialled; for libraries that only take an address. */
  resolveChecked(host: string, port: number): Promise<LookupAddress[]>
}

/** How names become addresses: `dns.lookup` unless a connection has a resolver of its own. */
export type ResolveName = (
  host: string,
  options: LookupAllOptions,
  done: (error: NodeJS.ErrnoException | null, found: LookupAddress[]) => void,
) => void

/** An address that was not dialled. */
export type Refusal = { host: string; address: string; port: number; kind: AddressKind }

export type DiallerOptions = {
  /** The connection's audited exceptions to the address rules. */
  allow?: readonly string[]
  resolve?: ResolveName
  /** Its authority and certificate. */
  tls?: TlsOptions
  /** Hears of each refusal, however often it repeats itself. */
  onRefused?: (refusal: Refusal) => void
}

/** Makes the dialler of one connection. */
export function createDialler(connection: string, options: DiallerOptions = {}): Dialler {
  const { resolve = dnsLookup, tls: identity = {}, onRefused } = options
  const allow = parseAllowList(options.allow ?? [])
  const mayDial = (host: string, address: string, port: number) =>
    kindOfAddress(address) === 'public' || allow.permits({ host, address, port })

  const refuse = (host: string, address: string, port: number): CausewayError => {
    const refusal = { host, address, port, kind: kindOfAddress(address) }
    onRefused?.(refusal)
    const shown = host === address ? address : `${host} (${address})`
    return new CausewayError('CSW-3010', {
      what: `Connection ${connection} may not dial ${shown} port ${port}: it is a ${refusal.kind} address.`,
      fix: `If the system really lives there, add "${host.includes(':') ? `[${host}]` : host}:${port}" to \`allow\` of connection ${connection}; the entry is audited.`,
      data: refusal,
    })
  }

  const refusalOf = (host: string, port: number) => {
    const bare = host.replace(/^\[|\]$/g, '')
    return isIP(bare) !== 0 && !mayDial(bare, bare, port) ? refuse(bare, bare, port) : null
  }

  const lookup =
    (port: number): LookupFunction =>
    (host, options, done) => {
      resolve(host, { ...options, all: true }, (error, found) => {
        if (error) return done(error, [])
        const fine = found.filter(({ address }) => mayDial(host, address, port))
        if (fine.length === 0) return done(refuse(host, found[0]?.address ?? host, port), [])
        if (options.all) return done(null, fine)
        done(null, fine[0]!.address, fine[0]!.family)
      })
    }

  const tcp = (port: number, host: string): Socket => {
    const refusal = refusalOf(host, port)
    return refusal ? refusedSocket(refusal) : netConnect({ host, port, lookup: lookup(port) })
  }

  const tls = (port: number, host: string, options: TlsOptions = {}): TLSSocket | Socket => {
    const refusal = refusalOf(host, port)
    if (refusal) return refusedSocket(refusal)
    return tlsConnect({ ...named(host), ...identity, ...options, host, port, lookup: lookup(port), ...TLS_RULES })
  }

  return {
    refusalOf,
    lookup,
    tcp,
    tls,
    tlsOptions: (host) => ({ ...named(host), ...identity, ...TLS_RULES }),
    secure: (socket, host) => tlsConnect({ ...named(host), ...identity, socket, host, ...TLS_RULES }),
    dial: (host, port, options = {}) => {
      const secure = options.tls === true ? {} : options.tls
      const socket = secure ? tls(port, host, secure) : tcp(port, host)
      return established(socket, secure ? 'secureConnect' : 'connect', `${host}:${port}`, options)
    },
    resolveChecked: (host, port) => {
      const refusal = refusalOf(host, port)
      if (refusal) return Promise.reject(refusal)
      return new Promise((resolve, reject) => {
        lookup(port)(host, { all: true }, (error, found) => (error ? reject(error) : resolve(found as LookupAddress[])))
      })
    },
  }
}

/** SNI takes names only (RFC 6066); for an address the certificate is checked against the address itself. */
const named = (host: string): TlsOptions => (isIP(host) === 0 ? { servername: host } : {})

/** No setting turns verification off: a private authority is trusted by naming its certificate (`ca`). */
export const TLS_RULES = { rejectUnauthorized: true, minVersion: 'TLSv1.2' } as const satisfies TlsOptions

function refusedSocket(refusal: CausewayError): Socket {
  const socket = new Socket()
  // A tick later, so that the caller has attached its listeners.
  process.nextTick(() => socket.destroy(refusal))
  return socket
}

/** The coded form of an error that a socket gave before or while it was connected, for clients that are not HTTP. */
export const dialFailure = (error: unknown, target: string): CausewayError =>
  failureOfError(error, {
    method: 'Dialling',
    shownUrl: target,
    idempotent: true,
    sent: 'no',
    deadlineMs: 0,
    endedBy: null,
  })

function established(socket: Socket, event: string, target: string, options: DialOptions): Promise<Socket> {
  const { deadlineMs = 15_000, signal } = options
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      socket.removeListener(event, onReady).removeListener('error', settle)
      if (!error) return resolve(socket)
      // What still comes from the socket after we gave it up must not end the process.
      socket.on('error', () => {})
      socket.destroy()
      reject(dialFailure(error, target))
    }
    const onReady = () => settle()
    const onAbort = () => settle(new CausewayError('CSW-3015', { what: `Dialling ${target} was cancelled.` }))
    const timer = setTimeout(
      () => settle(new CausewayError('CSW-3001', { what: `${target} took no connection within ${deadlineMs} ms.` })),
      deadlineMs,
    )
    socket.once(event, onReady).once('error', settle)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })
}
