/** The part of OAuth 2.0 that needs a person: the address to open, and tokens for the code it leads to (RFC 6749 4.1, 7636). */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { CausewayError, digest, type JsonObject } from '../../core/index.ts'
import type { PendingLogin } from '../contract.ts'
import type { Scope } from '../language/index.ts'
import { asText } from '../language/index.ts'
import { objectOf, textOf } from './jwt.ts'
import type { OAuth2Spec } from './oauth2.ts'

const random = (): string => randomBytes(32).toString('base64url')

export function authorizeUrl(
  spec: OAuth2Spec,
  scope: Scope,
  redirectUri: string,
): { url: string; pending: PendingLogin } {
  const pending = { state: random(), verifier: random(), redirectUri }
  const url = URL.parse(textOf(spec.authorize_url, scope) ?? '')
  if (!url || !/^https?:$/.test(url.protocol))
    throw new CausewayError('CSW-2005', {
      what: 'The address where a person allows the connection is no http(s) address.',
      ...(spec.authorize_url ? { place: spec.authorize_url.place } : {}),
    })
  const parameters: Record<string, unknown> = {
    response_type: 'code',
    client_id: textOf(spec.client_id, scope),
    redirect_uri: redirectUri,
    scope: textOf(spec.scope, scope),
    state: pending.state,
    ...(spec.pkce
      ? {
          code_challenge: createHash('sha256').update(pending.verifier).digest('base64url'),
          code_challenge_method: 'S256',
        }
      : {}),
    ...objectOf(spec.authorize_extra, scope),
  }
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null) url.searchParams.set(name, asText(value))
  return { url: url.href, pending }
}

/** The code among the parameters of the redirect, and what of them is kept beside the tokens. */
export function codeOf(
  spec: OAuth2Spec,
  pending: PendingLogin,
  parameters: Record<string, string>,
): { code: string; kept: JsonObject } {
  if (!sameText(parameters.state ?? '', pending.state))
    throw refused('the answer belongs to another login', 'Begin again, and open the address only once.')
  if (parameters.error !== undefined)
    throw refused(
      `the system answered ${parameters.error.slice(0, 80)}${parameters.error_description ? `: ${parameters.error_description.slice(0, 200)}` : ''}`,
      'Allow the connection in that system, with a user that has the rights it needs.',
    )
  if (!parameters.code) throw refused('the answer holds no code', 'Begin again.')
  const kept = (spec.redirect_keeps ?? []).flatMap((name): [string, string][] =>
    parameters[name] === undefined ? [] : [[name, parameters[name]]],
  )
  return { code: parameters.code, kept: Object.fromEntries(kept) }
}

const sameText = (a: string, b: string): boolean => timingSafeEqual(Buffer.from(digest(a)), Buffer.from(digest(b)))

const refused = (why: string, fix: string): CausewayError =>
  new CausewayError('CSW-3003', { what: `The connection was not allowed: ${why}.`, fix })
