/** One HTTP exchange over axios: no redirects, no transforms, no proxy, and a truthful account of how far it got. */

import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import axios, { AxiosHeaders, type InternalAxiosRequestConfig } from 'axios'
import type { AgentPair } from './agents.ts'
import type { Sent } from './failure.ts'
import type { RequestBody } from './request.ts'

/** Node's own limit for all headers together is 16 kB; some systems send long Link, CSP and cookie headers. */
const MAX_HEADER_BYTES = 32 * 1024

/** Straight to the adapter: interceptors, defaults and transforms are unused here and cost a third of the call. */
const send = axios.getAdapter('http')

/** Follows one request from queueing for a socket to the head of the answer. */
export class Wire {
  private readonly maySend: () => boolean
  private underway: ClientRequest | null = null
  private connected = false
  private answered = false
  /** True when the right to send had ended by the time a socket stood ready; nothing was sent. */
  refused = false

  /** `maySend` is asked when a socket stands ready: the process may have been frozen while it was dialled or waited for. */
  constructor(maySend: () => boolean = () => true) {
    this.maySend = maySend
  }

  /** The `transport` that axios calls. An instance of a class, because axios copies plain objects. */
  request(options: RequestOptions, onResponse: (response: IncomingMessage) => void): ClientRequest {
    const { request } = options.protocol === 'https:' ? https : http
    this.connected = false
    // Assigned, not spread: axios gives an object without prototype, so that a polluted one cannot set options.
    this.underway = request(Object.assign(options, { maxHeaderSize: MAX_HEADER_BYTES }), (response) => {
      this.answered = true
      onResponse(response)
    })
    this.underway.once('socket', (socket) => {
      // A socket that is not being connected comes from the pool (`reusedSocket` tells only some of these) and takes bytes
      // at once. With a new one nothing of the request leaves before the handshake, however long the TCP connection stands.
      if (!socket.connecting) this.beginOrRefuse()
      // Before all other listeners: one of them lets go of what waits to be written.
      else
        socket.prependOnceListener(options.protocol === 'https:' ? 'secureConnect' : 'connect', () =>
          this.beginOrRefuse(),
        )
    })
    return this.underway
  }

  private beginOrRefuse(): void {
    this.refused = !this.maySend()
    if (this.refused) this.underway!.destroy(new Error('the right to send this ended'))
    else this.connected = true
  }

  get sent(): Sent {
    if (this.answered) return 'yes'
    return this.connected ? 'maybe' : 'no'
  }

  /** True when the request went over a kept-alive socket and died without a byte of an answer: most likely a closed one. */
  get diedOnReusedSocket(): boolean {
    return !this.answered && this.underway?.reusedSocket === true
  }
}

export type WireRequest = {
  method: string
  url: string
  headers: Record<string, string>
  body: RequestBody | undefined
  agents: AgentPair
  signal: AbortSignal
}

/** Sends one request and resolves with the head of the answer; its body is unread and still compressed. */
export async function exchangeOnWire(request: WireRequest, wire: Wire): Promise<IncomingMessage> {
  // The adapter rejects for a signal that is aborted already, and sends the request all the same.
  request.signal.throwIfAborted()
  const config: InternalAxiosRequestConfig = {
    method: request.method,
    url: request.url,
    headers: AxiosHeaders.from(request.headers),
    data: request.body ?? undefined,
    httpAgent: request.agents.http,
    httpsAgent: request.agents.https,
    transport: wire,
    signal: request.signal,
    proxy: false,
    maxRedirects: 0,
    responseType: 'stream',
    decompress: false,
  }
  const { data } = await send(config)
  return data as IncomingMessage
}
