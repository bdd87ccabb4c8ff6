/** The calls to one bucket, each signed. */
import { setTimeout as wait } from 'node:timers/promises'
import { backoffMs, CausewayError } from '../../../core/index.ts'
import type {
  OnExchange,
  OutboundClient,
  OutboundResponse,
  RequestBody,
  ResponseType,
} from '../../../outbound/index.ts'
import { asText } from '../../language/index.ts'
import { type HttpRequest, strictlyCoded } from '../../parts/request.ts'
import { sigv4Headers } from '../../parts/sigv4.ts'
import type { ProtocolContext } from '../contract.ts'
import { storeFailure } from './failure.ts'
import { limitsOf, type S3Connector } from './fields.ts'
import { type Node, parseXml } from './xml.ts'

const BACKOFF = { baseMs: 250, capMs: 10_000 }
const PASSING = new Set(['CSW-3001', 'CSW-3002', 'CSW-3005', 'CSW-3006', 'CSW-3007', 'CSW-3017'])
const TRANSFER_MS = 15 * 60_000

export type CallOptions = {
  signal: AbortSignal
  onExchange?: OnExchange | undefined
  maySend?: (() => boolean) | undefined
}
export type Call = {
  method: string
  /** Null: the bucket itself. */
  key: string | null
  query?: Record<string, string>
  headers?: Record<string, string>
  body?: RequestBody
  /** Default true: all calls but the end of an upload do no more the second time. */
  idempotent?: boolean
}

/** What a client needs of a connection: where the bucket is, and how hard it may be pressed. */
export type StoreContext = Pick<ProtocolContext<unknown, unknown>, 'connection' | 'settings' | 'outbound' | 'clock'> & {
  spec: Pick<S3Connector, 'endpoint' | 'bucket' | 'path_style' | 'auth' | 'limits'>
}

export class S3Client {
  readonly bucket: string
  private readonly base: string
  private readonly context: StoreContext
  private readonly outbound: OutboundClient

