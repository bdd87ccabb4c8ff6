import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { CausewayError } from '../core/index.ts'
import { sameToken } from './admin-token.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `public` routes need no token. Everything else is closed, also what does not exist. */
    access?: 'public'
  }
}

/**
 * Demands the admin token on every route that is not marked public. Wrong tokens are counted per address; a right token
 * always passes, because 256 bits are not found by guessing and a lock-out would hand one noisy client behind a shared proxy
 * the means to lock out the admin.
 */
export async function demandToken(
  app: FastifyInstance,
  options: { token: string; wrongTokensPerMinute: number },
): Promise<void> {
  await app.register(rateLimit, { global: false })
  const countWrong = app.createRateLimit({ max: options.wrongTokensPerMinute, timeWindow: 60_000 })
  app.addHook('onRequest', async (request) => {
    if (request.routeOptions.config.access === 'public') return
    const given = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    if (given !== undefined && sameToken(given, options.token)) return
    if (given === undefined)
      throw new CausewayError('CSW-8001', { what: 'The request has no `Authorization: Bearer` header.' })
    const limit = await countWrong(request)
    if (!limit.isAllowed && limit.isExceeded)
      throw new CausewayError('CSW-8005', {
        what: `More than ${limit.max} requests with a wrong token came from this address within a minute.`,
        retryAfterMs: limit.ttl,
      })
    throw new CausewayError('CSW-8001', { what: 'The token is not the one of this hub.' })
  })
}
