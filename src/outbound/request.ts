/** What a caller asks for and what it gets back. */
import { type IncomingHttpHeaders, validateHeaderName } from 'node:http'
import type { Readable } from 'node:stream'
import { CausewayError } from '../core/index.ts'
import type { OnExchange } from './exchange-entry.ts'
import type { QuotaCharges } from './quota.ts'

export type ResponseType = 'text' | 'buffer' | 'stream'
export type BodyOf<T extends ResponseType> = { text: string; buffer: Buffer; stream: Readable }[T]
export type RequestBody = string | Buffer | Readable | null
export type QueryValue = string | number | boolean | readonly (string | number | boolean)[] | null | undefined

export type OutboundRequest<T extends ResponseType = ResponseType> = {
  method?: string
  /** Absolute http(s) URL without user info. */
  url: string
  /** Appended to the URL's own query; arrays repeat the name, null and undefined are left out. */
  query?: Record<string, QueryValue>
  /** Names in any case; `undefined` values are left out. Values with line breaks or control characters are refused. */
  headers?: Record<string, string | undefined>
  body?: RequestBody
  responseType?: T
  /** For the whole call from the first byte dialled to the last byte read; waiting for quota is not counted. */
  deadlineMs?: number
  /** Counted after inflation. */
  maxResponseBytes?: number
  /**
   * True when sending the same request twice does no more than sending it once. Decides whether a lost answer means "try
   * again" or "unknown". Default by method: all but POST and PATCH and other writes of unknown meaning.
   */
  idempotent?: boolean
  /** How many redirects a GET or HEAD may follow; 0 by default. Other origins get no credentials. */
  redirects?: number
  /** True for an address that a system signed: its query is a credential, and not shown. */
  signed?: boolean
  /** True for a login: what it is answered are credentials, whatever their names, and is not shown. */
  login?: boolean
  /** What it costs of the connection's limits; a limit that every call counts towards need not be named. */
  charges?: QuotaCharges
  /** Lower goes first when calls wait; by default that of the work under way. */
  priority?: number
  /** A wait for quota longer than this ends with CSW-3005 at once. */
  maxWaitMs?: number
  signal?: AbortSignal
  /**
   * Asked in the moment before bytes go out, at every attempt; on false the request fails with CSW-3015 unsent. For a right
   * that may have ended while this process was frozen: a signal learns of that one turn of the event loop too late.
   */
  maySend?: () => boolean
  onExchange?: OnExchange
}

export type OutboundResponse<T extends ResponseType = ResponseType> = {
  status: number
  /** Lower-case names; `set-cookie` is an array, repeated others are joined. */
  headers: IncomingHttpHeaders
  body: BodyOf<T>
  /** True when a text body was not valid in its character set and holds U+FFFD in place of what was sent. */
  malformedText: boolean
  /** Bytes after inflation; 0 for a stream. */
  bytes: number
  /** Address that answered at last, with its query: may hold secrets, so not for messages. */
  url: string
  method: string
  idempotent: boolean
  /** Wall clock when the (last) request was sent. */
  requestedAt: Date
  ms: number
}

/** Methods that do no more the second time (RFC 9110, WebDAV, CalDAV); MOVE and COPY are not among them, LOCK neither. */
const IDEMPOTENT = new Set('GET HEAD OPTIONS PUT DELETE TRACE PROPFIND REPORT SEARCH QUERY'.split(' '))

export const isIdempotent = (request: OutboundRequest, method: string): boolean =>
  request.idempotent ?? IDEMPOTENT.has(method)

/** The URL with its query. Refuses everything but http(s), and credentials inside the URL. */
export function urlOf(request: OutboundRequest): URL {
  const url = URL.parse(request.url)
  if (url === null || !/^https?:$/.test(url.protocol)) {
    // The text itself may hold a secret or a value of a record, so only its scheme is shown.
    const scheme = url?.protocol ?? 'no scheme'
    throw new CausewayError('CSW-3010', {
      what: `The URL is not an absolute http(s) URL (${scheme}).`,
      fix: 'Check the base URL of the connection and the path in the manifest.',
    })
  }
  if (url.username !== '' || url.password !== '') {
    throw new CausewayError('CSW-3010', {
      what: `The URL of ${url.host} holds a user name or password.`,
      fix: 'Take them out of the URL and use `auth` of the connector; URLs end up in logs of every proxy on the way.',
    })
  }
  url.hash = ''
  for (const [name, value] of Object.entries(request.query ?? {})) appendQuery(url, name, value)
  return url
}

function appendQuery(url: URL, name: string, value: QueryValue): void {
  if (value === null || value === undefined) return
  for (const item of Array.isArray(value) ? value : [value]) {
    // Not searchParams.append: it rewrites the whole query, and writes a space as "+", which OData and others take literally.
    const pair = `${encode(name)}=${encode(String(item))}`
    url.search = url.search === '' ? pair : `${url.search}&${pair}`
  }
}

const encode = (text: string): string => encodeURIComponent(text.toWellFormed())

/** Header values: visible Latin-1 and tabs. Anything else would be dropped silently, or split the request. */
const FORBIDDEN_IN_VALUE = /[^\t\x20-\x7e\x80-\xff]/

/** A plain object of checked headers; throws CSW-3019 naming the header, never the value. */
export function checkedHeaders(headers: OutboundRequest['headers']): Record<string, string> {
  const checked: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (value === undefined) continue
    try {
      validateHeaderName(name)
    } catch {
      throw new CausewayError('CSW-3019', { what: `${JSON.stringify(name)} is not a valid header name.` })
    }
    const at = value.search(FORBIDDEN_IN_VALUE)
    if (at >= 0) {
      const code = value.codePointAt(at)!.toString(16).toUpperCase().padStart(4, '0')
      throw new CausewayError('CSW-3019', {
        what: `The value of header ${name} holds U+${code} at position ${at + 1}.`,
      })
    }
    checked[name] = value
  }
  return checked
}