  constructor(context: StoreContext) {
    const { spec, settings, connection } = context
    const text = (from: { evaluate(scope: Record<string, unknown>): unknown }) =>
      asText(from.evaluate({ settings }) ?? '')
    this.context = context
    this.outbound = context.outbound
    this.bucket = text(spec.bucket)
    const url = URL.parse(text(spec.endpoint))
    if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search !== '')
      throw new CausewayError('CSW-2005', {
        what: `The endpoint of connection ${connection} is no plain http(s) address.`,
      })
    if (!/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/i.test(this.bucket))
      throw new CausewayError('CSW-2005', { what: `The bucket of connection ${connection} has no valid name.` })
    this.base =
      text(spec.path_style) === 'false'
        ? `${url.protocol}//${this.bucket}.${url.host}`
        : `${url.origin}/${strictlyCoded(this.bucket)}`
    if (!URL.parse(this.base))
      throw new CausewayError('CSW-2005', {
        what: `The bucket of connection ${connection} cannot be part of the host name ${url.hostname}.`,
        fix: 'Leave `path_style` on for endpoints that are addresses.',
      })
  }

  get concurrent(): number {
    return limitsOf(this.context.spec).concurrent
  }

  /** The XML of an answer. A failure can stand in an answer with status 200, and counts as one. */
  async xml(call: Call, options: CallOptions): Promise<{ root: Node; requestedAt: Date }> {
    return this.repeated(call, options, async () => {
      const response = await this.send(call, options, 'text')
      const { name, root } = parseXml(response.body, this.shown(response))
      if (name === 'Error') throw storeFailure(root, this.named(call), 'CSW-3006')
      return { root, requestedAt: response.requestedAt }
    })
  }

  /** The headers of an answer whose body does not matter; null where there is no such object. */
  async headers(call: Call, options: CallOptions): Promise<OutboundResponse<'text'>['headers'] | null> {
    try {
      return await this.repeated(call, options, async () => {
        const response = await this.send(call, options, 'text')
        if (call.method === 'HEAD') this.refuseOthers(response)
        return response.headers
      })
    } catch (error) {
      if (error instanceof CausewayError && error.code === 'CSW-3009') return null
      throw error
    }
  }

  /** Opens the bytes of an object; the caller reads the stream or destroys it. */
  async stream(call: Call, options: CallOptions): Promise<OutboundResponse<'stream'>> {
    const response = await this.send(call, options, 'stream')
    try {
      this.refuseOthers(response)
      return response
    } catch (error) {
      response.body.destroy()
      throw error
    }
  }

  /** Every object has an ETag: an answer without one is that of a proxy or a login page, and its size is no size of an object. */
  private refuseOthers(response: OutboundResponse): void {
    if (response.headers.etag) return
    throw new CausewayError('CSW-3007', {
      what: `${this.shown(response)} was answered without an ETag, so by something else than the store.`,
    })
  }

  /** Tries again what passes, where that does no harm; a lost answer to an end of an upload is CSW-3012 by then. */
  private async repeated<T>(call: Call, { signal }: CallOptions, run: () => Promise<T>): Promise<T> {
    const { attempts } = limitsOf(this.context.spec)
    for (let attempt = 1; ; attempt++) {
      try {
        return await run()
      } catch (error) {
        const passing = error instanceof CausewayError && PASSING.has(error.code)
        if (!passing || call.idempotent === false || attempt >= attempts || signal.aborted) throw error
        await wait(error.retryAfterMs ?? backoffMs(attempt, BACKOFF), undefined, { signal }).catch(() =>
          Promise.reject(error),
        )
      }
    }
  }

  private async send<T extends ResponseType>(call: Call, options: CallOptions, responseType: T) {
    const { method, key, query, headers = {}, body, idempotent = true } = call
    const { spec, settings } = this.context
    const limits = limitsOf(spec)
    const url = key === null ? `${this.base}/` : `${this.base}/${pathOf(key)}`
    // Before it is signed: a proxy may not unpack what a range counts in bytes of the object.
    const request: HttpRequest = {
      method,
      url,
      headers: { 'Accept-Encoding': 'identity', ...headers },
      ...(query ? { query } : {}),
      ...(body === undefined ? {} : { body }),
    }
    const signed = sigv4Headers(spec.auth, { settings }, request, this.context.clock.now())
    const response = await this.outbound.request<T>({
      ...request,
      headers: { ...request.headers, ...signed },
      ...{ responseType, signal: options.signal, idempotent },
      deadlineMs: responseType === 'stream' || body ? TRANSFER_MS : limits.timeout_seconds * 1000,
      maxResponseBytes: responseType === 'stream' ? Number.MAX_SAFE_INTEGER : limits.max_answer_mb * 1024 * 1024,
      ...(options.maySend ? { maySend: options.maySend } : {}),
      ...(options.onExchange ? { onExchange: options.onExchange } : {}),
    })
    const failure = this.outbound.failureOf(response, {
      notFound: key === null ? 'address' : 'record',
      purpose: /^(GET|HEAD)$/.test(method) ? 'read' : 'write',
    })
    if (!failure) return response
    throw await this.explained(call, failure, response)
  }

  /** What the store's own error document says, where there is one: HEAD has none. */
  private async explained(call: Call, failure: CausewayError, response: OutboundResponse): Promise<CausewayError> {
    const text = typeof response.body === 'string' ? response.body : await beginning(response.body)
    // A HEAD has no document. 503 is what stores answer when they are asked too often.
    if (call.method === 'HEAD' && response.status === 503) return this.slowed(call)
    if (!text.includes('<Error>') && !text.includes('<Error ')) return failure
    try {
      const { root } = parseXml(text, this.shown(response))
      const named = storeFailure(root, this.named(call), failure.code)
      if (named.code === 'CSW-3005' && failure.code !== 'CSW-3005') this.pause()
      // After a lost answer it is not known what was done; a document that says more is believed.
      return failure.code === 'CSW-3012' && named.code === 'CSW-3006' ? failure : named
    } catch {
      return failure
    }
  }

  private slowed(call: Call): CausewayError {
    this.pause()
    return new CausewayError('CSW-3005', { what: `${this.named(call)} failed: the store is asked too often (503).` })
  }

  private pause(): void {
    this.outbound.gate.report({ waitMs: 1_000, reason: 'the store asked to slow down' })
  }

  private named(call: Call): string {
    return `${call.method} ${call.key === null ? `of bucket ${this.bucket}` : 'of an object'}`
  }

  private shown(response: OutboundResponse): string {
    return this.outbound.redact(response.url.split('?', 1)[0]!)
  }
}

/** A key as the path of a URL. URLs resolve dot segments, so an object of such a name cannot be reached. */
function pathOf(key: string): string {
  const segments = key.split('/')
  if (
    key === '' ||
    segments.some((segment) => segment === '.' || segment === '..') ||
    key.includes('\0') ||
    !key.isWellFormed()
  )
    throw new CausewayError('CSW-2056', {
      what: `The key ${JSON.stringify(key)} is empty, has a dot segment, or a character that no URL can carry.`,
      fix: 'Let the mapping give a path such as "2026/invoice 17.pdf".',
    })
  return segments.map(strictlyCoded).join('/')
}

async function beginning(body: Exclude<OutboundResponse['body'], string>): Promise<string> {
  if (Buffer.isBuffer(body)) return body.toString('utf8')
  let text = ''
  try {
    for await (const chunk of body) {
      text += String(chunk)
      if (text.length > 64 * 1024) break
    }
  } catch {
    // The status says enough.
  }
  body.destroy()
  return text
}
