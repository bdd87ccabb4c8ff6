/** From an answer, or from the lack of one, to an error that says what to do next. */
import { CausewayError, type ErrorCode, type ErrorDetails } from '../core/index.ts'
import type { OutboundResponse } from './request.ts'
import { retryAfterOf } from './retry-after.ts'

/** Whether the other side may have seen the request: `yes` once it answered anything. */
export type Sent = 'no' | 'maybe' | 'yes'

/** An error of a call. `sent` decides between trying again and looking first; code CSW-3012 says "look first". */
export class OutboundFailure extends CausewayError {
  readonly sent: Sent
  readonly status: number | null

  constructor(code: ErrorCode, details: ErrorDetails & { sent: Sent; status?: number | undefined }) {
    const { sent, status, ...rest } = details
    super(code, { ...rest, data: { ...rest.data, sent, ...(status === undefined ? {} : { status }) } })
    this.name = 'OutboundFailure'
    this.sent = sent
    this.status = status ?? null
  }
}

/** Whether the request behind an error may have reached the other side; errors raised before sending say no. */
export const sentOf = (error: unknown): Sent => (error instanceof OutboundFailure ? error.sent : 'no')

/** What the caller knows about its request beyond the method. */
export type FailureContext = {
  /** Default: by method. A POST that searches is a read; a refusal of a read is a fault of the manifest, not of a record. */
  purpose?: 'read' | 'write'
  /** What a 404 means: the record is gone (default for writes), or the address is wrong (default for reads). */
  notFound?: 'record' | 'address'
  /** True when the write carried If-Match or a version: then 409 means "changed meanwhile". */
  conditional?: boolean
}

const READING = /^(GET|HEAD|OPTIONS|PROPFIND|REPORT|SEARCH|QUERY)$/

type Verdict = { code: ErrorCode; says: string }

/**
 * The failure an answer stands for by its status alone, or null for 2xx and 304. `shownUrl` goes into the message, so it
 * must be redacted already.
 */
export function failureOfStatus(
  response: OutboundResponse,
  shownUrl: string,
  context: FailureContext = {},
  now: Date = new Date(),
): OutboundFailure | null {
  const { status, method } = response
  if ((status >= 200 && status < 300) || status === 304) return null
  const retryAfterMs = RETRY_AFTER_COUNTS.has(status) ? retryAfterOf(response.headers, now) : undefined
  const verdict = verdictOf(response, context, retryAfterMs)
  return new OutboundFailure(verdict.code, {
    what: `${method} ${shownUrl} ${verdict.says} (HTTP ${status}).`,
    sent: 'yes',
    status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  })
}

const RETRY_AFTER_COUNTS = new Set([408, 413, 420, 423, 425, 429, 503, 509])

/** Statuses that mean one thing, whatever was asked. */
const PLAIN: Record<number, Verdict> = {
  401: { code: 'CSW-3003', says: 'was refused for its credentials' },
  402: { code: 'CSW-3004', says: 'needs a paid plan or is over its limit' },
  403: { code: 'CSW-3004', says: 'is not allowed to this credential' },
  405: { code: 'CSW-3014', says: 'uses a method this address does not take' },
  407: { code: 'CSW-3001', says: 'met a proxy that wants credentials' },
  408: { code: 'CSW-3002', says: 'was not read completely in time' },
  412: { code: 'CSW-3013', says: 'found the record changed' },
  420: { code: 'CSW-3005', says: 'was throttled' },
  421: { code: 'CSW-3014', says: 'reached a server that does not serve this host' },
  423: { code: 'CSW-3017', says: 'found the record locked' },
  425: { code: 'CSW-3006', says: 'came too early' },
  428: { code: 'CSW-3013', says: 'must carry a precondition' },
  429: { code: 'CSW-3005', says: 'was throttled' },
  431: { code: 'CSW-3014', says: 'has too large headers' },
  501: { code: 'CSW-3014', says: 'asks for something this system does not do' },
  505: { code: 'CSW-3014', says: 'uses an HTTP version this system does not speak' },
  507: { code: 'CSW-3006', says: 'found no space left there' },
  509: { code: 'CSW-3005', says: 'was throttled' },
}

