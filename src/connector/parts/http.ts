/**
 * HTTP as all protocols here use it: base URL, credentials, judging of answers, and another try where that is safe. One
 * instance per open connection.
 */
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { backoffMs, CausewayError, type Json, type JsonObject } from '../../core/index.ts'
import { type OutboundClient, OutboundFailure, type OutboundResponse, type ResponseType } from '../../outbound/index.ts'
import type { CodeLogin } from '../contract.ts'
import { asText, type Scope } from '../language/index.ts'
import { type Answer, type CallOptions, flatHeaders, readBody } from './answer.ts'
import { type Authoriser, withHeaders } from './authorisation.ts'
import { Cookies } from './cookies.ts'
import { Csrf } from './csrf.ts'
import { Discovery } from './discover.ts'
import { Judge } from './errors.ts'
import type { HttpSpec } from './http-fields.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { Meter } from './quota.ts'
import { type HttpRequest, withText } from './request.ts'

/** Reads what a protocol makes of an answer's body: its `response`, and further names for `errors`. */
export type Interpret = (body: Json | undefined) => {
  response: Json | undefined
  /** Further names for the expressions in `errors`. */
  names?: Record<string, unknown>
  /** The protocol's own envelope reports a failure. */
  failed?: boolean
  /** Why the body is not what the protocol answers. */
  fault?: string
}

export type HttpContext = {
  connection: string
  spec: HttpSpec
  settings: JsonObject
  outbound: OutboundClient
}

/** Failures that another try may mend at once. */
const PASSING = new Set(['CSW-3001', 'CSW-3002', 'CSW-3005', 'CSW-3006', 'CSW-3007', 'CSW-3017'])
const BACKOFF = { baseMs: 250, capMs: 5_000 }
/** A wait longer than this is the pipeline's: it can do other work meanwhile. */
const LONGEST_WAIT_MS = 20_000
/** A file may take its time: it is streamed. */
const LONGEST_DOWNLOAD_MS = 15 * 60_000

export class HttpConnection {
  readonly limits: Limits
  readonly settings: JsonObject
  private readonly outbound: OutboundClient
  private readonly judge: Judge
  /** Of answers that another system gives: the words of this one mean nothing there. */
  private readonly strange: Judge
  private readonly meter: Meter
  private readonly spec: HttpSpec
  private readonly connection: string
  /** Whether the base URL is known after the login only. */
  private readonly late: boolean
  private readonly discovery: Discovery | null
  private place: string | null
  private headers: Record<string, string>
  private authoriser: Authoriser | null = null
  private readonly cookies: Cookies | null
  private readonly csrf: Csrf | null

  constructor({ connection, spec, settings, outbound }: HttpContext) {
    this.settings = settings
    this.outbound = outbound
    this.limits = spec.limits ?? DEFAULT_LIMITS
    this.judge = new Judge(spec.errors, outbound)
    this.strange = new Judge(undefined, outbound)
    this.meter = new Meter(this.limits, settings, outbound.gate)
    this.spec = spec
    this.connection = connection
    this.late = ['token', 'discovered'].some((name) => spec.base_url.names.has(name))
    this.place = this.late ? null : baseUrl(spec, { settings }, connection)
    this.headers = headersOf(spec, { settings })
    this.discovery = spec.discover ? new Discovery(spec.discover, settings, (asked) => this.askAfterLogin(asked)) : null
    this.cookies = spec.cookies || spec.csrf ? new Cookies() : null
    this.csrf = spec.csrf ? new Csrf(spec.csrf, settings, (asked) => this.askCsrf(asked)) : null
  }

  /** Where paths are appended to. */
  get base(): string {
    return this.endpoint.replace(/\/+$/, '')
  }

  /** The base URL as it was given, for protocols with one address for all calls: a slash at its end may count. */
  get endpoint(): string {
    if (this.place === null)
      throw new CausewayError('CSW-2007', {
        what: `The base URL of connection ${this.connection} is known after the login only.`,
        fix: 'Give the address that is needed before (`token_url`) in full.',
        place: this.spec.base_url.place,
      })
    return this.place
  }

