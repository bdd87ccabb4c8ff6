/** A small HTTP server for one test: answers what the test says, and keeps what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Asked = {
  method: string
  path: string
  query: URLSearchParams
  headers: IncomingMessage['headers']
  bytes: Buffer
  /** The body as JSON; null when there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they like.
  json: any
}
export type Reply = { status?: number; headers?: Record<string, string>; json?: unknown; text?: string; bytes?: Buffer }
export type Handler = (asked: Asked, response: ServerResponse) => Reply | undefined | Promise<Reply | undefined>

export type TestServer = {
  url: string
  host: string
  asked: Asked[]
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Starts a server on a free port. A handler that answers nothing has dealt with the response by itself. */
export async function serve(handler: Handler): Promise<TestServer> {
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const url = new URL(request.url!, 'http://x')
    const bytes = Buffer.concat(chunks)
    const entry: Asked = {
      method: request.method!,
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      bytes,
      json: parsed(bytes),
    }
    asked.push(entry)
    const reply = await handler(entry, response)
    if (!reply) return
    const body = reply.bytes ?? reply.text ?? (reply.json === undefined ? '' : JSON.stringify(reply.json))
    response.writeHead(reply.status ?? 200, {
      ...(reply.json === undefined ? {} : { 'content-type': 'application/json' }),
      ...reply.headers,
    })
    response.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, asked, close, [Symbol.asyncDispose]: close }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return null
  }
}
