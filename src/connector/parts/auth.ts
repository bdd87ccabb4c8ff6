/** How requests of a connection carry its credentials. */
import {
  asText,
  data,
  expression,
  type Fields,
  part,
  type Scope,
  section,
  template,
  text,
  type ValueOf,
  variant,
} from '../language/index.ts'
import { ANSWER_NAMES } from './answer.ts'
import { type Authoriser, withHeaders, withQuery } from './authorisation.ts'
import { loginStepsPart } from './login-steps.ts'
import { type OAuth1Spec, oauth1Header, oauth1Part } from './oauth1.ts'
import { oauth2Part } from './oauth2.ts'
import { type HttpRequest, withBodyMember } from './request.ts'
import { type SigV4Spec, sigv4Headers, sigv4Part } from './sigv4.ts'

const SETTINGS = ['settings'] as const

const none = part({
  title: 'No credentials',
  sense: 'The system asks for none.',
  fields: {},
  example: 'auth: { kind: none }',
})

const header = part({
  title: 'Key in a header',
  sense: 'A key in a header of its own.',
  fields: {
    name: text({ sense: 'The header.', required: true, example: 'X-Api-Key' }),
    value: template({ sense: 'Its value.', names: SETTINGS, required: true }),
  },
  example: `auth: { kind: header, name: X-Api-Key, value: "\${ settings.key }" }`,
})

const query = part({
  title: 'Key in the query',
  sense: 'A key as query parameter. Prefer a header where the system takes both: URLs end up in logs.',
  fields: {
    name: text({ sense: 'The parameter.', required: true, example: 'api_key' }),
    value: template({ sense: 'Its value.', names: SETTINGS, required: true }),
  },
  example: `auth: { kind: query, name: api_key, value: "\${ settings.key }" }`,
})

const body = part({
  title: 'Key in the body',
  sense:
    'A key as member of each JSON body or field of each form. A write without body gets one; a GET has none and carries no key.',
  fields: {
    name: text({ sense: 'The member.', required: true, example: 'api_key' }),
    value: template({ sense: 'Its value.', names: SETTINGS, required: true }),
  },
  example: `auth: { kind: body, name: api_key, value: "\${ settings.key }" }`,
})

const bearer = part({
  title: 'Bearer token',
  sense: '`Authorization: Bearer …` with a token that does not change.',
  fields: { token: template({ sense: 'The token.', names: SETTINGS, required: true }) },
  example: `auth: { kind: bearer, token: "\${ settings.token }" }`,
})

const basic = part({
  title: 'HTTP Basic',
  sense: 'User and password; either may be composed.',
  fields: {
    user: template({ sense: 'The user.', names: SETTINGS, required: true }),
    password: template({ sense: 'The password; may be left out where the user is the key.', names: SETTINGS }),
  },
  example: `auth: { kind: basic, user: "\${ settings.email }/token", password: "\${ settings.token }" }`,
})

/** Session login; `login` takes the request fields of the protocol. */
const session = <R extends Fields>(request: (names: readonly string[]) => R) =>
  part({
    title: 'Session',
    sense:
      'Logs in before the first request and again after a 401 (or a failure of class `auth`), once for all concurrent requests.',
    fields: {
      login: section(part({ title: 'Login', sense: 'The request that opens a session.', fields: request(SETTINGS) }), {
        sense: 'The request that opens a session. It carries no credentials but those in it.',
        required: true,
      }),
      token: expression({
        sense:
          'What the answer gives to use: usually a text, but any value will do. `false` says that the login was refused.',
        names: ANSWER_NAMES,
        required: true,
        example: 'response.token',
      }),
      headers: data({ sense: 'Headers that carry it.', names: ['token', 'settings'] }),
      query: data({ sense: 'Query parameters that carry it.', names: ['token', 'settings'] }),
      body: data({
        sense:
          'For systems that want it, or the credentials themselves, inside each body: what the JSON body of a request becomes. `body` is what it would be without.',
        names: ['body', 'token', 'settings'],
        example: { session: '${ token }', request: '${ body }' },
      }),
    },
    check: ({ headers, query, body }) =>
      headers || query || body
        ? []
        : [
            {
              message: 'the session is never used',
              fix: 'Say in `headers` (or `query`, or `body`) how requests carry the token.',
            },
          ],
  })

/** The `auth` field of a protocol whose requests have the given fields. */
export const authField = <R extends Fields>(request: (names: readonly string[]) => R, sessionExample?: string) =>
  variant(
    'kind',
    {
      none,
      header,
      query,
      body,
      bearer,
      basic,
      oauth1: oauth1Part,
      sigv4: sigv4Part,
      oauth2: oauth2Part,
      steps: loginStepsPart(request),
      session: { ...session(request), ...(sessionExample ? { example: sessionExample } : {}) },
    },
    {
      sense: 'How requests carry the credentials of the connection.',
    },
  )

export type StaticAuth =
  | ({ readonly kind: 'none' } & ValueOf<typeof none>)
  | ({ readonly kind: 'header' } & ValueOf<typeof header>)
  | ({ readonly kind: 'query' } & ValueOf<typeof query>)
  | ({ readonly kind: 'body' } & ValueOf<typeof body>)
  | ({ readonly kind: 'oauth1' } & OAuth1Spec)
  | ({ readonly kind: 'sigv4' } & SigV4Spec)
  | ({ readonly kind: 'bearer' } & ValueOf<typeof bearer>)
  | ({ readonly kind: 'basic' } & ValueOf<typeof basic>)
type SessionAuth<R extends Fields> = { readonly kind: 'session' } & ValueOf<ReturnType<typeof session<R>>>
export type SessionSpec = { readonly kind: 'session' } & Omit<SessionAuth<Record<never, never>>, 'login' | 'kind'>

/** An authoriser for credentials that stand in the settings. */
export function staticAuthoriser(spec: StaticAuth | undefined, scope: Scope): Authoriser {
  const carry = carrier(spec, scope)
  return { apply: (request) => Promise.resolve({ request: carry(request), stamp: null }), renew: () => false }
}

function carrier(spec: StaticAuth | undefined, scope: Scope): (request: HttpRequest) => HttpRequest {
  const value = (from: { evaluate(scope: Scope): unknown } | undefined) => {
    const found = from?.evaluate(scope)
    return found === undefined || found === null ? undefined : asText(found)
  }
  switch (spec?.kind) {
    case 'header':
      return withHeaders({ [spec.name]: value(spec.value) })
    case 'bearer': {
      const token = value(spec.token)
      return withHeaders({ Authorization: token && `Bearer ${token}` })
    }
    case 'basic': {
      const pair = `${value(spec.user) ?? ''}:${value(spec.password) ?? ''}`
      return withHeaders({ Authorization: `Basic ${Buffer.from(pair).toString('base64')}` })
    }
    case 'query':
      return withQuery({ [spec.name]: value(spec.value) })
    case 'body':
      return (request) => withBodyMember(request, spec.name, value(spec.value))
    case 'sigv4':
      return (request) => withHeaders(sigv4Headers(spec, scope, request))(request)
    case 'oauth1':
      return (request) => withHeaders({ Authorization: oauth1Header(spec, scope, request) })(request)
    default:
      return (request) => request
  }
}
