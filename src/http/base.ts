import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController, type RouteOptions } from 'fastify'
import type { AccessControl } from '../access/index.ts'
import { CausewayError } from '../core/index.ts'
import { MayQuote, stringifyVerbatim } from '../store/views/index.ts'
import type { App, SchemaTypes } from './app.ts'
import { type AuthorisationOptions, authorise } from './authorise.ts'
import { answerInTime } from './deadline.ts'
import { readJsonBodies } from './json-body.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { mayReadRecords, notFound, sendProblem, toProblem } from './problem.ts'
import { closingUnused, limitSockets } from './sockets.ts'
import { validatorCompiler } from './validation.ts'

export type BaseOptions = {
  /** Users, tokens and sessions. */
  access: AccessControl
  adminToken: string
  /** How the audit names the holder of the admin token. */
  adminActor?: string
  /** Address under which people reach the hub, where it is not the one their requests name. */
  publicUrl?: string | null
  /** Addresses and networks of reverse proxies whose forwarding headers are believed. Nobody else's are. */
  trustedProxies?: readonly string[]
  logger?: FastifyBaseLogger
  limits?: Partial<Limits>
  /** Sees every route as it is added, with what it declares. */
  onRoute?: (route: RouteOptions) => void
}

/**
 * A server without routes: what every one of ours does to a request before and after its route.
 * Socket limits → headers → identity and scope → body → schema → route → verbatim JSON or problem.
 */
export async function buildBase(
  options: BaseOptions,
): Promise<{ app: App; limits: Limits; authorisation: AuthorisationOptions }> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const app = fastify(fastifyOptions(limits, options)).withTypeProvider<SchemaTypes>()
  app.server.headersTimeout = limits.headersMs
  limitSockets(app.server as Server, limits.socketsPerAddress, options.trustedProxies ?? [])
  const closeUnused = closingUnused(app.server as Server)
  app.addHook('preClose', async () => closeUnused())

  app.setValidatorCompiler(validatorCompiler)
  // Answers are not cut to their schemas: those document and are tested, and bodies must come through untouched.
  app.setSerializerCompiler(() => stringifyVerbatim)
  // Those without a schema too: errors, and what a route answers that promises nothing.
  app.setReplySerializer(stringifyVerbatim)
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) => {
    sendProblem(notFound(`There is no ${request.method} ${request.url.split('?')[0]}.`), request, reply)
  })
  readJsonBodies(app, limits.jsonDepth)

  if (options.onRoute) app.addHook('onRoute', options.onRoute)
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id)
    const encoding = request.headers['content-encoding']
    if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
      throw new CausewayError('CSW-8009', { what: 'Compressed bodies are not read.' })
  })
  // The pattern, never the URL: queries may carry handshakes and keys.
  app.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request
    // An accepted webhook stands in the inbox; thousands of lines a second would tell nothing more, and cost more than the rest.
    const level = routeOptions.config.access === 'public' && reply.statusCode === 202 ? 'debug' : 'info'
    request.log[level]({ method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime }, 'request')
  })
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: [`'none'`], frameAncestors: [`'none'`] } },
    // Plain HTTP on a port of one's own is the normal set-up; whoever ends TLS in front says so there.
    strictTransportSecurity: false,
    frameguard: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  })
  const authorisation: AuthorisationOptions = {
    access: options.access,
    adminToken: options.adminToken,
    ...(options.adminActor === undefined ? {} : { adminActor: options.adminActor }),
    publicOrigin: options.publicUrl ? new URL(options.publicUrl).origin : null,
    wrongTokensPerMinute: limits.wrongTokensPerMinute,
    requestsPerMinute: limits.requestsPerMinute,
    loginsPerMinute: limits.loginsPerMinute,
  }
  await authorise(app as unknown as FastifyInstance, authorisation)
  // Errors leave with what a system said of a record only where the caller may read records.
  app.addHook('preSerialization', async ({ caller }, _reply, payload) =>
    mayReadRecords(caller) ? new MayQuote(payload) : payload,
  )
  answerInTime(app as unknown as FastifyInstance)
  return { app, limits, authorisation }
}

function fastifyOptions(limits: Limits, options: BaseOptions) {
  return {
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
    // Fastify would log URLs; ours names the route only.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // Ids of others are not taken over: they could forge or flood our log.
    requestIdHeader: false as const,
    genReqId: () => randomUUID(),
    trustProxy: options.trustedProxies?.length ? [...options.trustedProxies] : false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestMs,
    connectionTimeout: limits.idleSocketMs,
    keepAliveTimeout: limits.keepAliveMs,
    handlerTimeout: limits.handlerMs,
    // Idle keep-alive sockets must not hold up a stop.
    forceCloseConnections: 'idle' as const,
    http: { maxHeaderSize: limits.headerBytes, connectionsCheckingInterval: 1_000 },
    routerOptions: { maxParamLength: 3_000 },
    clientErrorHandler,
    frameworkErrors: sendProblem,
  }
}

const CLIENT_ERRORS: Record<string, [number, string]> = {
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'Request Timeout'],
  HPE_HEADER_OVERFLOW: [431, 'Request Header Fields Too Large'],
}

/** What Node's parser refuses never reaches Fastify; it gets the same kind of answer. */
function clientErrorHandler(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, reason] = CLIENT_ERRORS[error.code ?? ''] ?? [400, 'Bad Request']
  const what =
    status === 408
      ? 'The request did not come in time.'
      : 'The request is not valid HTTP, or its headers are too large.'
  const { problem } = toProblem(new CausewayError('CSW-8003', { what }), randomUUID())
  const body = JSON.stringify({ ...problem, status })
  socket.end(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}
