/** OAuth 2.0 (RFC 6749, 7523, 7636): what a manifest says, and the token request it makes. */
import { isObject, type Json, type JsonObject } from '../../core/index.ts'
import {
  choice,
  data,
  expression,
  flag,
  integer,
  list,
  type PartFinding,
  part,
  type Scope,
  section,
  template,
  text,
  type ValueOf,
} from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { jwtPart, objectOf, signedJwt, textOf } from './jwt.ts'
import { type HttpRequest, withBody } from './request.ts'

const SETTINGS = ['settings'] as const
const GRANTS = ['client_credentials', 'authorization_code', 'refresh_token', 'jwt_bearer', 'password'] as const
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const JWT_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export const oauth2Part = part({
  title: 'OAuth 2.0',
  sense:
    'Gets a token, renews it before it expires and once after a 401, for all concurrent requests (and all processes) together. A refresh token that serves once is stored before the new one is used. `base_url` and the `headers` of the connector may use the fields of the token answer as `token`.',
  fields: {
    grant: choice(GRANTS, {
      sense:
        'What a token is given for. `authorization_code`: a person allows it once, by `causeway auth login <connection>`; from then on tokens renew themselves.',
      required: true,
    }),
    authorize_url: template({
      sense: 'Where a person allows the connection, for `authorization_code`.',
      names: SETTINGS,
      example: 'https://login.example.com/oauth/authorize',
    }),
    authorize_extra: data({
      sense: 'Further parameters of that address.',
      names: SETTINGS,
      example: { access_type: 'offline', prompt: 'consent' },
    }),
    pkce: flag({
      sense:
        'The address carries a challenge and the token request proves it (RFC 7636). Off for systems that refuse it.',
      default: true,
    }),
    redirect_keeps: list(text({ sense: 'A parameter.' }), {
      sense: 'Parameters of the redirect that are kept beside the tokens: expressions see them as `token.<name>`.',
      example: ['realmId'],
    }),
    token_url: template({
      sense: 'Where tokens are given: absolute, or relative to `base_url`. It may lie on another host.',
      names: SETTINGS,
      required: true,
      example: 'https://login.example.com/oauth/token',
    }),
    client_id: template({ sense: 'Our name there.', names: SETTINGS }),
    client_secret: template({ sense: 'Our secret there.', names: SETTINGS }),
    client_auth: choice(['basic', 'body', 'assertion', 'none'], {
      sense:
        'How the token request proves who we are: Basic header, `client_id` and `client_secret` in the body, a signed `client_assertion` (made by `jwt`), or only `client_id`.',
      default: 'basic',
    }),
    body_as: choice(['form', 'json'], { sense: 'How the token request is written.', default: 'form' }),
    refresh_token: template({
      sense: 'The refresh token a person got when the connection was allowed. Used once where they rotate.',
      names: SETTINGS,
    }),
    username: template({ sense: 'For `password`.', names: SETTINGS }),
    password: template({ sense: 'For `password`.', names: SETTINGS }),
    jwt: section(jwtPart, { sense: 'The signed statement of `jwt_bearer` and of `client_auth: assertion`.' }),
    scope: template({ sense: 'Rights to ask for, separated by blanks.', names: SETTINGS }),
    audience: template({ sense: 'Parameter `audience`.', names: SETTINGS }),
    extra: data({
      sense: 'Further parameters of the token request; they win over the usual ones.',
      names: SETTINGS,
      example: { resource: 'https://api.example.com' },
    }),
    answer: expression({
      sense: 'Where the token answer stands: what expressions see as `token`.',
      names: ANSWER_NAMES,
      default: 'response',
      example: 'response.data',
    }),
    access_token: expression({ sense: 'The token.', names: ['token'], default: 'token.access_token' }),
    rotated: expression({
      sense: 'The next refresh token; without a value the old one stays.',
      names: ['token'],
      default: 'token.refresh_token',
    }),
    expires_in: expression({ sense: 'Seconds the token lasts.', names: ['token'], default: 'token.expires_in' }),
    expires_at: expression({
      sense: 'The moment it ends, for answers that say this instead: timestamp, or seconds or milliseconds since 1970.',
      names: ['token'],
      example: 'token.expiresAt',
    }),
    lifetime_seconds: integer({
      sense: 'How long a token lasts whose answer does not say. Without it, until the first 401.',
      minimum: 1,
    }),
    early_seconds: integer({ sense: 'How long before its end a token is renewed.', default: 60, minimum: 0 }),
    headers: data({
      sense: 'Headers that carry the token, instead of `Authorization: Bearer …`.',
      names: ['access_token', 'token', 'settings'],
    }),
    query: data({
      sense: 'Query parameters that carry it.',
      names: ['access_token', 'token', 'settings'],
    }),
  },
  check: (value) => missing(value as Needs),
  example: `
auth:
  kind: oauth2
  grant: refresh_token
  token_url: \${ settings.url }/oauth/token
  client_id: \${ settings.user }
  client_secret: \${ settings.password }
  client_auth: basic
  refresh_token: \${ settings.token }
  scope: contacts.read contacts.write
`,
})
export type OAuth2Spec = ValueOf<typeof oauth2Part>

