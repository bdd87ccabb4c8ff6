/** How much one caller may ask for in a minute, told with every answer so that a program need not find out by a refusal. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CausewayError } from '../core/index.ts'

const WINDOW_MS = 60_000
type Rate = { max: number; remaining: number; ttl: number }

/**
 * Counts the requests of each caller (a token, a person over all sessions, the admin token) and refuses those beyond
 * `perMinute` with CSW-8005. Counted per process: a count in the ledger would cost every request a write.
 */
export function limitCallers(
  app: FastifyInstance,
  perMinute: number,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const count = app.createRateLimit({
    max: perMinute,
    timeWindow: WINDOW_MS,
    keyGenerator: ({ caller }) => caller!.actor,
  })
  return async (request, reply) => {
    const rate = await count(request)
    if (rate.isAllowed) return
    tellRate(reply, 'caller', rate)
    if (rate.isExceeded)
      throw new CausewayError('CSW-8005', {
        what: `${request.caller!.actor} made more than ${rate.max} requests within a minute.`,
        retryAfterMs: rate.ttl,
      })
  }
}

/** The headers of the IETF's draft "RateLimit header fields for HTTP". */
export function tellRate(reply: FastifyReply, policy: string, { max, remaining, ttl }: Rate): void {
  reply.header('ratelimit-policy', `"${policy}";q=${max};w=${WINDOW_MS / 1_000}`)
  reply.header('ratelimit', `"${policy}";r=${remaining};t=${Math.ceil(ttl / 1_000)}`)
}