function verdictOf(response: OutboundResponse, context: FailureContext, retryAfterMs: number | undefined): Verdict {
  const { status, method, idempotent } = response
  const purpose = context.purpose ?? (READING.test(method) ? 'read' : 'write')
  const plain = PLAIN[status]
  if (plain) return plain
  if (status < 200) return { code: 'CSW-3007', says: 'ended with an interim answer' }
  if (status < 400) return { code: 'CSW-3014', says: 'was redirected' }
  if (status === 404 || status === 410) {
    const meaning = context.notFound ?? (purpose === 'write' ? 'record' : 'address')
    return meaning === 'record'
      ? { code: 'CSW-3009', says: 'found no such record' }
      : { code: 'CSW-3014', says: 'found nothing at this address' }
  }
  // The address of a write is made of an id or a path of the record.
  if (status === 414) return { code: purpose === 'write' ? 'CSW-3008' : 'CSW-3014', says: 'has too long a URL' }
  if (status === 409 && context.conditional) return { code: 'CSW-3013', says: 'found the record changed' }
  if (status < 500) {
    return purpose === 'write'
      ? { code: 'CSW-3008', says: 'was refused' }
      : { code: 'CSW-3016', says: 'was refused as a request' }
  }
  // A gateway's 502 or 504, and a crash behind a 500, say nothing about whether the write was done. A 503 that names a time
  // to come back was answered instead of working.
  const refusedBeforeWork = status === 503 && retryAfterMs !== undefined
  if (purpose === 'write' && !idempotent && !refusedBeforeWork) {
    return { code: 'CSW-3012', says: 'failed there after it was sent, so it may have taken effect' }
  }
  return { code: 'CSW-3006', says: 'failed there' }
}

/** What is known of a call that ended without a complete answer. */
export type BrokenCall = {
  method: string
  shownUrl: string
  idempotent: boolean
  sent: Sent
  status?: number | undefined
  deadlineMs: number
  /** Why we ended it ourselves, where we did. */
  endedBy: 'deadline' | 'cancelled' | null
}

/** Errors of reaching the peer; all of them mean that nothing was sent. */
const UNREACHABLE: Record<string, string> = {
  ENOTFOUND: 'its host name does not exist',
  EAI_AGAIN: 'DNS does not answer',
  EAI_FAIL: 'DNS failed',
  ENODATA: 'its host name has no address',
  ECONNREFUSED: 'nothing listens there',
  EHOSTUNREACH: 'there is no route to the host',
  ENETUNREACH: 'there is no route to the network',
  EHOSTDOWN: 'the host is down',
  ETIMEDOUT: 'it took no connection in time',
  EADDRNOTAVAIL: 'this machine has no free port or address left',
  EMFILE: 'this machine has no file handles left',
}

const TLS_CODE = /^(CERT_|ERR_TLS_|ERR_SSL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO)/

/** The failure a thrown error stands for. Errors that are ours already pass through. */
export function failureOfError(error: unknown, call: BrokenCall): CausewayError {
  const ours = ownError(error)
  if (ours && call.sent === 'no') return ours
  const code = ours?.code ?? errorCode(error)
  const verdict = ours ? { code: ours.code, says: ours.message.replace(/\.$/, '') } : brokenVerdict(code, call)
  const inDoubt = !call.idempotent && call.sent !== 'no'
  const target = `${call.method} ${call.shownUrl}`
  return new OutboundFailure(inDoubt ? 'CSW-3012' : verdict.code, {
    what: inDoubt ? `${target}: ${verdict.says}; it may have taken effect.` : `${target}: ${verdict.says}.`,
    sent: call.sent,
    status: call.status,
    data: ours?.data ?? (code ? { cause: code } : {}),
  })
}

function brokenVerdict(code: string, call: BrokenCall): Verdict {
  if (call.endedBy === 'deadline') {
    return call.sent === 'no'
      ? { code: 'CSW-3001', says: `no connection within ${call.deadlineMs} ms` }
      : { code: 'CSW-3002', says: `no complete answer within ${call.deadlineMs} ms` }
  }
  if (call.endedBy === 'cancelled') return { code: 'CSW-3015', says: 'the hub cancelled the call' }
  if (TLS_CODE.test(code)) return { code: 'CSW-3018', says: `the TLS handshake failed (${code})` }
  if (code === 'HPE_HEADER_OVERFLOW') return { code: 'CSW-3011', says: 'the headers of the answer are too large' }
  if (code.startsWith('HPE_')) return { code: 'CSW-3007', says: `the answer is not HTTP (${code})` }
  if (call.sent === 'no') {
    const why = UNREACHABLE[code] ?? (code ? `the connection failed (${code})` : 'the connection failed')
    return { code: 'CSW-3001', says: why }
  }
  return { code: 'CSW-3001', says: `the connection broke before the answer was complete (${code || 'closed'})` }
}

/** Our own error, also where axios wrapped it. */
function ownError(error: unknown): CausewayError | null {
  if (error instanceof CausewayError) return error
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof CausewayError ? cause : null
}

function errorCode(error: unknown): string {
  // Dialling several addresses at once ends in an AggregateError whose own code is that of the first.
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : ''
}