type Needs = { grant: (typeof GRANTS)[number]; client_auth: string } & Record<string, unknown>

function missing(value: Needs): PartFinding[] {
  const byGrant = {
    client_credentials: [],
    authorization_code: ['authorize_url', 'client_id'],
    refresh_token: ['refresh_token'],
    jwt_bearer: ['jwt'],
    password: ['username', 'password'],
  }[value.grant]
  const byClient: Record<string, string[]> = {
    basic: ['client_id'],
    body: ['client_id'],
    assertion: ['jwt'],
  }
  return [...new Set([...byGrant, ...(byClient[value.client_auth] ?? [])])]
    .filter((name) => value[name] === undefined)
    .map((name) => ({
      message: `\`${name}\` is missing: grant ${value.grant} with client_auth ${value.client_auth} needs it`,
      fix: `Add \`${name}\`${value.client_auth === 'basic' && name === 'client_id' ? ', or say `client_auth: none`' : ''}.`,
    }))
}

/** What the manifest and the settings say of the grant; a change of it makes stored tokens worthless. */
export const grantOf = (spec: OAuth2Spec, scope: Scope): string =>
  JSON.stringify(
    [
      spec.token_url,
      spec.client_id,
      spec.refresh_token,
      spec.username,
      spec.password,
      spec.scope,
      spec.audience,
      spec.jwt?.issuer,
      spec.jwt?.subject,
    ].map((from) => textOf(from, scope) ?? null),
  )

/** A code a person came back with. */
export type GivenCode = { code: string; redirectUri: string; verifier: string }

/** The token request: with a refresh token where there is one, else by the grant itself. Tells which secrets it made. */
export function tokenRequest(
  spec: OAuth2Spec,
  scope: Scope,
  { url, refreshToken, code, now }: { url: string; refreshToken: string | null; code?: GivenCode; now: Date },
): { request: HttpRequest; secrets: string[] } {
  const secrets: string[] = []
  const assertion = (): string => {
    const made = signedJwt(spec.jwt!, scope, url, now)
    secrets.push(made)
    return made
  }
  const parameters: Record<string, Json | undefined> = {
    ...(code
      ? {
          grant_type: 'authorization_code',
          code: code.code,
          redirect_uri: code.redirectUri,
          code_verifier: spec.pkce ? code.verifier : undefined,
        }
      : grantParameters(spec, scope, refreshToken, assertion)),
    scope: textOf(spec.scope, scope),
    audience: textOf(spec.audience, scope),
    ...(spec.client_auth === 'basic' ? {} : { client_id: textOf(spec.client_id, scope) }),
    ...(spec.client_auth === 'body' ? { client_secret: textOf(spec.client_secret, scope) } : {}),
    ...(spec.client_auth === 'assertion'
      ? { client_assertion_type: JWT_ASSERTION, client_assertion: assertion() }
      : {}),
    ...objectOf(spec.extra, scope),
  }
  const given = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined)) as JsonObject
  const headers = spec.client_auth === 'basic' ? { Authorization: basicOf(spec, scope) } : {}
  return { request: withBody({ method: 'POST', url, headers }, given, spec.body_as), secrets }
}

function grantParameters(
  spec: OAuth2Spec,
  scope: Scope,
  refreshToken: string | null,
  assertion: () => string,
): Record<string, Json | undefined> {
  if (refreshToken !== null) return { grant_type: 'refresh_token', refresh_token: refreshToken }
  switch (spec.grant) {
    case 'jwt_bearer':
      return { grant_type: JWT_BEARER, assertion: assertion() }
    case 'password':
      return {
        grant_type: 'password',
        username: textOf(spec.username, scope),
        password: textOf(spec.password, scope),
      }
    default:
      return { grant_type: 'client_credentials' }
  }
}

/** RFC 6749, 2.3.1: both are form-encoded first, which matters for secrets with `+`, `%` or a colon. */
function basicOf(spec: OAuth2Spec, scope: Scope): string {
  const coded = (text = ''): string => new URLSearchParams({ '': text }).toString().slice(1)
  const pair = `${coded(textOf(spec.client_id, scope))}:${coded(textOf(spec.client_secret, scope))}`
  return `Basic ${Buffer.from(pair).toString('base64')}`
}

/** The members of a token answer that are secrets. */
export const secretsOfToken = (token: unknown): string[] =>
  isObject(token)
    ? Object.entries(token).flatMap(([name, value]) =>
        typeof value === 'string' && /token$/i.test(name) && value.length >= 6 ? [value] : [],
      )
    : []
