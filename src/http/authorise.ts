import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  type Access,
  type AccessControl,
  breakGlass,
  type Identity,
  isCsrf,
  networkOf,
  SCOPES,
} from '../access/index.ts'
import { CausewayError } from '../core/index.ts'
import { sameToken } from './admin-token.ts'
import { limitCallers, tellRate } from './caller-rate.ts'
import { CSRF_HEADER, isSecure, sessionOf } from './session-cookie.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What the route needs. Every route declares it: one without does not start, and what does not exist is closed. */
    access?: Access
  }
  interface FastifyRequest {
    /** Who makes the request; null on public routes. */
    caller: Identity | null
  }
}

export type AuthorisationOptions = {
  access: AccessControl
  adminToken: string
  /** How the audit names the holder of the admin token. */
  adminActor?: string
  /** Origin of the address under which people reach the hub, where it is not the one the request names. */
  publicOrigin: string | null
  wrongTokensPerMinute: number
  requestsPerMinute: number
  /** Logins that one address may begin at a provider. */
  loginsPerMinute: number
}

/** Finds out who makes a request and whether they may. The one place that does. */
export async function authorise(app: FastifyInstance, options: AuthorisationOptions): Promise<void> {
  app.decorateRequest('caller', null)
  app.addHook('onRoute', ({ config, method, url }) => {
    if (config?.access === undefined) throw new Error(`${method} ${url} does not declare what access it needs.`)
  })
  await app.register(rateLimit, { global: false })
  const countWrong = app.createRateLimit({
    max: options.wrongTokensPerMinute,
    timeWindow: 60_000,
    keyGenerator: ({ ip }) => networkOf(ip),
  })

  const refuseTooMany = limitCallers(app, options.requestsPerMinute)

  app.addHook('onRequest', async (request, reply) => {
    const needed = request.routeOptions.config.access
    if (needed === 'public') return
    request.caller = await identify(request, reply, options, countWrong)
    await refuseTooMany(request, reply)
    // What does not exist needs an identity too, and then says so.
    if (needed !== undefined && needed !== 'signed-in' && !request.caller.scopes.has(needed))
      throw new CausewayError('CSW-8011', {
        what: `${request.caller.actor} lacks the scope ${needed}, which the role ${SCOPES[needed].role} has.`,
      })
    refuseForgery(request, options.publicOrigin)
  })
}

type CountWrong = ReturnType<FastifyInstance['createRateLimit']>

async function identify(
  request: FastifyRequest,
  reply: FastifyReply,
  { access, adminToken, adminActor, publicOrigin }: AuthorisationOptions,
  countWrong: CountWrong,
): Promise<Identity> {
  const { authorization } = request.headers
  if (authorization === undefined) {
    const secret = sessionOf(request, isSecure(request, publicOrigin))
    const person = secret === undefined ? undefined : await access.logins.identify(secret)
    if (person) return person
    throw new CausewayError('CSW-8001', {
      what:
        secret === undefined
          ? 'The request has neither an `Authorization: Bearer` header nor the cookie of a session.'
          : 'The session has ended.',
    })
  }
  const given = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
  if (given === undefined) throw new CausewayError('CSW-8001', { what: 'The header is not `Authorization: Bearer …`.' })
  if (sameToken(given, adminToken)) return breakGlass(adminActor)
  const program = await access.tokens.identify(given)
  if (program) return program
  await refuseGuesses(request, reply, countWrong)
  throw new CausewayError('CSW-8001', { what: 'The token is not one of this hub, or has ended.' })
}

/**
 * Wrong tokens are counted per address; a right one always passes, because 256 bits are not found by guessing and a lock-out would
 * hand one noisy client behind a shared proxy the means to lock out the admin.
 */
async function refuseGuesses(request: FastifyRequest, reply: FastifyReply, countWrong: CountWrong): Promise<void> {
  const limit = await countWrong(request)
  if (limit.isAllowed) return
  tellRate(reply, 'wrong-tokens', limit)
  if (limit.isExceeded)
    throw new CausewayError('CSW-8005', {
      what: `More than ${limit.max} requests with a wrong token came from this address within a minute.`,
      retryAfterMs: limit.ttl,
    })
}

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** A browser sends cookies for others too: a change by cookie must come from our page, and prove that it could read our answers. */
function refuseForgery(request: FastifyRequest, publicOrigin: string | null): void {
  const session = request.caller?.session
  if (!session || SAFE.has(request.method)) return
  refuseForeignOrigin(request, publicOrigin)
  const given = request.headers[CSRF_HEADER]
  if (!isCsrf(typeof given === 'string' ? given : undefined, session.csrf))
    throw new CausewayError('CSW-8012', { what: `The header \`${CSRF_HEADER}\` is not the one of this session.` })
}

/** Browsers name the page a change comes from; who names none is no browser, and has no cookies of somebody else. */
export function refuseForeignOrigin(request: FastifyRequest, publicOrigin: string | null): void {
  const { origin } = request.headers
  const own = publicOrigin ?? `${request.protocol}://${request.host}`
  if (origin !== undefined && origin !== own && origin !== `${request.protocol}://${request.host}`)
    throw new CausewayError('CSW-8012', { what: 'The request comes from a page of another origin.' })
}
