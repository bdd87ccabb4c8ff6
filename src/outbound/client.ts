/** The HTTP client of one connection: the only way out for everything that speaks HTTP. */
import type { IncomingMessage } from 'node:http'
import {
  CausewayError,
  type Clock,
  createRedactor,
  plainReason,
  type Redactor,
  redactUrl,
  startSpan,
  systemClock,
  timed,
  urgencyNow,
} from '../core/index.ts'
import { type AgentPair, createAgents, type TlsIdentity } from './agents.ts'
import { ACCEPT_ENCODING, collect, decoded, inflated, metered } from './answer.ts'
import { Call } from './call.ts'
import { createDialler, type Dialler, type DiallerOptions } from './dialler.ts'
import { exchangeOf, textOf } from './exchange.ts'
import type { Exchange, OnExchange } from './exchange-entry.ts'
import { type FailureContext, failureOfError, failureOfStatus, type OutboundFailure } from './failure.ts'
import { tellCall } from './observed.ts'
import type { CallEnd, Quota, QuotaBucket, QuotaGate } from './quota.ts'
import { LocalQuotaGate } from './quota-local.ts'
import { type Hop, isRedirect, nextHop, refused } from './redirect.ts'
import {
  type BodyOf,
  checkedHeaders,
  type OutboundRequest,
  type OutboundResponse,
  type ResponseType,
  urlOf,
} from './request.ts'
import { retryAfterOf } from './retry-after.ts'
import { Slots } from './slots.ts'
import { exchangeOnWire, Wire } from './wire.ts'

export type OutboundOptions = Omit<DiallerOptions, 'tls'> & {
  /** Name of the connection, for messages. */
  connection: string
  /** Secret values of the connection, replaced wherever they turn up in exchanges and errors. */
  secrets?: Iterable<string>
  tls?: TlsIdentity
  maxConcurrent?: number
  /** Limits of the connection; `paceOf` makes one of a plain rate. */
  buckets?: readonly QuotaBucket[]
  /** Makes the gate that keeps them, where it is shared over processes; otherwise there is one for this process. */
  gate?: (quota: Quota) => QuotaGate
  deadlineMs?: number
  maxResponseBytes?: number
  userAgent?: string
  /** Ends every call of this client when it aborts. */
  signal?: AbortSignal
  onExchange?: OnExchange
  /** Calls tell the system which trace they belong to. */
  traceparent?: boolean
  clock?: Clock
}

export interface OutboundClient {
  readonly connection: string
  /** Checked sockets for protocols that are not HTTP. */
  readonly dialler: Dialler
  readonly gate: QuotaGate
  /**
   * Sends one request. Resolves for every status; rejects with an `OutboundFailure` where there is no complete answer, and
   * with a plain CausewayError (CSW-3005, 3010, 3014, 3015, 3019) where the request was not allowed to go out.
   */
  request<T extends ResponseType = 'text'>(request: OutboundRequest<T>): Promise<OutboundResponse<T>>
  /** The failure an answer's status stands for; null for success. */
  failureOf(response: OutboundResponse, context?: FailureContext): OutboundFailure | null
  /** A token got at run time, which from now on must not show up anywhere. */
  addSecret(value: string): void
  /** For secrets that end: nothing that is sent or received holds them any more. */
  forgetSecret(value: string): void
  /** Text for people without any secret of this connection. */
  redact(text: string): string
  /** Closes idle sockets; calls under way go on unless `signal` ends them. */
  close(): void
}

const LIMITS = { deadlineMs: 30_000, maxResponseBytes: 32 * 1024 * 1024 }
const MAX_CONCURRENT = 8
/** Not reached, no answer in time, no answer that means anything: the same would happen to the next call. */
const OUTAGES = new Set<string>(['CSW-3001', 'CSW-3002', 'CSW-3007', 'CSW-3012', 'CSW-3018'])

/** What a status says about the system, not about the request. */
function endOf(status: number): CallEnd {
  if (THROTTLES.has(status)) return { end: 'neutral' }
  return status >= 500 && status !== 501 ? { end: 'failed', reason: `it answered ${status}` } : { end: 'ok' }
}

/** 429 is the usual word for "slow down", 503 with a time the second, 420 and 509 are vendors' own. */
const THROTTLES = new Set([420, 429, 503, 509])

/** Makes the client of one connection. Nothing (socket, quota, secret) is shared with any other connection. */
export function createOutbound(options: OutboundOptions): OutboundClient {
  return new AxiosOutbound(options)
}

/** The head of an answer with what is known of the request that brought it. */
type Answer = { head: IncomingMessage; hop: Hop; wire: Wire; requestedAt: Date; began: number }

class AxiosOutbound implements OutboundClient {
  readonly connection: string
  readonly dialler: Dialler
  readonly gate: QuotaGate
  private readonly options: OutboundOptions
  private readonly agents: AgentPair
  private readonly slots: Slots
  private readonly clock: Clock
  private readonly secrets: Set<string>
  private redactor: Redactor

