import { Type } from 'typebox'
import { type Identity, SCOPE_NAMES, SCOPES } from '../../access/index.ts'
import { API, type App } from '../app.ts'
import { type AuthorisationOptions, refuseForeignOrigin } from '../authorise.ts'
import { LoginBody, LoginMethods, Me } from '../schemas/access.ts'
import { Closed } from '../schemas/basics.ts'
import { clearSession, isSecure, setSession } from '../session-cookie.ts'

/** Logging in and out, and who one is. */
export function sessionRoutes(app: App, { access, publicOrigin }: AuthorisationOptions): void {
  app.post(
    `${API}/login`,
    {
      config: { access: 'public' },
      schema: {
        operationId: 'login',
        summary: 'Opens a session for a user name and password, and sets its cookie',
        tags: ['access'],
        body: LoginBody,
        response: { 200: Me },
      },
    },
    async (request, reply) => {
      // Somebody else's page must not log a person in as somebody else either.
      refuseForeignOrigin(request as never, publicOrigin)
      const { secret, identity } = await access.logins.withPassword({ ...request.body, address: request.ip })
      setSession(reply as never, secret, identity.session.expiresAt, isSecure(request as never, publicOrigin))
      return meOf(identity)
    },
  )

  app.get(
    `${API}/login/methods`,
    {
      config: { access: 'public' },
      schema: {
        operationId: 'listLoginMethods',
        summary: 'How people can log in here',
        tags: ['access'],
        response: { 200: LoginMethods },
      },
    },
    () => ({ password: true, provider: access.provider?.label ?? null }),
  )

  app.post(
    `${API}/logout`,
    {
      config: { access: 'signed-in', repeat: 'anew', mayAnswer: [400, 413, 415] },
      schema: {
        operationId: 'logout',
        summary: 'Ends the session of the cookie',
        tags: ['access'],
        response: {
          200: Closed({ loggedOut: Type.Boolean({ description: 'False for tokens, which have no session.' }) }),
        },
      },
    },
    async (request, reply) => {
      await access.logins.logout(request.caller!)
      clearSession(reply as never, isSecure(request as never, publicOrigin))
      return { loggedOut: request.caller!.session !== undefined }
    },
  )

  app.get(
    `${API}/me`,
    {
      config: { access: 'signed-in' },
      schema: {
        operationId: 'showMe',
        summary: 'Who makes this request, and what they may do',
        tags: ['access'],
        response: { 200: Me },
      },
    },
    ({ caller }) => meOf(caller!),
  )
}

const meOf = ({ name, kind, role, scopes, session }: Identity): Me => ({
  name,
  kind,
  role,
  scopes: [...scopes],
  lacks: SCOPE_NAMES.filter((scope) => !scopes.has(scope)).map((scope) => ({ scope, role: SCOPES[scope].role })),
  csrf: session?.csrf ?? null,
  expiresAt: session?.expiresAt ?? null,
})
