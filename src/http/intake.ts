import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { asCausewayError } from '../core/index.ts'
import { refusalOf } from './routes/webhooks.ts'
import type { HubServices } from './services.ts'

type Log = { error(fields: Record<string, unknown>, message: string): void }
export type IntakeOptions = { bodyBytes: number; handlerMs: number; log?: Log | undefined }

/** A plain delivery: what nearly every sender sends nearly always. */
const PLAIN = /^\/hooks\/([\w-]{1,200})(?:\/([\w-]{1,200}))?$/

/**
 * Takes plain webhooks before Fastify sees them, whose hooks, header set and abort controller cost as much as checking and storing
 * the event. Whatever is in any way unusual (a query, another method, encodings, no length) takes the route, which can do everything.
 */
export function takePlainWebhooks(server: Server, hub: HubServices, options: IntakeOptions): void {
  const routes = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[]
  server.removeAllListeners('request')
  const pending = new Map<ServerResponse, number>()
  // Looked at once a second; a timer per request would cost more than reading its headers.
  const late = setInterval(() => {
    for (const [response, began] of pending)
      if (performance.now() - began > options.handlerMs) send(server, response, 503, { 'retry-after': '5' })
      else break
  }, 1_000).unref()
  server.once('close', () => clearInterval(late))
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const delivery = plainDelivery(request, options.bodyBytes)
    if (!delivery) for (const route of routes) route.call(server, request, response)
    else
      receive(request, delivery.length, (body) => {
        pending.set(response, performance.now())
        void answer(server, hub, options, { ...delivery, request, response, body }).finally(() =>
          pending.delete(response),
        )
      })
  })
}

type Delivery = { connection: string; stream: string | null; length: number }

function plainDelivery(request: IncomingMessage, bodyBytes: number): Delivery | null {
  if (request.method !== 'POST') return null
  const [, connection, stream = null] = PLAIN.exec(request.url ?? '') ?? []
  if (connection === undefined) return null
  const { headers } = request
  if (headers['content-encoding'] !== undefined || headers.expect !== undefined) return null
  const length = Number(headers['content-length'] ?? Number.NaN)
  return length >= 0 && length <= bodyBytes ? { connection, stream, length } : null
}

/** Calls back with the whole body; never for one that does not come, which Node cuts off after the time for a request. */
function receive(request: IncomingMessage, length: number, whole: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => whole(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)))
  request.on('error', () => undefined)
}

async function answer(
  server: Server,
  hub: HubServices,
  { log }: IntakeOptions,
  {
    request,
    response,
    connection,
    stream,
    body,
  }: Delivery & {
    request: IncomingMessage
    response: ServerResponse
    body: Buffer
  },
): Promise<void> {
  try {
    const verdict = await hub.acceptWebhook({
      connection,
      stream,
      method: 'POST',
      path: request.url!,
      headers: headersOf(request),
      query: {},
      body,
    })
    if (verdict.status === 'refused') send(server, response, 401)
    else if (verdict.status === 'handshake') send(server, response, verdict.code, verdict.headers, verdict.body)
    else if (verdict.answer) send(server, response, verdict.answer.status, verdict.answer.headers, verdict.answer.body)
    else send(server, response, verdict.events || verdict.duplicates ? 202 : 204)
  } catch (thrown) {
    const error = asCausewayError(thrown)
    log?.error({ err: error }, 'webhook not stored')
    const { status, headers } = refusalOf(error)
    send(server, response, status, headers)
  }
}

function send(
  server: Server,
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body = '',
): void {
  if (response.headersSent || response.destroyed) return
  const length = Buffer.byteLength(body)
  response.writeHead(status, {
    ...headers,
    ...(length ? { 'content-security-policy': `default-src 'none'`, 'x-content-type-options': 'nosniff' } : {}),
    ...(status === 204 ? {} : { 'content-length': length }),
    // The server is closing: whoever goes on sending goes to another one.
    ...(server.listening ? {} : { connection: 'close' }),
  })
  response.end(body)
}

/** One text per name: repeated headers are joined as HTTP does it. */
function headersOf({ headers }: IncomingMessage): Record<string, string> {
  const result: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) result[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return result
}