  /** Origins of the system besides that of the base URL. */
  get origins(): string[] {
    return (this.spec.hosts ?? []).flatMap((host) => {
      const url = URL.parse(asText(host.evaluate({ settings: this.settings }) ?? ''))
      return url ? [url.origin] : []
    })
  }

  /** Must come before a request is built: the base URL and headers may be made of what the login answers. */
  async locate(signal: AbortSignal): Promise<void> {
    const { spec, settings, discovery } = this
    if (!this.late && !discovery && !spec.headers?.names.has('token')) return
    const token = await this.authoriser?.token?.(signal)
    const scope = { settings, token, discovered: await discovery?.values(token, signal) }
    this.place = baseUrl(spec, scope, this.connection)
    this.headers = headersOf(spec, scope)
  }

  /** An address of the manifest's author: absolute, or relative to the base URL. */
  absolute(url: string): string {
    return URL.canParse(url) ? url : this.base + (url.startsWith('/') ? '' : '/') + url
  }

  private common(request: HttpRequest): HttpRequest {
    // Headers of the request itself win over those of the connector.
    return withHeaders(request.headers)({ ...request, headers: { Accept: 'application/json', ...this.headers } })
  }

  /** The login of a person, where the credentials need one. */
  get login(): CodeLogin | null {
    return this.authoriser?.codeLogin ?? null
  }

  /** Resolves once no answer to a login is on its way any more. */
  async settled(): Promise<void> {
    await this.authoriser?.settled?.()
  }

  /** Credentials for all further calls; set after construction because a login is itself a call of this connection. */
  authorise(authoriser: Authoriser): void {
    this.authoriser = authoriser
  }

  /**
   * Sends a request and judges the answer. Resolves for refusals too (`failure`); rejects where no answer came. Tries again
   * by itself where that does no harm, and once with new credentials after a refusal of the old ones.
   */
  async call(
    given: HttpRequest,
    options: CallOptions,
    interpret: Interpret = plainBody,
    bare = false,
  ): Promise<Answer> {
    const filled = options.body ? withText(given, options.body) : given
    const request: HttpRequest = bare ? { ...filled, login: true } : filled
    const aside = bare || options.signed === true
    for (let attempt = 1, renewals = 0, fetched = false; ; attempt++) {
      const { forgery, taken, ...authorised } = await this.authorised(request, options.signal, aside)
      const outcome = await this.once(authorised.request, options, interpret, options.signed)
      const failure = outcome instanceof CausewayError ? outcome : outcome.failure
      if (
        failure?.code === 'CSW-3003' &&
        renewals < renewalsAllowed(taken) &&
        this.renew(authorised.stamp, request, aside)
      ) {
        renewals++
        attempt--
        continue
      }
      // Refused before any work was done, so a write may go out once more too.
      if (forgery && 'failure' in outcome && !fetched && replayable(request) && this.csrf?.refused(outcome, forgery)) {
        fetched = true
        attempt--
        continue
      }
      if (failure && attempt < this.limits.attempts && mayRepeat(failure, request, options)) {
        await this.pause(attempt, failure, options.signal)
        continue
      }
      if (outcome instanceof CausewayError) throw outcome
      return outcome
    }
  }

  /**
   * Sends a request to an address the system signed itself, on whatever origin: without credentials, cookies and headers of
   * the connection, which another origin must not see.
   */
  async callSigned(request: HttpRequest, options: CallOptions): Promise<Answer> {
    const outcome = await this.once(request, options, plainBody, true)
    if (outcome instanceof CausewayError) throw outcome
    return outcome
  }

