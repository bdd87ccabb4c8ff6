import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import helmet from '@fastify/helmet'
import fastify, { type FastifyBaseLogger, type FastifyInstance, LogController, type RouteOptions } from 'fastify'
import type { AccessControl } from '../access/index.ts'
import { CausewayError } from '../core/index.ts'
import { type Database, stringifyVerbatim } from '../store/views/index.ts'
import type { RouteContext, SchemaTypes } from './app.ts'
import { type AuthorisationOptions, authorise } from './authorise.ts'
import { takePlainWebhooks } from './intake.ts'
import { readJsonBodies } from './json-body.ts'
import { DEFAULT_LIMITS, type Limits } from './limits.ts'
import { OpenApi } from './openapi.ts'
import { servePage } from './page.ts'
import { notFound, sendProblem, toProblem } from './problem.ts'
import { accessRoutes } from './routes/access.ts'
import { alertRoutes } from './routes/alerts.ts'
import { analyticsRoutes } from './routes/analytics.ts'
import { auditRoutes } from './routes/audit.ts'
import { configurationRoutes } from './routes/configuration.ts'
import { conflictRoutes } from './routes/conflicts.ts'
import { connectionRoutes } from './routes/connections.ts'
import { connectorRoutes } from './routes/connectors.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { driftRoutes } from './routes/drifts.ts'
import { entityRoutes } from './routes/entities.ts'
import { erasureRoutes } from './routes/erasures.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { type MetricsSource, metricsRoute } from './routes/metrics.ts'
import { operationRoutes } from './routes/operations.ts'
import { planRoutes } from './routes/plans.ts'
import { playgroundRoutes } from './routes/playground.ts'
import { providerRoutes } from './routes/provider-login.ts'
import { recordRoutes } from './routes/records.ts'
import { runRoutes } from './routes/runs.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { streamRoutes } from './routes/streams.ts'
import { subscriptionRoutes } from './routes/subscriptions.ts'
import { syncRoutes } from './routes/syncs.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import type { HubServices } from './services.ts'
import { limitSockets } from './sockets.ts'
import { validatorCompiler } from './validation.ts'

export type ServerOptions = {
  /** The ledger, for everything that only reads. */
  database: Database
  /** Users, tokens and sessions. */
  access: AccessControl
  adminToken: string
  /** How the audit names the holder of the admin token. */
  adminActor?: string
  /** Address under which people reach the hub, where it is not the one their requests name. */
  publicUrl?: string | null
  version: string
  /** The built admin page; left out when there is none. */
  pageFolder?: string
  /** Addresses of reverse proxies whose forwarding headers are believed. Nobody else's are. */
  trustedProxies?: string[]
  logger?: FastifyBaseLogger
  /** True while the hub is stopping: `/readyz` says so before the sockets close. */
  isDraining?: () => boolean
  /** What `/metrics` answers; without it there is nothing to read. */
  metrics?: MetricsSource
  limits?: Partial<Limits>
  /** Sees every route as it is added, with what it declares. */
  onRoute?: (route: RouteOptions) => void
}

/**
 * Builds the HTTP server of a hub: admin API, webhook intake, health, OpenAPI document and page. Does not listen.
 * The path of a request: socket limits → headers → identity and scope → body → schema → route → verbatim JSON or problem.
 */
export async function buildServer(hub: HubServices, options: ServerOptions): Promise<FastifyInstance> {
  const limits = { ...DEFAULT_LIMITS, ...options.limits }
  const app = fastify(fastifyOptions(limits, options)).withTypeProvider<SchemaTypes>()
  app.server.headersTimeout = limits.headersMs
  limitSockets(app.server as Server, limits.socketsPerAddress, new Set(options.trustedProxies))

  app.setValidatorCompiler(validatorCompiler)
  // Answers are not cut to their schemas: those document and are tested, and bodies must come through untouched.
  app.setSerializerCompiler(() => stringifyVerbatim)
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) => {
    sendProblem(notFound(`There is no ${request.method} ${request.url.split('?')[0]}.`), request, reply)
  })
  readJsonBodies(app, limits.jsonDepth)

  const openApi = new OpenApi()
  app.addHook('onRoute', (route) => {
    openApi.add(route)
    options.onRoute?.(route)
  })
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
    loginsPerMinute: limits.loginsPerMinute,
  }
  await authorise(app as unknown as FastifyInstance, authorisation)

  const context: RouteContext = { hub, database: options.database, version: options.version, startedAt: new Date() }
  healthRoutes(app, context, options.isDraining ?? (() => false))
  for (const routes of [
    connectionRoutes,
    streamRoutes,
    alertRoutes,
    analyticsRoutes,
    configurationRoutes,
    syncRoutes,
    runRoutes,
    conflictRoutes,
    driftRoutes,
    entityRoutes,
    recordRoutes,
    planRoutes,
    playgroundRoutes,
    deadLetterRoutes,
    eventRoutes,
    subscriptionRoutes,
    erasureRoutes,
  ])
    routes(app, context)
  sessionRoutes(app, authorisation)
  providerRoutes(app, authorisation)
  accessRoutes(app, options.access)
  auditRoutes(app, context)
  metricsRoute(app, options.metrics)
  operationRoutes(app, context)
  connectorRoutes(app, context)
  await app.register(async (hooks) => webhookRoutes(hooks as unknown as FastifyInstance, context))
  app.get('/openapi.json', { config: { access: 'signed-in' } }, () => openApi.document(options.version))
  if (options.pageFolder !== undefined) await servePage(app as unknown as FastifyInstance, options.pageFolder)
  const { bodyBytes, handlerMs } = limits
  takePlainWebhooks(app.server as Server, hub, { bodyBytes, handlerMs, log: options.logger })
  return app as unknown as FastifyInstance
}

function fastifyOptions(limits: Limits, options: ServerOptions) {
  return {
    ...(options.logger ? { loggerInstance: options.logger } : { logger: false }),
    // Fastify would log URLs; ours names the route only.
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'requestId' }),
    // Ids of others are not taken over: they could forge or flood our log.
    requestIdHeader: false as const,
    genReqId: () => randomUUID(),
    trustProxy: options.trustedProxies?.length ? options.trustedProxies : false,
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
