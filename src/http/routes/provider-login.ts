import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { CausewayError } from '../../core/index.ts'
import { API, type App } from '../app.ts'
import type { AuthorisationOptions } from '../authorise.ts'
import { notFound } from '../problem.ts'
import { clearLogin, isSecure, loginOf, setLogin, setSession } from '../session-cookie.ts'

const tags = ['access']
const answer = { 302: Type.Unsafe<void>({ description: 'On to the provider, or back to the page.' }) }

/** Logging in through an OpenID provider. Both are addresses that a browser goes to, not calls of a program. */
export function providerRoutes(app: App, { access, publicOrigin, loginsPerMinute }: AuthorisationOptions): void {
  const provider = () => {
    if (!access.provider) throw notFound('This hub has no OpenID provider.', 'Log in with a password or a token.')
    return access.provider
  }
  const refuseFlood = (app as unknown as FastifyInstance).createRateLimit({ max: loginsPerMinute, timeWindow: 60_000 })

  app.get(
    `${API}/login/provider`,
    {
      config: { access: 'public' },
      schema: { operationId: 'beginLogin', summary: 'Sends a browser to the OpenID provider', tags, response: answer },
    },
    async (request, reply) => {
      const limit = await refuseFlood(request as never)
      if (!limit.isAllowed && limit.isExceeded)
        throw new CausewayError('CSW-8005', {
          what: `More than ${limit.max} logins were begun from this address within a minute.`,
          retryAfterMs: limit.ttl,
        })
      const { url, secret } = await provider().begin()
      setLogin(reply as never, secret, isSecure(request as never, publicOrigin))
      return reply.redirect(url, 302) as never
    },
  )

  app.get(
    `${API}/login/provider/return`,
    {
      config: { access: 'public' },
      schema: {
        operationId: 'finishLogin',
        summary: 'Where the OpenID provider sends the browser back to: opens a session',
        tags,
        response: answer,
      },
    },
    async (request, reply) => {
      const plain = request as unknown as FastifyRequest
      const secure = isSecure(plain, publicOrigin)
      const query = plain.originalUrl.split('?').slice(1).join('?')
      clearLogin(reply as never as FastifyReply, secure)
      const opened = await provider().finish(loginOf(plain, secure), query, request.ip)
      setSession(reply as never, opened.secret, opened.identity.session.expiresAt, secure)
      return reply.redirect('/', 302) as never
    },
  )
}