  constructor(options: OutboundOptions) {
    const maxConcurrent = options.maxConcurrent ?? MAX_CONCURRENT
    this.options = options
    this.connection = options.connection
    this.clock = options.clock ?? systemClock
    this.secrets = new Set(options.secrets)
    this.redactor = createRedactor(this.secrets)
    this.dialler = createDialler(options.connection, options)
    this.agents = createAgents(this.dialler, maxConcurrent, options.tls)
    this.slots = new Slots(maxConcurrent)
    const quota = { connection: options.connection, buckets: options.buckets ?? [], concurrent: maxConcurrent }
    this.gate = options.gate?.(quota) ?? new LocalQuotaGate(quota, this.clock)
  }

  addSecret(value: string): void {
    if (this.secrets.has(value)) return
    this.secrets.add(value)
    this.redactor = createRedactor(this.secrets)
  }

  forgetSecret(value: string): void {
    if (this.secrets.delete(value)) this.redactor = createRedactor(this.secrets)
  }

  redact(text: string): string {
    return this.redactor(text)
  }

  close(): void {
    this.agents.close()
  }

  failureOf(response: OutboundResponse, context?: FailureContext): OutboundFailure | null {
    return failureOfStatus(response, this.shown(response.url), context, this.clock.now())
  }

  async request<T extends ResponseType = 'text'>(request: OutboundRequest<T>): Promise<OutboundResponse<T>> {
    const hop: Hop = { url: urlOf(request), headers: this.headersOf(request) }
    const call = new Call(request, { ...LIMITS, ...definedLimits(this.options) }, this.options.signal)
    try {
      await timed('limits', () => this.admit(call))
      return (await timed('call', () => this.exchange(call, hop))) as OutboundResponse<T>
    } catch (error) {
      call.finish()
      throw error
    }
  }

  private async exchange(call: Call, hop: Hop): Promise<OutboundResponse> {
    const began = performance.now()
    let status: number | null = null
    const span = startSpan('call', {
      attributes: {
        'causeway.connection': this.connection,
        'http.request.method': call.method,
        'server.address': hop.url.hostname,
      },
    })
    if (span && this.options.traceparent) hop.headers.traceparent = span.traceparent
    let failure: unknown
    try {
      const response = await this.read(call, await this.follow(call, hop))
      status = response.status
      return response
    } catch (error) {
      failure = error
      throw error
    } finally {
      tellCall(this.connection, began, status)
      if (status !== null) span?.note({ 'http.response.status_code': status })
      span?.end(failure)
    }
  }

  private headersOf(request: OutboundRequest): Record<string, string> {
    const headers = checkedHeaders(request.headers)
    const given = new Set(Object.keys(headers).map((name) => name.toLowerCase()))
    if (!given.has('user-agent')) headers['User-Agent'] = this.options.userAgent ?? 'Causeway'
    if (!given.has('accept-encoding')) headers['Accept-Encoding'] = ACCEPT_ENCODING
    if (!given.has('accept')) headers.Accept = '*/*'
    return headers
  }

  /** Waits for a slot, then for the quota: whoever holds a slot goes as soon as the quota allows. */
  private async admit(call: Call): Promise<void> {
    const { priority = urgencyNow(), charges = {}, maxWaitMs } = call.request
    const release = await this.slots.take(priority, call.signal)
    try {
      await this.gate.take(charges, priority, call.signal, maxWaitMs)
    } catch (error) {
      release()
      throw error
    }
    let over = false
    call.start(() => {
      if (over) return
      over = true
      release()
      this.gate.done?.(call.outcome)
    })
  }

  /** Sends the request, and follows redirects where the caller opted in. */
  private async follow(call: Call, first: Hop): Promise<Answer> {
    const allowed = /^(GET|HEAD)$/.test(call.method) ? (call.request.redirects ?? 0) : 0
    let hop = first
    for (let hops = 0; ; hops++) {
      const answer = await this.send(call, hop)
      const status = answer.head.statusCode ?? 0
      if (allowed === 0 || !isRedirect(status)) return answer
      // The body of a redirect is of no use, and its size is not ours to trust.
      answer.head.destroy()
      this.note(call, answer, { bytes: 0, body: null })
      if (hops >= allowed) throw refused(hop, `more than ${allowed} times`)
      hop = nextHop(hop, answer.head.headers.location)
    }
  }

