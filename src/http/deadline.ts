import type { FastifyInstance } from 'fastify'
import { CausewayError } from '../core/index.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Answers for a handler that does not. */
    deadline: NodeJS.Timeout | null
    /** It was answered that it took too long: what has not begun must not begin any more. */
    isLate: boolean
  }
}

/**
 * Answers actions that take too long. Fastify's `handlerTimeout` does so for reads only: it takes the `close` of a request whose body was
 * read for the end of its client, and stops its clock (seen with 5.12.8).
 */
export function answerInTime(app: FastifyInstance): void {
  app.decorateRequest('deadline', null)
  app.decorateRequest('isLate', false)
  app.addHook('preValidation', async (request, reply) => {
    if (request.method === 'GET') return
    const late = (): void => {
      if (reply.sent || reply.raw.headersSent) return
      request.isLate = true
      reply.send(new CausewayError('CSW-8006', { what: 'The answer took too long.', retryAfterMs: 5_000 }))
    }
    request.deadline = setTimeout(late, request.routeOptions.handlerTimeout)
    reply.raw.once('close', () => clearTimeout(request.deadline ?? undefined))
  })
  app.addHook('onSend', async ({ deadline }) => clearTimeout(deadline ?? undefined))
}
