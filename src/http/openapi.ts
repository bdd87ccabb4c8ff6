import type { RouteOptions } from 'fastify'
import { type Access, SCOPES } from '../access/index.ts'
import { API } from './app.ts'
import { REPLAYED, takesKeys } from './idempotency.ts'
import { Problem } from './schemas/basics.ts'
import { withExamples } from './schemas/examples.ts'

type Json = Record<string, unknown>
type Schema = {
  operationId?: string
  summary?: string
  description?: string
  tags?: readonly string[]
  params?: ObjectSchema
  querystring?: ObjectSchema
  headers?: ObjectSchema
  body?: Json
  response?: Record<string, Json>
}
type ObjectSchema = { properties?: Record<string, Json>; required?: string[] }

const PROBLEM = { $ref: '#/components/schemas/Problem' }
const problem = (description: string): Json => ({
  description,
  content: { 'application/problem+json': { schema: PROBLEM } },
})

/** One that says when to come back. */
const later = (description: string): Json => ({
  ...problem(description),
  headers: { 'retry-after': { description: 'Seconds to wait.', schema: { type: 'integer', minimum: 1 } } },
})

/** Builds the OpenAPI 3.1 document from the schemas that check the requests, so the two cannot differ. */
export class OpenApi {
  readonly #paths: Record<string, Json> = {}

  /** For Fastify's `onRoute` hook. Routes without an operation id (the page's files) are no part of the API. */
  add(route: RouteOptions): void {
    const schema = route.schema as Schema | undefined
    if (!schema?.operationId) return
    const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
    const item = this.#paths[path] ?? {}
    this.#paths[path] = item
    for (const method of [route.method].flat()) {
      if (method === 'HEAD') continue
      const described = operation(schema, method, route)
      item[method.toLowerCase()] = takesKeys(route) ? withKeys(described, route.config?.repeat) : described
    }
  }

  #describeConditions(): void {
    for (const [path, item] of Object.entries(this.#paths)) {
      const action = item.post as Json | undefined
      if (!path.startsWith(`${API}/`)) continue
      const thing = this.#paths[path.slice(0, path.lastIndexOf('/'))]
      const parameters = (action?.parameters ?? []) as Json[]
      if (!action || !thing?.get || parameters.includes(IF_MATCH)) continue
      action.parameters = [...parameters, IF_MATCH]
      action.responses = { ...(action.responses as Json), 412: problem('No longer as `If-Match` says.') }
    }
  }

