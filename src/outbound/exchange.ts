import type { IncomingHttpHeaders } from 'node:http'
import { hideQuery, type Redactor, redactBody, redactHeaders, redactUrl } from '../core/index.ts'
import type { Exchange } from './exchange-entry.ts'
import type { OutboundRequest, RequestBody } from './request.ts'

/** What of a body is kept, in characters. */
const EXCHANGE_BODY_CAP = 8_000

export type ExchangeFacts = {
  request: OutboundRequest
  method: string
  url: string
  /** The query of the address is a credential. */
  signed?: true
  requestedAt: Date
  ms: number
  headers: Record<string, string>
  answer: { status: number; headers: IncomingHttpHeaders; bytes: number; body: string | null } | null
  error: Error | null
}

/** Writes down one call without anything secret. */
export function exchangeOf(facts: ExchangeFacts, redact: Redactor): Exchange {
  const sent = shownBody(facts.request.body)
  const { answer } = facts
  // A login that is refused gives nothing away, and says why.
  const shown = answer && !(facts.request.login && answer.status < 400)
  return {
    at: facts.requestedAt.toISOString(),
    method: facts.method,
    url: facts.signed ? hideQuery(redactUrl(facts.url, redact)) : redactUrl(facts.url, redact),
    status: answer?.status ?? null,
    ms: Math.round(facts.ms),
    requestBytes: sizeOf(facts.request.body),
    responseBytes: answer?.bytes ?? 0,
    requestHeaders: redactHeaders(facts.headers, redact),
    ...(shown ? { responseHeaders: redactHeaders(answer.headers, redact) } : {}),
    ...(sent ? { request: redactBody(sent, redact, EXCHANGE_BODY_CAP) } : {}),
    ...(shown && answer.body ? { response: redactBody(answer.body, redact, EXCHANGE_BODY_CAP) } : {}),
    ...(facts.error ? { error: redact(facts.error.message) } : {}),
  }
}

function shownBody(body: RequestBody | undefined): string | null {
  if (typeof body === 'string') return body
  // Bytes that are not text (a file) are counted, not kept.
  if (Buffer.isBuffer(body)) return textOf(body)
  return null
}

/** The beginning of a text body, or null for anything that is not text. Never decodes more than the journal may need. */
export function textOf(body: Buffer): string | null {
  const head = body.subarray(0, EXCHANGE_BODY_CAP * 4)
  return head.includes(0) ? null : head.toString('utf8')
}

function sizeOf(body: RequestBody | undefined): number {
  if (body === undefined || body === null) return 0
  return typeof body === 'string' || Buffer.isBuffer(body) ? Buffer.byteLength(body) : 0
}