  /** Sends a request whose answer is not JSON; throws on every failure. */
  async bytes<T extends ResponseType>(
    request: HttpRequest,
    options: CallOptions,
    responseType: T,
  ): Promise<OutboundResponse<T>> {
    for (let renewals = 0; ; renewals++) {
      const authorised = await this.authorised(request, options.signal, false)
      const raw = await this.outbound.request<T>({
        ...this.withCookies(this.common(authorised.request)),
        ...this.transport(request, options),
        responseType,
        // Stores hand files out at addresses of their own, which see none of our credentials.
        redirects: 3,
        // A file may be as large as it likes: it is streamed.
        maxResponseBytes: Number.MAX_SAFE_INTEGER,
        deadlineMs: Math.max(this.limits.timeout_seconds * 1000, LONGEST_DOWNLOAD_MS),
      })
      const failure = this.outbound.failureOf(raw, options)
      if (!failure) return raw
      if (typeof raw.body === 'object' && 'destroy' in raw.body) raw.body.destroy()
      const spent = renewals >= renewalsAllowed(authorised.taken)
      if (failure.code !== 'CSW-3003' || spent || !this.authoriser?.renew(authorised.stamp)) throw failure
    }
  }

  /** Opens a file at any address. Another origin than ours sees no credentials, cookies and headers of the connection. */
  async download(url: string, signal: AbortSignal): Promise<Readable> {
    const address = new URL(url, `${this.base}/`)
    const request: HttpRequest = { method: 'GET', url: address.href, headers: { Accept: '*/*' } }
    const options: CallOptions = { signal, purpose: 'read', notFound: 'record' }
    if (address.origin === new URL(this.base).origin) return (await this.bytes(request, options, 'stream')).body
    const raw = await this.outbound.request({
      ...request,
      responseType: 'stream',
      redirects: 3,
      signal,
      maxResponseBytes: Number.MAX_SAFE_INTEGER,
      deadlineMs: LONGEST_DOWNLOAD_MS,
    })
    const failure = this.outbound.failureOf(raw, options)
    if (!failure) return raw.body
    raw.body.destroy()
    throw failure
  }

  private async authorised(request: HttpRequest, signal: AbortSignal, bare: boolean) {
    const forgery = bare || !this.csrf || READING.test(request.method) ? null : await this.csrf.header(signal)
    const whole = forgery ? withHeaders(forgery)(request) : request
    if (bare || !this.authoriser) return { request: whole, stamp: null, taken: false, forgery }
    return { taken: false, ...(await this.authoriser.apply(whole, signal)), forgery }
  }

  private askAfterLogin(request: HttpRequest): Promise<Answer> {
    return this.call(request, { signal: new AbortController().signal, purpose: 'read' })
  }

  private askCsrf({ path, ...asked }: { method: string; path: string; headers: Record<string, string> }) {
    const url = path === '/' ? `${this.base}/` : this.absolute(path)
    // Some systems answer the question with a page: only its headers count.
    return this.call({ ...asked, url }, { signal: new AbortController().signal, purpose: 'read' }, headersOnly)
  }

  /** Cookies of earlier answers, beside those the manifest gives. */
  private withCookies(request: HttpRequest): HttpRequest {
    const kept = this.cookies?.header(request.url)
    if (kept === undefined) return request
    const given = Object.entries(request.headers).find(([name]) => name.toLowerCase() === 'cookie')
    const headers = { ...request.headers, [given?.[0] ?? 'Cookie']: given?.[1] ? `${given[1]}; ${kept}` : kept }
    return { ...request, headers }
  }

  private renew(stamp: unknown, request: HttpRequest, bare: boolean): boolean {
    return !bare && replayable(request) && this.authoriser?.renew(stamp) === true
  }

  private transport(request: HttpRequest, { signal, purpose, idempotent, maySend, onExchange }: CallOptions) {
    // A question may be asked twice, also where it is sent as a POST.
    const repeatable = purpose === 'read' ? true : idempotent
    return {
      signal,
      deadlineMs: this.limits.timeout_seconds * 1000,
      maxResponseBytes: this.limits.max_answer_mb * 1024 * 1024,
      ...(repeatable === undefined ? {} : { idempotent: repeatable }),
      ...(maySend ? { maySend } : {}),
      ...(onExchange ? { onExchange } : {}),
      ...this.meter.chargesOf(request, this.place ?? '', purpose),
    }
  }