  document(version: string): Json {
    this.#describeConditions()
    return {
      openapi: '3.1.0',
      info: {
        title: 'Causeway admin API',
        version,
        description:
          'Reads and steers one hub. Record bodies are answered as they were received: numbers keep their spelling, so parse them with a parser that keeps it too.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      paths: Object.fromEntries(Object.entries(this.#paths).sort(([a], [b]) => (a < b ? -1 : 1))),
      components: {
        schemas: { Problem },
        securitySchemes: {
          token: { type: 'http', scheme: 'bearer', description: 'The admin token of the hub, or a token it made.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'causeway-session',
            description:
              'Set by `login`; over TLS its name is `__Host-causeway-session`. Changes carry `x-causeway-csrf` too.',
          },
        },
      },
    }
  }
}

/** Things are shown by the address before the last step of their actions'; then an action may go on condition. */
const IF_MATCH: Json = {
  name: 'if-match',
  in: 'header',
  required: false,
  description:
    'The `ETag` of the thing as it was read: the action is refused with 412 (CSW-8029) when it shows something else by then.',
  schema: { type: 'string' },
}

/** What comes of a request that is sent again with its `Idempotency-Key`. */
function withKeys(operation: Json, repeat: 'refused' | 'anew' | undefined): Json {
  const responses = operation.responses as Record<string, Json>
  const done = Object.keys(responses).find((status) => status.startsWith('2'))!
  const replayed = {
    description: '`true`: this is the answer that was given before, and nothing was done again.',
    schema: { type: 'string', enum: ['true'] },
  }
  return {
    ...operation,
    responses: {
      ...responses,
      ...(repeat === 'refused' ? {} : { [done]: { ...responses[done], headers: { [REPLAYED]: replayed } } }),
      409: later(
        repeat === 'refused'
          ? 'Not in this state; or the request with this key is being carried out (CSW-8031), or was and its answer is not kept (CSW-8032).'
          : 'Not in this state; or the request with this key is being carried out (CSW-8031).',
      ),
      422: problem('What cannot be done; or the key came with another request before (CSW-8026).'),
    },
  }
}

/** What a route declares, as the document says it: to programs by names of scopes, to people by a sentence. */
function securityOf(access: Access): { security: Json[]; needs: string | null } {
  if (access === 'public') return { security: [], needs: null }
  const scopes = access === 'signed-in' ? [] : [access]
  const security = [{ token: scopes }, { session: scopes }]
  if (access === 'signed-in') return { security, needs: 'Open to everybody who is logged in.' }
  return { security, needs: `Needs the scope \`${access}\` (role ${SCOPES[access].role}).` }
}

function operation(schema: Schema, method: string, { config, url }: RouteOptions): Json {
  const access = config?.access ?? 'signed-in'
  const { security, needs } = securityOf(access)
  const description = [schema.description, needs].filter(Boolean).join(' ')
  const parameters = [
    ...parametersOf(schema.params, 'path'),
    ...parametersOf(schema.querystring, 'query'),
    ...parametersOf(schema.headers, 'header'),
  ]
  return {
    operationId: schema.operationId,
    summary: schema.summary,
    ...(description ? { description } : {}),
    ...(schema.tags ? { tags: schema.tags } : {}),
    security,
    ...(parameters.length ? { parameters } : {}),
    ...(schema.body ? { requestBody: requestBody(schema.body) } : {}),
    responses: {
      ...(method === 'GET' && url.startsWith(`${API}/`) && hasBody(schema.response?.['200']) ? NOT_CHANGED : {}),
      ...errorResponses(schema, access, config?.mayAnswer ?? []),
      ...answers(schema.response ?? {}),
    },
    ...(method === 'GET' || !schema.body ? {} : { 'x-changes': true }),
  }
}

const requestBody = (schema: Json): Json => ({
  required: Array.isArray(schema.required) && schema.required.length > 0,
  content: { 'application/json': { schema } },
})

const parametersOf = (schema: ObjectSchema | undefined, place: 'path' | 'query' | 'header'): Json[] =>
  Object.entries(schema?.properties ?? {}).map(([name, { description, examples, ...rest }]) => ({
    name,
    in: place,
    required: place === 'path' || (schema?.required?.includes(name) ?? false),
    ...(description ? { description } : {}),
    schema: { ...rest, ...(examples ? { examples } : {}) },
  }))

/** A schema that says no type and only describes stands for an answer without a body (webhooks). */
const hasBody = (schema: Json | undefined): boolean => Object.keys(schema ?? {}).some((key) => key !== 'description')

function answers(responses: Record<string, Json>): Json {
  return Object.fromEntries(
    Object.entries(responses).map(([status, schema]) => {
      return [
        status,
        hasBody(schema)
          ? {
              description: status === '202' ? 'Accepted' : 'Answer',
              content: { 'application/json': { schema: withExamples(schema) } },
            }
          : { description: schema.description },
      ]
    }),
  )
}

/** What is shown has a tag; streams and what leads a browser elsewhere have none. */
const NOT_CHANGED: Json = { 304: { description: 'Still as the tag in `If-None-Match` says. No body.' } }

/** Whoever logs in is nobody yet: they are counted, and refused, by name and address. */
const LOGIN_REFUSED: Json = {
  401: problem('No such user, or another password.'),
  403: problem('Sent by a page from elsewhere.'),
  429: later('Too many wrong passwords of this user, or from this address.'),
  503: later('The hub or its database cannot answer now.'),
}

function errorResponses(schema: Schema, access: Access, mayAnswer: readonly number[]): Json {
  const isPublic = access === 'public'
  return {
    ...(isPublic
      ? schema.body
        ? LOGIN_REFUSED
        : {}
      : {
          401: problem('No token and no session, or one that has ended.'),
          ...(access === 'signed-in'
            ? {}
            : { 403: problem('Without the scope, or a change by cookie from elsewhere.') }),
          429: later('Too many requests of this caller, or too many wrong tokens from this address.'),
          503: later('The hub or its database cannot answer now.'),
        }),
    ...(schema.querystring || schema.body || schema.params || mayAnswer.includes(400)
      ? { 400: problem('Not what this address accepts.') }
      : {}),
    ...((schema.params && !isPublic) || mayAnswer.includes(404) ? { 404: problem('No such thing.') } : {}),
    ...(mayAnswer.includes(409) ? { 409: problem('Not in this state.') } : {}),
    ...(schema.body || mayAnswer.includes(413) ? { 413: problem('Too large.') } : {}),
    ...(schema.body || mayAnswer.includes(415) ? { 415: problem('Not JSON, or compressed.') } : {}),
    default: problem('Any other failure.'),
  }
}
