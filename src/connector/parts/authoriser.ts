/** From the `auth` of a manifest to what puts credentials on the requests of a connection over HTTP. */
import type { ProtocolContext } from '../protocols/contract.ts'
import type { Answer } from './answer.ts'
import { type Authoriser, type SessionSpec, type StaticAuth, staticAuthoriser } from './auth.ts'
import type { HttpConnection } from './http.ts'
import type { OAuth2Spec } from './oauth2.ts'
import { OAuth2Authoriser } from './oauth2-session.ts'
import { SessionAuthoriser } from './session.ts'
import { MemoryTokens } from './token-store.ts'

/** Credentials of a connection, of whatever kind. `login` is the request of a session; the protocol sends it. */
export type AnyAuth<L> = StaticAuth | (SessionSpec & { login: L }) | ({ readonly kind: 'oauth2' } & OAuth2Spec)

export function authoriserFor<L>(
  auth: AnyAuth<L> | undefined,
  http: HttpConnection,
  { settings, outbound, clock, tokens }: ProtocolContext<unknown, unknown>,
  login: (request: L, signal: AbortSignal) => Promise<Answer>,
): Authoriser {
  switch (auth?.kind) {
    case 'session':
      return new SessionAuthoriser(auth, settings, outbound, (signal) => login(auth.login, signal))
    case 'oauth2':
      return new OAuth2Authoriser({
        spec: auth,
        settings,
        outbound,
        clock,
        store: tokens ?? new MemoryTokens(),
        addressOf: (url) => http.absolute(url),
        send: (request, signal) => http.call(request, { signal, purpose: 'read' }, undefined, true),
      })
    default:
      return staticAuthoriser(auth, { settings })
  }
}
