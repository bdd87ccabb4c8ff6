/** From the `auth` of a manifest to what puts credentials on the requests of a connection over HTTP. */

import { computed } from '../language/index.ts'
import type { ProtocolContext } from '../protocols/contract.ts'
import type { Answer, CallOptions } from './answer.ts'
import { type SessionSpec, type StaticAuth, staticAuthoriser } from './auth.ts'
import type { Authoriser } from './authorisation.ts'
import type { HttpConnection } from './http.ts'
import { grantBySteps, type LoginStepsSpec, tokenSpecOf } from './login-steps.ts'
import type { OAuth2Spec } from './oauth2.ts'
import { OAuth2Authoriser, type OwnGrant } from './oauth2-session.ts'
import { SessionAuthoriser } from './session.ts'
import { MemoryTokens } from './token-store.ts'

/** Credentials of a connection, of whatever kind. `login` is the request of a session; the protocol sends it. */
export type AnyAuth<L> =
  | StaticAuth
  | LoginStepsSpec<L>
  | (SessionSpec & { login: L })
  | ({ readonly kind: 'oauth2' } & OAuth2Spec)

export function authoriserFor<L>(
  auth: AnyAuth<L> | undefined,
  http: HttpConnection,
  { settings, outbound, clock, tokens }: ProtocolContext<unknown, unknown>,
  login: (request: L, signal: AbortSignal, scope?: Record<string, unknown>) => Promise<Answer>,
): Authoriser {
  const keeper = (spec: OAuth2Spec, own?: OwnGrant) =>
    new OAuth2Authoriser({
      spec,
      settings,
      outbound,
      clock,
      store: tokens ?? new MemoryTokens(),
      ...(own ? { own } : {}),
      addressOf: (url) => http.absolute(url),
      send: (request, signal) => http.call(request, { signal, purpose: 'read' }, undefined, true),
    })
  switch (auth?.kind) {
    case 'session':
      return new SessionAuthoriser(auth, settings, outbound, (signal) => login(auth.login, signal))
    case 'steps': {
      const send = (request: L, scope: Record<string, unknown>, { signal }: CallOptions) =>
        login(request, signal, scope)
      const answer = computed(auth.token.place, ({ response }) => response)
      return keeper(tokenSpecOf(auth, answer), grantBySteps({ spec: auth, settings, outbound, send }))
    }
    case 'oauth2':
      return keeper(auth)
    default:
      return staticAuthoriser(auth, { settings })
  }
}