  private async send(call: Call, hop: Hop): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      call.refuseIfTooLate()
      const wire = new Wire(call.request.maySend)
      call.wire = wire
      const requestedAt = this.clock.now()
      const began = performance.now()
      try {
        const head = await exchangeOnWire(
          {
            method: call.method,
            url: hop.url.href,
            headers: hop.headers,
            body: call.request.body,
            agents: this.agents,
            signal: call.signal,
          },
          wire,
        )
        return { head, hop, wire, requestedAt, began }
      } catch (error) {
        if (wire.refused) throw call.tooLate()
        if (attempt === 1 && mayRepeat(call, wire)) continue
        throw this.broken(call, { head: null, hop, wire, requestedAt, began }, error)
      }
    }
  }

  private async read(call: Call, answer: Answer): Promise<OutboundResponse> {
    const { head } = answer
    const status = head.statusCode ?? 0
    this.reportThrottle(status, head)
    call.outcome = endOf(status)
    if (call.request.responseType === 'stream') return this.stream(call, answer)
    try {
      const wireBytes = await collect(head, call.method, call.cap)
      const bytes = await inflated(wireBytes, head.headers['content-encoding'], call.cap)
      const asText = call.request.responseType === 'buffer' ? null : decoded(bytes, head.headers['content-type'])
      this.note(call, answer, { bytes: bytes.length, body: asText ? asText.text : textOf(bytes) })
      call.finish()
      return this.response(call, answer, asText?.text ?? bytes, bytes.length, asText?.malformed ?? false)
    } catch (error) {
      head.destroy()
      throw this.broken(call, answer, error)
    }
  }

  private stream(call: Call, answer: Answer): OutboundResponse {
    this.note(call, answer, { bytes: Number(answer.head.headers['content-length']) || 0, body: null })
    const body = metered(
      answer.head,
      call.cap,
      (error) => this.failureOfBreak(call, answer, error),
      () => call.finish(),
    )
    return this.response(call, answer, body, 0, false)
  }

  private response(
    call: Call,
    { head, hop, requestedAt, began }: Answer,
    body: BodyOf<ResponseType>,
    bytes: number,
    malformedText: boolean,
  ): OutboundResponse {
    return {
      status: head.statusCode ?? 0,
      headers: head.headers,
      body,
      malformedText,
      bytes,
      url: hop.url.href,
      method: call.method,
      idempotent: call.idempotent,
      requestedAt,
      ms: performance.now() - began,
    }
  }

  /** Every call of this connection waits as long as this answer asks, not only the one that got it. */
  private reportThrottle(status: number, head: IncomingMessage): void {
    if (!THROTTLES.has(status)) return
    const waitMs = retryAfterOf(head.headers, this.clock.now())
    if (waitMs) this.gate.report({ waitMs, reason: `the system answered ${status} and asked to wait` })
  }

  /** Writes down a call without a complete answer and gives the error to throw. */
  private broken(call: Call, answer: Omit<Answer, 'head'> & { head: IncomingMessage | null }, error: unknown): Error {
    const failure = this.failureOfBreak(call, answer, error)
    if (failure instanceof CausewayError && OUTAGES.has(failure.code) && call.endedBy !== 'cancelled')
      call.outcome = { end: 'failed', reason: plainReason(failure) }
    this.note(call, answer, { bytes: 0, body: null, error: failure })
    return failure
  }

  private failureOfBreak(
    call: Call,
    { head, hop, wire, requestedAt, began }: Omit<Answer, 'head'> & { head: IncomingMessage | null },
    error: unknown,
  ): Error {
    const status = head?.statusCode
    // A refusal is a refusal, even when its explanation did not arrive whole.
    if (head && status !== undefined && status >= 300) {
      const byStatus = this.failureOf(this.response(call, { head, hop, wire, requestedAt, began }, '', 0, false))
      if (byStatus) return byStatus
    }
    return failureOfError(error, {
      method: call.method,
      shownUrl: this.shown(hop.url.href),
      idempotent: call.idempotent,
      sent: wire.sent,
      status,
      deadlineMs: call.deadlineMs,
      endedBy: call.endedBy,
    })
  }

  /** An address for a message: without its query, which may hold values of records, such as what a look-up asks for. */
  private shown(url: string): string {
    return redactUrl(url, this.redactor).split('?', 1)[0]!
  }

  private note(
    call: Call,
    { head, hop, requestedAt, began }: Omit<Answer, 'head' | 'wire'> & { head: IncomingMessage | null },
    got: { bytes: number; body: string | null; error?: Error },
  ): void {
    const listeners = [call.request.onExchange, this.options.onExchange].filter((listener) => listener !== undefined)
    if (listeners.length === 0) return
    const exchange: Exchange = exchangeOf(
      {
        request: call.request,
        method: call.method,
        url: hop.url.href,
        ...(hop.given || call.request.signed ? { signed: true } : {}),
        headers: hop.headers,
        requestedAt,
        ms: performance.now() - began,
        answer: head && { status: head.statusCode ?? 0, headers: head.headers, bytes: got.bytes, body: got.body },
        error: got.error ?? null,
      },
      this.redactor,
    )
    for (const listener of listeners) listener(exchange)
  }
}

/**
 * A kept-alive socket that the server closed while we were taking it out of the pool fails before any answer. What is safe
 * to send twice goes once more, on a fresh socket; a stream cannot be read again.
 */
const mayRepeat = (call: Call, wire: Wire): boolean =>
  wire.diedOnReusedSocket &&
  call.idempotent &&
  call.endedBy === null &&
  !call.isCancelled &&
  (call.request.body == null || typeof call.request.body === 'string' || Buffer.isBuffer(call.request.body))

function definedLimits({ deadlineMs, maxResponseBytes }: OutboundOptions): Partial<typeof LIMITS> {
  return {
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    ...(maxResponseBytes === undefined ? {} : { maxResponseBytes }),
  }
}
