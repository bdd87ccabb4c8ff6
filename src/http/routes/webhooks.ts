import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { asCausewayError, type CausewayError } from '../../core/index.ts'
import type { RouteContext } from '../app.ts'
import { statusOf } from '../problem.ts'
import { Closed, Text } from '../schemas/basics.ts'

type Target = { connection: string; stream?: string }

/**
 * Webhook intake. The body stays raw bytes, because signatures are made over bytes and any parser may change them. 2xx is
 * said after the commit only; a failed check gets 401 without a word, so that nothing can be learned from it.
 */
export function webhookRoutes(app: FastifyInstance, { hub }: RouteContext): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))

  const accept = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { connection, stream } = request.params as Target
    try {
      const answer = await hub.acceptWebhook({
        connection,
        stream: stream ?? null,
        method: request.method === 'GET' ? 'GET' : 'POST',
        path: request.raw.url ?? '',
        headers: plain(request.headers),
        query: plain(request.query as Record<string, unknown>),
        body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
      })
      if (answer.status === 'refused') return await reply.code(401).send()
      if (answer.status === 'handshake') return await reply.code(answer.code).headers(answer.headers).send(answer.body)
      const { answer: wanted } = answer
      if (wanted) return await reply.code(wanted.status).headers(wanted.headers).send(wanted.body)
      // No event (a GET that is no handshake) is nothing we could acknowledge.
      return await reply.code(answer.events || answer.duplicates ? 202 : 204).send()
    } catch (thrown) {
      const error = asCausewayError(thrown)
      request.log.error({ err: error }, 'webhook not stored')
      const { status, headers } = refusalOf(error)
      return reply.code(status).headers(headers).send()
    }
  }

  const params = Closed({ connection: Text('Name of the connection.', 'crm') })
  const withStream = Closed({
    connection: Text('Name of the connection.', 'crm'),
    stream: Text('Name of the stream, where the sender cannot say it in the event.', 'contacts'),
  })
  for (const [url, schema, suffix] of [
    ['/hooks/:connection', params, ''],
    ['/hooks/:connection/:stream', withStream, 'OfStream'],
  ] as const)
    for (const method of ['POST', 'GET'] as const)
      app.route({
        method,
        url,
        config: { access: 'public', ...(method === 'POST' ? { mayAnswer: [413, 415] } : {}) },
        schema: {
          operationId: method === 'POST' ? `receiveWebhook${suffix}` : `answerWebhookHandshake${suffix}`,
          summary:
            method === 'POST'
              ? 'Takes a webhook; 2xx means it is committed'
              : 'Answers the handshake of senders that use GET',
          tags: ['webhooks'],
          params: schema,
          response: {
            200: Type.Unsafe<string>({
              description:
                'What the sender wants to be told: the answer to its handshake, or the one its connector gives.',
            }),
            202: Type.Unsafe<string>({ description: 'Committed, or committed before.' }),
            204: Type.Unsafe<string>({ description: 'Understood, and nothing in it to keep.' }),
            401: Type.Unsafe<string>({ description: 'Not verified. No body.' }),
            503: Type.Unsafe<string>({ description: 'Not committed; come back after `Retry-After` seconds. No body.' }),
          },
        },
        handler: accept,
      })
}

/** The answer to a delivery that was not stored. Anything but 401 makes the sender come back: nothing was acknowledged. */
export function refusalOf(error: CausewayError): { status: number; headers: Record<string, string> } {
  return {
    status: statusOf(error) === 500 ? 500 : 503,
    headers: { 'retry-after': String(Math.ceil((error.retryAfterMs ?? 5_000) / 1_000)) },
  }
}

/** One text per name: repeated headers are joined as HTTP does it. */
function plain(values: Record<string, unknown>): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string') result[name] = value
    else if (Array.isArray(value)) result[name] = value.join(', ')
  }
  return result
}
