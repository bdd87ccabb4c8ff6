/** The WebDAV calls of one connection. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoffMs, CausewayError, type JsonObject } from '../../../core/index.ts'
import type {
  FailureContext,
  OnExchange,
  OutboundClient,
  OutboundResponse,
  RequestBody,
  ResponseType,
} from '../../../outbound/index.ts'
import { asText } from '../../language/index.ts'
import { flatHeaders } from '../../parts/answer.ts'
import { staticAuthoriser } from '../../parts/auth.ts'
import type { Authoriser } from '../../parts/authorisation.ts'
import { Meter } from '../../parts/quota.ts'
import type { ProtocolContext } from '../contract.ts'
import { limitsOf, type WebDavConnector, type WebDavStream } from './fields.ts'
import { PROPFIND_BODY, parseMultistatus, type Resource } from './multistatus.ts'

const BACKOFF = { baseMs: 250, capMs: 5_000 }
const READING = /^(GET|HEAD|OPTIONS|PROPFIND)$/
/** CSW-3007 among them: a proxy that shows its page for a moment answers 200 with HTML. */
const PASSING = new Set(['CSW-3001', 'CSW-3002', 'CSW-3005', 'CSW-3006', 'CSW-3007', 'CSW-3017'])
/** A file may take its time: it is streamed, and its size is not bounded. */
const TRANSFER_MS = 15 * 60_000

export type CallOptions = {
  signal: AbortSignal
  onExchange?: OnExchange | undefined
  maySend?: (() => boolean) | undefined
}
type Sending = CallOptions & {
  headers?: Record<string, string | undefined>
  body?: RequestBody
  failure?: FailureContext
  /** Statuses that are an answer here, not a failure. */
  accept?: number[]
  idempotent?: boolean
  deadlineMs?: number
}

export class WebDavClient {
  readonly base: string
  private readonly outbound: OutboundClient
  private readonly authoriser: Authoriser
  private readonly headers: Record<string, string>
  private readonly limits: ReturnType<typeof limitsOf>
  private readonly meter: Meter
  private readonly settings: JsonObject

