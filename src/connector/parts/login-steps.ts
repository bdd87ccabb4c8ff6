/**
 * A login in several requests: a challenge, an answer to it, a question whether it is settled, the tokens. What it gives is
 * kept, renewed and shared between processes as tokens of OAuth 2.0 are.
 */
import { CausewayError, isObject, type Json, type JsonObject } from '../../core/index.ts'
import type { OutboundClient } from '../../outbound/index.ts'
import {
  type CompiledPart,
  data,
  type Expression,
  expression,
  type Fields,
  integer,
  part,
  section,
} from '../language/index.ts'
import { ANSWER_NAMES, type Answer, answerScope, type CallOptions } from './answer.ts'
import type { OAuth2Spec } from './oauth2.ts'
import type { OwnGrant } from './oauth2-session.ts'
import { runSteps, type Step, stepFindings, stepsField } from './steps.ts'

const SETTINGS = ['settings'] as const
const TOKEN = ['token'] as const

const tokenFields = {
  token: expression({
    sense: 'What the steps give in the end: expressions see it as `token`. It is kept, sealed.',
    names: ['steps', 'settings'],
    required: true,
    example: 'steps.tokens',
  }),
  access_token: expression({ sense: 'The token of requests.', names: TOKEN, default: 'token.access_token' }),
  refresh_token: expression({
    sense: 'The token that renews it; without a value the steps are gone through again.',
    names: TOKEN,
    default: 'token.refresh_token',
  }),
  expires_in: expression({ sense: 'Seconds the token lasts.', names: TOKEN, default: 'token.expires_in' }),
  expires_at: expression({
    sense: 'The moment it ends, for answers that say this instead.',
    names: TOKEN,
    example: 'token.valid_until',
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
  query: data({ sense: 'Query parameters that carry it.', names: ['access_token', 'token', 'settings'] }),
}

/** The `steps` kind of `auth`; `request` are the request fields of the protocol. */
export const loginStepsPart = <R extends Fields>(request: (names: readonly string[]) => R) =>
  part({
    title: 'Login in steps',
    sense:
      'Logs in by several requests, each of which sees what the ones before it gave. The token is renewed before it ends and once after a 401, for all requests and processes together; it is stored sealed. Requests of the steps carry no credentials but those in them.',
    fields: {
      steps: stepsField(request, SETTINGS, { sense: 'The requests of a login, in their order.', required: true }),
      refresh: section(
        part({
          title: 'Renewal',
          sense: 'The request that renews the token. Where it is refused, the steps are gone through again.',
          fields: {
            ...request(['refresh_token', 'token', 'settings']),
            value: expression({
              sense: 'What it gives: laid over `token`, of which the rest stays.',
              names: ANSWER_NAMES,
              default: 'response',
            }),
          },
        }),
        { sense: 'The request that renews the token; without it, the steps are gone through again.' },
      ),
      ...tokenFields,
    },
    check: ({ steps }) => stepFindings('steps', steps as unknown as { name: string }[]),
    example: exampleFor(request([])),
  })

/** In the words of the protocol: paths, methods by name, or operations of GraphQL. */
const exampleFor = (fields: Fields): string =>
  'path' in fields
    ? EXAMPLE
    : `
auth:
  kind: steps
  steps:
${'call' in fields ? BY_NAME : BY_QUERY}
  token: steps.login
`

const BY_NAME = `
    - { name: challenge, call: challenge }
    - { name: login, call: login, params: ["\${ settings.token }", "\${ steps.challenge }"] }`
const BY_QUERY = `
    - { name: challenge, query: "mutation { challenge { id } }" }
    - { name: login, query: "mutation($id: ID!) { login(challenge: $id) { access_token } }", variables: { id: "\${ steps.challenge.challenge.id }" }, value: response.login }`

const EXAMPLE = `
auth:
  kind: steps
  steps:
    - { name: challenge, method: POST, path: /auth/challenge }
    - name: login
      method: POST
      path: /auth/login
      body: { challenge: "\${ steps.challenge.id }", proof: "\${ $sha256Base64($toBase64(settings.token & steps.challenge.id)) }" }
    - name: tokens
      path: /auth/\${ steps.login.id }
      until: response.state != "pending"
      failed: response.state = "refused"
      message: response.reason
  refresh: { method: POST, path: /auth/refresh, body: { refresh_token: "\${ refresh_token }" } }
  token: steps.tokens
`

export type LoginStepsSpec<R> = CompiledPart<typeof tokenFields> & {
  readonly kind: 'steps'
  steps: Step<R>[]
  refresh: (R & { value: Expression }) | undefined
}

type Context<R> = {
  spec: LoginStepsSpec<R>
  settings: JsonObject
  outbound: OutboundClient
  /** Sends a request of the protocol without credentials. */
  send(request: R, scope: Record<string, unknown>, options: CallOptions): Promise<Answer>
}

/** How tokens are asked for, as the keeper of OAuth tokens wants it. */
export function grantBySteps<R>({ spec, settings, outbound, send }: Context<R>): OwnGrant {
  const hide = (value: unknown) => {
    for (const secret of secretsWithin(value)) outbound.addSecret(secret)
  }
  const sendHidden: typeof send = async (request, scope, options) => {
    const answer = await send(request, scope, options)
    hide(answer.response)
    return answer
  }
  const login = async (options: CallOptions): Promise<Answer> => {
    const scope = { settings }
    const steps = await runSteps({ steps: spec.steps, scope, settings, options, send: sendHidden })
    return answerOf((spec.token.evaluate({ steps, settings }) as Json | undefined) ?? null)
  }
  const renew = async (refresh: R & { value: Expression }, refreshToken: string, token: Json, options: CallOptions) => {
    const scope = { refresh_token: refreshToken, token, settings }
    const answer = await sendHidden(refresh, scope, options)
    if (answer.failure) return answer
    return { ...answer, response: refresh.value.evaluate(answerScope(answer, settings)) as Json | undefined }
  }
  return {
    identity: JSON.stringify(settings),
    fix: 'Check the secrets of this connection and their rights in that system; then resume the connection.',
    async ask(refreshToken, token, signal) {
      const options: CallOptions = { signal, purpose: 'read' }
      if (refreshToken !== null && !spec.refresh) return login(options)
      try {
        return await (refreshToken === null ? login(options) : renew(spec.refresh!, refreshToken, token, options))
      } catch (error) {
        // A step that the system refuses is an answer; one that got none is not.
        if (error instanceof CausewayError && error.code !== 'CSW-3015') return { ...answerOf(null), failure: error }
        throw error
      }
    },
  }
}

const answerOf = (response: Json): Answer => ({
  response,
  status: 200,
  headers: {},
  failure: null,
  requestedAt: new Date(),
  url: '',
})

/** What the keeper of OAuth tokens needs to know; the fields of the token request, which it never makes, are missing. */
export const tokenSpecOf = <R>(spec: LoginStepsSpec<R>, answer: Expression): OAuth2Spec =>
  ({
    ...spec,
    grant: 'password',
    answer,
    rotated: spec.refresh_token,
    refresh_token: undefined,
  }) as unknown as OAuth2Spec

/** Texts that stand under a name that says what they are, however deep: an intermediate token is as good as the last one. */
function secretsWithin(value: unknown, meant = false): string[] {
  if (typeof value === 'string') return meant && value.length >= 6 ? [value] : []
  if (Array.isArray(value)) return value.flatMap((item) => secretsWithin(item, meant))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([name, item]) => {
    const secret = (meant || /token|secret|password|session/i.test(name)) && !/date|time|until|expire/i.test(name)
    return secretsWithin(item, secret)
  })
}
