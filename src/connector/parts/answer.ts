/** What came back, as expressions and parts see it. */
import type { IncomingHttpHeaders } from 'node:http'
import { type CausewayError, type Json, parseExact } from '../../core/index.ts'
import type { OutboundResponse } from '../../outbound/index.ts'
import type { OnExchange } from '../contract.ts'

export type Answer = {
  /** The parsed body; for an RPC protocol, its result. Undefined where there is none. */
  response: Json | undefined
  status: number
  /** Lower-case names. */
  headers: Record<string, string>
  /** Why the call did not succeed, or null. */
  failure: CausewayError | null
  requestedAt: Date
  /** Address that answered; may hold secrets. */
  url: string
}

export type CallOptions = {
  signal: AbortSignal
  /** What the call is for: decides what a refusal and a lost answer mean. */
  purpose: 'read' | 'write'
  /** What a 404 means. */
  notFound?: 'record' | 'address'
  /** True when sending it twice does no more than sending it once. */
  idempotent?: boolean
  /** True when the request carries a version to be compared. */
  conditional?: boolean
  /** False when the caller decides itself what is sent after a failure. */
  repeat?: boolean
  /** Asked in the moment before the request goes out; on false it is not sent. */
  maySend?: () => boolean
  onExchange?: OnExchange
  /** How the body is read; as JSON without it. */
  parse?: ParseBody
  /** The same for a body that is no text. */
  unpack?: Unpack
  /** The address was signed by the system: it may be anywhere, and sees nothing that the connection sends elsewhere. */
  signed?: boolean
  /** Sent instead of the body that the request says. */
  body?: { text: string; type: string }
}

/** The parsed body, or why it cannot be used. */
type Parsed = { value: Json | undefined } | { fault: string }
export type ParseBody = (response: OutboundResponse<'text'>) => Parsed
/** Reads bytes that may grow to `cap` when they are inflated. */
export type Unpack = (bytes: Buffer, cap: number) => Promise<Parsed>

/**
 * The way a protocol sends one of its requests (`R`: its compiled request fields). Resolves also for refusals, with `failure`
 * set; rejects where there is no answer.
 */
export type Caller<R> = {
  /** Whether a manifest gives this request at all: a write operation may consist of its batch only. */
  defined(request: R): boolean
  call(request: R, scope: Record<string, unknown>, options: CallOptions & { url?: string }): Promise<Answer>
}

/** The names `response`, `status` and `headers` in the scope of an expression that looks at an answer. */
export const answerScope = (answer: Answer, settings: unknown): Record<string, unknown> => ({
  response: answer.response,
  status: answer.status,
  headers: answer.headers,
  settings,
})
export const ANSWER_NAMES = ['response', 'status', 'headers', 'settings'] as const

export function flatHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value
  return flat
}

/** An empty body is no fault: many writes answer nothing. */
export const parseBody: ParseBody = (response) => {
  const text = response.body
  if (text.trim() === '') return { value: undefined }
  if (response.malformedText) return { fault: 'its text is not valid in its character set' }
  try {
    return { value: parseExact(text) }
  } catch {
    return { fault: /^\s*</.test(text) ? 'it is HTML or XML instead of JSON' : 'its JSON is broken' }
  }
}

/** The body of an answer as its request wants it read. What explains a refusal is no archive. */
export async function readBody(
  raw: OutboundResponse<'text' | 'buffer'>,
  { parse = parseBody, unpack }: CallOptions,
  cap: number,
): Promise<Parsed> {
  if (typeof raw.body === 'string') return parse(raw as OutboundResponse<'text'>)
  return unpack && raw.status < 300 ? unpack(raw.body, cap) : { value: undefined }
}