  constructor({ spec, settings, outbound, connection }: ProtocolContext<WebDavConnector, WebDavStream>) {
    this.outbound = outbound
    this.limits = limitsOf(spec)
    this.meter = new Meter(this.limits, settings, outbound.gate)
    this.settings = settings
    this.base = baseOf(asText(spec.base_url.evaluate({ settings })), connection)
    this.authoriser = staticAuthoriser(spec.auth, { settings })
    const headers = (spec.headers?.evaluate({ settings }) ?? {}) as JsonObject
    this.headers = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, asText(value)]))
  }

  get concurrent(): number {
    return this.limits.concurrent
  }

  /** The resource and (depth 1) its members, with the moment the request was sent; null when there is nothing there. */
  async list(
    url: string,
    depth: 0 | 1,
    options: CallOptions,
  ): Promise<{ resources: Resource[]; requestedAt: Date } | null> {
    const headers = { Depth: String(depth), 'Content-Type': 'application/xml; charset=utf-8' }
    for (let attempt = 1; ; attempt++) {
      try {
        const response = await this.send('PROPFIND', url, 'text', {
          ...options,
          headers,
          body: PROPFIND_BODY,
          accept: [404, 410],
        })
        if (response.status === 404 || response.status === 410) return null
        if (response.status !== 207) throw this.strange(response)
        return {
          resources: parseMultistatus(response.body, this.outbound.redact(url)),
          requestedAt: response.requestedAt,
        }
      } catch (error) {
        if (!(error instanceof CausewayError) || !PASSING.has(error.code) || attempt >= this.limits.attempts)
          throw error
        const waitMs = error.retryAfterMs === undefined ? backoffMs(attempt, BACKOFF) : 0
        await sleep(waitMs, undefined, { signal: options.signal }).catch(() => Promise.reject(error))
      }
    }
  }

  /** Opens the bytes of a file; the caller reads the stream or destroys it. */
  get(url: string, headers: Record<string, string>, options: CallOptions): Promise<OutboundResponse<'stream'>> {
    return this.send('GET', url, 'stream', {
      ...options,
      headers,
      deadlineMs: TRANSFER_MS,
      failure: { notFound: 'record' },
    })
  }

  /** Uploads. `only` makes the write conditional: on there being nothing yet, or on the state with that ETag. */
  async put(
    url: string,
    body: RequestBody,
    options: CallOptions & {
      only: 'new' | { etag: string } | null
      size?: number
      mediaType?: string
      headers?: Record<string, string>
    },
  ): Promise<void> {
    const { only } = options
    const condition = only === 'new' ? { 'If-None-Match': '*' } : only ? { 'If-Match': only.etag } : {}
    await this.send('PUT', url, 'text', {
      ...options,
      body,
      deadlineMs: TRANSFER_MS,
      // Sent again after a lost answer, a conditional PUT would meet its own result.
      idempotent: only === null,
      headers: {
        ...options.headers,
        ...condition,
        'Content-Type': options.mediaType ?? 'application/octet-stream',
        'Content-Length': options.size === undefined ? undefined : String(options.size),
      },
    })
  }

  /** Makes one collection; false when its parent is missing. */
  async makeCollection(url: string, options: CallOptions, headers: Record<string, string> = {}): Promise<boolean> {
    // 405: there is one already (RFC 4918, 9.3.1).
    const { status } = await this.send('MKCOL', url, 'text', {
      ...options,
      headers,
      accept: [405, 409],
      idempotent: true,
    })
    return status !== 409
  }

  async move(from: string, to: string, options: CallOptions, headers: Record<string, string> = {}): Promise<void> {
    await this.send('MOVE', from, 'text', {
      ...options,
      // Putting many chunks together takes its time.
      deadlineMs: TRANSFER_MS,
      headers: { Destination: to, Overwrite: 'F', ...headers },
    })
  }

  async remove(url: string, options: CallOptions): Promise<void> {
    const response = await this.send('DELETE', url, 'text', options)
    // 207 to a DELETE names the members that could not be deleted.
    if (response.status === 207)
      throw new CausewayError('CSW-3017', {
        what: `DELETE ${this.outbound.redact(url)}: something in the folder is locked.`,
      })
  }

  /** The status of a request that changes nothing, for the probe. */
  async options(url: string, options: CallOptions): Promise<string> {
    const response = await this.send('OPTIONS', url, 'text', options)
    return String(response.headers.dav ?? '')
  }

  private async send<T extends ResponseType>(method: string, url: string, responseType: T, sending: Sending) {
    const { body, failure, accept, signal, onExchange, maySend, idempotent, deadlineMs } = sending
    const whole = { method, url, headers: { ...this.headers, ...sending.headers } }
    const { request } = await this.authoriser.apply(whole, signal)
    const response = await this.outbound.request<T>({
      ...request,
      ...this.meter.chargesOf(request, this.base, READING.test(method) ? 'read' : 'write'),
      responseType,
      signal,
      deadlineMs: deadlineMs ?? this.limits.timeout_seconds * 1000,
      maxResponseBytes: responseType === 'stream' ? Number.MAX_SAFE_INTEGER : this.limits.max_answer_mb * 1024 * 1024,
      ...(body === undefined ? {} : { body }),
      ...(onExchange ? { onExchange } : {}),
      ...(maySend ? { maySend } : {}),
      ...(idempotent === undefined ? {} : { idempotent }),
    })
    const headers = flatHeaders(response.headers)
    this.meter.learn({ response: undefined, status: response.status, headers, settings: this.settings })
    if (accept?.includes(response.status)) return response
    const fault = this.outbound.failureOf(response, failure)
    if (!fault) return response
    if (typeof response.body === 'object' && 'destroy' in response.body) response.body.destroy()
    throw fault
  }

  private strange(response: OutboundResponse): CausewayError {
    const url = this.outbound.redact(response.url)
    return new CausewayError('CSW-3007', {
      what: `PROPFIND ${url} answered ${response.status}, not 207: this is no WebDAV collection.`,
      data: { status: response.status },
    })
  }
}

function baseOf(text: string, connection: string): string {
  const url = URL.parse(text)
  if (url && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '') return text
  throw new CausewayError('CSW-2005', { what: `The base URL of connection ${connection} is no plain http(s) address.` })
}
