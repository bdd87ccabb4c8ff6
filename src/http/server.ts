import type { Server } from 'node:http'
import type { FastifyInstance } from 'fastify'
import type { Database } from '../store/views/index.ts'
import type { RouteContext } from './app.ts'
import { type BaseOptions, buildBase } from './base.ts'
import { answerByKey, takeKeys } from './idempotency.ts'
import { takePlainWebhooks } from './intake.ts'
import { FEED_TIMES, Feed, type FeedTimes } from './live/feed.ts'
import { shareAnswers } from './live/shared-answers.ts'
import { OpenApi } from './openapi.ts'
import { servePage } from './page.ts'
import { answerPreconditions } from './preconditions.ts'
import { accessRoutes } from './routes/access.ts'
import { alertRoutes } from './routes/alerts.ts'
import { analyticsRoutes } from './routes/analytics.ts'
import { auditRoutes } from './routes/audit.ts'
import { bulkActionRoutes } from './routes/bulk-actions.ts'
import { configurationRoutes } from './routes/configuration.ts'
import { configurationVersionRoutes } from './routes/configuration-versions.ts'
import { conflictRoutes } from './routes/conflicts.ts'
import { connectionRoutes } from './routes/connections.ts'
import { connectorRoutes } from './routes/connectors.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { driftRoutes } from './routes/drifts.ts'
import { entityRoutes } from './routes/entities.ts'
import { erasureRoutes } from './routes/erasures.ts'
import { eventRoutes } from './routes/events.ts'
import { feedRoutes } from './routes/feed.ts'
import { probeRoutes, systemRoute } from './routes/health.ts'
import { type MetricsSource, metricsRoute } from './routes/metrics.ts'
import { operationRoutes } from './routes/operations.ts'
import { planRoutes } from './routes/plans.ts'
import { playgroundRoutes } from './routes/playground.ts'
import { providerRoutes } from './routes/provider-login.ts'
import { queueBoardRoutes } from './routes/queue-board.ts'
import { recordRoutes } from './routes/records.ts'
import { runRoutes } from './routes/runs.ts'
import { secretRoutes, storedSecretRoutes } from './routes/secrets.ts'
import { sessionRoutes } from './routes/sessions.ts'
import { settingRoutes } from './routes/settings.ts'
import { streamRoutes } from './routes/streams.ts'
import { subscriptionRoutes } from './routes/subscriptions.ts'
import { supportRoute } from './routes/support.ts'
import { syncRoutes } from './routes/syncs.ts'
import { timelineRoutes } from './routes/timeline.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { workerRoutes } from './routes/workers.ts'
import type { HubServices } from './services.ts'

export type ServerOptions = BaseOptions & {
  /** The ledger, for everything that only reads. */
  database: Database
  version: string
  /** The built admin page; left out when there is none. */
  pageFolder?: string
  /** How often the feed of events is looked at. */
  feedTimes?: FeedTimes
  /** True while the hub is stopping: `/readyz` says so before the sockets close. */
  isDraining?: () => boolean
  /** What `/metrics` answers; without it there is nothing to read. */
  metrics?: MetricsSource
}

/** Builds the HTTP server of a hub: admin API, webhook intake, health, OpenAPI document and page. Does not listen. */
export async function buildServer(hub: HubServices, options: ServerOptions): Promise<FastifyInstance> {
  const openApi = new OpenApi()
  const { app, limits, authorisation } = await buildBase({
    ...options,
    onRoute: (route) => {
      takeKeys(route, hub.requestKeys)
      openApi.add(route)
      options.onRoute?.(route)
    },
  })
  const feedTimes = options.feedTimes ?? FEED_TIMES
  shareAnswers(app as unknown as FastifyInstance, feedTimes.shareMs)
  answerByKey(app as unknown as FastifyInstance, hub.requestKeys)
  answerPreconditions(app as unknown as FastifyInstance)
  const feed = new Feed(options.database, feedTimes)
  app.addHook('preClose', async () => feed.close())
  feedRoutes(app, feed)
  const context: RouteContext = { hub, database: options.database, version: options.version, startedAt: new Date() }
  probeRoutes(app, hub, options.isDraining ?? (() => false))
  systemRoute(app, context)
  for (const routes of [
    connectionRoutes,
    streamRoutes,
    alertRoutes,
    analyticsRoutes,
    configurationRoutes,
    configurationVersionRoutes,
    syncRoutes,
    runRoutes,
    conflictRoutes,
    driftRoutes,
    secretRoutes,
    storedSecretRoutes,
    settingRoutes,
    timelineRoutes,
    workerRoutes,
    entityRoutes,
    recordRoutes,
    planRoutes,
    playgroundRoutes,
    deadLetterRoutes,
    bulkActionRoutes,
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
  supportRoute(app, context, options.metrics)
  operationRoutes(app, context)
  connectorRoutes(app, context)
  queueBoardRoutes(app, context)
  await app.register(async (hooks) => webhookRoutes(hooks as unknown as FastifyInstance, context))
  app.get('/openapi.json', { config: { access: 'signed-in' } }, () => openApi.document(options.version))
  if (options.pageFolder !== undefined) await servePage(app as unknown as FastifyInstance, options.pageFolder)
  const { bodyBytes, handlerMs } = limits
  takePlainWebhooks(app.server as Server, hub, { bodyBytes, handlerMs, log: options.logger })
  return app as unknown as FastifyInstance
}