  /** One exchange: an answer, or the failure that there was none. */
  private async once(
    request: HttpRequest,
    options: CallOptions,
    interpret: Interpret,
    signed = false,
  ): Promise<Answer | CausewayError> {
    let raw: OutboundResponse<'text' | 'buffer'>
    let parsed: Awaited<ReturnType<typeof readBody>>
    try {
      raw = await this.outbound.request({
        ...(signed ? { ...request, signed } : this.withCookies(this.common(request))),
        ...this.transport(request, options),
        responseType: options.unpack ? 'buffer' : 'text',
      })
      const cap = this.limits.max_answer_mb * 1024 * 1024
      parsed = interpret === headersOnly ? { value: undefined } : await readBody(raw, options, cap)
    } catch (error) {
      if (error instanceof CausewayError) return error
      throw error
    }
    if (this.cookies && !signed) {
      this.cookies.keep(raw.url, raw.headers, raw.requestedAt)
      for (const value of this.cookies.secrets(raw.url)) this.outbound.addSecret(value)
    }
    const body = 'value' in parsed ? parsed.value : undefined
    const { response, names, failed, fault } = interpret(body)
    const headers = flatHeaders(raw.headers)
    const scope = { response, status: raw.status, headers, settings: this.settings, ...names }
    this.meter.learn(scope)
    const failure = (options.signed ? this.strange : this.judge).failureOf(
      { raw, body, scope, failed: failed === true },
      options,
      'fault' in parsed ? parsed.fault : fault,
    )
    return { response, status: raw.status, headers, failure, requestedAt: raw.requestedAt, url: raw.url }
  }

  private async pause(attempt: number, failure: CausewayError, signal: AbortSignal): Promise<void> {
    // The gate of the connection already holds back everybody for the time the system asked for.
    const ms = failure.retryAfterMs === undefined ? backoffMs(attempt, BACKOFF) : 0
    try {
      await wait(ms, undefined, { signal })
    } catch {
      throw failure
    }
  }
}

const plainBody: Interpret = (body) => ({ response: body })
const headersOnly: Interpret = () => ({ response: undefined })
const READING = /^(GET|HEAD|OPTIONS)$/

function headersOf(spec: HttpSpec, scope: Scope): Record<string, string> {
  const given = Object.entries((spec.headers?.evaluate(scope) ?? {}) as JsonObject)
  return Object.fromEntries(given.map(([name, value]) => [name, asText(value)]))
}

function baseUrl(spec: HttpSpec, scope: Scope, connection: string): string {
  const value = spec.base_url.evaluate(scope)
  const text = value === undefined || value === null ? '' : asText(value)
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol))
    throw new CausewayError('CSW-2005', {
      what: `The base URL of connection ${connection} is no http(s) address.`,
      fix: `Check the settings${spec.base_url.names.has('token') ? ' and the token answer (auth must be oauth2)' : ''} that ${spec.base_url.source} is made of.`,
      place: spec.base_url.place,
    })
  return text
}

const replayable = ({ body }: HttpRequest): boolean =>
  body === undefined || body === null || typeof body === 'string' || Buffer.isBuffer(body)

/**
 * How often one request may ask for other credentials. Those that another process stored may be as dead as the ones refused
 * before, where this process slept over several renewals; those it asked for itself are as good as they get.
 */
const renewalsAllowed = (taken: boolean): number => (taken ? 2 : 1)

/** Whether the same request may go out once more by itself. */
function mayRepeat(failure: CausewayError, request: HttpRequest, options: CallOptions): boolean {
  if (options.repeat === false) return false
  if (!PASSING.has(failure.code) || !replayable(request) || options.signal.aborted) return false
  if ((failure.retryAfterMs ?? 0) > LONGEST_WAIT_MS) return false
  if (options.purpose === 'read') return true
  // An unknown outcome is CSW-3012 and never comes here; what is left was refused before any work, or can be repeated.
  return failure instanceof OutboundFailure
}
