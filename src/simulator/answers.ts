/** What goes back over the socket: an answer made of the description, or a part of it where a fault says so. */
import type { ServerResponse } from 'node:http'
import type { Description, Reply } from './description.ts'
import type { Expressions, Names } from './expressions.ts'
import type { Fault } from './faults.ts'
import type { Refusal } from './problem.ts'
import type { Buckets } from './quota.ts'
import { spoken } from './speech.ts'
import { fill } from './template.ts'

export type Answer = { status: number; headers: Record<string, string>; body: Buffer; value?: unknown }
export type Answering = { reply: Reply; status: number; names: Names; fallback?: unknown; bytes?: Buffer | undefined }

const STATUS_OF: Record<Refusal['kind'], number> = {
  unauthorized: 401,
  unknown_route: 404,
  not_found: 404,
  invalid: 400,
  duplicate: 409,
  conflict: 412,
  too_many: 400,
  expired: 410,
  throttled: 429,
  down: 500,
}
const NEXT_OF: Partial<Record<Refusal['kind'], Refusal['kind']>> = { unknown_route: 'not_found' }

/** What a proxy on the way answers while it is mended. */
export const HTML: Answer = {
  status: 200,
  headers: { 'content-type': 'text/html' },
  body: Buffer.from('<!doctype html><title>Maintenance</title><p>Back soon.'),
}

export class Answers {
  private readonly description: Description
  private readonly expressions: Expressions
  private readonly buckets: Buckets

  constructor(description: Description, expressions: Expressions, buckets: Buckets) {
    this.description = description
    this.expressions = expressions
    this.buckets = buckets
  }

  /** A refusal in the vendor's words. */
  async refuse(refusal: Refusal, scope: Names): Promise<Answer> {
    const { errors } = this.description
    const reply = errors[refusal.kind] ?? errors[NEXT_OF[refusal.kind] ?? 'invalid'] ?? errors.invalid!
    const wait = refusal.kind === 'throttled' ? Math.ceil(Number(refusal.detail.value ?? 0) / 1000) : undefined
    const problem = { ...refusal.detail, kind: refusal.kind }
    return this.render({ reply, status: STATUS_OF[refusal.kind], names: { ...scope, problem, wait } })
  }

  async render({ reply, status, names, fallback, bytes }: Answering): Promise<Answer> {
    const code = reply.status === undefined ? status : Number(await fill(reply.status, names, this.expressions))
    const headers: Record<string, string> = {}
    for (const [name, template] of Object.entries({ ...this.description.headers, ...reply.headers })) {
      const filled = await fill(template, names, this.expressions)
      if (filled !== undefined && filled !== null) headers[name.toLowerCase()] = String(filled)
    }
    Object.assign(headers, await this.buckets.headers(names, this.expressions))
    if (bytes) return ranged(bytes, code, { 'content-type': 'application/octet-stream', ...headers }, names)
    const value = reply.answer === undefined ? fallback : await fill(reply.answer, names, this.expressions)
    if (value === undefined || code === 204) return { status: code, headers, body: Buffer.alloc(0), value }
    if (this.description.speaks && reply.type === undefined) {
      const { type, body } = spoken(value, this.description.speaks)
      return { status: code, headers: { 'content-type': type, ...headers }, body: Buffer.from(body), value }
    }
    const type =
      reply.type ?? (typeof value === 'string' && reply.answer !== undefined ? 'text/plain' : 'application/json')
    const body = Buffer.from(type.includes('json') ? JSON.stringify(value) : String(value))
    return { status: code, headers: { 'content-type': type, ...headers }, body, value }
  }
}

/** Bytes, or the range of them that is asked for. */
function ranged(bytes: Buffer, status: number, headers: Record<string, string>, names: Names): Answer {
  const asked = /^bytes=(\d+)-(\d*)$/.exec(String((names.headers as Record<string, unknown> | undefined)?.range ?? ''))
  if (!asked) return { status, headers: { 'accept-ranges': 'bytes', ...headers }, body: bytes }
  const from = Number(asked[1])
  const to = asked[2] ? Math.min(Number(asked[2]), bytes.length - 1) : bytes.length - 1
  if (from > to) return { status: 416, headers: { 'content-range': `bytes */${bytes.length}` }, body: Buffer.alloc(0) }
  const range = { 'content-range': `bytes ${from}-${to}/${bytes.length}` }
  return { status: 206, headers: { ...headers, ...range }, body: bytes.subarray(from, to + 1) }
}

export async function send(
  response: ServerResponse,
  { status, headers, body }: Answer,
  fault: Fault | null,
): Promise<void> {
  if (fault?.kind === 'lost') {
    response.socket?.destroy()
    return
  }
  if (fault?.kind === 'slow') await new Promise((done) => setTimeout(done, fault.ms ?? 50))
  response.writeHead(status, { ...headers, 'content-length': String(body.length) })
  if (fault?.kind !== 'cut') {
    response.end(body)
    return
  }
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.socket?.destroy())
}
