import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { parseJson } from './json.ts'
import { Refusal } from './refusal.ts'

/** One request as a handler sees it. */
export class Call {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly request: IncomingMessage
  /** The address the client used, so that links in answers lead back to the same place. */
  readonly origin: string
  params: Record<string, string> = {}
  body: Buffer = Buffer.alloc(0)

  constructor(request: IncomingMessage) {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? 'localhost'}`)
    this.request = request
    this.method = request.method ?? 'GET'
    this.path = url.pathname
    this.query = url.searchParams
    this.headers = request.headers
    this.origin = url.origin
  }

  header(name: string): string {
    const value = this.headers[name.toLowerCase()]
    return Array.isArray(value) ? value.join(', ') : (value ?? '')
  }

  /** The body as a JSON object; integers beyond 2^53 come as bigint. */
  json(): Record<string, unknown> {
    let value: unknown
    try {
      value = parseJson(this.body.toString('utf8'))
    } catch (error) {
      throw new Refusal(400, 'malformed', `The body is not JSON: ${(error as Error).message}`)
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      throw new Refusal(400, 'malformed', 'The body must be a JSON object')
    return value as Record<string, unknown>
  }

  /** A whole number from the query, refused outside its bounds. */
  integer(name: string, fallback: number, min: number, max: number): number {
    const text = this.query.get(name)
    if (text === null) return fallback
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new Refusal(400, 'bad_parameter', `${name} must be a whole number from ${min} to ${max}`, { field: name })
    return value
  }
}

/** Collects a body; refuses what is larger than the cap without keeping it. */
export async function readBody(request: IncomingMessage, cap: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size <= cap) chunks.push(chunk)
  }
  if (size > cap) throw new Refusal(413, 'too_large', `The body has ${size} bytes; ${cap} are allowed`)
  return Buffer.concat(chunks)
}
