import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { networkOf } from '../../access/index.ts'
import { CausewayError } from '../../core/index.ts'
import { API, type App } from '../app.ts'
import type { AuthorisationOptions } from '../authorise.ts'
import { notFound, toProblem } from '../problem.ts'
import { clearLogin, isSecure, loginOf, setFailedLogin, setLogin, setSession } from '../session-cookie.ts'

/** Browsers drop cookies of more than 4 kB. */
const MOST_SAID = 1_000

const tags = ['access']
const answer = { 302: Type.Unsafe<void>({ description: 'On to the provider, or back to the page.' }) }

/** Logging in through an OpenID provider. Both are addresses that a browser goes to, not calls of a program. */
export function providerRoutes(app: App, { access, publicOrigin, loginsPerMinute }: AuthorisationOptions): void {
  const provider = () => {
    if (!access.provider) throw notFound('This hub has no OpenID provider.', 'Log in with a password or a token.')
    return access.provider
  }
  const refuseFlood = (app as unknown as FastifyInstance).createRateLimit({
    max: loginsPerMinute,
    timeWindow: 60_000,
    keyGenerator: ({ ip }) => networkOf(ip),
  })

  /** A person stands in front of a browser: they go back to the page, which says what was wrong. */
  const backToPage = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): never => {
    // Said of the provider, which knows no records; whoever cannot log in has nobody but the reader of this page to tell.
    const { problem, error } = toProblem(thrown, request.id, true)
    if (problem.status >= 500) request.log.error({ err: error }, 'login at the provider failed')
    const { code, detail, fix, requestId } = problem
    setFailedLogin(reply, { code, detail: detail.slice(0, MOST_SAID), fix, requestId }, isSecure(request, publicOrigin))
    return reply.redirect('/', 302) as never
  }

  app.get(
    `${API}/login/provider`,
    {
      config: { access: 'public' },
      schema: { operationId: 'beginLogin', summary: 'Sends a browser to the OpenID provider', tags, response: answer },
    },
    async (request, reply) => {
      const [asked, answered] = [request as unknown as FastifyRequest, reply as unknown as FastifyReply]
      try {
        const limit = await refuseFlood(request as never)
        if (!limit.isAllowed && limit.isExceeded)
          throw new CausewayError('CSW-8005', {
            what: `More than ${limit.max} logins were begun from this address within a minute.`,
            retryAfterMs: limit.ttl,
          })
        const { url, secret } = await provider().begin()
        setLogin(answered, secret, isSecure(asked, publicOrigin))
        return reply.redirect(url, 302) as never
      } catch (failure) {
        return backToPage(failure, asked, answered)
      }
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
      const [asked, answered] = [request as unknown as FastifyRequest, reply as unknown as FastifyReply]
      const secure = isSecure(asked, publicOrigin)
      const query = asked.originalUrl.split('?').slice(1).join('?')
      clearLogin(answered, secure)
      try {
        const opened = await provider().finish(loginOf(asked, secure), query, request.ip)
        setSession(answered, opened.secret, opened.identity.session.expiresAt, secure)
      } catch (failure) {
        return backToPage(failure, asked, answered)
      }
      return reply.redirect('/', 302) as never
    },
  )
}
