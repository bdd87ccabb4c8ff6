import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { writeJson } from './json.ts'

/** What a handler gives back; at most one of `json`, `text` and `stream`, none for an empty body. */
export type Answer = {
  status: number
  headers?: Record<string, string>
  json?: unknown
  text?: string
  stream?: Readable
}

/** Head and body of an answer, ready for the wire; a stream has no body here. */
export function encode(answer: Answer): { headers: Record<string, string>; body: Buffer } {
  const headers: Record<string, string> = {}
  let body = Buffer.alloc(0)
  if (answer.json !== undefined) {
    headers['content-type'] = 'application/json; charset=utf-8'
    body = Buffer.from(writeJson(answer.json))
  } else if (answer.text !== undefined) {
    headers['content-type'] = 'text/plain; charset=utf-8'
    body = Buffer.from(answer.text)
  }
  return { headers: { ...headers, ...answer.headers }, body }
}

export async function send(response: ServerResponse, answer: Answer): Promise<void> {
  const { headers, body } = encode(answer)
  if (answer.stream !== undefined) {
    response.writeHead(answer.status, headers)
    await pipeline(answer.stream, response)
    return
  }
  if (answer.status !== 204) headers['content-length'] = String(body.length)
  response.writeHead(answer.status, headers)
  response.end(body)
}
